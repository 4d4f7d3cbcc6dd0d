/// Floating point numbers in text: digits with a point or an exponent, integers that binary64 holds exactly, and the
/// special values `NaN`, `nan`, `inf`, `Inf`, `Infinity` with an optional minus sign.
///
/// Leading zeros (`00.5`) and a plus sign are refused, as with integers; so is an integer beyond 2^53, which a double
/// would change. Other values become the nearest double.
enum DoubleText {
    /// The value, nil where the text is no such number. Sixteen bytes from `text` must be readable.
    /// - Parameter keepingDigits: also nil where the double loses digits: printed with as many significant digits as
    ///   the text has, it would not give the text's digits again. Fifteen digits always survive, unless the number is
    ///   below 2.3e-308.
    @inline(__always)
    static func parse(_ text: UnsafePointer<UInt8>, _ length: Int, keepingDigits: Bool = false) -> Double? {
        if length <= 8, length > 0 {
            // At most eight bytes: find the point, close the gap, read the digits at once.
            let isNegative = text[0] == 0x2D
            let sign = isNegative ? 1 : 0
            let count = length &- sign
            let word = loadWord(text + sign)
            let difference = word ^ 0x2E2E_2E2E_2E2E_2E2E
            let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
            let points = ~(((difference & low) &+ low) | difference | low)
            if points != 0 {
                let point = points.trailingZeroBitCount &>> 3
                if point < count, point > 0, count > 1, !(text[sign] == 0x30 && point > 1) {
                    let shift = UInt64(truncatingIfNeeded: point &* 8)
                    let before = word & ~(~UInt64(0) &<< shift)
                    let after = (word &>> 8) & (~UInt64(0) &<< shift)
                    // Seven digits at most are left; the first goes to the lowest byte that counts.
                    let digits =
                        ((before | after) ^ 0x3030_3030_3030_3030)
                        &<< UInt64(truncatingIfNeeded: (9 &- count) &* 8)
                    if IntegerText.isDigits(digits) {
                        let magnitude = Double(IntegerText.value(digits)) / powersOfTen(count &- 1 &- point)
                        return isNegative ? -magnitude : magnitude
                    }
                }
            }
        }
        return general(text, length, keepingDigits)
    }

    /// 10^n for n in 0...8.
    @inline(__always)
    private static func powersOfTen(_ exponent: Int) -> Double {
        smallPowers[exponent]
    }

    /// Exact powers of ten; a quotient or product of two exact numbers is rounded once, thus correctly (Clinger, 1990).
    nonisolated(unsafe) private static let smallPowers: UnsafePointer<Double> = {
        // Written once, before anybody can read it, and never freed: safe to share.
        let powers = UnsafeMutablePointer<Double>.allocate(capacity: 23)
        var power = 1.0
        for exponent in 0...22 {
            powers[exponent] = power
            power *= 10
        }
        return UnsafePointer(powers)
    }()

    @inline(never)
    private static func general(_ text: UnsafePointer<UInt8>, _ length: Int, _ keepingDigits: Bool) -> Double? {
        var position = 0
        let isNegative = length > 0 && text[0] == 0x2D
        if isNegative { position = 1 }
        let first = position
        var mantissa: UInt64 = 0
        var digits = 0  // significant digits so far, leading zeros not counted
        var before = 0
        while position < length, text[position] &- 0x30 <= 9 {
            if digits < 19 {
                mantissa = mantissa &* 10 &+ UInt64(text[position] &- 0x30)
                if mantissa != 0 { digits += 1 }
            } else {
                digits += 1
            }
            position += 1
            before += 1
        }
        if before > 1 && text[first] == 0x30 { return nil }
        var fraction = 0
        var hasPoint = false
        if position < length, text[position] == 0x2E {
            hasPoint = true
            position += 1
            while position < length, text[position] &- 0x30 <= 9 {
                if digits < 19 {
                    mantissa = mantissa &* 10 &+ UInt64(text[position] &- 0x30)
                    if mantissa != 0 { digits += 1 }
                } else {
                    digits += 1
                }
                position += 1
                fraction += 1
            }
        }
        guard before + fraction > 0 else { return special(text + first, length - first, isNegative) }
        var exponent = 0
        var hasExponent = false
        if position < length, text[position] | 0x20 == 0x65 {
            hasExponent = true
            position += 1
            var isNegativeExponent = false
            if position < length, text[position] == 0x2D || text[position] == 0x2B {
                isNegativeExponent = text[position] == 0x2D
                position += 1
            }
            let exponentStart = position
            while position < length, text[position] &- 0x30 <= 9 {
                exponent = min(exponent * 10 + Int(text[position] &- 0x30), 100_000)
                position += 1
            }
            guard position > exponentStart else { return nil }
            if isNegativeExponent { exponent = -exponent }
        }
        guard position == length else { return nil }
        if !hasPoint && !hasExponent {
            guard digits <= 19, mantissa <= 1 << 53 else { return nil }
            return isNegative ? -Double(mantissa) : Double(mantissa)
        }
        let scale = exponent - fraction
        guard let value = value(mantissa, digits, scale, text, length) else { return nil }
        // Close to zero, doubles have fewer digits, down to none.
        if keepingDigits, digits > 15 || (mantissa != 0 && !value.isNormal),
            !DoubleDigits.survive(value, mantissa, digits, scale, text, length)
        {
            return nil
        }
        return isNegative ? -value : value
    }

    /// The magnitude of a number of which the first 19 digits are known.
    @inline(__always)
    private static func value(
        _ mantissa: UInt64, _ digits: Int, _ scale: Int, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Double? {
        if digits <= 19, mantissa <= 1 << 53, (-22...22).contains(scale) {
            return scale < 0 ? Double(mantissa) / smallPowers[-scale] : Double(mantissa) * smallPowers[scale]
        }
        if digits <= 19, mantissa > 0, (-27...27).contains(scale) { return exact(mantissa, scale) }
        // Rare: correctly rounded, and without regard to the locale.
        let value = Double(String(decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self))
        guard let value else { return nil }
        // An exponent beyond the range would turn a number into infinity: no longer that value.
        return value.isFinite ? value.magnitude : nil
    }

    /// `mantissa` times 10^`scale`, correctly rounded: 5^27 fits into 64 bits, so that the product or the quotient is
    /// known exactly, with a sticky bit for what lies below.
    private static func exact(_ mantissa: UInt64, _ scale: Int) -> Double {
        var power: UInt64 = 1
        for _ in 0..<abs(scale) { power *= 5 }
        let significand: UInt64
        let sticky: Bool
        var exponent: Int
        if scale >= 0 {
            let product = mantissa.multipliedFullWidth(by: power)
            if product.high == 0 {
                let zeros = product.low.leadingZeroBitCount
                (significand, sticky, exponent) = (product.low << zeros, false, scale - zeros)
            } else {
                let zeros = product.high.leadingZeroBitCount
                significand = zeros == 0 ? product.high : product.high << zeros | product.low >> (64 - zeros)
                (sticky, exponent) = (product.low << zeros != 0, scale + 64 - zeros)
            }
        } else {
            // Both get their highest bit set; the numerator is halved where it would not be smaller than the divisor.
            let (shift, divisorShift) = (mantissa.leadingZeroBitCount, power.leadingZeroBitCount)
            let divisor = power << divisorShift
            var high = mantissa << shift
            var low: UInt64 = 0
            exponent = scale - shift + divisorShift - 64
            if high >= divisor {
                low = high << 63
                high >>= 1
                exponent += 1
            }
            let (quotient, remainder) = divisor.dividingFullWidth((high, low))
            let zeros = quotient.leadingZeroBitCount
            // The quotient has 63 bits at least, far more than the 53 that are kept.
            (significand, sticky, exponent) = (quotient << zeros, remainder != 0, exponent - zeros)
        }
        // 64 bits become 53, ties to even.
        var kept = significand >> 11
        let rest = significand & 0x7FF
        if rest > 0x400 || (rest == 0x400 && (sticky || kept & 1 == 1)) { kept += 1 }
        return Double(sign: .plus, exponent: exponent + 11, significand: Double(kept))
    }

    private static func special(_ text: UnsafePointer<UInt8>, _ length: Int, _ isNegative: Bool) -> Double? {
        switch String(decoding: UnsafeBufferPointer(start: text, count: min(length, 9)), as: UTF8.self) {
        case "NaN", "nan": isNegative ? nil : .nan
        case "inf", "Inf", "Infinity": isNegative ? -.infinity : .infinity
        default: nil
        }
    }
}
