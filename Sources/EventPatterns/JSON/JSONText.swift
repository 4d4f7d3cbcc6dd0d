/// Pieces of JSON's grammar that the pattern reader and the event scanner share.
enum JSONText {
    /// Half of a surrogate pair in a pattern and in an event: two different bytes that UTF-8 never has, so that such
    /// text equals nothing (the reference turns both into "?").
    static let strayInPattern: UInt8 = 0xFE
    static let strayInEvent: UInt8 = 0xFF

    /// The value of four hexadecimal digits.
    @inline(__always)
    static func hexUnit(_ base: UnsafePointer<UInt8>) -> UInt32? {
        var unit: UInt32 = 0
        for index in 0..<4 {
            let byte = base[index]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt32(byte - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                unit = unit << 4 | UInt32((byte | 0x20) - 0x61 + 10)
            default: return nil
            }
        }
        return unit
    }

    /// Appends a scalar value, not a surrogate, as UTF-8.
    static func append(_ value: UInt32, to text: inout [UInt8]) {
        switch value {
        case 0..<0x80: text.append(UInt8(value))
        case 0x80..<0x800:
            text.append(UInt8(0xC0 | value >> 6))
            text.append(UInt8(0x80 | value & 0x3F))
        case 0x800..<0x10000:
            text.append(UInt8(0xE0 | value >> 12))
            text.append(UInt8(0x80 | value >> 6 & 0x3F))
            text.append(UInt8(0x80 | value & 0x3F))
        default:
            text.append(UInt8(0xF0 | value >> 18 & 0x07))
            text.append(UInt8(0x80 | value >> 12 & 0x3F))
            text.append(UInt8(0x80 | value >> 6 & 0x3F))
            text.append(UInt8(0x80 | value & 0x3F))
        }
    }
}
