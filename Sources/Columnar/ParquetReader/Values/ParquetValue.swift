/// One value of a table in its meaning, for people and small results; bulk readers use `ParquetVector`.
public enum ParquetValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case float(Float)
    case double(Double)
    case decimal(ParquetDecimal)
    case string(String)
    case binary([UInt8])
    case uuid([UInt8])
    /// Days since 1970-01-01.
    case date(Int32)
    /// Nanoseconds since midnight, to be shown with this many digits of a second's fraction.
    case time(nanoseconds: Int64, digits: Int)
    case timestamp(ParquetTimestamp)
    case list([ParquetValue])
    case map([ParquetPair])
    case structure([ParquetMember])
}

/// An entry of a map.
public struct ParquetPair: Sendable, Hashable {
    public var key: ParquetValue
    public var value: ParquetValue
}

/// A field of a structure.
public struct ParquetMember: Sendable, Hashable {
    public var name: String
    public var value: ParquetValue
}

/// A point in time, or a local date and time.
public struct ParquetTimestamp: Sendable, Hashable {
    /// Whole days since 1970-01-01.
    public var days: Int64
    /// 0..<86,400,000,000,000 within the day.
    public var nanoseconds: Int64
    /// Digits of the fraction of a second that the column stores: 3, 6 or 9.
    public var digits: Int
    /// False: a local time, of no zone.
    public var isUTC: Bool

    init(count: Int64, unit: TimeUnit, isUTC: Bool) {
        let perDay = unit.perSecond * 86_400
        let (days, rest) = count.flooredDivision(by: perDay)
        self.days = days
        nanoseconds = rest * (1_000_000_000 / unit.perSecond)
        digits = unit.digits
        self.isUTC = isUTC
    }

    init(_ value: ParquetInt96) {
        let (more, rest) = value.nanoseconds.quotientAndRemainder(dividingBy: 86_400_000_000_000)
        days = Int64(value.julianDay) - 2_440_588 + Int64(more)
        nanoseconds = Int64(rest)
        digits = 9
        isUTC = false
    }
}

/// An exact number: an integer of any size, divided by a power of ten.
public struct ParquetDecimal: Sendable, Hashable {
    /// The unscaled integer: two's complement, most significant byte first.
    public var unscaled: [UInt8]
    /// Digits after the point.
    public var scale: Int

    /// What the 1,000 digits need that a column may have.
    static let mostBytes = 416

    init(unscaled: [UInt8], scale: Int) {
        self.unscaled = unscaled
        self.scale = scale
    }

    init(unscaled: Int64, scale: Int) {
        self.unscaled = (0..<8).map { UInt8(truncatingIfNeeded: unscaled >> (56 - 8 * Int64($0))) }
        self.scale = scale
    }
}

extension ParquetDecimal: CustomStringConvertible {
    /// Digits with a sign and a point: `-12.50`.
    public var description: String {
        let isNegative = (unscaled.first ?? 0) >= 0x80
        var magnitude = unscaled
        if isNegative {
            var carry: UInt16 = 1
            for index in magnitude.indices.reversed() {
                let sum = UInt16(~magnitude[index]) + carry
                magnitude[index] = UInt8(truncatingIfNeeded: sum)
                carry = sum >> 8
            }
        }
        // Nine digits at a time out of the big-endian magnitude.
        var groups: [UInt32] = []
        var first = magnitude.firstIndex { $0 != 0 } ?? magnitude.count
        while first < magnitude.count {
            var remainder: UInt64 = 0
            for index in first..<magnitude.count {
                let value = remainder << 8 | UInt64(magnitude[index])
                magnitude[index] = UInt8(truncatingIfNeeded: value / 1_000_000_000)
                remainder = value % 1_000_000_000
            }
            groups.append(UInt32(truncatingIfNeeded: remainder))
            while first < magnitude.count, magnitude[first] == 0 { first += 1 }
        }
        var digits = groups.last.map { String($0) } ?? "0"
        for group in groups.dropLast().reversed() { digits += padded(UInt64(group), to: 9) }
        if scale > 0 {
            if digits.count <= scale { digits = String(repeating: "0", count: scale - digits.count + 1) + digits }
            digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale))
        }
        return isNegative ? "-" + digits : digits
    }
}

extension Int64 {
    /// Division that rounds towards minus infinity, so that the remainder is never negative.
    func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// Decimal digits with zeros before them.
func padded(_ value: UInt64, to width: Int) -> String {
    let digits = String(value)
    return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
}
