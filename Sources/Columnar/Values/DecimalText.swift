/// Exact decimal numbers in text: `12`, `-0.50`. No exponent, no plus sign, no leading zeros.
enum DecimalText {
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
