/// Finds delimiters and line ends outside quotes, 64 bytes at a time.
///
/// Per block, bit masks of quotes, delimiters and line ends are made with word arithmetic; whether a byte lies within
/// quotes is the parity of the quotes before it, a prefix sum by exclusive or (Langdale and Lemire, "Parsing Gigabytes
/// of JSON per Second", 2019). Parity is only right where quotes stand as RFC 4180 wants them, which is checked: where
/// it does not hold, `isIrregular` is set and the caller must use the `RecordScanner`.
struct StructuralIndex {
    /// Separators (delimiters and line ends) written to the output.
    var separators = 0
    /// Line ends outside quotes.
    var lineEnds = 0
    /// All line ends.
    var newlines = 0
    var endsInsideQuotes = false
    var isIrregular = false
    var hasNonASCII = false

    /// Scans `bytes[start..<end]`, which must begin at a record, and be readable for 64 bytes after `end`.
    /// - Parameter output: receives the offsets of separators; must have room for `end - start + 64`.
    init(
        _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, dialect: CSVDialect,
        into output: UnsafeMutablePointer<UInt32>
    ) {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let delimiters = UInt64(dialect.delimiter) &* ones
        let newline = dialect.lineEnd
        let newlinePattern = UInt64(newline) &* ones
        let quotePattern = UInt64(dialect.quote ?? 0) &* ones
        let quoteEnabled: UInt64 = dialect.quote == nil ? 0 : ~0

        var out = output
        var insideQuotes: UInt64 = 0  // all ones while the previous block ends within quotes
        var mayOpen: UInt64 = 1  // 1 where a quote may open a field at the first byte of the block
        var mustSeparate: UInt64 = 0  // 1 where the last byte of the previous block closed a field
        var highBits: UInt64 = 0
        var allNewlines = 0
        var outerNewlines = 0
        var irregular = false

        var position = start
        while position < end {
            var quotes: UInt64 = 0
            var fieldEnds: UInt64 = 0
            var lines: UInt64 = 0
            let block = bytes + position
            let left = end &- position
            if left >= 64 {
                var shift: UInt64 = 0
                while shift < 64 {
                    let word = loadWord(block + Int(truncatingIfNeeded: shift))
                    highBits |= word
                    quotes |= Self.bits(Self.matches(word, quotePattern)) &<< shift
                    fieldEnds |= Self.bits(Self.matches(word, delimiters)) &<< shift
                    lines |= Self.bits(Self.matches(word, newlinePattern)) &<< shift
                    shift &+= 8
                }
            } else {
                var offset = 0
                while offset < left {
                    var word = loadWord(block + offset)
                    let rest = left &- offset
                    var valid: UInt64 = 0xFF
                    if rest < 8 {
                        let keep = ~(~UInt64(0) &<< UInt64(truncatingIfNeeded: rest &* 8))
                        word &= keep
                        valid = 0xFF &>> UInt64(truncatingIfNeeded: 8 &- rest)
                    }
                    let shift = UInt64(truncatingIfNeeded: offset)
                    highBits |= word
                    quotes |= (Self.bits(Self.matches(word, quotePattern)) & valid) &<< shift
                    fieldEnds |= (Self.bits(Self.matches(word, delimiters)) & valid) &<< shift
                    lines |= (Self.bits(Self.matches(word, newlinePattern)) & valid) &<< shift
                    offset &+= 8
                }
            }
            quotes &= quoteEnabled
            var structure = fieldEnds | lines
            allNewlines &+= Self.count(lines)
            if quotes == 0 && insideQuotes == 0 && mustSeparate == 0 {
                outerNewlines &+= Self.count(lines)
                mayOpen = structure &>> 63
            } else {
                let inside = Self.prefixXor(quotes) ^ insideQuotes
                structure &= ~inside
                outerNewlines &+= Self.count(lines & ~inside)
                let opening = quotes & inside
                let closing = quotes & ~inside
                let openable = structure | closing
                if opening & ~(openable &<< 1 | mayOpen) != 0 { irregular = true }
                var wrong = (closing &<< 1 | mustSeparate) & ~(structure | opening)
                if left < 64 { wrong &= ~(~UInt64(0) &<< UInt64(truncatingIfNeeded: left)) }
                while wrong != 0 {
                    // A closed field may be followed by a carriage return that belongs to the line end.
                    let byte = block + wrong.trailingZeroBitCount
                    if byte[0] != 13 || byte[1] != newline { irregular = true }
                    wrong &= wrong &- 1
                }
                mayOpen = openable &>> 63
                mustSeparate = closing &>> 63
                insideQuotes = UInt64(bitPattern: Int64(bitPattern: inside) &>> 63)
                if left < 64 {
                    insideQuotes = UInt64(
                        bitPattern: Int64(bitPattern: inside &<< UInt64(truncatingIfNeeded: 64 &- left)) &>> 63)
                }
            }
            out = Self.emit(structure, base: UInt32(truncatingIfNeeded: position), to: out)
            position &+= 64
        }
        separators = out - output
        lineEnds = outerNewlines
        newlines = allNewlines
        endsInsideQuotes = insideQuotes != 0
        isIrregular = irregular
        hasNonASCII = highBits & 0x8080_8080_8080_8080 != 0
    }

    /// The high bit of every byte of `word` that equals the byte repeated in `pattern`, exactly.
    @inline(__always)
    private static func matches(_ word: UInt64, _ pattern: UInt64) -> UInt64 {
        let difference = word ^ pattern
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        return ~(((difference & low) &+ low) | difference | low)
    }

    /// Gathers the high bits of eight bytes into one byte.
    @inline(__always)
    private static func bits(_ highBits: UInt64) -> UInt64 {
        ((highBits &>> 7) &* 0x0102_0408_1020_4080) &>> 56
    }

    /// Bit i of the result is the parity of bits 0...i.
    @inline(__always)
    private static func prefixXor(_ value: UInt64) -> UInt64 {
        var result = value
        result ^= result &<< 1
        result ^= result &<< 2
        result ^= result &<< 4
        result ^= result &<< 8
        result ^= result &<< 16
        result ^= result &<< 32
        return result
    }

    /// Number of bits; the baseline of x86-64 has no instruction for it, and most masks of lines are empty or have one.
    @inline(__always)
    private static func count(_ value: UInt64) -> Int {
        value == 0 ? 0 : (value & (value &- 1) == 0 ? 1 : value.nonzeroBitCount)
    }

    @inline(__always)
    private static func emit(
        _ mask: UInt64, base: UInt32, to output: UnsafeMutablePointer<UInt32>
    ) -> UnsafeMutablePointer<UInt32> {
        var rest = mask
        var out = output
        while rest != 0 {
            out.pointee = base &+ UInt32(truncatingIfNeeded: rest.trailingZeroBitCount)
            out += 1
            rest &= rest &- 1
        }
        return out
    }
}
