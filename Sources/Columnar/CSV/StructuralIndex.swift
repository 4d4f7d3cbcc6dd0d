import CLinux

/// Finds delimiters and line ends outside quotes, 64 bytes at a time.
///
/// Per block, bit masks of quotes, delimiters and line ends are made by vector comparisons; whether a byte lies within
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
        let delimiter = dialect.delimiter
        let newline = dialect.lineEnd
        let quote = dialect.quote ?? 0
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
            let block = bytes + position
            let left = end &- position
            let masks = clinux_classify(block, quote, delimiter, newline)
            let valid: UInt64 = left >= 64 ? ~0 : ~(~UInt64(0) &<< UInt64(truncatingIfNeeded: left))
            let quotes = masks.quotes & valid & quoteEnabled
            let lines = masks.lines & valid
            highBits |= masks.high & valid
            var structure = masks.delimiters & valid | lines
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
        hasNonASCII = highBits != 0
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
