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

    /// All texts that are booleans.
    static let words = ["true", "True", "TRUE", "false", "False", "FALSE"]

    /// Which of `words` a boolean is written as, as a bit.
    @inline(__always)
    static func word(_ text: UnsafePointer<UInt8>, _ value: Bool) -> UInt8 {
        let isCapitalized = text[0] & 0x20 == 0
        let isCapital = text[1] & 0x20 == 0
        return 1 &<< (UInt8(value ? 0 : 3) &+ (isCapitalized ? 1 : 0) &+ (isCapital ? 1 : 0))
    }
}
