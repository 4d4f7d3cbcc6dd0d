/// Exact conversions of a number's text, which is known to be a number of RFC 8259.
enum NumberText {
    /// The integer, or nil if it has a fraction or does not fit. `12.0` and `1e3` are integers too.
    static func integer<T: FixedWidthInteger>(_ text: UnsafeBufferPointer<UInt8>, as type: T.Type) -> T? {
        var index = 0
        let negative = text[0] == UInt8(ascii: "-")
        if negative { index = 1 }
        var value: T = 0
        while index < text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return scaledInteger(text, as: type) }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) =
                negative
                ? scaled.subtractingReportingOverflow(T(digit)) : scaled.addingReportingOverflow(T(digit))
            // A value beyond the range may still come back into it by a negative exponent.
            if overflow || carry { return scaledInteger(text, as: type) }
            value = sum
            index += 1
        }
        return value
    }

    /// The slow way, for texts with a point or an exponent: digits and a power of ten, exactly.
    private static func scaledInteger<T: FixedWidthInteger>(_ text: UnsafeBufferPointer<UInt8>, as type: T.Type) -> T? {
        var digits: [UInt8] = []
        var exponent = 0
        var index = 0
        let negative = text[0] == UInt8(ascii: "-")
        if negative { index = 1 }
        var seenPoint = false
        scan: while index < text.count {
            let byte = text[index]
            index += 1
            switch byte {
            case UInt8(ascii: "."): seenPoint = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                let written = String(decoding: text[index...], as: UTF8.self)
                guard let given = Int(written), given.magnitude < 1_000_000_000 else {
                    return digits.allSatisfy { $0 == 0 } ? 0 : nil
                }
                exponent += given
                break scan
            default:
                digits.append(byte - UInt8(ascii: "0"))
                if seenPoint { exponent -= 1 }
            }
        }
        while let last = digits.last, last == 0 {
            digits.removeLast()
            exponent += 1
        }
        if digits.isEmpty { return 0 }
        guard exponent >= 0, digits.drop(while: { $0 == 0 }).count + exponent <= T.bitWidth / 3 + 1 else { return nil }
        var value: T = 0
        for digit in digits + [UInt8](repeating: 0, count: exponent) {
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) =
                negative
                ? scaled.subtractingReportingOverflow(T(digit)) : scaled.addingReportingOverflow(T(digit))
            if overflow || carry { return nil }
            value = sum
        }
        return value
    }

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// The nearest `Double`, or nil when the number is beyond its range.
    static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        // Clinger's fast path: a mantissa below 2^53 and a power of ten up to 22 are exact, so one rounding is right.
        var mantissa: UInt64 = 0
        var digits = 0
        var exponent = 0
        var index = text[0] == UInt8(ascii: "-") ? 1 : 0
        var fraction = false
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                fraction = true
            } else {
                let digit = byte &- UInt8(ascii: "0")
                guard digit < 10, digits < 18 else { break }
                mantissa = mantissa * 10 + UInt64(digit)
                if mantissa > 0 { digits += 1 }
                if fraction { exponent -= 1 }
            }
            index += 1
        }
        if index == text.count, mantissa < 1 << 53, exponent >= -22 {
            let value = Double(mantissa) / powers[-exponent]
            return text[0] == UInt8(ascii: "-") ? -value : value
        }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// The nearest `Float`, or nil when the number is beyond its range.
    static func float(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
        guard let value = Float(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }
}
