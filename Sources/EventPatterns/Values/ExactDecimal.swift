/// Whether a decimal is the shortest of the double nearest to it, in exact whole numbers and without allocation.
///
/// Of the double's rounding interval, the ends left out, the shortest decimal is the one of fewest digits, and of these
/// the one nearest to the double, on a tie the even one.
struct ExactDecimal {
    /// What one of the decimal's last digit is, and what the double's last bit is, in the same unit; four times.
    private let unit: WideNumber
    private let centre: WideNumber
    private let low: WideNumber
    private let high: WideNumber

    /// Compares `significand * 10^exponent` with a positive, finite double.
    init(exponent: Int, _ value: Double) {
        let isNormal = value.exponentBitPattern > 0
        let mantissa = value.significandBitPattern | (isNormal ? 1 << 52 : 0)
        let power = Int(isNormal ? value.exponentBitPattern : 1) - 1075
        // Both sides times what makes whole numbers of them.
        let common = min(exponent, power)
        var unit = WideNumber(4)
        if exponent > 0 { unit.multiply(byPowerOfFive: exponent) }
        unit.shift(by: exponent - common)
        var bit = WideNumber(1)
        if exponent < 0 { bit.multiply(byPowerOfFive: -exponent) }
        bit.shift(by: power - common)
        var centre = bit
        centre.multiply(by: 4 * mantissa)
        var half = bit
        half.multiply(by: 2)
        self.unit = unit
        self.centre = centre
        high = centre.adding(half)
        // Below a power of two doubles are nearer to one another.
        low = centre.subtracting(value.significandBitPattern == 0 && value.exponentBitPattern > 1 ? bit : half)
    }

    /// Whether a significand, which does not end with a zero, is the shortest.
    func isShortest(_ significand: UInt64) -> Bool {
        guard isInside(significand) else { return false }
        let tens = significand / 10
        if tens > 0, isInside(tens * 10) || isInside((tens + 1) * 10) { return false }
        let own = distance(significand)
        func loses(to neighbour: UInt64) -> Bool {
            guard isInside(neighbour) else { return false }
            let other = distance(neighbour)
            return other.isBelow(own) || (!own.isBelow(other) && significand & 1 == 1)
        }
        return !loses(to: significand - 1) && !loses(to: significand + 1)
    }

    private func place(_ significand: UInt64) -> WideNumber {
        var place = unit
        place.multiply(by: significand)
        return place
    }

    private func isInside(_ significand: UInt64) -> Bool {
        let place = place(significand)
        return low.isBelow(place) && place.isBelow(high)
    }

    private func distance(_ significand: UInt64) -> WideNumber {
        let place = place(significand)
        return place.isBelow(centre) ? centre.subtracting(place) : place.subtracting(centre)
    }
}

/// A whole number below 2^1280: more than ten to the 325 times a significand.
private struct WideNumber {
    private static let most = 20
    /// The lowest first.
    private var words: InlineArray<20, UInt64> = .init(repeating: 0)

    init(_ value: UInt64) { words[0] = value }

    mutating func multiply(by factor: UInt64) {
        var carry: UInt64 = 0
        for index in 0..<WideNumber.most {
            let (high, low) = words[index].multipliedFullWidth(by: factor)
            let (sum, overflow) = low.addingReportingOverflow(carry)
            words[index] = sum
            carry = high &+ (overflow ? 1 : 0)
        }
    }

    mutating func multiply(byPowerOfFive exponent: Int) {
        var left = exponent
        while left > 0 {
            let step = min(left, 27)
            var factor: UInt64 = 1
            for _ in 0..<step { factor *= 5 }
            multiply(by: factor)
            left -= step
        }
    }

    /// Times two to the `bits`.
    mutating func shift(by bits: Int) {
        let (whole, part) = (bits / 64, UInt64(bits % 64))
        guard bits > 0 else { return }
        for index in stride(from: WideNumber.most - 1, through: 0, by: -1) {
            let upper = index >= whole ? words[index - whole] : 0
            let lower = index > whole && part > 0 ? words[index - whole - 1] >> (64 - part) : 0
            words[index] = upper << part | lower
        }
    }

    func adding(_ other: WideNumber) -> WideNumber {
        var result = self
        var carry = false
        for index in 0..<WideNumber.most {
            let (sum, first) = words[index].addingReportingOverflow(other.words[index])
            let (all, second) = sum.addingReportingOverflow(carry ? 1 : 0)
            result.words[index] = all
            carry = first || second
        }
        return result
    }

    /// Of a number that is not above this one.
    func subtracting(_ other: WideNumber) -> WideNumber {
        var result = self
        var borrow = false
        for index in 0..<WideNumber.most {
            let (rest, first) = words[index].subtractingReportingOverflow(other.words[index])
            let (all, second) = rest.subtractingReportingOverflow(borrow ? 1 : 0)
            result.words[index] = all
            borrow = first || second
        }
        return result
    }

    func isBelow(_ other: WideNumber) -> Bool {
        var index = WideNumber.most - 1
        while index >= 0 {
            if words[index] != other.words[index] { return words[index] < other.words[index] }
            index -= 1
        }
        return false
    }
}
