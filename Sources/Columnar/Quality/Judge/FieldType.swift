/// Blanks as `TRIM` has them.
enum Blank {
    static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}

extension CastType {
    /// Whether Apache Spark would make a value of the text. Sixteen bytes from `text` must be readable.
    func fits(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        var (text, length) = (text, length)
        while length > 0, Blank.isBlank(text[0]) { (text, length) = (text + 1, length - 1) }
        while length > 0, Blank.isBlank(text[length - 1]) { length -= 1 }
        guard length > 0 else { return false }
        switch self {
        case .boolean:
            let word = String(decoding: UnsafeBufferPointer(start: text, count: min(length, 6)), as: UTF8.self)
            return ["true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"].contains(word.lowercased())
        case .integer: return Self.whole(text, length).map { Int32(exactly: $0) != nil } ?? false
        case .long: return Self.whole(text, length) != nil
        case .float, .double: return Self.isNumber(text, length)
        case .date: return FieldType.day(text, length) != nil
        case .timestamp: return TemporalText.timestamp(text, length) != nil
        }
    }

    /// A whole number of 64 bits, with sign and leading zeros.
    private static func whole(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        Int64(String(decoding: UnsafeBufferPointer(start: text, count: min(length, 64)), as: UTF8.self))
    }

    private static func isNumber(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        if DoubleText.parse(text, length) != nil { return true }
        guard length <= 64 else { return false }
        let word = String(decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self)
        // Swift reads hexadecimal digits too, Spark does not.
        return !word.contains { $0 == "x" || $0 == "X" || $0 == "p" || $0 == "P" } && Double(word) != nil
    }
}

/// What a field is, by the parsers that also convert it.
enum FieldType {
    static func holds(_ text: UnsafePointer<UInt8>, _ count: Int, type: ColumnType) -> Bool {
        switch type {
        case .string: true
        case .boolean: BooleanText.parse(text, count) != nil
        case .bigint: IntegerText.parse(text, count) != nil
        case .double: DoubleText.parse(text, count) != nil
        case .decimal(let precision, let scale):
            DecimalText.parse(text, count, precision: precision, scale: scale) != nil
        case .date: TemporalText.date(text, count) != nil
        case .time: TemporalText.timeOfDay(text, count, allowsShort: true) != nil
        case .timestamp: TemporalText.timestamp(text, count).map { !$0.hasZone } ?? false
        case .timestampUTC: TemporalText.timestamp(text, count).map { $0.hasZone } ?? false
        // The text of a nested value in a JSON record.
        case .list: count > 0 && text[0] == UInt8(ascii: "[")
        case .structure: count > 0 && text[0] == UInt8(ascii: "{")
        }
    }

    static func value(_ text: UnsafePointer<UInt8>, _ count: Int, isTime: Bool) -> QualityRange.Value? {
        guard count > 0 else { return nil }
        if isTime { return TemporalText.timestamp(text, count).map { .time($0.microseconds) } }
        if let value = IntegerText.parse(text, count) { return .integer(value) }
        if let value = DoubleText.parse(text, count) { return .number(value) }
        // A whole number beyond 64 bits: the nearest double says enough, unless it is that of a bound (see `exact`).
        guard let shape = DecimalText.shape(text, count), !shape.hasPoint else { return nil }
        return Double(String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self))
            .flatMap { $0.isFinite ? .number($0) : nil }
    }

    /// The nearest double of a number.
    static func number(_ text: UnsafePointer<UInt8>, _ count: Int) -> Double? {
        switch value(text, count, isTime: false) {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .decimal(let value): value.nearest
        case .time, nil: nil
        }
    }

    /// The day of a date or timestamp, since 1970-01-01.
    static func day(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int64? {
        guard count >= 10, TemporalText.timestamp(text, count) != nil else { return nil }
        return TemporalText.days(text)
    }
}
