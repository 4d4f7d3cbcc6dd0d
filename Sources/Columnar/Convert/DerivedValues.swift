/// The derived values of the records of a batch, kept as fields of text, so that they go the same way as the file's
/// own.
public struct DerivedValues {
    private let types: [ColumnType]
    private let quote = UInt8(ascii: "\"")
    private(set) var bytes: [UInt8] = []
    /// Start less one and end, for each column of each record.
    private(set) var slots: [UInt32] = []
    private var current: [(start: Int, end: Int)]

    /// Memory before and after the texts, for loops that load whole words.
    private static let padding = [UInt8](repeating: 0, count: RecordBatch.padding)

    init(_ columns: [ColumnSchema]) {
        types = columns.map(\.type)
        current = types.map { _ in (0, 0) }
        bytes = Self.padding
    }

    var columns: Int { types.count }

    /// Sets the value of a derived column of the present record.
    public mutating func set(_ column: Int, _ value: ColumnValue) {
        let start = bytes.count
        switch value {
        case .null: break
        case .boolean(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .bigint(let value): bytes.append(contentsOf: String(value).utf8)
        case .double(let value): bytes.append(contentsOf: value.isNaN ? "NaN".utf8 : "\(value)".utf8)
        case .string(let value): append(quoting: Array(value.utf8))
        case .date(let days): bytes.append(contentsOf: TemporalText.text(days: days).utf8)
        case .time(let microseconds): bytes.append(contentsOf: TemporalText.text(timeOfDay: microseconds).utf8)
        case .timestamp(let microseconds):
            let text = TemporalText.text(microseconds: microseconds)
            bytes.append(contentsOf: (types[column] == .timestampUTC ? text + "Z" : text).utf8)
        }
        current[column] = (start, bytes.count)
    }

    /// Sets UTF-8 text, such as a field of another record, without making a string of it.
    public mutating func set(_ column: Int, text: UnsafeRawBufferPointer) {
        let start = bytes.count
        append(quoting: text)
        current[column] = (start, bytes.count)
    }

    /// Text that would read as null or as quoted is quoted.
    private mutating func append(quoting text: some Collection<UInt8>) {
        guard text.isEmpty || text.first == quote else { return bytes.append(contentsOf: text) }
        bytes.append(quote)
        for byte in text {
            if byte == quote { bytes.append(quote) }
            bytes.append(byte)
        }
        bytes.append(quote)
    }

    mutating func beginBatch() {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: Self.padding)
        slots.removeAll(keepingCapacity: true)
    }

    mutating func beginRecord() {
        for column in current.indices { current[column] = (RecordBatch.padding, RecordBatch.padding) }
    }

    mutating func keepRecord() {
        for (start, end) in current {
            slots.append(UInt32(truncatingIfNeeded: start - 1))
            slots.append(UInt32(truncatingIfNeeded: end))
        }
    }

    mutating func endBatch() {
        bytes.append(contentsOf: Self.padding)
    }

    /// How derived fields are quoted.
    static var dialect: CSVDialect { CSVDialect() }
}
