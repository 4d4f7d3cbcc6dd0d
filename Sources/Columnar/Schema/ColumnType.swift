/// The type of a column, named in Hive's words as catalogs store them.
public enum ColumnType: Sendable, Hashable {
    case boolean
    /// A signed 64-bit integer.
    case bigint
    /// IEEE 754 binary64.
    case double
    /// An exact number of `precision` (1 to 38) digits, `scale` of them after the point. Inferred where integers exceed
    /// 64 bits, or where a double would lose digits.
    case decimal(precision: Int, scale: Int)
    /// A calendar day; stored as days since 1970-01-01.
    case date
    /// A time of day; stored as microseconds since midnight.
    case time
    /// A point in local time without a zone; stored as microseconds since 1970-01-01 00:00.
    case timestamp
    /// An instant, from values that carry a zone; stored as microseconds since 1970-01-01 00:00 UTC.
    case timestampUTC
    /// UTF-8 text.
    case string
    /// A list of values of one type, `array<…>` to Hive; stored in Parquet's standard form of three levels.
    indirect case list(ColumnType)
    /// Named fields, `struct<name:type,…>` to Hive; at least one.
    case structure([ColumnSchema])

    /// Whether the type is a list or a structure, which are stored as several columns or with repetition.
    public var isNested: Bool {
        switch self {
        case .list, .structure: true
        default: false
        }
    }

    /// The type with a name such as `bigint` or `decimal(10,2)`; nil for names that Columnar does not write.
    /// Lists and structures as Hive spells them: `array<struct<sku:string,price:double>>`.
    public init?(_ name: String) {
        let word = name.lowercased().filter { $0 != " " }
        switch word {
        case "boolean": self = .boolean
        case "bigint": self = .bigint
        case "double": self = .double
        case "date": self = .date
        case "time": self = .time
        case "timestamp": self = .timestamp
        case "timestampwithlocaltimezone": self = .timestampUTC
        case "string": self = .string
        case "decimal": self = .decimal(precision: 10, scale: 0)
        default:
            if word.hasPrefix("array<") || word.hasPrefix("struct<") {
                var parser = NestedTypeText(word)
                guard let type = parser.whole() else { return nil }
                self = type
                return
            }
            guard word.hasPrefix("decimal("), word.hasSuffix(")") else { return nil }
            let numbers = word.dropFirst(8).dropLast().split(separator: ",", omittingEmptySubsequences: false)
            guard (1...2).contains(numbers.count), let precision = Int(numbers[0]) else { return nil }
            let scale = numbers.count == 2 ? Int(numbers[1]) : 0
            guard let scale, (1...38).contains(precision), (0...precision).contains(scale) else { return nil }
            self = .decimal(precision: precision, scale: scale)
        }
    }
}

extension ColumnType: CustomStringConvertible {
    /// Hive's name: `boolean bigint double decimal(p,s) date timestamp string array<…> struct<name:type,…>`; `time`,
    /// which Hive lacks, and `timestamp with local time zone` for instants.
    public var description: String {
        switch self {
        case .boolean: "boolean"
        case .bigint: "bigint"
        case .double: "double"
        case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
        case .date: "date"
        case .time: "time"
        case .timestamp: "timestamp"
        case .timestampUTC: "timestamp with local time zone"
        case .string: "string"
        case .list(let element): "array<\(element)>"
        case .structure(let fields): "struct<\(fields.map { "\($0.name):\($0.type)" }.joined(separator: ","))>"
        }
    }
}

/// A column of a table: its normalised name and its type.
public struct ColumnSchema: Sendable, Hashable {
    public var name: String
    public var type: ColumnType

    public init(name: String, type: ColumnType) {
        self.name = name
        self.type = type
    }
}
