import Glibc

/// Whether a double keeps the digits of the text it was made of.
enum DoubleDigits {
    /// Whether `value`, printed with as many significant digits as the text has (zeros at its end not counted), gives
    /// those digits again. So a text that a program printed from a double always does, however long.
    /// - Parameters:
    ///   - value: the nearest double, without sign.
    ///   - mantissa: the first 19 significant digits.
    ///   - digits: how many there are, counted from the first that is not zero.
    ///   - scale: the power of ten of the last one.
    static func survive(
        _ value: Double, _ mantissa: UInt64, _ digits: Int, _ scale: Int, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        var (mantissa, digits, scale) = (mantissa, digits, scale)
        guard digits <= 19, mantissa > 0 else { return isPrinted(value, text, length) }
        while mantissa % 10 == 0 { (mantissa, digits, scale) = (mantissa / 10, digits - 1, scale + 1) }
        if digits <= 15, value.isNormal { return true }
        guard (-27...0).contains(scale), value.isNormal else { return isPrinted(value, text, length) }
        // value = significand * 2^exponent, so value * 10^-scale = significand * 5^-scale * 2^(exponent - scale): at
        // most 53 + 63 bits, which must round to the mantissa.
        var product = UInt128(value.significandBitPattern | 1 << 52)
        for _ in 0..<(-scale) { product *= 5 }
        let exponent = Int(value.exponent) - 52 - scale
        if exponent >= 0 { return exponent < 12 && product << exponent == UInt128(mantissa) }
        guard exponent > -127 else { return false }
        let (whole, half) = (product >> -exponent, UInt128(1) << (-exponent - 1))
        let rest = product - whole << -exponent
        // Exactly between two: programs differ in which they print.
        return (rest <= half && whole == UInt128(mantissa)) || (rest >= half && whole + 1 == UInt128(mantissa))
    }

    /// The same by way of the C library, which prints doubles exactly; for what 128 bits do not hold.
    @inline(never)
    private static func isPrinted(_ value: Double, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        var wanted: [UInt8] = []
        for position in 0..<length {
            let byte = text[position]
            if byte | 0x20 == 0x65 { break }
            if byte &- 0x30 <= 9, byte != 0x30 || !wanted.isEmpty { wanted.append(byte) }
        }
        while wanted.last == 0x30 { wanted.removeLast() }
        // Nobody prints more digits of a double than there are.
        guard !wanted.isEmpty, wanted.count <= 800 else { return wanted.isEmpty }
        var printed = [CChar](repeating: 0, count: wanted.count + 32)
        let count = withVaList([Int32(wanted.count - 1), value]) { vsnprintf(&printed, printed.count, "%.*e", $0) }
        let digits = printed.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }
        // The point is the locale's, and may be several bytes; the exponent begins with an e.
        return digits.prefix { $0 | 0x20 != 0x65 }.filter { $0 &- 0x30 <= 9 } == wanted
    }
}
