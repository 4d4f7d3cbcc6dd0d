/// A value test in the matcher's flat form: 32 bytes, its text in the segment's text.
struct Atom: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        case exact, address, number, numberText, `true`, `false`, null
        case prefix, suffix
        /// ASCII text, kept in lower case.
        case equalsFolded, prefixFolded, suffixFolded
        /// Any text: `extra` entries of lower length, lower, upper length, upper, entry length.
        case equalsCased, prefixCased, suffixCased
        /// `extra` segments of length (4 bytes) and text, `length` bytes in all, then those between the first and the
        /// last in the form of `LiteralSearch`. `x` is the least length of a text, `y` that of the last segment.
        case wildcard
        /// Some of `extra` wildcards that begin and end alike: a program of `length` bytes in the form that `flags`
        /// tells, the `x` bytes of their beginning and the `y` bytes of their end, then the longest literal of each
        /// between stars, with its length (4 bytes) before it.
        case containsAny
        /// The doubles `x` to `y`; flag 1: with the low end, 2: with the high end.
        case range
        /// The block `x`, `y` of `extra` bits.
        case cidr
        case exists, absent
        /// A regular expression's program.
        case regex
        /// As `wildcard`, each segment in the form of `equalsCased`. Flag 1: every character's forms differ in one byte
        /// at most; then `x` and `y` are the lengths of the first and the last segment, those between follow, as
        /// `fixedForms` tells.
        case wildcardCased
        /// Microseconds `x` to `y`, both included, as bit patterns.
        case date
        /// Times of the day, in the words of `TimeOfDayTest`.
        case timeOfDay
        /// None of the `length` atoms from `offset` on, sorted by `x` if flag 1 is set. The first `x` of them are in
        /// lists (see `KeyList`), as in a condition; flag 2 if there are any, whose tables begin at `y` in the
        /// condition's text.
        case anythingBut
    }

    var kind: Kind
    /// Kind-specific; for `address` and `cidr`, 1 means IPv6.
    var flags: UInt8
    var extra: UInt16
    /// The number of bytes of text, or of excluded atoms.
    var length: UInt32
    /// Where the text begins, relative to the condition's text; or the first excluded atom, relative to the
    /// condition's.
    var offset: UInt32
    /// Of wildcards: the bytes that are gone through to look for what is between their ends.
    var work: UInt32 = 0
    /// The text's bytes 0..<8, or a double's bits, or an address's high half.
    var x: UInt64
    /// The text's bytes 8..<16, or a double's bits, or an address's low half.
    var y: UInt64

    /// Of a wildcard that ignores case: how what lies between its ends is looked for; nil if it cannot be, byte by
    /// byte.
    var fixedForms: LiteralSearch.Forms? { flags & 1 == 0 ? nil : LiteralSearch.Forms(rawValue: flags >> 1) }

    init(_ kind: Kind) {
        self.kind = kind
        flags = 0
        extra = 0
        length = 0
        offset = 0
        x = 0
        y = 0
    }
}

/// How an atom of several wildcards finds what is between its ends.
enum ContainsAnyForm: UInt8, BitwiseCopyable {
    /// A `ShiftAutomaton` that finds any of single literals.
    case automaton
    /// `LiteralSearch`: as they are, with the text's ASCII letters in lower case, or in both cases.
    case sequences, foldedSequences, casedSequences

    /// Whether case is ignored.
    var ignoresCase: Bool { self == .foldedSequences || self == .casedSequences }
}

/// A field with its alternatives in flat form. Equal conditions of different rules are one.
struct ConditionRecord: BitwiseCopyable {
    var path: Int32
    var firstAtom: UInt32
    /// The alternatives; excluded atoms follow them.
    var atomCount: UInt32
    /// With the excluded ones.
    var spanCount: UInt32
    var firstByte: UInt32
    var byteCount: UInt32
    /// Where the answer is remembered during an event, -1 if only one sub-rule asks.
    var memo: Int32
    /// The alternatives from the first that are in lists, one list after the other; see `KeyList`.
    var listedCount: UInt32 = 0
    /// Where their tables begin in the condition's text.
    var tables: UInt32 = 0
    /// The alternatives after them that are numbers and ranges of them, ascending and apart, 0 if too few to sort.
    var rangeCount: UInt32 = 0
    /// The alternatives after these that are ranges of time, ascending and apart.
    var dateCount: UInt32 = 0
    /// The alternatives after these that are addresses and blocks of them, in their order and apart.
    var addressCount: UInt32 = 0
    /// The alternatives after these that are times of the day, for which a moment is read once.
    var timeCount: UInt32 = 0
    /// What it costs to find that a value passes no alternative: one for each test that is run, each step in a list,
    /// each byte looked for, and each 16 instructions of a regular expression.
    var work: UInt32 = 0
    var allowsAbsence: Bool

    /// Whether some alternatives are searched, or have their values read, as one.
    var isSearched: Bool {
        listedCount | rangeCount | dateCount | addressCount | timeCount != 0
    }
}

/// A branch of a rule: conditions in the order of their paths.
struct SubRule: BitwiseCopyable {
    /// The rule, as a position in the segment.
    var rule: Int32
    var firstCondition: UInt32
    /// At most 256.
    private let lastCondition: UInt8
    /// Which of the conditions the sub-rule is filed under.
    var filed: UInt8 = 0
    /// `common`, whether the rule has other branches in the highest bit, and whether it has a group of conditions in
    /// the one below: with more than twelve bytes a sub-rule, a hundred thousand rules miss the processor's caches more
    /// often.
    private var marks: UInt16

    init(rule: Int32, firstCondition: UInt32, conditionCount: Int, isBranched: Bool) {
        self.rule = rule
        self.firstCondition = firstCondition
        lastCondition = UInt8(truncatingIfNeeded: conditionCount - 1)
        marks = isBranched ? SubRule.branched : 0
    }

    private static let branched: UInt16 = 1 << 15
    private static let soughts: UInt16 = 1 << 14
    /// Of how many conditions it is known whether all branches ask them.
    static let mostCommon = 14

    var conditionCount: Int { Int(lastCondition) + 1 }
    /// Whether the rule has other branches, any of which may have matched already.
    var isBranched: Bool { marks & SubRule.branched != 0 }
    /// Whether some conditions are looked for together: the number of their `SoughtGroup` follows the references.
    var hasSoughts: Bool { marks & SubRule.soughts != 0 }
    mutating func setSoughts() { marks |= SubRule.soughts }
    /// Of a rule with other branches, whether one of the first conditions is asked by all of them.
    @inline(__always)
    func isCommon(_ place: Int) -> Bool {
        place < SubRule.mostCommon && marks &>> UInt16(truncatingIfNeeded: place) & 1 == 1
    }
    mutating func setCommon(_ place: Int) { marks |= 1 << UInt16(place) }
}
