/// Integers in text: `0`, or a digit other than 0 and further digits, perhaps after a minus sign; within 64 bits.
///
/// `007`, `+1` and `-0` are refused: as numbers they would lose what makes them different as text.
enum IntegerText {
    /// The value, nil where the text is no such integer. Sixteen bytes from `text` must be readable.
    @inline(__always)
    static func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        let isNegative = text[0] == 0x2D
        let digits = text + (isNegative ? 1 : 0)
        let count = length &- (isNegative ? 1 : 0)
        guard count > 0 else { return nil }
        if digits[0] == 0x30 && (count > 1 || isNegative) { return nil }
        if count <= 8 {
            guard let value = upToEight(digits, count) else { return nil }
            return isNegative ? -Int64(value) : Int64(value)
        }
        return long(digits, count, isNegative)
    }

    /// One to eight digits.
    @inline(__always)
    static func upToEight(_ digits: UnsafePointer<UInt8>, _ count: Int) -> UInt64? {
        // The bytes become digit values, the last digit in the highest byte; zeros fill the front.
        let word = (loadWord(digits) ^ 0x3030_3030_3030_3030) &<< UInt64(truncatingIfNeeded: (8 &- count) &* 8)
        guard isDigits(word) else { return nil }
        return value(word)
    }

    /// Whether every byte of a word of digit values is 0...9.
    @inline(__always)
    static func isDigits(_ word: UInt64) -> Bool {
        ((word &+ 0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080 == 0
    }

    /// Eight digit values, the most significant in the lowest byte, as a number; three multiplications.
    /// Source: J. Hoehrmann's and D. Lemire's "Quickly parsing eight digits" (2018).
    @inline(__always)
    static func value(_ word: UInt64) -> UInt64 {
        let pairs = word &* 10 &+ (word &>> 8)
        let low = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let high = ((pairs &>> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (low &+ high) &>> 32
    }

    @inline(never)
    private static func long(_ digits: UnsafePointer<UInt8>, _ count: Int, _ isNegative: Bool) -> Int64? {
        guard count <= 19 else { return nil }
        var magnitude: UInt64 = 0
        var position = 0
        var head = count & 7
        if head == 0 { head = 8 }
        guard let first = upToEight(digits, head) else { return nil }
        magnitude = first
        position = head
        while position < count {
            guard let next = upToEight(digits + position, 8) else { return nil }
            // At most 19 digits: below 10^19, which 64 bits hold.
            magnitude = magnitude &* 100_000_000 &+ next
            position += 8
        }
        if isNegative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
        return Int64(exactly: magnitude)
    }
}
