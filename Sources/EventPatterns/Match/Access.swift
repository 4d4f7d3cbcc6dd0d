/// How a sub-rule is found: the ways of looking a value up, and the keys that rules are filed under.
///
/// Every sub-rule is filed under one of its fields, the most selective; the other fields are evaluated directly once a
/// value has led to the sub-rule. So an event costs as much as the rules it comes near to, not as all there are.
enum Access {
    enum Kind: UInt64 {
        /// A value of any type; a string.
        case any = 1
        /// A value of any type, all that is asked for.
        case present
        case string, exact, numberText, number, literal
        case prefix, suffix, equalsFolded, prefixFolded, suffixFolded, equalsKey, prefixKey, suffixKey, gram
        /// What an `anything-but` excludes under which a rule is filed.
        case excluded, excludedNumber
        /// A value that is no string.
        case notString

        /// Of affixes: whether it is the start of texts that counts.
        var isStart: Bool { self == .prefix || self == .prefixFolded || self == .prefixKey }
    }

    /// The keys that rules are filed under and values looked up by.
    struct Keys: BitwiseCopyable {
        /// Kept beside what is looked up in: a global variable would be asked whether it is set, for each value.
        private let secret = ByteHash.secret

        /// The seed of a key of text.
        @inline(__always)
        func seed(_ path: Int32, _ kind: Kind, _ extra: Int = 0) -> UInt64 {
            secret ^ (UInt64(UInt32(bitPattern: path)) &+ 1) &* 0x9FB2_1C65_1E98_DF25
                ^ kind.rawValue &* 0xD6E8_FEB8_6659_FD93 ^ UInt64(truncatingIfNeeded: extra) &* 0xC2B2_AE3D_27D4_EB4F
        }

        /// A key without text.
        @inline(__always)
        func key(_ path: Int32, _ kind: Kind, _ word: UInt64, _ extra: Int = 0) -> UInt64 {
            let first = ByteHash.mix(seed(path, kind, extra) ^ word, 0xA076_1D64_78BD_642F)
            return ByteHash.mix(first, 0xE703_7ED1_A0B4_28DB) | 1
        }
    }

    /// Which lookups a value of a path must make.
    struct Plan: BitwiseCopyable {
        /// What a value of the path is looked up by, once the plan is complete.
        var looks: Looks = []
        /// What of it strings are looked up by.
        var texts: Texts = []
        /// A bit for each length, modulo 64, of what is filed under `exact` or `equalsFolded`.
        var exactLengths: UInt64 = 0
        var foldedLengths: UInt64 = 0
        var any = false
        var string = false
        /// Whether values that are no strings are looked up as such.
        var notString = false
        var present = false
        /// With `any` and `present`: the slots of the rules that every value leads to.
        var anySlot: Int32 = -1
        var presentSlot: Int32 = -1
        /// With `string`: where the tests that every string leads to begin among the segment's, and their number.
        var firstString: Int32 = 0
        var stringCount: Int32 = 0
        var exact = false
        var number = false
        var numberText = false
        var literal = false
        var equalsFolded = false
        /// Some lookup by folded key is wanted.
        var equalsKey = false
        var prefix = Lengths()
        var suffix = Lengths()
        var prefixFolded = Lengths()
        var suffixFolded = Lengths()
        var prefixKey = Lengths()
        var suffixKey = Lengths()
        var grams = Lengths()
        /// One bit for each byte that some stretch filed under `grams` begins with.
        var gramStarts = SIMD4<UInt64>()
        /// The number of an interval index, -1 for none.
        var intervals: Int32 = -1
        /// The same for timestamps, in microseconds.
        var dates: Int32 = -1
        /// The number of an index of addresses, -1 for none.
        var addresses: Int32 = -1
        /// The number of the first grid whose first path this is, -1 for none.
        var plane: Int32 = -1
        /// The number of the index of rules that leave values out, -1 for none.
        var complement: Int32 = -1
        /// The number of the first list of affixes, -1 for none; see `AffixList`.
        var crowd: Int32 = -1
        /// The number of the list of rules that leave out what texts are looked up by, -1 for none.
        var rest: Int32 = -1

        /// The lengths of a kind of affixes.
        func lengths(_ kind: Kind) -> Lengths {
            switch kind {
            case .prefix: prefix
            case .suffix: suffix
            case .prefixFolded: prefixFolded
            case .suffixFolded: suffixFolded
            case .prefixKey: prefixKey
            case .suffixKey: suffixKey
            default: Lengths()
            }
        }

        /// Notes what values are looked up by; the plan must be complete.
        mutating func settle() {
            texts = []
            if exact { texts.insert(.exact) }
            if equalsFolded { texts.insert(.folded) }
            if prefix.count > 0 { texts.insert(.prefix) }
            if suffix.count > 0 { texts.insert(.suffix) }
            if addresses >= 0 || usesKey || dates >= 0 || crowd >= 0
                || [prefixFolded, suffixFolded, grams].contains(where: { $0.count > 0 })
            {
                texts.insert(.others)
            }
            looks = []
            if any || present || complement >= 0 { looks.insert(.any) }
            if notString { looks.insert(.notString) }
            if string { looks.insert(.strings) }
            if !texts.isEmpty { looks.insert(.text) }
            if literal { looks.insert(.literal) }
            if rest >= 0 { looks.insert(.rest) }
            if number || numberText || intervals >= 0 || plane >= 0 { looks.insert(.number) }
        }

        var usesKey: Bool { equalsKey || prefixKey.count > 0 || suffixKey.count > 0 }
    }

    /// Ways to look a value up.
    struct Looks: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        /// Whatever it is; what is no string.
        static let any = Looks(rawValue: 1)
        static let notString = Looks(rawValue: 2)
        /// Strings: by the tests from `firstString` on, and by `Texts`.
        static let strings = Looks(rawValue: 4)
        static let text = Looks(rawValue: 8)
        static let number = Looks(rawValue: 16)
        static let literal = Looks(rawValue: 32)
        /// After all others: the rules that they did not lead to.
        static let rest = Looks(rawValue: 64)
    }

    /// Ways to look a string up: those that most rules use, and all others.
    struct Texts: OptionSet, BitwiseCopyable {
        let rawValue: UInt8
        static let exact = Texts(rawValue: 1)
        static let folded = Texts(rawValue: 2)
        static let prefix = Texts(rawValue: 4)
        static let suffix = Texts(rawValue: 8)
        static let others = Texts(rawValue: 16)
    }

    /// A stretch of the segment's list of lengths, ascending; for lengths of affixes with a gate.
    ///
    /// A gate tells, from the first or last bytes of a text, which lengths some affix that begins or ends alike is
    /// filed under: most texts need no lookup at all, however many lengths there are.
    struct Lengths: BitwiseCopyable {
        var first: Int32 = 0
        var count: Int32 = 0
        /// Where the gate begins among the segment's gates, -1 for none: a word for each slot, a bit for each length.
        var gate: Int32 = -1
        /// The number of bytes the gate looks at, 1...4.
        var reach: Int32 = 0
    }

    static let gateSize = 256

    /// The slot of a gate for the bytes it looks at.
    @inline(__always)
    static func gateSlot(_ word: UInt64) -> Int {
        Int(truncatingIfNeeded: (word &* 0x9FB2_1C65_1E98_DF25) >> 56)
    }

    /// Whether lengths of a kind are those of affixes.
    static func isGated(_ kind: Kind) -> Bool {
        switch kind {
        case .prefix, .suffix, .prefixFolded, .suffixFolded, .prefixKey, .suffixKey: true
        default: false
        }
    }

    /// The length under which a text of `length` bytes is filed, if all lengths would be too many to try.
    static func roundedLength(_ length: Int) -> Int {
        var step = 1
        while step * 2 <= length { step *= 2 }
        // Two steps an octave: 1, 2, 3, 4, 6, 8, 12, 16, 24, ...
        return length >= step + step / 2 && step > 1 ? step + step / 2 : step
    }
}
