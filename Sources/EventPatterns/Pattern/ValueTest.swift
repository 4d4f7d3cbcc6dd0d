/// One entry of a field's array: a test that a value passes or not.
enum ValueTest: Sendable, Hashable {
    /// A string, byte for byte.
    case exact([UInt8])
    /// A string literal that is an IP address: any spelling of that address.
    case address(IPAddress)
    /// A number by value; the double is never -0.
    case number(Double)
    /// A number that has no double of the same value: the same text.
    case numberText([UInt8])
    case literal(Literal)
    case prefix([UInt8])
    case suffix([UInt8])
    case equalsIgnoringCase(CaseText)
    case prefixIgnoringCase(CaseText)
    case suffixIgnoringCase(CaseText)
    case wildcard(Wildcard)
    case range(NumericRange)
    case cidr(AddressBlock)
    /// Some value is there.
    case exists
    /// No value is there.
    case absent
    /// A value is there and it is none of these.
    case anythingBut(Exclusion)
    // The extended dialect's.
    case regex(PatternRegex)
    case wildcardIgnoringCase(Wildcard)
    case date(DateRange)
    case timeOfDay(TimeOfDayRange)

    /// How many comparisons of letters beside ASCII, ignoring case, a value may take; those of exclusions count four
    /// times.
    var casedCount: Int {
        switch self {
        case .equalsIgnoringCase(let value), .prefixIgnoringCase(let value), .suffixIgnoringCase(let value):
            value.asciiFolded == nil ? 1 : 0
        case .anythingBut(.equalsIgnoringCase(let values)): 4 * values.count { $0.asciiFolded == nil }
        default: 0
        }
    }

    /// The three values that have only one spelling.
    enum Literal: UInt8, Sendable, Hashable {
        case `true`, `false`, null
    }
}

/// What an `anything-but` excludes.
enum Exclusion: Sendable, Hashable {
    case strings([[UInt8]])
    case numbers([Double])
    case prefixes([[UInt8]])
    case suffixes([[UInt8]])
    case equalsIgnoringCase([CaseText])
    case wildcards([Wildcard])

    var isEmpty: Bool {
        switch self {
        case .strings(let values), .prefixes(let values), .suffixes(let values): values.isEmpty
        case .numbers(let values): values.isEmpty
        case .equalsIgnoringCase(let values): values.isEmpty
        case .wildcards(let values): values.isEmpty
        }
    }
}

/// An interval of doubles; an end that is missing is infinite.
struct NumericRange: Sendable, Hashable {
    var low: Double
    var includesLow: Bool
    var high: Double
    var includesHigh: Bool

    func contains(_ value: Double) -> Bool {
        (includesLow ? value >= low : value > low) && (includesHigh ? value <= high : value < high)
    }
}

/// A named field of a pattern with its alternatives: some value at `path` must pass one of `tests`.
struct FieldCondition: Sendable, Hashable {
    var path: FieldPath
    var tests: [ValueTest]

    /// Whether `exists: false` is among the alternatives.
    var allowsAbsence: Bool { tests.contains(.absent) }
}

/// The step names from the event's root to a field, joined by dots.
struct FieldPath: Sendable, Hashable, CustomStringConvertible {
    var bytes: [UInt8]

    var description: String { String(decoding: bytes, as: UTF8.self) }

    /// Paths are looked up several times for each field of each rule: the standard hash of bytes takes four times as
    /// long.
    func hash(into hasher: inout Hasher) {
        hasher.combine(
            bytes.withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { ByteHash.hash($0, bytes.count, seed: ByteHash.secret) } ?? 0
            })
    }

    /// The reference processes fields in the order of Java strings: UTF-16 code units. In UTF-8 that is byte order,
    /// except that characters outside the basic plane come before U+E000...U+FFFF.
    static func precedes(_ left: FieldPath, _ right: FieldPath) -> Bool {
        let shared = min(left.bytes.count, right.bytes.count)
        for index in 0..<shared where left.bytes[index] != right.bytes[index] {
            return rank(left.bytes[index]) < rank(right.bytes[index])
        }
        return left.bytes.count < right.bytes.count
    }

    private static func rank(_ byte: UInt8) -> Int {
        switch byte {
        case 0..<0xEE: Int(byte)
        case 0xEE, 0xEF: Int(byte) + 0x100
        default: Int(byte)
        }
    }
}

extension EventPattern {
    /// How many hashes the paths have: with fewer than paths, these are compared with one another.
    package var pathHashes: Int { Set(conditions.map(\.path.hashValue)).count }
}
