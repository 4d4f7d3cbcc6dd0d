/// Word-wise reading, comparing and hashing of bytes.
enum ByteHash {
    /// Another number in each process, for seeds: what has the same hash, or the same place in a table, under a known
    /// one can be made by whoever writes rules, as many as the rule may have values.
    static let secret = UInt64.random(in: 0...UInt64.max)

    @inline(__always)
    static func word(_ base: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(base).loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    static func half(_ base: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(UInt32(littleEndian: UnsafeRawPointer(base).loadUnaligned(as: UInt32.self)))
    }

    /// The first `count` bytes, 0...8, in the low end of a word, zeros above.
    @inline(__always)
    static func partialWord(_ base: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        if count >= 8 { return word(base) }
        if count >= 4 {
            return half(base) | half(base + (count - 4)) << UInt64(8 * (count - 4))
        }
        if count == 0 { return 0 }
        let low = UInt64(base[0])
        let middle = UInt64(base[count >> 1]) << UInt64(8 * (count >> 1))
        let high = UInt64(base[count - 1]) << UInt64(8 * (count - 1))
        return low | middle | high
    }

    /// The eight bytes at a place of a text, or those up to its end with zeros above. With a text of eight bytes and
    /// more, no branch depends on how many they are.
    @inline(__always)
    static func tail(_ text: UnsafePointer<UInt8>, _ at: Int, _ length: Int) -> UInt64 {
        let beyond = at &+ 8 &- length
        if beyond <= 0 { return word(text + at) }
        if length >= 8 { return word(text + (length - 8)) >> UInt64(truncatingIfNeeded: 8 &* beyond) }
        return partialWord(text + at, length - at)
    }

    /// The first `count` bytes of a word, 0...7, zeros above.
    @inline(__always)
    static func low(_ word: UInt64, _ count: Int) -> UInt64 {
        word & (1 &<< UInt64(truncatingIfNeeded: 8 &* count) &- 1)
    }

    /// The two words an atom keeps of its text: bytes 0..<8 and 8..<16.
    @inline(__always)
    static func lead(_ base: UnsafePointer<UInt8>, _ count: Int) -> (UInt64, UInt64) {
        if count <= 8 { return (partialWord(base, count), 0) }
        return (word(base), partialWord(base + 8, min(8, count - 8)))
    }

    @inline(__always)
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// A 64-bit hash after wyhash: one widening multiplication for eight bytes.
    @inline(__always)
    static func hash(_ base: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
        hash(base, count, seed: seed) { $0 }
    }

    /// The hash of the text with ASCII letters in lower case.
    @inline(__always)
    static func foldedHash(_ base: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
        hash(base, count, seed: seed, folded)
    }

    @inline(__always)
    static func hash(
        _ base: UnsafePointer<UInt8>, _ count: Int, seed: UInt64, _ transform: (UInt64) -> UInt64
    ) -> UInt64 {
        // Of a text of eight bytes and more the last eight are read as they lie, and between 17 and 48 bytes always as
        // many: branches that depend on the length of texts, which differs, cost more than words that are read twice.
        var state = seed ^ (UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15)
        if count < 8 { return last(state, transform(partialWord(base, count))) }
        let end = base + (count - 8)
        if count > 16 {
            var cursor = base
            let stop = base + (count - 16)
            while cursor + 32 < stop {
                state = both(state, cursor, transform)
                cursor += 16
            }
            state = both(state, cursor, transform)
            state = both(state, cursor + 16 < stop ? cursor + 16 : stop, transform)
            return last(both(state, stop, transform), 0)
        }
        state = mix(state ^ transform(word(base)), 0xA076_1D64_78BD_642F)
        return last(state, transform(word(end)))
    }

    /// A hash's state after sixteen more bytes. It is mixed into both words: what only the second changed could be
    /// changed back by the first of the next sixteen bytes, whatever the seed.
    @inline(__always)
    private static func both(
        _ state: UInt64, _ base: UnsafePointer<UInt8>, _ transform: (UInt64) -> UInt64
    ) -> UInt64 {
        mix(state ^ transform(word(base)), 0xA076_1D64_78BD_642F)
            ^ mix(state ^ transform(word(base + 8)) ^ 0x5895_65C9_2F9D_4C5B, 0x9FB2_1C65_1E98_DF25)
    }

    @inline(__always)
    private static func last(_ state: UInt64, _ tail: UInt64) -> UInt64 {
        mix(state ^ tail ^ 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3) | 1
    }

    /// Eight bytes with ASCII capital letters in lower case.
    @inline(__always)
    static func folded(_ word: UInt64) -> UInt64 {
        let low7 = word & 0x7F7F_7F7F_7F7F_7F7F
        let aboveZ = low7 &+ 0x2525_2525_2525_2525  // 0x7F - "Z"
        let fromA = low7 &+ 0x3F3F_3F3F_3F3F_3F3F  // 0x80 - "A"
        let isCapital = ~word & (fromA ^ aboveZ) & 0x8080_8080_8080_8080
        return word | isCapital >> 2
    }

    @inline(__always)
    static func equal(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var index = 0
        while index + 8 <= count {
            if word(left + index) != word(right + index) { return false }
            index += 8
        }
        return partialWord(left + index, count - index) == partialWord(right + index, count - index)
    }

    /// Whether `text` in lower case equals `lower`, which already is.
    @inline(__always)
    static func equalFolded(_ text: UnsafePointer<UInt8>, _ lower: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var index = 0
        while index + 8 <= count {
            if folded(word(text + index)) != word(lower + index) { return false }
            index += 8
        }
        return folded(partialWord(text + index, count - index)) == partialWord(lower + index, count - index)
    }
}
