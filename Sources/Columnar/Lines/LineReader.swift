import Glibc

/// A form in which every line is a record: where its fields lie, or what is wrong with it.
protocol LineParser {
    var columns: [CSVColumn] { get }
    /// By position; nil where values decide.
    var types: [ColumnType?] { get }
    /// Lines at the beginning that are no records.
    var skippedLines: Int { get }

    /// Finds the fields of a line.
    /// - Parameters:
    ///   - line: offsets in the batch, without the line end. Not empty.
    ///   - fields: takes every column once.
    mutating func parse(_ line: Range<Int>, _ fields: inout LineFields) -> LineProblem?
}

/// Why a line is no record of its format.
struct LineProblem {
    /// Continues "Line 7 …".
    var reason: String
    var column: String?
}

/// Cuts text into lines, and lines into fields by a parser. Empty lines and comments are skipped.
final class LineReader: RecordReader {
    private(set) var dialect = CSVDialect()
    private(set) var nextRow: Int64
    let columns: [CSVColumn]
    let declaredTypes: [ColumnType?]
    var bytesRead: Int64 { window.bytesRead }

    private let options: CSVOptions
    private let comment: UInt8?
    private var parser: any LineParser
    private var window: BatchWindow
    private var nextLine: Int64 = 1
    private var isStarted = false

    /// - Parameter firstRow: number of the first record.
    init(
        _ source: any ByteSource, parser: any LineParser, options: CSVOptions, firstRow: Int64
    ) throws(ColumnarError) {
        window = BatchWindow(source)
        self.parser = parser
        self.options = options
        comment = try CSVDialect(options).comment
        columns = parser.columns
        declaredTypes = parser.types
        nextRow = firstRow
    }

    /// - Throws: `EmptyFile`, `NotText`, `MalformedRow`, `InvalidUTF8`, `LimitExceeded`, `ReadFailed`.
    func next(into batch: RecordBatch) throws(ColumnarError) -> Bool {
        try window.fill(batch, lineEnd: dialect.lineEnd)
        if !isStarted {
            // Lines end within what looks like quotes, too.
            var plain = dialect
            plain.quote = nil
            try window.begin(batch, dialect: &plain, isDelimiterKnown: true)
            dialect.lineEnd = plain.lineEnd
            isStarted = true
        }
        batch.columns = columns.count
        batch.reserveIndex()
        batch.lineEnd = dialect.lineEnd
        batch.firstRow = nextRow
        batch.firstLine = nextLine
        batch.layout = .pairs
        guard batch.start < batch.end else { return false }
        while try !readLines(batch) {
            guard batch.end - batch.start < options.maximumRecordBytes else {
                throw ColumnarError(
                    .limitExceeded,
                    "Line \(nextLine) is longer than \(options.maximumRecordBytes) bytes. Check the file, or raise "
                        + "maximumRecordBytes.", row: nextRow, line: nextLine,
                    byteOffset: batch.inputOffset(batch.start),
                    text: batch.excerpt(batch.start..<batch.start + 200))
            }
            try window.enlarge(batch, lineEnd: dialect.lineEnd)
        }
        window.keepRest(of: batch)
        return true
    }

    /// - Returns: false where the batch holds no complete line.
    private func readLines(_ batch: RecordBatch) throws(ColumnarError) -> Bool {
        var position = batch.start
        let lineEnd = Int32(dialect.lineEnd)
        var leftOut = false
        while position < batch.end {
            let room = 2 * columns.count * (batch.rows + 1)
            guard room <= batch.indexCapacity,
                let found = memchr(batch.base + position, lineEnd, batch.end - position)
            else { break }
            let next = UnsafeRawPointer(batch.base).distance(to: UnsafeRawPointer(found)) + 1
            var end = next - 1
            if lineEnd == 10, end > position, batch.base[end - 1] == 13 { end -= 1 }
            let (line, number) = (position..<end, nextLine)
            position = next
            nextLine += 1
            if number <= Int64(parser.skippedLines) || line.isEmpty { continue }
            if let comment, batch.base[line.lowerBound] == comment { continue }
            let error = check(line, number, batch)
            nextRow += 1
            if let error {
                guard options.badRecords == .reject else { throw error }
                batch.rejected.append(
                    RejectedRecord(
                        code: error.code, reason: error.message, row: nextRow - 1, line: number,
                        byteOffset: batch.inputOffset(line.lowerBound), column: error.column,
                        bytes: Array(UnsafeBufferPointer(start: batch.base + line.lowerBound, count: line.count))))
                leftOut = true
                continue
            }
            batch.extents.append(UInt32(truncatingIfNeeded: line.lowerBound))
            batch.extents.append(UInt32(truncatingIfNeeded: line.upperBound))
            batch.ordinals.append(nextRow - 1)
            batch.rows += 1
        }
        if !leftOut { batch.ordinals.removeAll(keepingCapacity: true) }
        batch.consumedEnd = position
        return position > batch.start
    }

    private func check(_ line: Range<Int>, _ number: Int64, _ batch: RecordBatch) -> ColumnarError? {
        let place = "Row \(nextRow) (line \(number))"
        if let invalid = UTF8Validation.firstInvalid(batch.base, from: line.lowerBound, to: line.upperBound) {
            return ColumnarError(
                .invalidUTF8,
                "\(place) is not UTF-8 text: its byte at offset \(batch.inputOffset(invalid)) begins no valid character. "
                    + UTF8Validation.advice(batch.base[invalid]),
                row: nextRow, line: number, byteOffset: batch.inputOffset(invalid), text: batch.excerpt(line))
        }
        var fields = LineFields(batch, slots: batch.index + 2 * columns.count * batch.rows)
        guard let problem = parser.parse(line, &fields) else { return nil }
        return ColumnarError(
            .malformedRow, "\(place) \(problem.reason)", row: nextRow, line: number,
            byteOffset: batch.inputOffset(line.lowerBound), column: problem.column, text: batch.excerpt(line))
    }
}
