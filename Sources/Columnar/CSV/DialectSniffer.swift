/// Finds the delimiter and the line end of a file from its first bytes.
enum DialectSniffer {
    private static let candidates: [UInt8] = [",", ";", "\t", "|"].map { UInt8(ascii: $0) }
    private static let records = 100
    /// Bytes that tell the line end: a file without a line feed in them has none.
    static let telling = 4096

    /// Carriage return for files of old that know no line feed, else line feed; nil where more of the input has to be
    /// seen.
    ///
    /// What stands in quotes does not count: a field may hold the other line end.
    static func lineEnd(
        _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, isFinal: Bool, dialect: CSVDialect,
        isDelimiterKnown: Bool
    ) -> UInt8? {
        var sawReturn = false
        var isQuoted = false
        // A quote opens where a field begins.
        var isFieldStart = true
        var isLineStart = true
        var isComment = false
        var position = start
        while position < end {
            let byte = bytes[position]
            position += 1
            if isQuoted {
                if byte == dialect.escape {
                    position += 1
                } else if byte == dialect.quote {
                    if position < end, bytes[position] == dialect.quote { position += 1 } else { isQuoted = false }
                }
                continue
            }
            if byte == 10 { return 10 }
            if byte == 13 { sawReturn = true }
            let (beginsField, beginsLine) = (isFieldStart, isLineStart)
            isLineStart = byte == 13
            isFieldStart = isLineStart || byte == dialect.delimiter || (!isDelimiterKnown && candidates.contains(byte))
            if isLineStart { isComment = false }
            if beginsLine, byte == dialect.comment { isComment = true }
            if isComment { continue }
            if byte == dialect.escape {
                position += 1
            } else if beginsField, byte == dialect.quote {
                isQuoted = true
            } else if beginsField, dialect.trimsFields, byte == 32 {
                isFieldStart = true
            }
        }
        guard isFinal || end - start >= telling - 3 else { return nil }
        return sawReturn ? 13 : 10
    }

    /// The candidate under which most of the first records have as many fields as the first record, two at least;
    /// the comma where none does. Ties go to the one with more fields.
    /// - Returns: also the fields of the first record under it, and the share of records that have as many.
    static func delimiter(
        _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, isFinal: Bool, dialect: CSVDialect,
        scratch: UnsafeMutablePointer<UInt32>
    ) -> (delimiter: UInt8, fields: Int, share: Double) {
        var best = (score: 0.0, fields: 1, delimiter: UInt8(ascii: ","))
        for candidate in candidates where candidate != dialect.quote {
            var attempt = dialect
            attempt.delimiter = candidate
            let scanner = RecordScanner(dialect: attempt)
            var position = start
            var first = 0
            var (same, total) = (0.0, 0.0)
            while total < Double(records) {
                let outcome = scanner.scan(bytes, at: position, to: end, isFinal: isFinal, into: scratch)
                if outcome.kind == .incomplete || outcome.kind == .unclosedQuote { break }
                position = outcome.next
                if outcome.kind == .blank || outcome.kind == .comment { continue }
                if first == 0 { first = outcome.fields }
                total += 1
                if outcome.fields == first && outcome.kind == .record { same += 1 }
            }
            guard first > 1, total > 0 else { continue }
            let score = same / total
            if score > best.score + 0.05 || (score > best.score - 0.05 && first > best.fields) {
                best = (score, first, candidate)
            }
        }
        return (best.delimiter, best.fields, best.score)
    }
}
