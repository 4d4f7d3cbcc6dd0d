/// Finds the records and fields of a batch: by the structural index where the text is well formed, else record by
/// record, applying the policies for records that cannot be read as they stand.
struct RecordIndexer {
    let dialect: CSVDialect
    let columns: [CSVColumn]
    let options: CSVOptions
    /// Records seen, rejected ones included.
    private(set) var records: Int64 = 0
    /// Line ends passed.
    private(set) var lines = 0

    init(dialect: CSVDialect, columns: [CSVColumn], options: CSVOptions) {
        self.dialect = dialect
        self.columns = columns
        self.options = options
    }

    /// - Returns: false where the batch holds no complete record and more input may follow.
    mutating func index(_ batch: RecordBatch, isFinal: Bool) throws(ColumnarError) -> Bool {
        let isSimple = dialect.comment == nil && dialect.escape == nil && !dialect.trimsFields
        guard isSimple, let found = indexWellFormed(batch) else { return try scanRecords(batch, isFinal: isFinal) }
        if found.lineEnds == 0 { return isFinal ? try scanRecords(batch, isFinal: true) : false }
        if found.hasNonASCII {
            let invalid = UTF8Validation.firstInvalid(batch.base, from: batch.start, to: batch.consumedEnd)
            if let invalid {
                if options.badRecords == .reject { return try scanRecords(batch, isFinal: isFinal) }
                throw invalidUTF8(batch, at: invalid)
            }
        }
        records = Int64(batch.rows)
        lines = found.newlines - batch.countLines(batch.consumedEnd, batch.end)
        return true
    }

    /// The separators of all records, nil where some record breaks the pattern.
    private func indexWellFormed(_ batch: RecordBatch) -> StructuralIndex? {
        let index = batch.index
        index[0] = UInt32(truncatingIfNeeded: batch.start - 1)
        let found = StructuralIndex(batch.base, from: batch.start, to: batch.end, dialect: dialect, into: index + 1)
        if found.isIrregular { return nil }
        let rows = found.lineEnds
        guard rows > 0 else { return found }
        let count = columns.count
        guard found.separators >= rows * count else { return nil }
        let lineEnd = dialect.lineEnd
        var sawReturn = false
        var position = count
        for _ in 0..<rows {
            let byte = batch.base + Int(index[position])
            if byte[0] != lineEnd { return nil }
            if byte[-1] == 13 { sawReturn = true }
            position += count
        }
        batch.rows = rows
        batch.consumedEnd = Int(index[rows * count]) + 1
        batch.layout = .separators
        if count == 1, options.blankLines == .skip { return nil }
        if sawReturn && lineEnd == 10 { separateReturns(batch) }
        return found
    }

    /// Gives each record its own start, so that its last separator can be the carriage return before the line feed.
    private func separateReturns(_ batch: RecordBatch) {
        let count = columns.count
        let index = batch.index
        // Backwards, since rows become longer; the index has room for twice as many numbers.
        for row in stride(from: batch.rows - 1, through: 0, by: -1) {
            let lineFeed = Int(index[(row + 1) * count])
            let start = Int(index[row * count])
            for column in stride(from: count, through: 0, by: -1) {
                index[row * (count + 1) + column] = index[row * count + column]
            }
            // A field of one record is never longer than the text from its start: an empty one has no return in it.
            let lastStart = Int(index[row * (count + 1) + count - 1]) + 1
            if lineFeed - 1 >= max(lastStart, start + 1), batch.base[lineFeed - 1] == 13 {
                index[row * (count + 1) + count] = UInt32(truncatingIfNeeded: lineFeed - 1)
            }
        }
        batch.layout = .separatorsAndStart
    }

    // MARK: record by record

    private mutating func scanRecords(_ batch: RecordBatch, isFinal: Bool) throws(ColumnarError) -> Bool {
        let scanner = RecordScanner(dialect: dialect)
        let count = columns.count
        batch.rows = 0
        batch.layout = .pairs
        batch.extents.removeAll(keepingCapacity: true)
        batch.ordinals.removeAll(keepingCapacity: true)
        batch.rejected.removeAll(keepingCapacity: true)
        var position = batch.start
        var leftOut = false
        records = 0
        scan: while position < batch.end {
            // A short record that is filled up takes more numbers than its bytes have room for.
            if 2 * count * (batch.rows + 1) + 2 * (batch.end - position) + 2 > batch.indexCapacity { break }
            let fields = batch.index + 2 * count * batch.rows
            let bytes = UnsafePointer(batch.base)  // moves when the annex grows
            let outcome = scanner.scan(bytes, at: position, to: batch.end, isFinal: isFinal, into: fields)
            let range = position..<outcome.end
            switch outcome.kind {
            case .incomplete where isFinal:
                // Nothing follows that could complete it: to wait for more would be to wait for ever.
                let line = batch.line(at: position)
                throw ColumnarError(
                    .malformedRow,
                    "The record that begins on line \(line) has no end: the file is cut off within it. Check that it was "
                        + "written to its end.",
                    row: batch.firstRow + records, line: line, byteOffset: batch.inputOffset(position),
                    text: batch.excerpt(position..<batch.end))
            case .incomplete:
                break scan
            case .comment:
                position = outcome.next
                continue
            case .blank where count > 1 || options.blankLines == .skip:
                position = outcome.next
                continue
            case .unclosedQuote:
                let line = batch.line(at: position)
                throw ColumnarError(
                    .unclosedQuote,
                    "The record that begins on line \(line) has a quote that is never closed: the rest of the file "
                        + "lies within it. Close that quote, or double it if it is part of the text.",
                    row: batch.firstRow + records, line: line, byteOffset: batch.inputOffset(position),
                    text: batch.excerpt(position..<batch.end))
            case .record, .blank, .textAfterQuote:
                break
            }
            var problem = problem(outcome, batch, range)
            if problem == nil, let invalid = UTF8Validation.firstInvalid(bytes, from: position, to: outcome.end) {
                problem = invalidUTF8(batch, at: invalid, record: range)
            }
            records += 1
            position = outcome.next
            if let problem {
                guard options.badRecords == .reject else { throw problem }
                batch.rejected.append(
                    RejectedRecord(
                        code: problem.code, reason: problem.message, row: problem.row ?? 0, line: problem.line ?? 0,
                        byteOffset: batch.inputOffset(range.lowerBound), column: problem.column,
                        bytes: Array(UnsafeBufferPointer(start: bytes + range.lowerBound, count: range.count))))
                leftOut = true
                continue
            }
            FieldEscapes.remove(from: batch, slots: fields, fields: outcome.fields, dialect: dialect)
            for field in outcome.fields..<max(count, outcome.fields) {
                fields[2 * field] = UInt32(truncatingIfNeeded: range.upperBound - 1)
                fields[2 * field + 1] = UInt32(truncatingIfNeeded: range.upperBound)
            }
            batch.extents.append(UInt32(truncatingIfNeeded: range.lowerBound))
            batch.extents.append(UInt32(truncatingIfNeeded: range.upperBound))
            batch.ordinals.append(batch.firstRow + records - 1)
            batch.rows += 1
        }
        if !leftOut { batch.ordinals.removeAll(keepingCapacity: true) }
        batch.consumedEnd = position
        lines = batch.countLines(batch.start, position)
        return position > batch.start || isFinal
    }

    /// What is wrong with the shape of a record, if anything.
    private func problem(
        _ outcome: RecordScanner.Outcome, _ batch: RecordBatch, _ range: Range<Int>
    ) -> ColumnarError? {
        let count = columns.count
        let isShort = outcome.fields < count
        if outcome.kind != .textAfterQuote {
            if outcome.fields == count || (isShort && options.badRecords == .pad) { return nil }
        }
        let row = batch.firstRow + records
        let line = batch.line(at: range.lowerBound)
        let place = "Row \(row) (line \(line))"
        let origin = options.hasHeader ? "the header" : "the first record"
        var column: String?
        let message: String
        if outcome.kind == .textAfterQuote {
            column = outcome.fields <= count ? columns[outcome.fields - 1].name : nil
            message =
                "\(place) has text after the closing quote of \(column.map { "column \($0)" } ?? "a field"). Quotes "
                + "within a quoted field must be doubled."
        } else if isShort {
            column = columns[outcome.fields].name
            message =
                "\(place) has \(outcome.fields) of the \(count) fields that \(origin) has: column "
                + "\(columns[outcome.fields].name) and what follows it are missing."
        } else {
            message =
                "\(place) has \(outcome.fields) fields where \(origin) has \(count). A delimiter within a value is the "
                + "usual cause: quote that value."
        }
        return ColumnarError(
            .malformedRow, message, row: row, line: line, byteOffset: batch.inputOffset(range.lowerBound),
            column: column, text: batch.excerpt(range))
    }

    // MARK: invalid UTF-8

    /// The error for an invalid byte in a batch whose fields are indexed.
    private func invalidUTF8(_ batch: RecordBatch, at offset: Int) -> ColumnarError {
        var row = 0
        var upper = batch.rows - 1
        while row < upper {
            let middle = (row + upper) / 2
            if batch.field(row: middle, column: columns.count - 1).upperBound <= offset {
                row = middle + 1
            } else {
                upper = middle
            }
        }
        let column = columns.indices.first { batch.field(row: row, column: $0).upperBound > offset }
        return invalidUTF8(
            batch, at: offset, record: batch.record(row: row), row: batch.firstRow + Int64(row),
            column: column.map { columns[$0].name })
    }

    private func invalidUTF8(
        _ batch: RecordBatch, at offset: Int, record: Range<Int>, row: Int64? = nil, column: String? = nil
    ) -> ColumnarError {
        let row = row ?? batch.firstRow + records
        let line = batch.line(at: record.lowerBound)
        let byte = String(batch.base[offset], radix: 16, uppercase: true)
        return ColumnarError(
            .invalidUTF8,
            "Row \(row) (line \(line))\(column.map { ", column \($0)," } ?? "") is not UTF-8 text: byte 0x\(byte) at "
                + "offset \(batch.inputOffset(offset)) begins no valid character. "
                + UTF8Validation.advice(batch.base[offset]),
            row: row, line: line, byteOffset: batch.inputOffset(offset), column: column, text: batch.excerpt(record))
    }
}
