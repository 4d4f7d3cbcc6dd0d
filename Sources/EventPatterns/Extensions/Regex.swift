/// A regular expression of the `regex` extension, over the whole of a string, matched in time linear in the string.
///
/// The language is that of RFC 9485 (I-Regexp), with `\d`, `\w` and `\s` for ASCII classes: literals, `.`, `[…]`, `[^…]`, `(…)`,
/// `|`, `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`. There are no anchors, for the whole string must match, no back references and
/// no look-around. A character is a Unicode scalar.
///
/// The expression becomes a deterministic automaton over bytes, so a byte costs two loads whatever the expression, and less
/// where ten states are enough (`ShiftAutomaton`) or where two bytes at a time can be looked up; one that would need too many
/// states is refused.
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

    /// The most entries of rows that are read by pairs of bytes: 32 KB.
    static let mostPairs = 16_384

    /// Where the parts of a program lie: the number of byte classes; the class of each byte, eight in a word; then rows of
    /// 16-bit numbers, one for each state: whether it accepts, and for each class where the next row begins. Row 0 is the state
    /// that nothing leads out of, row 1 the start. Or, where the first word is `shifting`, a `ShiftAutomaton` after it. Or, where
    /// it is `paired`: the length of a row and the number of classes, then numbers of 16 bits: for each byte where the pairs
    /// it begins stand in a row, for each byte its class, and the rows: whether the state accepts, then for each pair of
    /// classes where the row of the state begins that follows both; the class above all others is that there is no byte.
    enum Layout {
        static let classes = 0
        static let shifting = UInt64.max
        static let paired = UInt64.max - 1
        static let pairTables = 24
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

    /// One expression for several, of which all start with `prefix`.
    private init(uniting regexes: [PatternRegex], prefix: [UInt8]) throws(OperandError) {
        var union: [UInt8] = []
        for regex in regexes { union += (union.isEmpty ? "(" : "|(").utf8 + regex.text + ")".utf8 }
        self = try PatternRegex(parsing: union)
        literalPrefix = prefix
    }

    /// Regular expressions that one text can be in together, as one each: those whose literal starts begin alike.
    static func united(_ regexes: [PatternRegex]) throws(OperandError) -> [PatternRegex] {
        var groups: [[PatternRegex]] = []
        for regex in regexes.sorted(by: { $0.literalPrefix.lexicographicallyPrecedes($1.literalPrefix) }) {
            if let first = groups.last?.first, regex.literalPrefix.starts(with: first.literalPrefix) {
                groups[groups.count - 1].append(regex)
            } else {
                groups.append([regex])
            }
        }
        var united: [PatternRegex] = []
        for group in groups {
            united.append(
                group.count == 1 ? group[0] : try PatternRegex(uniting: group, prefix: group[0].literalPrefix))
        }
        return united
    }

    /// A list of tests in which regular expressions are united, if they can be.
    static func united(_ tests: [ValueTest]) -> [ValueTest] {
        let regexes = tests.compactMap { test in if case .regex(let regex) = test { regex } else { nil } }
        guard regexes.count > 1, let united = try? united(regexes) else { return tests }
        let others = tests.filter { if case .regex = $0 { false } else { true } }
        return others + united.map { .regex($0) }
    }

    /// Whether a program matches the whole text. The program needs no alignment.
    static func matches(_ program: UnsafeRawPointer, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let first = UInt64(littleEndian: program.loadUnaligned(as: UInt64.self))
        if first == Layout.shifting {
            return ShiftAutomaton.accepts((program + 8).assumingMemoryBound(to: UInt8.self), text, length)
        }
        if first == Layout.paired { return matchesPairs(program, text, length) }
        let classes = Int(truncatingIfNeeded: first)
        let classMap = program.assumingMemoryBound(to: UInt8.self) + Layout.classMap * 8
        // Behind the entry that says whether a row's state accepts.
        let entries = program + (Layout.rows * 8 + 2)
        var row = classes + 1
        var at = 0
        while at &+ 8 <= length {
            let bytes = ByteHash.word(text + at)
            for lane in 0..<8 {
                let found = Int(classMap[Int(truncatingIfNeeded: bytes &>> UInt64(8 &* lane) & 0xFF)])
                row = number(entries + found &* 2, row)
            }
            if row == 0 { return false }
            at &+= 8
        }
        while at < length {
            row = number(entries + Int(classMap[Int(text[at])]) &* 2, row)
            at &+= 1
        }
        return number(entries - 2, row) != 0
    }

    /// An entry of a table of 16 bits. What a step waits for is the entry that the step before it loads; where the table begins
    /// for the bytes found is known by then.
    @inline(__always)
    private static func number(_ table: UnsafeRawPointer, _ index: Int) -> Int {
        Int(UInt16(littleEndian: table.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)))
    }

    /// Two bytes a step.
    private static func matchesPairs(_ program: UnsafeRawPointer, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let begins = program + Layout.pairTables
        let ends = begins + 512
        let rows = ends + 512
        var row = Int(UInt64(littleEndian: program.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        var at = 0
        while at &+ 8 <= length {
            let bytes = ByteHash.word(text + at)
            for pair in 0..<4 {
                let both = Int(truncatingIfNeeded: bytes &>> UInt64(16 &* pair))
                let found = number(begins, both & 0xFF) &+ number(ends, both >> 8 & 0xFF)
                row = number(rows + found &* 2, row)
            }
            if row == 0 { return false }
            at &+= 8
        }
        // All steps are made, for a number of steps that differs from text to text cannot be foretold.
        let classes = Int(UInt64(littleEndian: program.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
        let rest = length &- at
        let bytes = ByteHash.tail(text, at, length)
        for pair in 0..<4 {
            let both = Int(truncatingIfNeeded: bytes &>> UInt64(16 &* pair))
            let one = 2 &* pair < rest ? number(begins, both & 0xFF) : 1 &+ classes &* (classes &+ 1)
            let other = 2 &* pair &+ 1 < rest ? number(ends, both >> 8 & 0xFF) : classes
            row = number(rows + (one &+ other) &* 2, row)
        }
        return number(rows, row) != 0
    }
}
