/// Exact decimal numbers in text: `12`, `-0.50`. No exponent, no plus sign, no leading zeros.
enum DecimalText {
    /// How a number without exponent is written.
    struct Shape {
        /// Digits before the point, a single zero not counted.
        var whole: Int
        /// Digits after the point.
        var fraction: Int
        var hasPoint: Bool
        /// Zero with a minus sign, which no integer and no decimal keeps.
        var isNegativeZero: Bool
    }

    /// The shape of a text, nil where it is no number in this notation.
    static func shape(_ text: UnsafePointer<UInt8>, _ length: Int) -> Shape? {
        let isNegative = length > 0 && text[0] == 0x2D
        let first = isNegative ? 1 : 0
        var position = first
        var isZero = true
        func digits() -> Int {
            let start = position
            while position < length, text[position] &- 0x30 <= 9 {
                if text[position] != 0x30 { isZero = false }
                position += 1
            }
            return position - start
        }
        let whole = digits()
        if whole > 1 && text[first] == 0x30 { return nil }
        let isSmall = whole == 1 && text[first] == 0x30
        let hasPoint = position < length && text[position] == 0x2E
        if hasPoint { position += 1 }
        let fraction = hasPoint ? digits() : 0
        guard position == length, whole + fraction > 0 else { return nil }
        return Shape(
            whole: isSmall ? 0 : whole, fraction: fraction, hasPoint: hasPoint, isNegativeZero: isNegative && isZero)
    }

    /// The value times 10^`scale`, nil where the text is no such number or does not fit exactly.
    static func parse(_ text: UnsafePointer<UInt8>, _ length: Int, precision: Int, scale: Int) -> Int128? {
        var position = 0
        let isNegative = length > 0 && text[0] == 0x2D
        if isNegative { position = 1 }
        let first = position
        var value: Int128 = 0
        var significant = 0
        var before = 0
        var fraction = 0
        while position < length, text[position] &- 0x30 <= 9 {
            let digit = Int128(text[position] &- 0x30)
            if significant > 0 || digit != 0 { significant += 1 }
            if significant > 38 { return nil }
            value = value * 10 + digit
            before += 1
            position += 1
        }
        if before > 1 && text[first] == 0x30 { return nil }
        if position < length, text[position] == 0x2E {
            position += 1
            while position < length, text[position] &- 0x30 <= 9 {
                let digit = Int128(text[position] &- 0x30)
                position += 1
                fraction += 1
                if fraction > scale {
                    // Digits beyond the scale must say nothing.
                    if digit != 0 { return nil }
                    continue
                }
                if significant > 0 || digit != 0 { significant += 1 }
                if significant > 38 { return nil }
                value = value * 10 + digit
            }
        }
        guard position == length, before + fraction > 0 else { return nil }
        for _ in min(fraction, scale)..<scale {
            if value != 0 { significant += 1 }
            if significant > 38 { return nil }
            value *= 10
        }
        return significant <= precision ? (isNegative ? -value : value) : nil
    }
}
