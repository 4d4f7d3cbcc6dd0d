/// Counts characters of UTF-8.
enum Characters {
    /// Unicode scalars: every byte but those that continue one.
    static func count(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        text.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
    }

    /// Whether each byte is a character.
    static func areASCII(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = text.baseAddress else { return true }
        var (a, b, c, d) = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        var position = 0
        while position &+ 32 <= text.count {
            a |= loadWord(start + position)
            b |= loadWord(start + position + 8)
            c |= loadWord(start + position + 16)
            d |= loadWord(start + position + 24)
            position &+= 32
        }
        while position < text.count {
            a |= UInt64(start[position])
            position &+= 1
        }
        return (a | b | c | d) & 0x8080_8080_8080_8080 == 0
    }
}
