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
            cursor += 2 + lower + upper
        }
        return at
    }

    /// Whether the whole pattern covers the end of `text`.
    static func backward(
        _ pattern: UnsafePointer<UInt8>, _ patternLength: Int, _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        // The entries can only be walked forwards, so the end is found by trying each start within reach.
        var cursor = 0
        var longest = 0
        while cursor < patternLength {
            let lower = Int(pattern[cursor])
            let upper = Int(pattern[cursor + 1 + lower])
            longest += max(lower, upper)
            cursor += 2 + lower + upper
        }
        var start = max(0, length - longest)
        while start <= length {
            if forward(pattern, patternLength, text + start, length - start) == length - start { return true }
            start += 1
        }
        return false
    }
}

/// Matching of text against a wildcard's segments.
enum WildcardMatching {
    /// Whether the segments, `encodedLength` bytes in all and the last of them `last` bytes long, cover a text at least as long
    /// as they are. After the segments come automata that find those between, or none.
    static func matches(
        _ encoded: UnsafePointer<UInt8>, _ encodedLength: Int, _ segments: Int, automata: Int, last: Int,
        _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
        let first = Int(ByteHash.half(encoded))
        let end = length - last
        guard ByteHash.equal(text, encoded + 4, first),
            ByteHash.equal(text + end, encoded + (encodedLength - last), last)
        else { return false }
        // The segments between are looked for in what the two ends leave.
        if automata > 0 { return findAll(encoded + encodedLength, automata, text, from: first, end, exact: false) >= 0 }
        var cursor = encoded + 4 + first
        var at = first
        for _ in 1..<(segments - 1) {
            let size = Int(ByteHash.half(cursor))
            if size > 0 {
                let found = find(cursor + 4, size, text, from: at, end)
                if found < 0 { return false }
                at = found + size
            }
            cursor += 4 + size
        }
        return at <= end
    }

    /// Runs automata one after the other: the place after what the last found, -1 if one found nothing.
    private static func findAll(
        _ first: UnsafePointer<UInt8>, _ count: Int, _ text: UnsafePointer<UInt8>, from: Int, _ length: Int, exact: Bool
    ) -> Int {
        var automaton = first
        var at = from
        for _ in 1..<count {
            at = ShiftAutomaton.end(automaton, text, from: at, length, exact: true)
            if at < 0 { return -1 }
            automaton += ShiftAutomaton.byteCount(automaton)
        }
        return ShiftAutomaton.end(automaton, text, from: at, length, exact: exact)
    }

    /// As `matches`, with segments in the form that `CaseMatching` reads.
    static func matchesCased(
        _ encoded: UnsafePointer<UInt8>, _ encodedLength: Int, _ segments: Int, automata: Int,
        _ text: UnsafePointer<UInt8>, _ length: Int
    ) -> Bool {
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
                if automata > 0 {
                    at = findAll(encoded + encodedLength, automata, text, from: at, length, exact: true)
                    if at < 0 { return false }
                }
            } else if index == segments - 1 {
                return CaseMatching.backward(segment, size, text + at, length - at)
            } else if automata == 0 {
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

    /// The first place of a non-empty segment at or after `from`, -1 if there is none.
    ///
    /// Eight starts at a time, so that a hop from star to star costs no branch that cannot be foretold.
    @inline(__always)
    static func find(
        _ segment: UnsafePointer<UInt8>, _ size: Int, _ text: UnsafePointer<UInt8>, from: Int, _ length: Int
    ) -> Int {
        if size > 16 { return findLong(segment, size, text, from: from, length) }
        let lastStart = length - size
        let lead = UInt64(segment[0]) &* 0x0101_0101_0101_0101
        // The byte after the first rules most places out that the first does not. The last of eight has none beside it.
        let second = size > 1 ? UInt64(segment[1]) &* 0x0101_0101_0101_0101 : 0
        let unpaired: UInt64 = size > 1 ? 0x8000_0000_0000_0000 : .max
        var at = from
        while at <= lastStart {
            // Beyond the text there are zeros, which fail for their place.
            let word = ByteHash.tail(text, at, length)
            let apart = word ^ lead
            var equal = (apart &- 0x0101_0101_0101_0101) & ~apart & 0x8080_8080_8080_8080
            let beside = word ^ second
            equal &= ((beside &- 0x0101_0101_0101_0101) & ~beside) >> 8 | unpaired
            while equal != 0 {
                // Above the first equal byte there may be bits too many; they fail the comparison.
                let place = at + equal.trailingZeroBitCount >> 3
                if place > lastStart { return -1 }
                if size == 1 || ByteHash.equal(text + place, segment, size) { return place }
                equal &= equal &- 1
            }
            at += 8
        }
        return -1
    }

    /// Rabin-Karp with 64-bit sums: linear, also where text and segment repeat themselves; candidates are compared, and a
    /// text made to collide would need the multiplier's inverse for every window.
    private static func findLong(
        _ segment: UnsafePointer<UInt8>, _ size: Int, _ text: UnsafePointer<UInt8>, from: Int, _ length: Int
    ) -> Int {
        guard from + size <= length else { return -1 }
        let factor: UInt64 = 0x5851_F42D_4C95_7F2D
        var wanted: UInt64 = 0
        var sum: UInt64 = 0
        var leading: UInt64 = 1
        for index in 0..<size {
            wanted = wanted &* factor &+ UInt64(segment[index])
            sum = sum &* factor &+ UInt64(text[from + index])
            if index > 0 { leading = leading &* factor }
        }
        var at = from
        while true {
            if sum == wanted, ByteHash.equal(text + at, segment, size) { return at }
            if at + size >= length { return -1 }
            sum = (sum &- UInt64(text[at]) &* leading) &* factor &+ UInt64(text[at + size])
            at += 1
        }
    }
}
