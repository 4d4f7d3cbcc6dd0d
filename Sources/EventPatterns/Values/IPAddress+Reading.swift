/// Reading addresses out of events: as fast as can be, for a rule that names a block makes every event's address be
/// read.
extension IPAddress {
    /// Reads an address, nil for other texts, most of which are told by a byte or two.
    @inline(__always)
    static func read(_ text: UnsafeBufferPointer<UInt8>) -> IPAddress? {
        let count = text.count
        guard count >= 2, let base = text.baseAddress, isHexadecimal(base[0]) || base[0] == 0x3A else { return nil }
        if count >= 7, count <= 15 {
            // The last eight bytes as they lie: no branch depends on how many there are, but for the rare seven.
            let first = ByteHash.partialWord(base, count)
            let second = count > 8 ? ByteHash.word(base + (count - 8)) >> UInt64(8 * (16 - count)) : 0
            if let value = fourParts(first, second, count) { return IPAddress(v4: value) }
        }
        return readSlowly(text)
    }

    /// Reads what is not the usual form of an older address: a newer one, or an older one with more zeros.
    @inline(never)
    private static func readSlowly(_ text: UnsafeBufferPointer<UInt8>) -> IPAddress? {
        for byte in text where !isHexadecimal(byte) {
            if byte == 0x3A { return readV6(text) }
            guard byte == 0x2E, text.count <= 15 else { return nil }
            guard case .success(let address) = parseV4(text, dots: text.count { $0 == 0x2E }) else { return nil }
            return address
        }
        return nil
    }

    @inline(__always)
    private static func isHexadecimal(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6 }

    /// The usual form of the older addresses, four numbers of one to three digits, from its bytes 0..<8 and 8..<16 with
    /// zeros behind; nil for all other texts. All bytes at once: how long the numbers are cannot be foretold, and so no
    /// branch depends on it.
    @inline(__always)
    static func fourParts(_ first: UInt64, _ second: UInt64, _ count: Int) -> UInt32? {
        let dots = zeroBytes(first ^ 0x2E2E_2E2E_2E2E_2E2E) | zeroBytes(second ^ 0x2E2E_2E2E_2E2E_2E2E) << 8
        let digits = (first ^ 0x3030_3030_3030_3030, second ^ 0x3030_3030_3030_3030)
        let others = above9(digits.0) | above9(digits.1) << 8
        // What is no digit is a dot, or lies behind the text; there are three dots.
        let behind = UInt32(0xFFFF) << UInt32(truncatingIfNeeded: count) & 0xFFFF
        var left = dots
        let one = left.trailingZeroBitCount
        left &= left &- 1
        let two = left.trailingZeroBitCount
        left &= left &- 1
        let three = left.trailingZeroBitCount
        guard others == dots | behind, left != 0, left & (left &- 1) == 0 else { return nil }
        let all = UInt128(digits.1) << 64 | UInt128(digits.0)
        let a = part(all, 0, one)
        let b = part(all, one &+ 1, two)
        let c = part(all, two &+ 1, three)
        let d = part(all, three &+ 1, count)
        guard (a | b | c | d) < 256 else { return nil }
        return a << 24 | b << 16 | c << 8 | d
    }

    /// The number between two places of a text of digits' values; above 255 unless it has one to three digits.
    @inline(__always)
    private static func part(_ digits: UInt128, _ start: Int, _ end: Int) -> UInt32 {
        let length = end &- start
        // Three digits, zeros before them.
        let three =
            UInt32(truncatingIfNeeded: digits &>> UInt128(truncatingIfNeeded: 8 &* start))
            &<< UInt32(truncatingIfNeeded: 8 &* (4 &- min(length, 4)))
        let value = (three >> 8 & 0xFF) &* 100 &+ (three >> 16 & 0xFF) &* 10 &+ three >> 24
        return UInt(bitPattern: length &- 1) < 3 ? value : 256
    }

    /// A bit for each byte that is zero.
    @inline(__always)
    private static func zeroBytes(_ word: UInt64) -> UInt32 {
        bits(~((word & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7F7F_7F7F_7F7F_7F7F | word | 0x7F7F_7F7F_7F7F_7F7F))
    }

    /// A bit for each byte above 9.
    @inline(__always)
    private static func above9(_ word: UInt64) -> UInt32 {
        bits(((word & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7676_7676_7676_7676 | word) & 0x8080_8080_8080_8080)
    }

    /// The highest bits of eight bytes, of which no other is set.
    @inline(__always)
    private static func bits(_ highest: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: ((highest >> 7) &* 0x0102_0408_1020_4080) >> 56)
    }

    /// Reads a newer address, whose every byte is looked at once; nil for other texts.
    static func readV6(_ text: UnsafeBufferPointer<UInt8>) -> IPAddress? {
        let count = text.count
        guard count >= 2, var byte = text.baseAddress else { return nil }
        let end = byte + count
        if byte[0] == 0x3A {
            guard byte[1] == 0x3A else { return nil }
            byte += 1
        }
        var groups: UInt128 = 0
        var filled = 0
        var gapAt = -1
        while byte < end {
            var value: UInt32 = 0
            let start = byte
            while byte < end {
                let decimal = byte.pointee &- 0x30
                let letter = (byte.pointee | 0x20) &- 0x61
                guard decimal < 10 || letter < 6 else { break }
                value = value << 4 | UInt32(decimal < 10 ? decimal : letter &+ 10)
                if value > 0xFFFF { return nil }
                byte += 1
            }
            if byte == start {
                // Nothing before a colon: where zeros are left out, once.
                guard byte.pointee == 0x3A, gapAt < 0 else { return nil }
                gapAt = filled
                byte += 1
                continue
            }
            if filled == 8 { return nil }
            groups = groups << 16 | UInt128(value)
            filled += 1
            if byte < end {
                guard byte.pointee == 0x3A, byte + 1 < end, filled < 8 else { return nil }
                byte += 1
            }
        }
        if gapAt < 0 { return filled == 8 ? IPAddress(groups) : nil }
        guard filled < 8 else { return nil }
        // The groups after the gap are in place; those before it move up to the front.
        let tailBits = UInt128(16 * (filled - gapAt))
        let tail = groups & ((1 << tailBits) - 1)
        let head = gapAt == 0 ? 0 : (groups >> tailBits) << UInt128(128 - 16 * gapAt)
        return IPAddress(head | tail)
    }

    private init(_ bits: UInt128) {
        self.init(v6High: UInt64(truncatingIfNeeded: bits >> 64), low: UInt64(truncatingIfNeeded: bits))
    }
}
