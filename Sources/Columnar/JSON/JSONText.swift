/// Texts of JSON strings.
enum JSONText {
    /// How the values of batches are to be read: text as it stands, or in quotes where it would read as null or as
    /// quoted.
    static let dialect = CSVDialect()

    /// Undoes the escapes of a string that the scanner has passed over.
    ///
    /// - Parameters:
    ///   - text: what stands between the quotes.
    ///   - target: has room for as many bytes.
    /// - Returns: the number of bytes written, never more than `length`.
    static func unescape(
        _ text: UnsafePointer<UInt8>, _ length: Int, to target: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var written = 0
        var position = 0
        while position < length {
            let byte = text[position]
            guard byte == 0x5C else {
                target[written] = byte
                written += 1
                position += 1
                continue
            }
            let escape = text[position + 1]
            position += 2
            switch escape {
            case 0x62: target[written] = 0x08
            case 0x66: target[written] = 0x0C
            case 0x6E: target[written] = 0x0A
            case 0x72: target[written] = 0x0D
            case 0x74: target[written] = 0x09
            case 0x75:
                var value = unit(text + position)
                position += 4
                if value & 0xFC00 == 0xD800 {
                    // The scanner has seen to it that the other half follows.
                    value = 0x10000 + (value & 0x3FF) << 10 + unit(text + position + 2) & 0x3FF
                    position += 6
                }
                written += encode(value, target + written)
                continue
            default: target[written] = escape
            }
            written += 1
        }
        return written
    }

    private static func unit(_ text: UnsafePointer<UInt8>) -> UInt32 {
        var value: UInt32 = 0
        for offset in 0..<4 { value = value << 4 | (hexadecimal(text[offset]) ?? 0) }
        return value
    }

    static func hexadecimal(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte) - 0x30
        case 0x41...0x46: UInt32(byte) - 0x37
        case 0x61...0x66: UInt32(byte) - 0x57
        default: nil
        }
    }

    /// Writes a scalar value as UTF-8.
    private static func encode(_ value: UInt32, _ target: UnsafeMutablePointer<UInt8>) -> Int {
        if value < 0x80 {
            target[0] = UInt8(value)
            return 1
        }
        if value < 0x800 {
            target[0] = UInt8(0xC0 | value >> 6)
            target[1] = UInt8(0x80 | value & 0x3F)
            return 2
        }
        if value < 0x10000 {
            target[0] = UInt8(0xE0 | value >> 12)
            target[1] = UInt8(0x80 | value >> 6 & 0x3F)
            target[2] = UInt8(0x80 | value & 0x3F)
            return 3
        }
        target[0] = UInt8(0xF0 | value >> 18)
        target[1] = UInt8(0x80 | value >> 12 & 0x3F)
        target[2] = UInt8(0x80 | value >> 6 & 0x3F)
        target[3] = UInt8(0x80 | value & 0x3F)
        return 4
    }

    /// Puts a string that has escapes, or is empty, into the scratch memory of a batch, in quotes where it would else
    /// read as null or as quoted. It never takes more room than it has in the input.
    ///
    /// - Parameter text: what stands between the quotes.
    /// - Returns: offset of the first byte and after the last one.
    @inline(never)
    static func restore(
        _ text: UnsafePointer<UInt8>, _ length: Int, in memory: UnsafeMutablePointer<UInt8>, at scratch: inout Int
    ) -> (start: Int, end: Int) {
        let start = scratch
        let count = unescape(text, length, to: memory + start)
        guard count > 0, memory[start] == 0x22 else {
            scratch += count
            return (start, scratch)
        }
        // It begins with a quote, which was an escape of two bytes: quotes are doubled, from the end backwards.
        let quotes = (start..<start + count).count { memory[$0] == 0x22 }
        var target = start + count + quotes + 1
        scratch = target + 1
        memory[target] = 0x22
        for position in stride(from: start + count - 1, through: start, by: -1) {
            target -= 1
            memory[target] = memory[position]
            if memory[position] == 0x22 {
                target -= 1
                memory[target] = 0x22
            }
        }
        memory[start] = 0x22
        return (start, scratch)
    }
}
