/// Matching of text against the forms of each character of an ignore-case pattern.
///
/// A character's two forms never begin or end with one another (a test looks at all of Unicode), so the first form that
/// fits is the only one.
enum CaseMatching {
    /// The number of bytes of `text` that the whole pattern covers from the start, -1 if it does not fit.
    static func forward(
        _ pattern: UnsafePointer<UInt8>, _ patternLength: Int, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Int {
        var at = 0
        var cursor = 0
        while cursor < patternLength {
            let lower = Int(pattern[cursor])
            let upper = Int(pattern[cursor + 1 + lower])
            if at + lower <= length, ByteHash.equal(text + at, pattern + cursor + 1, lower) {
                at += lower
            } else if at + upper <= length, ByteHash.equal(text + at, pattern + cursor + 2 + lower, upper) {
                at += upper
            } else {
                return -1
            }
            cursor += 3 + lower + upper
        }
        return at
    }

    /// Whether the whole pattern covers the end of `text`.
    static func backward(
        _ pattern: UnsafePointer<UInt8>, _ patternLength: Int, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        var at = length
        var cursor = patternLength
        while cursor > 0 {
            // An entry ends with its own length.
            cursor -= Int(pattern[cursor - 1])
            let lower = Int(pattern[cursor])
            let upper = Int(pattern[cursor + 1 + lower])
            if at >= lower, ByteHash.equal(text + (at - lower), pattern + cursor + 1, lower) {
                at -= lower
            } else if at >= upper, ByteHash.equal(text + (at - upper), pattern + cursor + 2 + lower, upper) {
                at -= upper
            } else {
                return false
            }
        }
        return true
    }
}

/// Matching of text against a wildcard's segments.
enum WildcardMatching {
    /// Whether the segments, `encodedLength` bytes in all and the last of them `last` bytes long, cover a text at least
    /// as long as they are. After the segments come those between the first and the last in the form of
    /// `LiteralSearch`.
    @inline(__always)
    static func matches(
        _ encoded: UnsafePointer<UInt8>, _ encodedLength: Int, _ segments: Int, last: Int,
        _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        let first = Int(ByteHash.half(encoded))
        let end = length - last
        if first > 0, !ByteHash.equal(text, encoded + 4, first) { return false }
        if last > 0, !ByteHash.equal(text + end, encoded + (encodedLength - last), last) { return false }
        if segments == 2 { return true }
        // The segments between are looked for in what the two ends leave.
        return LiteralSearch.follows(encoded + encodedLength, 1, .exact, text + first, end - first)
    }

    /// As `matches`, with segments in the form that `CaseMatching` reads. With `fixed` the first and the last segment
    /// are as long in each form, `first` and `last` bytes, and those between follow in the form of `LiteralSearch`.
    static func matchesCased(
        _ encoded: UnsafePointer<UInt8>, _ encodedLength: Int, _ segments: Int, fixed: LiteralSearch.Forms?, first: Int,
        last: Int,
        _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        if let fixed {
            guard first + last <= length else { return false }
            let size = Int(ByteHash.half(encoded))
            if first > 0, CaseMatching.forward(encoded + 4, size, text, length) < 0 { return false }
            let end = length - last
            if last > 0 {
                let ending = lastSegment(encoded, encodedLength, segments)
                if CaseMatching.forward(ending.base, ending.size, text + end, last) < 0 { return false }
            }
            return segments == 2
                || LiteralSearch.follows(encoded + encodedLength, 1, fixed, text + first, end - first)
        }
        var cursor = encoded
        var at = 0
        for index in 0..<segments {
            let size = Int(ByteHash.half(cursor))
            let segment = cursor + 4
            cursor = segment + size
            if index == 0 {
                at = CaseMatching.forward(segment, size, text, length)
                if at < 0 { return false }
                if segments == 1 { return at == length }
            } else if index == segments - 1 {
                return CaseMatching.backward(segment, size, text + at, length - at)
            } else {
                let lower = segment[1]
                let upper = segment[2 + Int(segment[0])]
                var found = -1
                while found < 0 {
                    while at < length, text[at] != lower, text[at] != upper { at += 1 }
                    if at >= length { return false }
                    found = CaseMatching.forward(segment, size, text + at, length - at)
                    if found < 0 { at += 1 }
                }
                at += found
            }
        }
        return true
    }

    /// Whether a text matches one of several wildcards that begin and end alike: with the `first` and the `last` bytes
    /// after the program, which is an automaton, or sequences of the literals between.
    @inline(__always)
    static func matchesAny(
        _ program: UnsafePointer<UInt8>, _ programLength: Int, _ form: ContainsAnyForm, _ count: Int, first: Int,
        last: Int, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        guard first + last <= length else { return false }
        let end = length - last
        let ends = program + programLength
        if first > 0, !ByteHash.equal(text, ends, first) { return false }
        if last > 0, !ByteHash.equal(text + end, ends + first, last) { return false }
        switch form {
        case .automaton: return ShiftAutomaton.accepts(program, text + first, end - first)
        case .sequences: return LiteralSearch.follows(program, count, .exact, text + first, end - first)
        case .foldedSequences: return LiteralSearch.follows(program, count, .folded, text + first, end - first)
        case .casedSequences: return LiteralSearch.follows(program, count, .either, text + first, end - first)
        }
    }

    private static func lastSegment(
        _ encoded: UnsafePointer<UInt8>, _ encodedLength: Int, _ segments: Int
    ) -> (base: UnsafePointer<UInt8>, size: Int) {
        var cursor = encoded
        for _ in 1..<segments { cursor += 4 + Int(ByteHash.half(cursor)) }
        return (cursor + 4, Int(ByteHash.half(cursor)))
    }
}
