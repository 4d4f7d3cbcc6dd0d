/// Parts a delimited file into the records that keep the rules and those that do not, in one pass and bounded memory.
///
/// Good records are written as they stand in the input (with line feeds as line ends, comments and blank lines left
/// out) under the input's header; bad ones go to a `RejectedRecords`, with number, line, offset, bytes and reason.
public struct QualityFilter: Sendable {
    public var rules: QualityRules
    /// `badRecords` and `nullTokens` are set by the filter.
    public var options: CSVOptions

    public init(_ rules: QualityRules, options: CSVOptions = CSVOptions()) {
        self.rules = rules
        self.options = options
    }

    /// Reads `source` to its end.
    ///
    /// Whether the file passes its thresholds is in the report, and is the caller's to enforce
    /// (`QualityReport.requirePass`): a caller may want both outputs all the same.
    /// - Throws: `MissingColumn`; what makes a file unreadable as a whole (`EmptyFile`, `NotText`, `DuplicateColumn`,
    ///   `EmptyColumnName`, `UnclosedQuote`, `LimitExceeded`); `ReadFailed`, `WriteFailed`.
    public func run(
        _ source: any ByteSource, good: any ByteSink, bad: any RejectedRecords
    ) throws(ColumnarError) -> QualityReport {
        var options = options
        options.badRecords = .reject
        options.nullTokens = []
        var conversion = ConversionOptions()
        conversion.csv = options
        let reader = try InputFormat.csv.reader(
            try InputSource.text(of: source, encoding: options.encoding), options: conversion)
        let batch = RecordBatch(capacity: max(4096, options.batchBytes))
        try bad.beginPass()
        var pass = Pass(good: good, bad: bad)
        defer { pass.free() }
        while try reader.next(into: batch) { try pass.take(batch, reader, rules) }
        // A file with a header alone has no batch with records.
        try pass.begin(reader, rules)
        try pass.flush()
        return try pass.report(rules, columns: reader.columns)
    }
}

/// One run over a file.
private struct Pass {
    private let goodSink: any ByteSink
    private let badSink: any RejectedRecords
    private var judge: QualityJudge?
    private var output = RawBuffer(capacity: 1 << 20)
    private var scratch = RawBuffer()
    private var fieldText: FieldText?
    private var good: Int64 = 0
    private var broken: Int64 = 0
    private var malformed: Int64 = 0
    private var highest: Int64 = 0

    init(good: any ByteSink, bad: any RejectedRecords) {
        goodSink = good
        badSink = bad
    }

    mutating func free() {
        output.free()
        scratch.free()
    }

    /// Once the header is known: checks the columns and writes the header.
    mutating func begin(_ reader: any RecordReader, _ rules: QualityRules) throws(ColumnarError) {
        guard judge == nil else { return }
        let judge = QualityJudge(rules, columns: reader.columns)
        if let first = judge.missing.first, let column = first.column {
            let names = judge.missing.compactMap(\.column)
            throw ColumnarError(
                .missingColumn,
                "The rules require the column\(names.count == 1 ? "" : "s") \(names.joined(separator: ", ")); the file has "
                    + "\(reader.columns.map(\.name).joined(separator: ", ")).", column: column)
        }
        self.judge = judge
        fieldText = FieldText(reader.dialect)
        for (index, column) in reader.columns.enumerated() {
            if index > 0 { output.append(reader.dialect.delimiter) }
            output.append(Self.quoted(column.sourceName, reader.dialect))
        }
        output.append(10)
    }

    /// A name as it must stand in the header.
    private static func quoted(_ name: String, _ dialect: CSVDialect) -> [UInt8] {
        let bytes = Array(name.utf8)
        guard let quote = dialect.quote else { return bytes }
        let needsQuotes =
            bytes.contains { $0 == quote || $0 == dialect.delimiter || $0 == 10 || $0 == 13 }
            || bytes.first == dialect.comment
        guard needsQuotes else { return bytes }
        let escape = dialect.escape ?? quote
        return [quote] + bytes.flatMap { $0 == quote || $0 == dialect.escape ? [escape, $0] : [$0] } + [quote]
    }

    mutating func take(_ batch: RecordBatch, _ reader: any RecordReader, _ rules: QualityRules) throws(ColumnarError) {
        try begin(reader, rules)
        var nextRejected = 0
        for row in 0..<batch.rows {
            let ordinal = batch.ordinal(row: row)
            while nextRejected < batch.rejected.count, batch.rejected[nextRejected].row < ordinal {
                try reject(batch.rejected[nextRejected])
                nextRejected += 1
            }
            highest = max(highest, ordinal)
            if let verdict = verdict(batch, row) {
                broken += 1
                let range = batch.record(row: row)
                try badSink.receive(
                    RejectedRecord(
                        code: .ruleViolation, reason: verdict.reason, row: ordinal,
                        line: batch.line(at: range.lowerBound), byteOffset: batch.inputOffset(range.lowerBound),
                        column: verdict.column,
                        bytes: Array(UnsafeBufferPointer(start: batch.base + range.lowerBound, count: range.count))))
            } else {
                good += 1
                let range = batch.record(row: row)
                output.append(UnsafePointer(batch.base + range.lowerBound), range.count)
                output.append(10)
                if output.count >= 1 << 20 { try flush() }
            }
        }
        for record in batch.rejected[nextRejected...] { try reject(record) }
    }

    private mutating func reject(_ record: RejectedRecord) throws(ColumnarError) {
        malformed += 1
        highest = max(highest, record.row)
        try badSink.receive(record)
    }

    /// The first thing wrong with a record; every rule is counted.
    private mutating func verdict(_ batch: RecordBatch, _ row: Int) -> QualityJudge.Verdict? {
        guard let judge, let fieldText else { return nil }
        var result: QualityJudge.Verdict?
        for column in judge.watched {
            let range = batch.field(row: row, column: column)
            var text = UnsafePointer(batch.base + range.lowerBound)
            var count = range.count
            if fieldText.isQuoted(text, count) {
                scratch.count = 0
                let inner = fieldText.unquoted(text, count, scratch: &scratch)
                (text, count) = (inner.start, inner.length)
            }
            let found = judge.judge(UnsafeBufferPointer(start: text, count: count), column: column)
            result = result ?? found
        }
        return result
    }

    mutating func flush() throws(ColumnarError) {
        try goodSink.write(output.bytes)
        output.count = 0
    }

    func report(_ rules: QualityRules, columns: [CSVColumn]) throws(ColumnarError) -> QualityReport {
        let bad = broken + malformed
        // Records are numbered by the reader: what it numbered must have come out on one side or the other.
        guard good + bad == highest else {
            throw ColumnarError(
                .writeFailed,
                "The filter lost count: \(good) good and \(bad) bad records of \(highest). Nothing was kept; report this."
            )
        }
        let readable = good + broken
        var results: [QualityReport.RuleResult] = []
        var completeness: [String: Double] = [:]
        var failures: [String] = []
        for (number, rule) in rules.rules.enumerated() {
            var violations = judge?.violations[number] ?? 0
            let index = columns.firstIndex { $0.name == rule.column }
            if let name = rule.column, let index {
                completeness[name] = readable == 0 ? 1 : Double(judge?.present(column: index) ?? 0) / Double(readable)
            }
            switch rule.check {
            case .rowCount(let minimum, let maximum):
                if highest < minimum ?? 0 || highest > maximum ?? .max {
                    violations = 1
                    failures.append("\(highest) rows, \(rule)")
                }
            case .completeness(let share):
                if let name = rule.column, let found = completeness[name], found < share {
                    violations = 1
                    failures.append("\(rule), found \(found)")
                }
            default: break
            }
            results.append(QualityReport.RuleResult(rule: rule.description, violations: violations))
        }
        failures += thresholdFailures(rules.thresholds, bad: bad)
        return QualityReport(
            rows: highest, good: good, bad: bad, malformed: malformed, rules: results,
            completeness: completeness.sorted { $0.key < $1.key }.map { .init(column: $0.key, share: $0.value) },
            failures: failures)
    }

    private func thresholdFailures(_ thresholds: QualityThresholds, bad: Int64) -> [String] {
        var failures: [String] = []
        if let limit = thresholds.maximumBadRows, bad > limit {
            failures.append("\(bad) bad rows, at most \(limit) are allowed")
        }
        if let limit = thresholds.maximumBadShare, highest > 0, Double(bad) > limit * Double(highest) {
            failures.append("\(bad) of \(highest) rows are bad, at most the share \(limit) is allowed")
        }
        if bad > 0 && good == 0 { failures.append("no row is good") }
        return failures
    }
}
