import CLinux

/// Finds wildcards' literals between their stars, one after the other, each leftmost after the one before.
///
/// In a text of at most 64 bytes all places of a literal are one mask of bits, and from mask to mask there is no branch
/// that depends on the text. In longer texts the window moves on: a text costs a few instructions for each 16 of its
/// bytes, and for each byte of the literals.
enum LiteralSearch {
    /// Texts longer than this are searched window by window.
    static let window = 64

    /// One literal: its bytes, and if case is ignored those of the other form, which are as many.
    struct Literal {
        var bytes: [UInt8]
        var others: [UInt8]
    }

    /// What of a text equals a literal.
    enum Forms: UInt8, BitwiseCopyable {
        case exact
        /// The literal is in lower case, and ASCII capitals of the text are put into it.
        case folded
        /// Each byte in either of its forms.
        case either

        @inline(__always)
        var code: Int32 { Int32(truncatingIfNeeded: rawValue) }

        /// How literals are looked for if case is ignored: folding the text is less work, but knows the letters of
        /// ASCII only.
        static func ignoringCase(_ literals: some Sequence<Literal>) -> Forms {
            let isFoldable = literals.allSatisfy { literal in
                zip(literal.bytes, literal.others).allSatisfy { $0 == $1 || $0 == CaseText.asciiLower($1) }
            }
            return isFoldable ? .folded : .either
        }
    }

    /// Sequences of literals as `clinux_any_follows` reads them.
    static func encode(_ sequences: [[Literal]], _ forms: Forms) -> [UInt8] {
        var encoded: [UInt8] = []
        for literals in sequences {
            let bytes = encode(literals, forms)
            append([bytes.count, literals.count], to: &encoded)
            encoded += bytes
        }
        return encoded
    }

    /// The bytes of a sequence that are gone through for every text: of long literals, the rest is looked at where
    /// their beginning was found.
    static func laneBytes(_ literals: [Literal], _ forms: Forms) -> Int {
        literals.reduce(8) { $0 + 8 + min($1.bytes.count, Int(CLINUX_STRETCH)) * (forms == .either ? 32 : 16) }
    }

    private static func append(_ numbers: [Int], to encoded: inout [UInt8]) {
        for number in numbers {
            for shift in [0, 8, 16, 24] { encoded.append(UInt8(truncatingIfNeeded: number >> shift)) }
        }
    }

    private static func encode(_ literals: [Literal], _ forms: Forms) -> [UInt8] {
        var encoded: [UInt8] = []
        for literal in literals {
            let stretch = min(literal.bytes.count, Int(CLINUX_STRETCH))
            append([literal.bytes.count, stretch], to: &encoded)
            for index in 0..<stretch {
                encoded += [UInt8](repeating: literal.bytes[index], count: 16)
                if forms == .either { encoded += [UInt8](repeating: literal.others[index], count: 16) }
            }
            if literal.bytes.count > stretch { encoded += literal.bytes + (forms == .either ? literal.others : []) }
        }
        return encoded
    }

    /// Whether a text has the literals of some of `count` encoded sequences.
    @inline(__always)
    static func follows(
        _ sequences: UnsafePointer<UInt8>, _ count: Int, _ forms: Forms, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        if length <= window { return clinux_any_follows(text, length, sequences, count, forms.code) }
        return followsInLong(sequences, count, forms, text, length)
    }

    @inline(never)
    private static func followsInLong(
        _ sequences: UnsafePointer<UInt8>, _ count: Int, _ forms: Forms, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        var cursor = sequences
        for _ in 0..<count {
            let bytes = Int(ByteHash.half(cursor))
            let literals = Int(ByteHash.half(cursor + 4))
            if followInLong(cursor + 8, literals, forms, text, length) { return true }
            cursor += 8 + bytes
        }
        return false
    }

    private static func followInLong(
        _ literals: UnsafePointer<UInt8>, _ count: Int, _ forms: Forms, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        var cursor = literals
        var at = 0
        for _ in 0..<count {
            let size = Int(ByteHash.half(cursor))
            let stretch = Int(ByteHash.half(cursor + 4))
            let lanes = cursor + 8
            let whole = lanes + stretch * (forms == .either ? 32 : 16)
            let place = find(lanes, stretch, whole, size, forms, text, from: at, length)
            if place < 0 { return false }
            at = place + size
            cursor = whole + (size > stretch ? size * (forms == .either ? 2 : 1) : 0)
        }
        return true
    }

    /// The first place of a literal in a text longer than a window, -1 if there is none.
    private static func find(
        _ lanes: UnsafePointer<UInt8>, _ stretch: Int, _ whole: UnsafePointer<UInt8>, _ size: Int, _ forms: Forms,
        _ text: UnsafePointer<UInt8>, from: Int, _ length: Int
    ) -> Int {
        var from = from
        // What may be compared in vain before the search goes on by sums.
        var patience = 4 * length
        while from + size <= length {
            let start = min(from, length - window)
            var places = clinux_starts(text + start, lanes, UInt32(truncatingIfNeeded: stretch), forms.code)
            places &= UInt64.max << UInt64(from - start)
            while places != 0 {
                let place = start + places.trailingZeroBitCount
                if place + size > length { return -1 }
                if size == stretch || clinux_continues(text + place, whole, stretch, size, forms.code) {
                    return place
                }
                patience -= size
                // Texts and literals that repeat themselves would be compared over and over. Ignoring case, the
                // complexity of wildcards bounds that: at one place of a text, few starts of a literal can be under
                // way.
                if patience < 0, forms == .exact { return findLong(whole, size, text, from: place + 1, length) }
                places &= places &- 1
            }
            if start + window >= length { return -1 }
            from = start + window - (stretch - 1)
        }
        return -1
    }

    /// Rabin-Karp with 64-bit sums: linear, also where text and literal repeat themselves; candidates are compared, and
    /// a text made to collide would need the multiplier's inverse for every window.
    private static func findLong(
        _ literal: UnsafePointer<UInt8>, _ size: Int, _ text: UnsafePointer<UInt8>, from: Int, _ length: Int
    ) -> Int {
        guard from + size <= length else { return -1 }
        let factor: UInt64 = 0x5851_F42D_4C95_7F2D
        var wanted: UInt64 = 0
        var sum: UInt64 = 0
        var leading: UInt64 = 1
        for index in 0..<size {
            wanted = wanted &* factor &+ UInt64(literal[index])
            sum = sum &* factor &+ UInt64(text[from + index])
            if index > 0 { leading = leading &* factor }
        }
        var at = from
        while true {
            if sum == wanted, ByteHash.equal(text + at, literal, size) { return at }
            if at + size >= length { return -1 }
            sum = (sum &- UInt64(text[at]) &* leading) &* factor &+ UInt64(text[at + size])
            at += 1
        }
    }
}
