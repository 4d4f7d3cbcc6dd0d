/// A regular expression of the `regex` extension, over the whole of a string, matched in time linear in the string.
///
/// The language is that of RFC 9485 (I-Regexp), with `\d`, `\w` and `\s` for ASCII classes: literals, `.`, `[…]`, `[^…]`, `(…)`,
/// `|`, `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`. There are no anchors, for the whole string must match, no back references and
/// no look-around. A character is a Unicode scalar.
///
/// The expression becomes a position automaton over bytes (Glushkov 1961): one bit for each byte position, so a step is a few
/// word operations and nothing ever goes back.
struct PatternRegex: Sendable, Hashable {
    /// The expression as written.
    var text: [UInt8]
    /// The automaton; see `Layout`.
    var program: [UInt64]
    /// The literal text every match begins with.
    var literalPrefix: [UInt8]

    /// The most byte positions, which bounds the work for each byte of a string.
    static let mostPositions = 256

    /// Where the parts of a program lie. All sets of positions have `words` words.
    enum Layout {
        /// The number of words of a set; the number of byte classes; whether the empty string matches.
        static let words = 0
        static let classes = 1
        static let isNullable = 2
        /// Then the class of each byte, eight in a word, then the sets: positions that may come first, positions that may come
        /// last, for each class the positions it may be at, for each position those that may follow.
        static let classMap = 3
        static let sets = 35
    }

    init(parsing text: [UInt8]) throws(OperandError) {
        self.text = text
        var parser = RegexParser(text)
        let tree = try parser.parse()
        var automaton = RegexAutomaton()
        let ends = try automaton.add(tree)
        program = automaton.program(ends)
        literalPrefix = parser.literalPrefix
    }

    /// Whether a program matches the whole text. The program needs no alignment.
    static func matches(_ program: UnsafeRawPointer, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        @inline(__always)
        func word(_ index: Int) -> UInt64 { program.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self) }
        let words = Int(word(Layout.words))
        let classes = Int(word(Layout.classes))
        if length == 0 { return word(Layout.isNullable) == 1 }
        let classMap = program.assumingMemoryBound(to: UInt8.self) + Layout.classMap * 8
        let first = Layout.sets
        let last = first + words
        let masks = last + words
        let follow = masks + classes * words
        // At most four words a set: 256 positions.
        var active = SIMD4<UInt64>()
        let firstMask = masks + Int(classMap[Int(text[0])]) * words
        for index in 0..<words { active[index] = word(first + index) & word(firstMask + index) }
        var at = 1
        while at < length {
            var next = SIMD4<UInt64>()
            for index in 0..<words {
                var bits = active[index]
                while bits != 0 {
                    let position = index * 64 + bits.trailingZeroBitCount
                    bits &= bits &- 1
                    for target in 0..<words { next[target] |= word(follow + position * words + target) }
                }
            }
            let mask = masks + Int(classMap[Int(text[at])]) * words
            var any: UInt64 = 0
            for index in 0..<words {
                next[index] &= word(mask + index)
                any |= next[index]
            }
            if any == 0 { return false }
            active = next
            at += 1
        }
        for index in 0..<words where active[index] & word(last + index) != 0 { return true }
        return false
    }
}
