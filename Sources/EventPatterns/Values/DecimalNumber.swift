import CLinux

/// Reads a JSON number and decides whether it is *comparable*.
///
/// The reference compares a number as a double only if its decimal value is the shortest decimal that reads back as
/// that double (JDK 19's `Double.toString` compared as `BigDecimal`); other numbers have no order and equal only their
/// own text. A decimal exactly halfway between two doubles (8.41e21, 1e23) is not comparable either: the recorded cases
/// come from a JDK whose shortest decimals lie strictly inside the rounding interval. Numbers of up to 19 digits and
/// small exponents are decided with 128-bit integers, the rest by `ExactDecimal`; nothing is allocated.
package enum DecimalNumber {
    /// 5^0 ... 5^27, all that fit in 64 bits.
    private static let powersOfFive: [UInt64] = {
        var powers: [UInt64] = [1]
        for _ in 1...27 { powers.append(powers[powers.count - 1] * 5) }
        return powers
    }()

    /// The double a JSON number stands for, or nil if it is not comparable. `text` must be a valid JSON number.
    package static func comparable(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        var index = 0
        let count = text.count
        let negative = count > 0 && text[0] == UInt8(ascii: "-")
        if negative { index = 1 }
        // Up to 19 digits of the significand from its first non-zero digit; `dropped` tells of more that are not zero.
        var significand: UInt64 = 0
        var digits = 0
        var exponent = 0
        var fraction = false
        var dropped = false
        scan: while index < count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if digits < 19 {
                    if significand != 0 || byte != UInt8(ascii: "0") {
                        significand = significand &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
                        digits += 1
                    }
                    if fraction { exponent -= 1 }
                } else {
                    if byte != UInt8(ascii: "0") { dropped = true }
                    if !fraction { exponent += 1 }
                }
            case UInt8(ascii: "."): fraction = true
            default: break scan
            }
            index += 1
        }
        if index < count { exponent += writtenExponent(text, after: index) }
        if dropped { return nil }
        return comparable(significand, exponent, isNegative: negative)
    }

    /// The double that `significand * 10^exponent` stands for, or nil if it is not comparable.
    static func comparable(_ written: UInt64, _ writtenExponent: Int, isNegative negative: Bool) -> Double? {
        if written == 0 { return 0 }
        var significand = written
        var exponent = writtenExponent
        while true {
            let (quotient, remainder) = significand.quotientAndRemainder(dividingBy: 10)
            if remainder != 0 { break }
            significand = quotient
            exponent += 1
        }
        if significand >= 100_000_000_000_000_000 { return nil }  // the shortest decimal never has more than 17 digits
        if isHalfway(significand, exponent) { return nil }
        guard let magnitude = magnitude(significand, exponent) else { return nil }
        return negative ? -magnitude : magnitude
    }

    /// The number after `e`, held within ±100,000, where it has long left the range of doubles.
    private static func writtenExponent(_ text: UnsafeBufferPointer<UInt8>, after start: Int) -> Int {
        var index = start + 1
        var negative = false
        if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") {
            negative = text[index] == UInt8(ascii: "-")
            index += 1
        }
        var value = 0
        while index < text.count {
            // As far as digits before or behind the point may make up for it.
            value = min(1 << 40, value * 10 + Int(text[index]) - 48)
            index += 1
        }
        return negative ? -value : value
    }

    /// Whether a decimal is the exact middle between two doubles: an odd integer of 54 bits times a power of two. With
    /// a negative exponent such a decimal has more digits than the shortest one beside it.
    private static func isHalfway(_ significand: UInt64, _ exponent: Int) -> Bool {
        guard exponent >= 0, exponent <= 23 else { return false }
        let product = significand.multipliedFullWidth(by: powersOfFive[exponent])
        let whole = UInt128(product.high) << 64 | UInt128(product.low)
        return 128 - whole.leadingZeroBitCount - whole.trailingZeroBitCount == 54
    }

    private static func magnitude(_ significand: UInt64, _ exponent: Int) -> Double? {
        // A significand below 2^53 and a power of ten below 10^22 are doubles: one rounding gives the nearest double,
        // and at most 15 digits always are the shortest.
        if significand < 1_000_000_000_000_000, exponent >= -22, exponent <= 22 {
            return exponent < 0
                ? Double(significand) / exactPowersOfTen[-exponent] : Double(significand) * exactPowersOfTen[exponent]
        }
        // Whole numbers up to 2^53 are doubles, and nothing shorter is as near to one.
        if exponent == 0, significand <= 1 << 53 { return Double(significand) }
        if exponent <= 0, exponent >= -27 {
            return fromQuotient(significand, decimals: -exponent)
        }
        guard exponent > -400, exponent < 400 else { return nil }
        let value = clinux_decimal(significand, Int32(truncatingIfNeeded: exponent))
        guard value.isFinite, value != 0 else { return nil }
        return isShortest(significand, exponent, value) ? value : nil
    }

    private static let exactPowersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20,
        1e21, 1e22,
    ]

    /// `significand / 10^decimals`, if that decimal is the shortest of the nearest double.
    private static func fromQuotient(_ significand: UInt64, decimals: Int) -> Double? {
        let five = powersOfFive[decimals]
        guard var (mantissa, power) = rounded(significand, decimals) ?? divided(significand, decimals) else {
            return nil
        }
        if mantissa == 1 << 53 {
            mantissa >>= 1
            power += 1
        }
        let value = Double(sign: .plus, exponent: power, significand: Double(mantissa))
        if significand < 1_000_000_000_000_000 { return value }  // up to 15 digits always are the shortest
        if mantissa == 1 << 52 {  // the interval below a power of two is narrower
            return isShortest(significand, -decimals, value) ? value : nil
        }
        let scale = -(power + decimals)
        // 128 bits hold these.
        let isShortest =
            scale > -60 && scale < 64
            ? isShortest(significand, five, mantissa, scale: scale) : isShortest(significand, -decimals, value)
        return isShortest ? value : nil
    }

    /// The 53 bits and the power of two nearest to `significand / 10^decimals`, by a multiplication with the reciprocal
    /// (after Eisel and Lemire); nil if the reciprocal's 128 bits leave the rounding open.
    @inline(__always)
    private static func rounded(_ significand: UInt64, _ decimals: Int) -> (UInt64, Int)? {
        guard decimals > 0 else { return nil }
        let reciprocal = reciprocalsOfFive[decimals]
        let lift = significand.leadingZeroBitCount
        let lifted = significand << UInt64(lift)
        let high = lifted.multipliedFullWidth(by: reciprocal.high)
        let low = lifted.multipliedFullWidth(by: reciprocal.low)
        let (lower, carry) = high.low.addingReportingOverflow(low.high)
        let upper = high.high &+ (carry ? 1 : 0)
        // The product is `upper`, `lower` and up to two units of the last place more.
        if lower >= .max - 2 { return nil }
        let drop = 11 - upper.leadingZeroBitCount
        let mask: UInt64 = 1 << UInt64(drop) - 1
        let rest = upper & mask
        let half: UInt64 = 1 << UInt64(drop - 1)
        var mantissa = upper >> UInt64(drop)
        if rest == half, lower <= 2 { return nil }
        if rest >= half { mantissa += 1 }
        return (mantissa, drop + 128 - lift - reciprocal.shift - decimals)
    }

    /// The same by an exact division.
    private static func divided(_ significand: UInt64, _ decimals: Int) -> (UInt64, Int)? {
        let five = powersOfFive[decimals]
        // quotient = significand * 2^shift / 5^decimals with at least 55 bits; the remainder only matters as "inexact".
        let widthGap = (64 - significand.leadingZeroBitCount) - (64 - five.leadingZeroBitCount)
        let shift = 57 - widthGap
        guard shift >= 0 else { return nil }
        let scaled = UInt128(significand) << UInt128(shift)
        let (quotient, remainder) = five.dividingFullWidth(
            (UInt64(truncatingIfNeeded: scaled >> 64), UInt64(truncatingIfNeeded: scaled)))
        let drop = 64 - quotient.leadingZeroBitCount - 53
        var mantissa = quotient >> UInt64(drop)
        let rest = quotient & ((1 << UInt64(drop)) - 1)
        let half: UInt64 = 1 << UInt64(drop - 1)
        if rest > half || (rest == half && (remainder != 0 || mantissa & 1 == 1)) { mantissa += 1 }
        return (mantissa, drop - shift - decimals)
    }

    /// 2^(127 + width) / 5^k, rounded down, for k up to 27: 128 bits with the highest set; `shift` is 127 + width.
    private static let reciprocalsOfFive: [(high: UInt64, low: UInt64, shift: Int)] = powersOfFive.map { five in
        guard five > 1 else { return (0, 0, 0) }
        let width = 64 - five.leadingZeroBitCount
        // Long division of 2^(127 + width), three words.
        let top: UInt64 = 1 << UInt64(width - 1)
        let (high, rest) = five.dividingFullWidth((top, 0))
        let (low, _) = five.dividingFullWidth((rest, 0))
        return (high, low, 127 + width)
    }

    /// Whether a significand of 16 or 17 digits is the shortest and nearest decimal of `mantissa * 2^power`, all in
    /// units of the decimal's last digit: the double is `mantissa * five / 2^scale` units.
    private static func isShortest(_ significand: UInt64, _ five: UInt64, _ mantissa: UInt64, scale: Int) -> Bool {
        // Twice the double and the ends of its rounding interval, times 2^scale.
        let doubled = UInt128(mantissa) * UInt128(five) * 2
        let low = doubled - UInt128(five)
        let high = doubled + UInt128(five)
        let up = UInt128(max(0, scale + 1))
        let down = UInt128(max(0, -(scale + 1)))
        func place(_ candidate: UInt64) -> UInt128 { UInt128(candidate) << up }
        func inside(_ candidate: UInt64) -> Bool {
            let position = place(candidate)
            return position > low << down && position < high << down
        }
        let tens = significand / 10
        if significand >= 1_000_000_000_000_000, inside(tens * 10) || inside((tens + 1) * 10) { return false }
        // Nearest of its length: neither neighbour is closer (a tie goes to the even digit).
        func distance(_ candidate: UInt64) -> UInt128 {
            let position = place(candidate)
            let centre = doubled << down
            return position > centre ? position - centre : centre - position
        }
        let own = distance(significand)
        func loses(to neighbour: UInt64) -> Bool {
            guard inside(neighbour) else { return false }
            let other = distance(neighbour)
            return other < own || (other == own && significand & 1 == 1)
        }
        return !loses(to: significand - 1) && !loses(to: significand + 1)
    }

    /// Whether a decimal is the shortest of its double, which is positive and finite.
    private static func isShortest(_ significand: UInt64, _ exponent: Int, _ value: Double) -> Bool {
        // These have descriptions so short that they need no memory.
        if value.bitPattern < 200, !value.description.utf8.contains(UInt8(ascii: ".")) {
            return twoDigits(value) == (significand, exponent)
        }
        // Up to 15 digits always are the shortest of doubles with all their bits.
        if significand < 1_000_000_000_000_000, value.isNormal { return true }
        return ExactDecimal(exponent: exponent, value).isShortest(significand)
    }

    /// The reference writes two digits where one would do; only for the smallest subnormals do they name another
    /// decimal (4.9e-324 instead of 5e-324). The result has no trailing zero.
    private static func twoDigits(_ value: Double) -> (UInt64, Int) {
        var scaled = Double(value.bitPattern) * 4.940656458412465
        var power = -324
        while scaled >= 100 {
            scaled /= 10
            power += 1
        }
        while scaled < 10 {
            scaled *= 10
            power -= 1
        }
        let digits = UInt64(scaled + 0.5)
        return digits % 10 == 0 ? (digits / 10, power + 1) : (digits, power)
    }
}
