/// Escape characters outside quotes: `a\,b` is one field, and so is a text with an escaped line end.
enum FieldEscapes {
    /// How many bytes of an unquoted field go together at `position`: more than one where an escape character takes the
    /// meaning from what follows.
    @inline(__always)
    static func length(
        _ bytes: UnsafePointer<UInt8>, _ position: Int, _ end: Int, isFinal: Bool, _ dialect: CSVDialect
    ) -> Int {
        guard let escape = dialect.escape, bytes[position] == escape else { return 1 }
        // At the very end of the input, the line end stays one.
        guard position + 2 < end else { return isFinal ? 1 : 2 }
        let next = bytes[position + 1]
        if next == 13, dialect.lineEnd == 10 {
            guard bytes[position + 2] == 10 else { return 1 }
            return isFinal && position + 3 >= end ? 1 : 3
        }
        let isSpecial = next == dialect.delimiter || next == dialect.lineEnd || next == escape || next == dialect.quote
        return isSpecial ? 2 : 1
    }

    /// Puts unquoted fields that hold escapes into the annex, without them; quoted where the dialect has quotes, so
    /// that they pass for neither null nor quoted text.
    static func remove(
        from batch: RecordBatch, slots: UnsafeMutablePointer<UInt32>, fields: Int, dialect: CSVDialect
    ) {
        guard let escape = dialect.escape else { return }
        for field in 0..<fields {
            let start = Int(slots[2 * field]) + 1
            let end = Int(slots[2 * field + 1])
            guard start < end, !(batch.base[start] == dialect.quote && end - start >= 2) else { continue }
            guard (start..<end).contains(where: { batch.base[$0] == escape }) else { continue }
            batch.reserveAnnex(2 * (end - start) + 2)
            let bytes = UnsafePointer(batch.base)
            let target = batch.base + batch.annexEnd
            var written = 0
            var isChanged = false
            func put(_ byte: UInt8) {
                target[written] = byte
                written += 1
            }
            if let quote = dialect.quote { put(quote) }
            var position = start
            while position < end {
                // Within a field nothing lies beyond its end: an escape there belongs to the text.
                var length = length(bytes, position, end + 1, isFinal: true, dialect)
                if position + length > end { length = 1 }
                if length > 1 {
                    isChanged = true
                    position += 1
                    length -= 1
                }
                for _ in 0..<length {
                    if let quote = dialect.quote, bytes[position] == quote || bytes[position] == escape { put(escape) }
                    put(bytes[position])
                    position += 1
                }
            }
            if let quote = dialect.quote { put(quote) }
            guard isChanged else { continue }
            let offset = batch.commitAnnex(written)
            slots[2 * field] = UInt32(truncatingIfNeeded: offset - 1)
            slots[2 * field + 1] = UInt32(truncatingIfNeeded: offset + written)
        }
    }
}
