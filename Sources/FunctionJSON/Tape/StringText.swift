/// Work on the bytes between two quotes.
enum StringText {
    /// Whether `wanted.count` bytes at `offset` are `wanted`.
    @inline(__always)
    static func equal(_ base: UnsafePointer<UInt8>?, _ offset: Int, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base else { return wanted.isEmpty }
        var index = 0
        while index < wanted.count {
            if base[offset + index] != wanted[index] { return false }
            index += 1
        }
        return true
    }

    /// The text of a string that the parser has accepted: every escape is known to be whole.
    static func unescaped(_ content: UnsafeBufferPointer<UInt8>) -> String {
        String(unsafeUninitializedCapacity: content.count) { output in
            var written = 0
            var index = 0
            func put(_ byte: UInt8) {
                output[written] = byte
                written += 1
            }
            while index < content.count {
                let byte = content[index]
                index += 1
                guard byte == UInt8(ascii: "\\"), index < content.count else {
                    put(byte)
                    continue
                }
                let escape = content[index]
                index += 1
                switch escape {
                case UInt8(ascii: "b"): put(0x08)
                case UInt8(ascii: "f"): put(0x0C)
                case UInt8(ascii: "n"): put(0x0A)
                case UInt8(ascii: "r"): put(0x0D)
                case UInt8(ascii: "t"): put(0x09)
                case UInt8(ascii: "u"):
                    var scalar = hex4(content, index) ?? 0xFFFD
                    index += 4
                    if (0xD800..<0xDC00).contains(scalar), let low = hex4(content, index + 2) {
                        scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low &- 0xDC00)
                        index += 6
                    }
                    // At most six bytes of input per three of output, so the capacity holds.
                    for unit in UTF8.encode(Unicode.Scalar(scalar) ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter {
                        put(unit)
                    }
                default: put(escape)
                }
            }
            return written
        }
    }

    /// Four hex digits at `index`, or nil.
    static func hex4(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for position in index..<index + 4 {
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// The length of the UTF-8 sequence that starts at `index` with a byte of 0x80 or more; 0 if it is not one.
    /// Ranges: Unicode 15, table 3-7 (no overlong forms, no surrogates, nothing above U+10FFFF).
    static func sequenceLength(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
        let first = bytes[index]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if first == 0xE0 { low = 0xA0 }
            if first == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            length = 4
            if first == 0xF0 { low = 0x90 }
            if first == 0xF4 { high = 0x8F }
        default: return 0
        }
        guard index + length <= bytes.count, bytes[index + 1] >= low, bytes[index + 1] <= high else { return 0 }
        for position in index + 2..<max(index + 2, index + length) where bytes[position] & 0xC0 != 0x80 { return 0 }
        return length
    }
}
