/// Cuts a delimited text into batches of whole records, in bounded memory.
///
/// The first call of `next(into:)` looks at the beginning of the input: byte order mark, binary content, delimiter,
/// header. A record that does not fit into a batch makes it grow, up to the limit of the options.
final class BatchReader: RecordReader {
    private let options: CSVOptions
    private(set) var dialect: CSVDialect
    private(set) var columns: [CSVColumn] = []
    private(set) var likelyDelimiter: UInt8?
    var bytesRead: Int64 { window.bytesRead }

    private var window: BatchWindow
    /// Number of the next record, from 1.
    private(set) var nextRow: Int64
    private var nextLine: Int64 = 1
    private var isStarted = false

    /// Columns that a file may have, as of JSON.
    static let maximumColumns = JSONSurveyor.maximumColumns

    /// - Parameter firstRow: number of the first record; those of an archive are counted through.
    init(_ source: any ByteSource, options: CSVOptions, firstRow: Int64 = 1) throws(ColumnarError) {
        window = BatchWindow(source)
        self.options = options
        nextRow = firstRow
        dialect = try CSVDialect(options)
    }

    /// Reads the next batch; false when the input is exhausted. A batch may be without rows.
    /// - Throws: `EmptyFile`, `NotText`, header errors, `MalformedRow`, `InvalidUTF8`, `UnclosedQuote`,
    ///   `LimitExceeded`, `ReadFailed`.
    func next(into batch: RecordBatch) throws(ColumnarError) -> Bool {
        try window.fill(batch, lineEnd: dialect.lineEnd)
        if !isStarted {
            try start(batch)
            isStarted = true
        }
        batch.columns = columns.count
        batch.reserveIndex()
        batch.lineEnd = dialect.lineEnd
        batch.firstRow = nextRow
        batch.firstLine = nextLine
        guard batch.start < batch.end else { return false }

        var indexer = RecordIndexer(dialect: dialect, columns: columns, options: options)
        while try !indexer.index(batch, isFinal: window.reachedEnd) { try enlarge(batch) }

        nextRow += indexer.records
        nextLine += Int64(indexer.lines)
        window.keepRest(of: batch)
        return true
    }

    /// Makes room for a record larger than the batch.
    private func enlarge(_ batch: RecordBatch) throws(ColumnarError) {
        let size = batch.end - batch.start
        guard size < options.maximumRecordBytes else {
            let line = batch.line(at: batch.start)
            let start = batch.start..<min(batch.end, batch.start + 200)
            throw ColumnarError(
                .unclosedQuote,
                "The record that begins on line \(line) is larger than \(options.maximumRecordBytes) bytes. Most likely "
                    + "a quote in it is never closed. Close or double that quote, or raise maximumRecordBytes.",
                row: nextRow, line: line, byteOffset: batch.inputOffset(batch.start), text: batch.excerpt(start))
        }
        try window.enlarge(batch, lineEnd: dialect.lineEnd)
    }

    // MARK: the beginning

    private func start(_ batch: RecordBatch) throws(ColumnarError) {
        try window.begin(batch, dialect: &dialect, isDelimiterKnown: options.delimiter != nil)
        if options.delimiter == nil {
            dialect.delimiter = sniff(batch, from: batch.start).delimiter
        }
        let beginning = batch.start
        try readHeader(batch)
        guard options.delimiter != nil, columns.count == 1 else { return }
        let found = sniff(batch, from: beginning)
        if found.fields > 1, found.share > 0.9 { likelyDelimiter = found.delimiter }
    }

    private func sniff(_ batch: RecordBatch, from start: Int) -> (delimiter: UInt8, fields: Int, share: Double) {
        DialectSniffer.delimiter(
            UnsafePointer(batch.base), from: start, to: min(batch.end, start + 256 << 10), isFinal: window.reachedEnd,
            dialect: dialect, scratch: batch.index)
    }

    /// Takes the names from the first record, or counts its fields where the file has no header.
    private func readHeader(_ batch: RecordBatch) throws(ColumnarError) {
        let scanner = RecordScanner(dialect: dialect)
        var position = batch.start
        while true {
            let outcome = scanner.scan(
                UnsafePointer(batch.base), at: position, to: batch.end, isFinal: window.reachedEnd, into: batch.index)
            switch outcome.kind {
            case .incomplete where !window.reachedEnd:
                try enlarge(batch)
                continue
            case .incomplete, .unclosedQuote:
                let line = batch.countLines(batch.start, position) + 1
                if outcome.kind == .incomplete && position >= batch.end {
                    throw ColumnarError(
                        .emptyFile, "The file holds only comments and blank lines: neither header nor record.",
                        byteOffset: batch.inputOffset(position))
                }
                throw ColumnarError(
                    .unclosedQuote,
                    "A quote in the first record, which begins on line \(line), is never closed. Close or double it.",
                    line: Int64(line), byteOffset: batch.inputOffset(position),
                    text: batch.excerpt(position..<min(batch.end, position + 200)))
            case .blank where outcome.end == position, .comment:
                position = outcome.next
                continue
            case .textAfterQuote:
                let line = batch.countLines(batch.start, position) + 1
                throw ColumnarError(
                    .malformedRow,
                    "The header (line \(line)) has text after a closing quote. Double the quotes within a quoted name.",
                    line: Int64(line), byteOffset: batch.inputOffset(position),
                    text: batch.excerpt(position..<outcome.end))
            case .record, .blank:
                break
            }
            FieldEscapes.remove(from: batch, slots: batch.index, fields: outcome.fields, dialect: dialect)
            try setColumns(batch, outcome, at: position)
            if options.hasHeader {
                nextLine = Int64(batch.countLines(batch.start, outcome.next) + 1)
                batch.start = outcome.next
            } else {
                nextLine = Int64(batch.countLines(batch.start, position) + 1)
                batch.start = position
            }
            return
        }
    }

    private func setColumns(
        _ batch: RecordBatch, _ outcome: RecordScanner.Outcome, at position: Int
    ) throws(ColumnarError) {
        let line = Int64(batch.countLines(batch.start, position) + 1)
        if let invalid = UTF8Validation.firstInvalid(UnsafePointer(batch.base), from: position, to: outcome.end) {
            throw ColumnarError(
                .invalidUTF8,
                "The first record (line \(line)) is not UTF-8 text: invalid byte at offset "
                    + "\(batch.inputOffset(invalid)). \(UTF8Validation.advice(batch.base[invalid]))",
                line: line, byteOffset: batch.inputOffset(invalid), text: batch.excerpt(position..<outcome.end))
        }
        guard outcome.fields <= Self.maximumColumns else {
            throw ColumnarError(
                .limitExceeded,
                "The first record (line \(line)) has \(outcome.fields) fields; a file may have \(Self.maximumColumns). Check "
                    + "the delimiter and the line ends.",
                line: line, byteOffset: batch.inputOffset(position), text: batch.excerpt(position..<outcome.end))
        }
        var names: [String] = []
        if options.hasHeader {
            let fieldText = FieldText(dialect)
            var scratch = RawBuffer()
            defer { scratch.free() }
            for field in 0..<outcome.fields {
                let start = Int(batch.index[2 * field]) + 1
                let length = Int(batch.index[2 * field + 1]) - start
                var text = (start: UnsafePointer(batch.base + start), length: length)
                if fieldText.isQuoted(text.start, length) {
                    scratch.count = 0
                    let inner = fieldText.unquoted(text.start, length, scratch: &scratch)
                    text = (inner.start, inner.length)
                }
                names.append(
                    String(decoding: UnsafeBufferPointer(start: text.start, count: text.length), as: UTF8.self))
            }
        } else if let given = options.columnNames {
            guard given.count == outcome.fields else {
                throw ColumnarError(
                    .malformedRow,
                    "The first record (line \(line)) has \(outcome.fields) fields, and \(given.count) column names are "
                        + "given.", row: 1, line: line, byteOffset: batch.inputOffset(position),
                    text: batch.excerpt(position..<outcome.end))
            }
            names = given
        } else {
            names = (1...max(1, outcome.fields)).map { "column_\($0)" }
        }
        let normalized = try ColumnName.normalized(header: names, line: line)
        columns = zip(normalized, names).enumerated().map { index, pair in
            CSVColumn(name: pair.0, sourceName: pair.1, index: index)
        }
    }
}
