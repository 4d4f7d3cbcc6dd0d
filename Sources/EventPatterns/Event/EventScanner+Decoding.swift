extension EventScanner {
    /// Decodes the string between two positions into the scratch's text. Its escapes have been checked.
    ///
    /// Mutating, though nothing is changed: else each string that might be decoded would have the scanner copied.
    @inline(never)
    mutating func decode(_ start: Int, _ end: Int) -> (UnsafePointer<UInt8>, Int) {
        // Decoded text is never longer than written text, and every written byte is decoded at most once at a time.
        if scratch.text.count == 0 { scratch.text.reserve(count) }
        let from = scratch.text.count
        var index = start
        while index < end {
            let byte = base[index]
            if byte != UInt8(ascii: "\\") {
                scratch.text.append(byte)
                index += 1
                continue
            }
            let kind = base[index + 1]
            index += 2
            switch kind {
            case UInt8(ascii: "b"): scratch.text.append(0x08)
            case UInt8(ascii: "f"): scratch.text.append(0x0C)
            case UInt8(ascii: "n"): scratch.text.append(0x0A)
            case UInt8(ascii: "r"): scratch.text.append(0x0D)
            case UInt8(ascii: "t"): scratch.text.append(0x09)
            case UInt8(ascii: "u"): index = decodeUnit(index, end)
            default: scratch.text.append(kind)
            }
        }
        return (UnsafePointer(scratch.text.base + from), scratch.text.count - from)
    }

    func decodeUnit(_ start: Int, _ end: Int) -> Int {
        let unit = JSONText.hexUnit(base + start) ?? 0
        var value = unit
        var index = start + 4
        if unit & 0xFC00 == 0xD800, index + 6 <= end, base[index] == UInt8(ascii: "\\"),
            base[index + 1] == UInt8(ascii: "u"), let low = JSONText.hexUnit(base + index + 2), low & 0xFC00 == 0xDC00
        {
            value = 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF)
            index += 6
        } else if unit & 0xF800 == 0xD800 {
            scratch.text.append(JSONText.strayInEvent)
            return index
        }
        switch value {
        case 0..<0x80: scratch.text.append(UInt8(value))
        case 0x80..<0x800:
            scratch.text.append(UInt8(0xC0 | value >> 6))
            scratch.text.append(UInt8(0x80 | value & 0x3F))
        case 0x800..<0x10000:
            scratch.text.append(UInt8(0xE0 | value >> 12))
            scratch.text.append(UInt8(0x80 | value >> 6 & 0x3F))
            scratch.text.append(UInt8(0x80 | value & 0x3F))
        default:
            scratch.text.append(UInt8(0xF0 | value >> 18 & 0x07))
            scratch.text.append(UInt8(0x80 | value >> 12 & 0x3F))
            scratch.text.append(UInt8(0x80 | value >> 6 & 0x3F))
            scratch.text.append(UInt8(0x80 | value & 0x3F))
        }
        return index
    }
}
