/// Reads one record after the other, byte by byte: for files that the structural index cannot take (stray quotes,
/// comments, blank lines, ragged records, escapes, trimming), for headers and for sniffing.
///
/// A quote within an unquoted field is plain text. Fields go out as pairs: the offset before the first byte, and the
/// offset after the last; quotes are included.
struct RecordScanner {
    enum Kind {
        case record
        /// A line without text; it holds one empty field.
        case blank
        case comment
        /// Text follows a closing quote. The record ends with its line.
        case textAfterQuote
        /// The bytes end before the record does.
        case incomplete
        /// The file ends within quotes.
        case unclosedQuote
    }

    struct Outcome {
        var kind: Kind
        /// Fields written.
        var fields: Int
        /// Offset of the next record.
        var next: Int
        /// Offset after the last byte of the record, without its line end.
        var end: Int
    }

    let dialect: CSVDialect

    /// Scans the record at `start`.
    /// - Parameters:
    ///   - isFinal: nothing follows `end`; the last line then ends with a line end all the same.
    ///   - output: room for two numbers per byte that is left.
    func scan(
        _ bytes: UnsafePointer<UInt8>, at start: Int, to end: Int, isFinal: Bool,
        into output: UnsafeMutablePointer<UInt32>
    ) -> Outcome {
        let lineEnd = dialect.lineEnd
        let incomplete = Outcome(kind: .incomplete, fields: 0, next: start, end: start)
        guard start < end else { return incomplete }
        if let comment = dialect.comment, bytes[start] == comment {
            guard let line = find(lineEnd, bytes, start, end) else { return incomplete }
            return Outcome(kind: .comment, fields: 0, next: line + 1, end: line)
        }
        var position = start
        var fields = 0
        var isMalformed = false
        while true {
            if dialect.trimsFields { position = skipBlanks(bytes, position, end) }
            guard position < end else { return incomplete }
            let fieldStart = position
            var fieldEnd: Int
            if let quote = dialect.quote, bytes[position] == quote {
                guard let close = closing(quote, bytes, position + 1, end) else {
                    return isFinal ? Outcome(kind: .unclosedQuote, fields: fields, next: end, end: end) : incomplete
                }
                fieldEnd = close + 1
                position = dialect.trimsFields ? skipBlanks(bytes, fieldEnd, end) : fieldEnd
                guard position < end else { return incomplete }
                let byte = bytes[position]
                if byte == 13 && lineEnd == 10 && position + 1 >= end { return incomplete }
                if byte != dialect.delimiter && byte != lineEnd && !(byte == 13 && bytes[position + 1] == lineEnd) {
                    isMalformed = true
                    guard let line = find(lineEnd, bytes, position, end) else { return incomplete }
                    position = line
                    fieldEnd = line
                }
            } else {
                while position < end, bytes[position] != dialect.delimiter, bytes[position] != lineEnd {
                    position += FieldEscapes.length(bytes, position, end, isFinal: isFinal, dialect)
                }
                guard position < end else { return incomplete }
                fieldEnd = position
            }
            // At the delimiter or line end, or at a carriage return before it.
            let isLast = bytes[position] != dialect.delimiter
            if isLast {
                if bytes[position] == 13 && lineEnd == 10 { position += 1 }
                if fieldEnd > fieldStart, lineEnd == 10, bytes[fieldEnd - 1] == 13, fieldEnd == position {
                    fieldEnd -= 1
                }
            }
            if dialect.trimsFields { fieldEnd = dropBlanks(bytes, fieldStart, fieldEnd) }
            output[2 * fields] = UInt32(truncatingIfNeeded: fieldStart - 1)
            output[2 * fields + 1] = UInt32(truncatingIfNeeded: fieldEnd)
            fields += 1
            position += 1
            if isLast {
                var recordEnd = position - 1
                if recordEnd > start, lineEnd == 10, bytes[recordEnd - 1] == 13 { recordEnd -= 1 }
                let isBlank = fields == 1 && fieldEnd == fieldStart
                let kind: Kind = isMalformed ? .textAfterQuote : isBlank ? .blank : .record
                return Outcome(kind: kind, fields: fields, next: position, end: recordEnd)
            }
        }
    }

    private func find(_ byte: UInt8, _ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var position = start
        while position < end {
            if bytes[position] == byte { return position }
            position += 1
        }
        return nil
    }

    /// The offset of the quote that closes a field.
    private func closing(_ quote: UInt8, _ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var position = start
        while position < end {
            let byte = bytes[position]
            if let escape = dialect.escape, byte == escape {
                position += 2
            } else if byte == quote {
                // A doubled quote stands for one, also beside an escape character.
                guard position + 1 < end, bytes[position + 1] == quote else { return position }
                position += 2
            } else {
                position += 1
            }
        }
        return nil
    }

    private func skipBlanks(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var position = start
        while position < end, isBlank(bytes[position]) { position += 1 }
        return position
    }

    private func dropBlanks(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var position = end
        while position > start, isBlank(bytes[position - 1]) { position -= 1 }
        return position
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        (byte == 32 || byte == 9) && byte != dialect.delimiter
    }
}
