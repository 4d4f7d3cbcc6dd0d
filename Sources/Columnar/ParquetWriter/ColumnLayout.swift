/// How a column's values lie in builders and pages.
enum ColumnLayout: Sendable {
    case boolean
    case int32
    case int64
    case double
    /// Sixteen bytes, big-endian, two's complement: decimals of more than 18 digits.
    case fixed16
    case text

    init(_ type: ColumnType) {
        switch type {
        case .boolean: self = .boolean
        case .date: self = .int32
        case .bigint, .time, .timestamp, .timestampUTC: self = .int64
        case .double: self = .double
        case .decimal(let precision, _): self = precision <= 18 ? .int64 : .fixed16
        // Nested columns are stored by their leaves.
        case .string, .list, .structure: self = .text
        }
    }

    var physicalType: PhysicalType {
        switch self {
        case .boolean: .boolean
        case .int32: .int32
        case .int64: .int64
        case .double: .double
        case .fixed16: .fixedLenByteArray
        case .text: .byteArray
        }
    }
}
