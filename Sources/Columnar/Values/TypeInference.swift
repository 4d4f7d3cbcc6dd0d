/// What kinds of values a column has shown, and the narrowest type that holds them all without changing one.
struct ValueKinds: OptionSet, Sendable {
    var rawValue: UInt16

    static let boolean = ValueKinds(rawValue: 1)
    /// An integer that a double holds exactly.
    static let integer = ValueKinds(rawValue: 2)
    /// An integer of 64 bits beyond ±2^53.
    static let largeInteger = ValueKinds(rawValue: 4)
    static let double = ValueKinds(rawValue: 8)
    /// `NaN` and `inf`, which only count as numbers among numbers.
    static let specialDouble = ValueKinds(rawValue: 16)
    static let date = ValueKinds(rawValue: 32)
    static let timestamp = ValueKinds(rawValue: 64)
    static let instant = ValueKinds(rawValue: 128)
    static let text = ValueKinds(rawValue: 256)

    /// The type for all kinds seen; nil where only nulls were seen.
    var type: ColumnType? {
        if isEmpty { return nil }
        if self == .boolean { return .boolean }
        if isSubset(of: [.integer, .largeInteger]) { return .bigint }
        if isSubset(of: [.integer, .double, .specialDouble]), self != .specialDouble { return .double }
        if self == .date { return .date }
        if isSubset(of: [.date, .timestamp]) { return .timestamp }
        if self == .instant { return .timestampUTC }
        return .string
    }

    /// The kind of a single text. Sixteen bytes from `text` must be readable.
    init(_ text: UnsafePointer<UInt8>, _ length: Int) {
        let first = text[0]
        switch first {
        case 0x30...0x39, 0x2D, 0x2E:
            if let value = IntegerText.parse(text, length) {
                self = value.magnitude <= 1 << 53 ? .integer : .largeInteger
            } else if length >= 10, text[4] == 0x2D, let time = TemporalText.timestamp(text, length) {
                self = length == 10 ? .date : time.hasZone ? .instant : .timestamp
            } else if let value = DoubleText.parse(text, length) {
                self = value.isFinite ? .double : .specialDouble
            } else {
                self = .text
            }
        case 0x74, 0x54, 0x66, 0x46:
            self = BooleanText.parse(text, length) == nil ? .text : .boolean
        case 0x4E, 0x6E, 0x49, 0x69:
            self = DoubleText.parse(text, length) == nil ? .text : .specialDouble
        default:
            self = .text
        }
    }

    init(rawValue: UInt16) {
        self.rawValue = rawValue
    }
}
