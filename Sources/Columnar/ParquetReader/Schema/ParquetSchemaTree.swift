/// What a Parquet file holds: a tree of fields, and the columns with values in the order in which they are stored.
public struct ParquetSchema: Sendable {
    /// Of the root; `schema` by custom.
    public let name: String
    public let fields: [ParquetField]
    public let columns: [ParquetLeaf]

    /// Deepest nesting that is read; it bounds recursion.
    private static let maximumDepth = 64

    /// Builds the tree from its flat form. Fails with `CorruptFile` where counts, types or levels do not fit.
    /// - Parameter footer: where the footer begins in the file.
    init(_ elements: [SchemaElement], at footer: Int64) throws(ColumnarError) {
        do throws(ColumnarError) {
            try self.init(elements)
        } catch {
            var error = error
            error.byteOffset = footer
            throw error
        }
    }

    private init(_ elements: [SchemaElement]) throws(ColumnarError) {
        guard let root = elements.first else { throw Self.corrupt("it is empty") }
        name = root.name
        var builder = Builder(elements: elements)
        fields = try builder.children(of: root, path: [], definition: 0, repetition: 0)
        guard builder.next == elements.count else {
            throw Self.corrupt("\(elements.count - builder.next) elements belong to no group")
        }
        columns = builder.leaves
    }

    private static func corrupt(_ problem: String) -> ColumnarError {
        ColumnarError(.corruptFile, "The schema in the Parquet footer is damaged: \(problem).")
    }

    private struct Builder {
        let elements: [SchemaElement]
        var next = 1
        var leaves: [ParquetLeaf] = []

        mutating func children(
            of group: SchemaElement, path: [String], definition: Int, repetition: Int
        ) throws(ColumnarError) -> [ParquetField] {
            let count = Int(group.childCount ?? 0)
            guard count >= 0, count <= elements.count - next else {
                throw ParquetSchema.corrupt("group \"\(group.name)\" claims \(count) fields")
            }
            guard path.count < ParquetSchema.maximumDepth else {
                throw ParquetSchema.corrupt("it is nested more than \(ParquetSchema.maximumDepth) deep")
            }
            var fields: [ParquetField] = []
            for _ in 0..<count {
                fields.append(try field(path: path, definition: definition, repetition: repetition))
            }
            return fields
        }

        private mutating func field(path: [String], definition: Int, repetition: Int) throws(ColumnarError)
            -> ParquetField
        {
            guard next < elements.count else { throw ParquetSchema.corrupt("it ends within a group") }
            let element = elements[next]
            next += 1
            let kind: ParquetField.Repetition
            switch element.repetition {
            case .required?: kind = .required
            case .optional?: kind = .optional
            case .repeated?: kind = .repeated
            default: throw ParquetSchema.corrupt("\"\(element.name)\" is neither required, optional nor repeated")
            }
            let definition = definition + (kind == .required ? 0 : 1)
            let repetition = repetition + (kind == .repeated ? 1 : 0)
            let path = path + [element.name]
            let first = leaves.count
            let content: ParquetField.Content
            if element.type == nil {
                content = .group(
                    try children(of: element, path: path, definition: definition, repetition: repetition))
            } else {
                let leaf = try leaf(element, path: path, definition: definition, repetition: repetition)
                leaves.append(leaf)
                content = .leaf(leaf)
            }
            return ParquetField(
                name: element.name, repetition: kind, definitionLevel: definition, repetitionLevel: repetition,
                shape: Self.shape(of: element, content), content: content, leaves: first..<leaves.count)
        }

        /// Lists and maps are annotated groups around one repeated node; anything else is shown as it is stored.
        private static func shape(of element: SchemaElement, _ content: ParquetField.Content) -> ParquetField.Shape {
            guard case .group(let children) = content, children.count == 1, children[0].repetition == .repeated else {
                return .structure
            }
            if element.logicalType == .list || element.convertedType == .list { return .list }
            let isMap =
                element.logicalType == .map || element.convertedType == .map || element.convertedType == .mapKeyValue
            return isMap && children[0].children.count == 2 ? .map : .structure
        }

        private func leaf(
            _ element: SchemaElement, path: [String], definition: Int, repetition: Int
        ) throws(ColumnarError) -> ParquetLeaf {
            guard let type = element.type, (0...7).contains(type.rawValue) else {
                throw ParquetSchema.corrupt(
                    "column \"\(element.name)\" has the unknown type \(element.type?.rawValue ?? -1)")
            }
            var length: Int?
            if type == .fixedLenByteArray {
                guard let typeLength = element.typeLength, typeLength > 0, typeLength <= 1 << 20 else {
                    throw ParquetSchema.corrupt(
                        "column \"\(element.name)\" has values of \(element.typeLength ?? 0) bytes")
                }
                length = Int(typeLength)
            }
            guard element.childCount ?? 0 == 0 else {
                throw ParquetSchema.corrupt("column \"\(element.name)\" has a type and fields")
            }
            return ParquetLeaf(
                index: leaves.count, path: path, physicalType: type, typeLength: length,
                meaning: element.meaning, definitionLevel: definition, repetitionLevel: repetition)
        }
    }
}

extension SchemaElement {
    /// The logical type where it is present and fits how values are stored, else what the converted type says.
    fileprivate var meaning: LogicalType? {
        let claimed = logicalType ?? convertedMeaning
        guard let claimed, let type else { return nil }
        let fits: Bool
        switch claimed {
        case .string, .enumeration, .json, .bson: fits = type == .byteArray || type == .fixedLenByteArray
        case .decimal(let precision, let scale):
            let isStorable = type == .int32 || type == .int64 || type == .byteArray || type == .fixedLenByteArray
            fits = isStorable && precision > 0 && (0...precision).contains(scale) && precision <= 1000
        case .date: fits = type == .int32
        case .time(let unit, _): fits = type == (unit == .milliseconds ? .int32 : .int64)
        case .timestamp: fits = type == .int64
        case .integer(let bitWidth, _): fits = bitWidth == 64 ? type == .int64 : type == .int32
        case .uuid: fits = type == .fixedLenByteArray && typeLength == 16
        case .float16: fits = type == .fixedLenByteArray && typeLength == 2
        case .null: fits = true
        case .map, .list, .unknown: fits = false
        }
        return fits ? claimed : nil
    }

    private var convertedMeaning: LogicalType? {
        switch convertedType {
        case .utf8?: .string
        case .enumeration?: .enumeration
        case .json?: .json
        case .bson?: .bson
        case .date?: .date
        case .decimal?: .decimal(precision: precision ?? 0, scale: scale ?? 0)
        case .timeMillis?: .time(unit: .milliseconds, isAdjustedToUTC: true)
        case .timeMicros?: .time(unit: .microseconds, isAdjustedToUTC: true)
        case .timestampMillis?: .timestamp(unit: .milliseconds, isAdjustedToUTC: true)
        case .timestampMicros?: .timestamp(unit: .microseconds, isAdjustedToUTC: true)
        case .uint8?: .integer(bitWidth: 8, isSigned: false)
        case .uint16?: .integer(bitWidth: 16, isSigned: false)
        case .uint32?: .integer(bitWidth: 32, isSigned: false)
        case .uint64?: .integer(bitWidth: 64, isSigned: false)
        case .int8?: .integer(bitWidth: 8, isSigned: true)
        case .int16?: .integer(bitWidth: 16, isSigned: true)
        case .int32?: .integer(bitWidth: 32, isSigned: true)
        case .int64?: .integer(bitWidth: 64, isSigned: true)
        default: nil
        }
    }
}

extension ParquetSchema: CustomStringConvertible {
    /// The schema as Parquet's own tools print it.
    public var description: String {
        var lines = ["message \(name) {"]
        func add(_ field: ParquetField, _ indent: String) {
            if let leaf = field.leaf {
                let length = leaf.typeLength.map { "(\($0))" } ?? ""
                let meaning = leaf.meaning.map { " (\($0.word))" } ?? ""
                lines.append(
                    "\(indent)\(field.repetition.rawValue) \(leaf.physicalType.word)\(length) \(field.name)\(meaning);")
            } else {
                let note = field.shape == .list ? " (LIST)" : field.shape == .map ? " (MAP)" : ""
                lines.append("\(indent)\(field.repetition.rawValue) group \(field.name)\(note) {")
                for child in field.children { add(child, indent + "  ") }
                lines.append("\(indent)}")
            }
        }
        for field in fields { add(field, "  ") }
        lines.append("}")
        return lines.joined(separator: "\n")
    }
}
