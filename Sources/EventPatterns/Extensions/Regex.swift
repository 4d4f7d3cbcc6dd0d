/// A regular expression of the `regex` extension, over the whole of a string, matched in time linear in the string.
///
/// The language is that of RFC 9485 (I-Regexp), with `\d`, `\w` and `\s` for ASCII classes: literals, `.`, `[…]`, `[^…]`, `(…)`,
/// `|`, `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`. There are no anchors, for the whole string must match, no back references and
/// no look-around. A character is a Unicode scalar.
///
/// The expression becomes a deterministic automaton over bytes, so a byte costs two loads whatever the expression, and less
/// where ten states are enough (`ShiftAutomaton`); one that would need too many states is refused.
struct PatternRegex: Sendable, Hashable {
    /// The expression as written.
    var text: [UInt8]
    /// The automaton; see `Layout`.
    var program: [UInt64]
    /// The literal text every match begins with.
    var literalPrefix: [UInt8]

    /// The most byte positions.
    static let mostPositions = 256
    /// The most states, the empty one included: a program stays below 128 KB, most have a few hundred bytes.
    static let mostStates = 1024

    /// Where the parts of a program lie: the number of byte classes; the class of each byte, eight in a word; then rows of
    /// 16-bit numbers, one for each state: whether it accepts, and for each class where the next row begins. Row 0 is the state
    /// that nothing leads out of, row 1 the start. Or, where the first word is `shifting`, a `ShiftAutomaton` after it.
    enum Layout {
        static let classes = 0
        static let shifting = UInt64.max
        static let classMap = 1
        static let rows = 33
    }

    init(parsing text: [UInt8]) throws(OperandError) {
        self.text = text
        var parser = RegexParser(text)
        let tree = try parser.parse()
        var automaton = RegexAutomaton()
        let ends = try automaton.add(tree)
        program = try automaton.program(ends)
        literalPrefix = parser.literalPrefix
    }

    /// Whether a program matches the whole text. The program needs no alignment.
    static func matches(_ program: UnsafeRawPointer, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let first = UInt64(littleEndian: program.loadUnaligned(as: UInt64.self))
        if first == Layout.shifting {
            return ShiftAutomaton.accepts((program + 8).assumingMemoryBound(to: UInt8.self), text, length)
        }
        let classes = Int(truncatingIfNeeded: first)
        let classMap = program.assumingMemoryBound(to: UInt8.self) + Layout.classMap * 8
        let rows = program + Layout.rows * 8
        var row = classes + 1
        var at = 0
        while at < length {
            let next = (row &+ 1 &+ Int(classMap[Int(text[at])])) &* 2
            row = Int(UInt16(littleEndian: rows.loadUnaligned(fromByteOffset: next, as: UInt16.self)))
            if row == 0 { return false }
            at &+= 1
        }
        return rows.loadUnaligned(fromByteOffset: row &* 2, as: UInt16.self) != 0
    }
}
