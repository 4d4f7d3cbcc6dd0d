/// A wildcard pattern cut at its `*`: "a*b" is ["a", "b"], "*" is ["", ""], a pattern without `*` has one segment.
///
/// The first segment starts the value, the last ends it, those between follow in order: the leftmost place for each is
/// always good enough, so matching never goes back and takes time linear in the value.
struct Wildcard: Sendable, Hashable {
    /// The pattern as written, escapes included.
    var text: [UInt8]
    /// The literal text between the stars.
    var segments: [[UInt8]]

    /// Reads a pattern. Positions in messages count the opening quote, as the reference's do.
    init(parsing text: [UInt8]) throws(OperandError) {
        self.text = text
        var segments: [[UInt8]] = []
        var current: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "*") {
                if index + 1 < text.count, text[index + 1] == UInt8(ascii: "*") {
                    throw OperandError("Consecutive wildcard characters at pos \(index + 1)")
                }
                segments.append(current)
                current = []
            } else if byte == UInt8(ascii: "\\") {
                guard index + 1 < text.count,
                    text[index + 1] == UInt8(ascii: "*") || text[index + 1] == UInt8(ascii: "\\")
                else {
                    throw OperandError("Invalid escape character at pos \(index + 1)")
                }
                current.append(text[index + 1])
                index += 1
            } else {
                current.append(byte)
            }
            index += 1
        }
        segments.append(current)
        self.segments = segments
    }

    /// The number of stars.
    var stars: Int { segments.count - 1 }
}
