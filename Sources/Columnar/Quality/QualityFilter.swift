/// Parts a delimited file into the records that keep the rules and those that do not, in one pass and bounded memory.
///
/// Good records are written as they stand in the input (with line feeds as line ends, comments and blank lines left
/// out, masked fields masked) under the input's header; bad ones go to a `RejectedRecords`, with number, line, offset,
/// bytes and reason.
public struct QualityFilter: Sendable {
    public var rules: QualityRules
    /// `badRecords` and `nullTokens` are set by the filter.
    public var options: CSVOptions
    /// Masks of columns of the good records; bad ones stay as they are, so that they can be corrected.
    public var masking: Masking?

    public init(_ rules: QualityRules, options: CSVOptions = CSVOptions(), masking: Masking? = nil) {
        self.rules = rules
        self.options = options
        self.masking = masking
    }

    /// Reads `source` to its end.
    ///
    /// Whether the file passes its thresholds is in the report, and is the caller's to enforce
    /// (`QualityReport.requirePass`): a caller may want both outputs all the same.
    /// A quarantine file as `source` is recognised, and its records are judged anew.
    /// - Throws: `MissingColumn`; `NotDelimited` for JSON and the like; what makes a file unreadable as a whole
    ///   (`EmptyFile`, `NotText`, `DuplicateColumn`, `EmptyColumnName`, `UnclosedQuote`, `LimitExceeded`);
    ///   `ReadFailed`, `WriteFailed`.
    public func run(
        _ source: any ByteSource, good: any ByteSink, bad: any RejectedRecords
    ) throws(ColumnarError) -> QualityReport {
        var options = options
        options.badRecords = .reject
        options.nullTokens = []
        let text = try InputSource.text(of: source, encoding: options.encoding)
        let (unfed, feed) = try QuarantineSource.recognizing(text)
        let (records, format) = try InputFormat.automatic.recognized(unfed)
        guard feed.map({ $0.layout.format == .delimited }) ?? (format == .csv) else {
            let form = (feed?.layout.format ?? .json).words
            throw ColumnarError(
                .notDelimited,
                "The records are \(form), and good rows are written as they stand, which is done for delimited text only. "
                    + "Convert the file with the rules instead.")
        }
        if let feed { options.apply(feed.layout) }
        var conversion = ConversionOptions()
        conversion.csv = options
        var masking = masking
        while true {
            let reader = try InputFormat.csv.reader(records, options: conversion)
            let batch = RecordBatch(capacity: max(4096, options.batchBytes))
            try bad.beginPass()
            let pass = FilterPass(good: good, bad: bad, masking: masking)
            while try reader.next(into: batch) { try pass.take(batch, reader, rules) }
            // A file with a header alone has no batch with records.
            try pass.begin(batch, reader, rules)
            try pass.flush()
            let report = try pass.report()
            let late = (report.unmasked ?? []).filter(\.isMasked)
            guard let masks = masking, !late.isEmpty else { return report }
            try masks.beginAgain(records, for: late)
            try good.reset()
            masking = masks.including(late)
        }
    }
}

/// One run over a file.
private final class FilterPass {
    private let goodSink: any ByteSink
    private let badSink: any RejectedRecords
    private let masking: Masking?
    private var judge: QualityJudge?
    private var masker: Masker?
    private var dialect = CSVDialect()
    private var output = RawBuffer(capacity: 1 << 20)
    private var masked: [UInt8] = []
    private var good: Int64 = 0
    private var broken: Int64 = 0
    private var malformed: Int64 = 0
    private var highest: Int64 = 0

    init(good: any ByteSink, bad: any RejectedRecords, masking: Masking?) {
        goodSink = good
        badSink = bad
        self.masking = masking
    }

    deinit { output.free() }

    /// Once the header is known: checks the columns and writes the header.
    func begin(_ batch: RecordBatch, _ reader: any RecordReader, _ rules: QualityRules) throws(ColumnarError) {
        guard judge == nil else { return }
        dialect = reader.dialect
        judge = try QualityJudge(rules, columns: reader.columns, dialect: dialect)
        if let masking {
            masker = try Masker(
                masking, columns: reader.columns, dialect: dialect, nullTokens: NullTokens(rules.nullTokens),
                sample: batch)
        }
        try badSink.describe(RejectedLayout(columns: reader.columns, dialect: dialect))
        output.append(CSVHeader.line(reader.columns, dialect))
        output.append(10)
    }

    func take(_ batch: RecordBatch, _ reader: any RecordReader, _ rules: QualityRules) throws(ColumnarError) {
        try begin(batch, reader, rules)
        guard let judge else { return }
        try judge.judge(batch)
        masker?.watch?.look(at: batch) { judge.isBad(row: $0) }
        var nextRejected = 0
        for row in 0..<batch.rows {
            let ordinal = batch.ordinal(row: row)
            while nextRejected < batch.rejected.count, batch.rejected[nextRejected].row < ordinal {
                try reject(batch.rejected[nextRejected])
                nextRejected += 1
            }
            highest = max(highest, ordinal)
            let range = batch.record(row: row)
            if judge.isBad(row: row) {
                broken += 1
                let verdict = judge.verdict(batch, row: row, batchRow: row)
                try badSink.receive(
                    RejectedRecord(
                        code: .ruleViolation, reason: verdict?.reason ?? "", row: ordinal,
                        line: batch.line(at: range.lowerBound), byteOffset: batch.inputOffset(range.lowerBound),
                        column: verdict?.column,
                        bytes: Array(UnsafeBufferPointer(start: batch.base + range.lowerBound, count: range.count))))
            } else {
                good += 1
                write(batch, row: row, range)
                if output.count >= 1 << 20 { try flush() }
            }
        }
        for record in batch.rejected[nextRejected...] { try reject(record) }
    }

    /// Writes a good record: as it stands, but for its masked fields.
    private func write(_ batch: RecordBatch, row: Int, _ range: Range<Int>) {
        var position = range.lowerBound
        let columns = masker?.columns ?? []
        // A field that was unescaped no longer lies in the record: where it stands there is looked up.
        let isMoved = columns.contains { !batch.isInput(batch.field(row: row, column: $0.field).lowerBound) }
        let places = isMoved ? fieldPlaces(batch, range) : []
        for column in columns {
            masked.removeAll(keepingCapacity: true)
            guard let masker, masker.append(column, batch, row: row, to: &masked) else { continue }
            let field = isMoved ? places[column.field] : batch.field(row: row, column: column.field)
            output.append(UnsafePointer(batch.base + position), field.lowerBound - position)
            let isQuoted = dialect.quote.map { batch.base[field.lowerBound] == $0 } ?? false
            output.append(CSVHeader.field(masked, dialect, isQuoted: isQuoted))
            position = field.upperBound
        }
        output.append(UnsafePointer(batch.base + position), range.upperBound - position)
        output.append(10)
    }

    /// Where the fields of a record stand in the input, escapes and quotes included; empty at its end where they are
    /// missing.
    private func fieldPlaces(_ batch: RecordBatch, _ range: Range<Int>) -> [Range<Int>] {
        let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: 2 * (range.count + 2))
        defer { slots.deallocate() }
        let outcome = RecordScanner(dialect: dialect).scan(
            UnsafePointer(batch.base), at: range.lowerBound, to: batch.end, isFinal: true, into: slots)
        return (0..<batch.columns).map { field in
            guard field < outcome.fields else { return range.upperBound..<range.upperBound }
            let start = Int(slots[2 * field]) + 1
            return start..<max(start, Int(slots[2 * field + 1]))
        }
    }

    private func reject(_ record: RejectedRecord) throws(ColumnarError) {
        malformed += 1
        highest = max(highest, record.row)
        try badSink.receive(record)
    }

    func flush() throws(ColumnarError) {
        try goodSink.write(output.bytes)
        output.count = 0
    }

    func report() throws(ColumnarError) -> QualityReport {
        let bad = broken + malformed
        // Records are numbered by the reader: what it numbered must have come out on one side or the other.
        guard let judge, good + bad == highest else {
            throw ColumnarError(
                .writeFailed,
                "The filter lost count: \(good) good and \(bad) bad records of \(highest). Nothing was kept; report this."
            )
        }
        var report = try judge.report(rows: highest, good: good, bad: bad)
        report.masked = masker?.report
        report.unmasked = masker?.watch.flatMap { $0.found.isEmpty ? nil : $0.found }
        return report
    }
}
