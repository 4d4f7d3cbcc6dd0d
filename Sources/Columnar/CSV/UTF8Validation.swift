/// Checks UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
enum UTF8Validation {
    /// What to do about a byte that is no UTF-8.
    static func advice(_ byte: UInt8) -> String {
        // 0xA0 and above are the same in both encodings: letters, most of them.
        let reading = byte >= 0xA0 ? ", where this byte is \"\(Character(Unicode.Scalar(byte)))\"" : ""
        return "If the file is Windows-1252 or Latin-1 text\(reading), set the encoding to windows-1252 or latin-1."
    }

    /// The offset of the first byte of the first invalid sequence in `bytes[start..<end]`, nil where there is none.
    static func firstInvalid(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int? {
        var position = start
        while position < end {
            if position + 8 <= end, loadWord(bytes + position) & 0x8080_8080_8080_8080 == 0 {
                position += 8
                continue
            }
            let lead = bytes[position]
            if lead < 0x80 {
                position += 1
                continue
            }
            let length: Int
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch lead {
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: length = 3
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            case 0xF1...0xF3: length = 4
            default: return position
            }
            guard position + length <= end, second.contains(bytes[position + 1]) else { return position }
            for offset in 2..<max(2, length) where bytes[position + offset] & 0xC0 != 0x80 { return position }
            position += length
        }
        return nil
    }
}
