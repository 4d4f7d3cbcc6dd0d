import CLinux

/// A regular expression of the `regex` extension, over the whole of a string, matched in time linear in the string.
///
/// The language is that of RFC 9485 (I-Regexp), with `\d`, `\w` and `\s` for ASCII classes: literals, `.`, `[…]`,
/// `[^…]`, `(…)`, `|`, `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`. There are no anchors, for the whole string must match, no
/// back references and no look-around. A character is a Unicode scalar.
///
/// The expression becomes operations on the places of an ASCII text, all at once (`RegexMarks`), or, where it repeats
/// more than a byte without end, an automaton of ten states (`ShiftAutomaton`). Other texts are read by a deterministic
/// automaton over bytes, one or two at a time. What an expression costs is known, and one that costs too much is
/// refused.
struct PatternRegex: Sendable, Hashable {
    /// The expression as written.
    var text: [UInt8]
    /// The automaton; see `Layout`.
    var program: [UInt64]
    /// The literal text every match begins with.
    var literalPrefix: [UInt8]
    /// What an ASCII text of some 40 bytes costs at most, in instructions.
    var cost: Int

    /// The most byte positions.
    static let mostPositions = 256
    /// The most states, the empty one included: a program stays below 128 KB, most have a few hundred bytes.
    static let mostStates = 1024

    /// The most entries of rows that are read by pairs of bytes: 32 KB.
    static let mostPairs = 16_384

    /// Where the parts of a program lie: the number of byte classes; the class of each byte, eight in a word; then rows
    /// of 16-bit numbers, one for each state: whether it accepts, and for each class where the next row begins. Row 0
    /// is the state that nothing leads out of, row 1 the start. Or, where the first word is `shifting`, a
    /// `ShiftAutomaton` after it. Or, where it is `paired`: the length of a row and the number of classes, then numbers
    /// of 16 bits: for each byte where the pairs it begins stand in a row, for each byte its class, and the rows:
    /// whether the state accepts, then for each pair of classes where the row of the state begins that follows both;
    /// the class above all others is that there is no byte.
    ///
    /// Before such a program there may be one for ASCII texts: behind `marked` and the number of words up to the other
    /// the program of `RegexMarks`; behind `trimmed` and that number the lengths of what a text must begin and end
    /// with, then these bytes, then a `ShiftAutomaton` for what is between.
    enum Layout {
        static let classes = 0
        static let shifting = UInt64.max
        static let paired = UInt64.max - 1
        static let marked = UInt64.max - 2
        static let trimmed = UInt64.max - 3
        static let pairTables = 24
        static let classMap = 1
        static let rows = 33
    }

    /// The expression read.
    private let tree: RegexTree

    init(parsing text: [UInt8]) throws(OperandError) {
        var parser = RegexParser(text)
        try self.init(try parser.parse(), text: text)
    }

    private init(_ tree: RegexTree, text: [UInt8]) throws(OperandError) {
        self.text = text
        self.tree = tree
        let automaton = try RegexAutomaton.deterministic(tree)
        (program, cost) = PatternRegex.program(tree, automaton)
        literalPrefix = RegexParser.prefix(of: tree).text
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
            if group.count == 1 {
                united.append(group[0])
            } else {
                var whole = try PatternRegex(.choice(group.map(\.tree)), text: group[0].text)
                whole.literalPrefix = group[0].literalPrefix
                united.append(whole)
            }
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

    /// The program for an expression, of which `automaton` is the deterministic one, and its cost.
    private static func program(_ tree: RegexTree, _ automaton: DeterministicAutomaton) -> ([UInt64], Int) {
        let general = automaton.program()
        let generalCost =
            general.first == Layout.shifting ? shiftingCost : automaton.longestWay.map { 60 + 14 * $0 } ?? .max
        let ascii = RegexMarks.ascii(tree)
        let marks = RegexMarks(ascii)
        if let marks, marks.cost <= min(generalCost, mostCost) {
            return ([Layout.marked] + placed(marks.program, general), marks.cost)
        }
        if generalCost > shiftingCost, let ascii {
            let (first, core, last) = RegexMarks.core(ascii)
            if let shifting = try? RegexAutomaton.deterministic(core).merged(), let bytes = shifting.shifting() {
                var program: [UInt8] = []
                for count in [first.count, last.count] {
                    for shift in stride(from: 0, to: 64, by: 8) {
                        program.append(UInt8(truncatingIfNeeded: count >> shift))
                    }
                }
                return ([Layout.trimmed] + placed(program + first + last + bytes, general), shiftingCost)
            }
        }
        return (general, min(generalCost, marks?.cost ?? .max))
    }

    /// The number of words up to a program behind some bytes, the bytes and the program.
    private static func placed(_ bytes: [UInt8], _ program: [UInt64]) -> [UInt64] {
        let words = stride(from: 0, to: bytes.count, by: 8).map { at in
            (0..<min(8, bytes.count - at)).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }.littleEndian
        }
        return [UInt64(words.count + 2).littleEndian] + words + program
    }

    /// What reading 40 bytes by a `ShiftAutomaton` costs.
    private static let shiftingCost = 240
    /// The most that an expression may cost unless `PatternLimits` says otherwise.
    static let mostCost = 300

    /// Whether a program matches the whole text. The program needs no alignment.
    static func matches(_ program: UnsafeRawPointer, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let first = UInt64(littleEndian: program.loadUnaligned(as: UInt64.self))
        if first == Layout.marked { return matchesMarks(program, text, length) }
        if first == Layout.trimmed { return matchesTrimmed(program, text, length) }
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

    /// Whether a program begins with `RegexMarks`; see `matchesMarks`.
    static func hasMarks(_ program: UnsafeRawPointer) -> Bool {
        UInt64(littleEndian: program.loadUnaligned(as: UInt64.self)) == Layout.marked
    }

    /// As `matches` for a program that begins with `RegexMarks`.
    @inline(__always)
    static func matchesMarks(_ program: UnsafeRawPointer, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let answer = clinux_marks_match((program + 16).assumingMemoryBound(to: UInt8.self), text, length)
        return answer >= 0 ? answer > 0 : matches(program + other(program), text, length)
    }

    /// Where the program begins that reads any text.
    @inline(__always)
    private static func other(_ program: UnsafeRawPointer) -> Int {
        8 &* Int(UInt64(littleEndian: program.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    private static func matchesTrimmed(
        _ program: UnsafeRawPointer, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        let first = Int(UInt64(littleEndian: program.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
        let last = Int(UInt64(littleEndian: program.loadUnaligned(fromByteOffset: 24, as: UInt64.self)))
        let literals = (program + 32).assumingMemoryBound(to: UInt8.self)
        guard first + last <= length, first == 0 || ByteHash.equal(text, literals, first),
            last == 0 || ByteHash.equal(text + (length - last), literals + first, last)
        else { return false }
        if ShiftAutomaton.accepts(literals + (first + last), text + first, length - first - last) { return true }
        // The automaton knows ASCII only.
        return !isASCII(text, length) && matches(program + other(program), text, length)
    }

    private static func isASCII(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        var found: UInt64 = 0
        var at = 0
        while at < length {
            found |= ByteHash.tail(text, at, length)
            at += 8
        }
        return found & 0x8080_8080_8080_8080 == 0
    }

    /// An entry of a table of 16 bits. What a step waits for is the entry that the step before it loads; where the
    /// table begins for the bytes found is known by then.
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
