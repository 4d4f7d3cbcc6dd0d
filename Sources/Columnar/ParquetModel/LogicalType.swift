/// What stored values mean: the union `LogicalType` of parquet.thrift.
package enum LogicalType: Sendable, Hashable {
    case string
    case map
    case list
    case enumeration
    case decimal(precision: Int32, scale: Int32)
    case date
    case time(unit: TimeUnit, isAdjustedToUTC: Bool)
    case timestamp(unit: TimeUnit, isAdjustedToUTC: Bool)
    case integer(bitWidth: Int8, isSigned: Bool)
    /// Only nulls.
    case null
    case json
    case bson
    case uuid
    case float16
    /// A type of a newer format version, by its number in the union.
    case unknown(Int16)
}

/// The unit of times and timestamps.
package enum TimeUnit: Int16, Sendable, Hashable {
    case milliseconds = 1
    case microseconds = 2
    case nanoseconds = 3
}

extension TimeUnit: ThriftEncodable {
    package func encodeFields(to writer: inout ThriftWriter) {
        writer.emptyStruct(rawValue)
    }
}

extension LogicalType: ThriftEncodable {
    package func encodeFields(to writer: inout ThriftWriter) {
        switch self {
        case .string: writer.emptyStruct(1)
        case .map: writer.emptyStruct(2)
        case .list: writer.emptyStruct(3)
        case .enumeration: writer.emptyStruct(4)
        case .decimal(let precision, let scale):
            writer.field(5, structure: Parameters(int32s: [(1, scale), (2, precision)]))
        case .date: writer.emptyStruct(6)
        case .time(let unit, let isAdjusted):
            writer.field(7, structure: Parameters(bools: [(1, isAdjusted)], unit: (2, unit)))
        case .timestamp(let unit, let isAdjusted):
            writer.field(8, structure: Parameters(bools: [(1, isAdjusted)], unit: (2, unit)))
        case .integer(let bitWidth, let isSigned):
            writer.field(10, structure: Parameters(int8s: [(1, bitWidth)], bools: [(2, isSigned)]))
        case .null: writer.emptyStruct(11)
        case .json: writer.emptyStruct(12)
        case .bson: writer.emptyStruct(13)
        case .uuid: writer.emptyStruct(14)
        case .float16: writer.emptyStruct(15)
        case .unknown(let id): writer.emptyStruct(id)
        }
    }

    /// The few shapes that parameters of logical types take, in ascending order of id.
    private struct Parameters: ThriftEncodable {
        var int8s: [(Int16, Int8)] = []
        var int32s: [(Int16, Int32)] = []
        var bools: [(Int16, Bool)] = []
        var unit: (Int16, TimeUnit)?

        func encodeFields(to writer: inout ThriftWriter) {
            for (id, value) in int8s { writer.field(id, int8: value) }
            for (id, value) in int32s { writer.field(id, int32: value) }
            for (id, value) in bools { writer.field(id, bool: value) }
            if let unit { writer.field(unit.0, structure: unit.1) }
        }
    }
}

extension LogicalType: ThriftDecodable {
    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        var result: LogicalType?
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            guard field.type == .structure else {
                try reader.skip(field)
                continue
            }
            result = try Self.member(field.id, &reader)
        }
        self = result ?? .unknown(0)
    }

    private static func member(_ id: Int16, _ reader: inout ThriftReader) throws(ColumnarError) -> LogicalType {
        var numbers: [Int16: Int32] = [:]
        var flags: [Int16: Bool] = [:]
        var unit: TimeUnit?
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.type {
            case .int32: numbers[field.id] = try reader.int32(field)
            case .int8: numbers[field.id] = Int32(try reader.int8(field))
            case .booleanTrue, .booleanFalse: flags[field.id] = try reader.bool(field)
            case .structure:
                var lastUnitID: Int16 = 0
                while let unitField = try reader.nextField(after: &lastUnitID) {
                    unit = TimeUnit(rawValue: unitField.id)
                    try reader.skip(unitField)
                }
            default: try reader.skip(field)
            }
        }
        switch id {
        case 1: return .string
        case 2: return .map
        case 3: return .list
        case 4: return .enumeration
        case 5:
            guard let scale = numbers[1], let precision = numbers[2] else {
                throw reader.corrupt("a decimal type lacks its scale or precision")
            }
            return .decimal(precision: precision, scale: scale)
        case 6: return .date
        case 7, 8:
            guard let unit else { throw reader.corrupt("a time type lacks its unit") }
            let isAdjusted = flags[1] ?? false
            return id == 7
                ? .time(unit: unit, isAdjustedToUTC: isAdjusted) : .timestamp(unit: unit, isAdjustedToUTC: isAdjusted)
        case 10:
            guard let width = numbers[1], let bitWidth = Int8(exactly: width) else {
                throw reader.corrupt("an integer type lacks its width")
            }
            return .integer(bitWidth: bitWidth, isSigned: flags[2] ?? true)
        case 11: return .null
        case 12: return .json
        case 13: return .bson
        case 14: return .uuid
        case 15: return .float16
        default: return .unknown(id)
        }
    }
}
