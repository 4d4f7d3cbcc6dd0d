/// A node of the schema: a column with values, or a group of nodes.
public struct ParquetField: Sendable {
    /// Whether a field must be there, may be missing, or may occur many times.
    public enum Repetition: String, Sendable {
        case required
        case optional
        case repeated
    }

    /// What is below a node.
    indirect enum Content: Sendable {
        case leaf(ParquetLeaf)
        case group([ParquetField])
    }

    /// How readers see a group.
    enum Shape: Sendable {
        case structure
        /// A group with one repeated child.
        case list
        /// A group with one repeated child of key and value.
        case map
    }

    public let name: String
    public let repetition: Repetition
    /// The highest definition level at this node: how many of the nodes down to it are not required.
    let definitionLevel: Int
    /// The highest repetition level at this node: how many of the nodes down to it are repeated.
    let repetitionLevel: Int
    let shape: Shape
    let content: Content
    /// The indices of the columns below this node.
    let leaves: Range<Int>

    /// The nodes of a group; none for a column.
    public var children: [ParquetField] {
        if case .group(let children) = content { return children }
        return []
    }

    /// What a person calls the type: that of a column, `array<…>`, `map<…>` or `struct<name:type,…>` for a group.
    public var typeName: String {
        if repetition == .repeated { return "array<\(elementTypeName)>" }
        return elementTypeName
    }

    private var elementTypeName: String {
        if let leaf { return leaf.typeName }
        switch shape {
        case .list:
            guard let inner = children.first else { return "array<>" }
            // The group around each element is not part of the type, where there is one.
            let isWrapped = inner.children.count == 1 && inner.name != "array" && inner.name != "\(name)_tuple"
            return "array<\(isWrapped ? inner.children[0].typeName : inner.elementTypeName)>"
        case .map:
            return "map<\(children.first?.children.map(\.typeName).joined(separator: ",") ?? "")>"
        case .structure:
            return "struct<\(children.map { "\($0.name):\($0.typeName)" }.joined(separator: ","))>"
        }
    }

    /// The column, nil for a group.
    public var leaf: ParquetLeaf? {
        if case .leaf(let leaf) = content { return leaf }
        return nil
    }
}

/// A column with values.
public struct ParquetLeaf: Sendable {
    /// Among all columns of the file, from 0.
    public let index: Int
    /// Names from the outermost node to the column.
    public let path: [String]
    package let physicalType: PhysicalType
    /// Of `FIXED_LEN_BYTE_ARRAY`, in bytes.
    let typeLength: Int?
    /// What values mean, from the logical or, in older files, the converted type.
    package let meaning: LogicalType?
    let definitionLevel: Int
    let repetitionLevel: Int

    /// `a.b.c`.
    public var name: String { path.joined(separator: ".") }

    /// Bytes of a stored value, nil where they vary (and for booleans).
    var valueWidth: Int? {
        switch physicalType {
        case .int32, .float: 4
        case .int64, .double: 8
        case .int96: 12
        case .fixedLenByteArray: typeLength
        default: nil
        }
    }

    /// What a person calls the type: `string`, `int64`, `decimal(10,2)`, `timestamp(us, UTC)`.
    public var typeName: String {
        switch meaning {
        case .string: return "string"
        case .enumeration: return "enum"
        case .json: return "json"
        case .bson: return "bson"
        case .uuid: return "uuid"
        case .float16: return "float16"
        case .null: return "null"
        case .date: return "date"
        case .decimal(let precision, let scale): return "decimal(\(precision),\(scale))"
        case .time(let unit, _): return "time(\(unit.short))"
        case .timestamp(let unit, let isAdjusted): return "timestamp(\(unit.short)\(isAdjusted ? ", UTC" : ""))"
        case .integer(let bitWidth, let isSigned): return "\(isSigned ? "" : "u")int\(bitWidth)"
        default:
            if physicalType == .fixedLenByteArray { return "binary(\(typeLength ?? 0))" }
            return physicalType == .int96 ? "timestamp(ns)" : physicalType.word
        }
    }
}

extension TimeUnit {
    fileprivate var short: String {
        switch self {
        case .milliseconds: "ms"
        case .microseconds: "us"
        case .nanoseconds: "ns"
        }
    }
}
