import Glibc

/// Texts of single fields: takes quotes away and restores escaped characters.
struct FieldText {
    let quote: UInt8?
    let escape: UInt8?

    init(_ dialect: CSVDialect) {
        quote = dialect.quote
        escape = dialect.escape
    }

    /// Whether the raw field (quotes included) begins with a quote, and thus is quoted.
    @inline(__always)
    func isQuoted(_ field: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        guard let quote else { return false }
        return length >= 2 && field[0] == quote
    }

    /// The text of a quoted field, within the field itself where nothing is escaped, else in `scratch`.
    ///
    /// `scratch` keeps what it holds: the text is appended, with eight readable bytes after it.
    func unquoted(
        _ field: UnsafePointer<UInt8>, _ length: Int, scratch: inout RawBuffer
    ) -> (offsetInScratch: Int?, start: UnsafePointer<UInt8>, length: Int) {
        guard let quote else { return (nil, field, length) }
        let inner = field + 1
        let count = length - 2
        let isPlain =
            memchr(inner, Int32(quote), count) == nil
            && (escape.map { memchr(inner, Int32($0), count) == nil } ?? true)
        if isPlain { return (nil, inner, count) }
        scratch.reserve(count + 16)
        let offset = scratch.count
        let target = scratch.base + offset
        var written = 0
        var position = 0
        while position < count {
            let byte = inner[position]
            if let escape {
                // Only the quote and the escape character itself are escaped; `\n` stays two characters.
                if byte == escape, position + 1 < count, inner[position + 1] == quote || inner[position + 1] == escape {
                    position += 1
                } else if byte == quote {
                    position += 1
                }
            } else if byte == quote {
                position += 1
            }
            target[written] = inner[min(position, count - 1)]
            written += 1
            position += 1
        }
        scratch.count = offset + written
        return (offset, UnsafePointer(target), written)
    }
}
