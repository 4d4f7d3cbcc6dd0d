/// Booleans in text: `true`, `false`, with a capital first letter, or all in capitals.
enum BooleanText {
    /// Sixteen bytes from `text` must be readable.
    @inline(__always)
    static func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool? {
        let word = loadWord(text)
        if length == 4 {
            let four = UInt32(truncatingIfNeeded: word)
            return four == 0x6575_7274 || four == 0x6575_7254 || four == 0x4555_5254 ? true : nil
        }
        if length == 5 {
            let five = word & 0xFF_FFFF_FFFF
            return five == 0x65_736C_6166 || five == 0x65_736C_6146 || five == 0x45_534C_4146 ? false : nil
        }
        return nil
    }
}
