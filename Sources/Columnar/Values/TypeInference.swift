/// What kinds of values a column has shown, and the narrowest type that holds them all without changing one.
struct ValueKinds: Sendable, Hashable {
    /// Kinds of single values.
    struct Flags: OptionSet, Sendable, Hashable {
        var rawValue: UInt16

        static let boolean = Flags(rawValue: 1)
        /// An integer that a double holds exactly.
        static let integer = Flags(rawValue: 2)
        /// An integer of 64 bits beyond ±2^53.
        static let largeInteger = Flags(rawValue: 4)
        /// An integer beyond 64 bits, of at most 38 digits.
        static let hugeInteger = Flags(rawValue: 8)
        /// Digits with a point, of which a double loses none.
        static let double = Flags(rawValue: 16)
        /// A number with an exponent.
        static let scientific = Flags(rawValue: 32)
        /// `NaN` and `inf`, which only count as numbers among numbers.
        static let specialDouble = Flags(rawValue: 64)
        /// Digits with a point of which a double would lose some.
        static let decimal = Flags(rawValue: 128)
        static let date = Flags(rawValue: 256)
        static let timestamp = Flags(rawValue: 512)
        static let instant = Flags(rawValue: 1024)
        static let time = Flags(rawValue: 2048)
        static let text = Flags(rawValue: 4096)

        /// Numbers that a decimal holds as they stand.
        static let exact: Flags = [.integer, .largeInteger, .hugeInteger, .double, .decimal]
    }

    private(set) var flags: Flags = []
    /// Most digits before and after the point, over all numbers without exponent.
    private(set) var wholeDigits = 0
    private(set) var fractionDigits = 0

    /// Most digits of a decimal.
    static let mostDigits = 38

    /// Nothing seen.
    init() {}

    var isEmpty: Bool { flags.isEmpty }
    /// Whether a value was nothing but text: no wider type exists.
    var isText: Bool { flags.contains(.text) }

    /// Takes in what others have shown.
    mutating func formUnion(_ other: ValueKinds) {
        flags.formUnion(other.flags)
        wholeDigits = max(wholeDigits, other.wholeDigits)
        fractionDigits = max(fractionDigits, other.fractionDigits)
    }

    /// The type for all kinds seen; nil where only nulls were seen.
    var type: ColumnType? {
        if flags.isEmpty { return nil }
        if flags == .boolean { return .boolean }
        if flags.isSubset(of: [.integer, .largeInteger]) { return .bigint }
        if flags.isSubset(of: [.integer, .double, .scientific, .specialDouble]), flags != .specialDouble {
            return .double
        }
        if flags.isSubset(of: .exact) {
            let digits = max(1, wholeDigits + fractionDigits)
            return digits <= Self.mostDigits ? .decimal(precision: digits, scale: fractionDigits) : .string
        }
        if flags == .date { return .date }
        if flags.isSubset(of: [.date, .timestamp]) { return .timestamp }
        if flags == .instant { return .timestampUTC }
        if flags == .time { return .time }
        return .string
    }

    /// The kinds of all values that a type can hold: joined with those of other values, the wider type follows.
    init(_ type: ColumnType) {
        switch type {
        case .boolean: flags = .boolean
        case .bigint: (flags, wholeDigits) = ([.integer, .largeInteger], 19)
        case .double: flags = [.double, .scientific]
        case .decimal(let precision, let scale):
            (flags, wholeDigits, fractionDigits) = (.decimal, precision - scale, scale)
        case .date: flags = .date
        case .time: flags = .time
        case .timestamp: flags = .timestamp
        case .timestampUTC: flags = .instant
        // Nested values have no kinds of their own.
        case .string, .list, .structure: flags = .text
        }
    }

    /// The kind of a single text. Sixteen bytes from `text` must be readable.
    init(_ text: UnsafePointer<UInt8>, _ length: Int) {
        self.init()
        switch text[0] {
        case 0x30...0x39, 0x2D, 0x2E:
            if let value = IntegerText.parse(text, length) {
                flags = value.magnitude <= 1 << 53 ? .integer : .largeInteger
                wholeDigits = value == 0 ? 0 : length - (value < 0 ? 1 : 0)
            } else if length >= 10, text[4] == 0x2D, let time = TemporalText.timestamp(text, length) {
                flags = length == 10 ? .date : time.hasZone ? .instant : .timestamp
            } else if length >= 8, text[2] == 0x3A {
                flags = TemporalText.timeOfDay(text, length) == nil ? .text : .time
            } else {
                add(number: text, length)
            }
        case 0x74, 0x54, 0x66, 0x46:
            flags = BooleanText.parse(text, length) == nil ? .text : .boolean
        case 0x4E, 0x6E, 0x49, 0x69:
            flags = DoubleText.parse(text, length) == nil ? .text : .specialDouble
        default:
            flags = .text
        }
    }

    /// Takes in a text that is no integer of 64 bits, and perhaps another number.
    private mutating func add(number text: UnsafePointer<UInt8>, _ length: Int) {
        if let shape = DecimalText.shape(text, length) {
            (wholeDigits, fractionDigits) = (shape.whole, shape.fraction)
            if shape.isNegativeZero {
                // Numerically zero, which decimals hold too; but a double keeps even the sign.
                flags = .double
            } else if !shape.hasPoint {
                flags = shape.whole <= Self.mostDigits ? .hugeInteger : .text
            } else if DoubleText.parse(text, length, keepingDigits: true) != nil {
                flags = .double
            } else {
                flags = shape.whole + shape.fraction <= Self.mostDigits ? .decimal : .text
            }
        } else if let value = DoubleText.parse(text, length, keepingDigits: true) {
            flags = value.isFinite ? .scientific : .specialDouble
        } else {
            flags = .text
        }
    }
}
