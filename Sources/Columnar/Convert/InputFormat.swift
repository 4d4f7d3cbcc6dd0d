/// What form the records of the input have.
///
/// Compression is not a format: it is recognised by the first bytes, whatever the format. `CSVOptions` holds for all
/// formats as far as it makes sense for them: null tokens, encoding, comments, policy for bad records, limits.
public enum InputFormat: Sendable, Hashable {
    /// JSON where the text begins as JSON does, with `{"` or `[{`, else delimited text.
    case automatic
    /// Delimited text, as `CSVOptions` describes it.
    case csv
    /// Lines of a web server's access log.
    case accessLog(AccessLogFormat)
    /// Lines whose columns have fixed places.
    case fixedWidth(FixedWidthLayout)
    /// JSON, one object a line (NDJSON, JSON Lines). Field names are normalised like those of a CSV header; objects
    /// become structures, arrays lists.
    case ndjson
    /// One JSON array of objects, or objects one after the other, with line ends anywhere.
    case json
}

/// Cuts an input into batches of whole records: what a format has to do for a conversion.
protocol RecordReader: AnyObject {
    /// How the fields of the batches are quoted; known after the first batch.
    var dialect: CSVDialect { get }
    /// Columns of the input; known after the first batch.
    var columns: [CSVColumn] { get }
    /// Where the delimiter that was asked for gives one column, one that gives several. Known after the first batch.
    var likelyDelimiter: UInt8? { get }
    /// Types that the format itself gives to columns, by position; nil where values decide. Known after the first
    /// batch.
    var declaredTypes: [ColumnType?] { get }
    /// Bytes of text read so far, after decompressing.
    var bytesRead: Int64 { get }
    /// Number of the next record, from 1.
    var nextRow: Int64 { get }

    /// Types of the columns as the reader has worked them out, whether given or inferred; nil where the texts of the
    /// fields decide. Known after the first batch.
    var resolvedTypes: [ColumnType]? { get }
    /// Whether the input has fields or values that need other columns or wider types than the first batch suggested.
    /// What has been read is of no use then.
    var hasNews: Bool { get }

    /// Positions of columns that only the given schema has: no record so far had such a field.
    var unseenColumns: Set<Int> { get }

    /// Reads the next batch; false when the input is exhausted. A batch may be without rows.
    func next(into batch: RecordBatch) throws(ColumnarError) -> Bool
}

extension RecordReader {
    var likelyDelimiter: UInt8? { nil }
    var declaredTypes: [ColumnType?] { columns.map { _ in nil } }
    var resolvedTypes: [ColumnType]? { nil }
    var hasNews: Bool { false }
    var unseenColumns: Set<Int> { [] }
}

extension InputFormat {
    /// A reader of this format.
    /// - Parameter text: from `InputSource`; the members of an archive are read one after the other.
    /// - Parameters:
    ///   - shape: of all JSON records that are not skipped, where a survey was made.
    ///   - skipped: JSON records that are passed over.
    func reader(
        _ text: any ByteSource, options: ConversionOptions, shape: JSONShape? = nil,
        skipping skipped: SkippedRecords? = nil
    ) throws(ColumnarError) -> any RecordReader {
        let knowledge = JSONKnowledge(shape, skipping: skipped)
        guard let archive = text as? ZipSource else {
            return try reader(text, options: options, firstRow: 1, knowledge)
        }
        return MemberReader(archive) { member, firstRow throws(ColumnarError) in
            try reader(member, options: options, firstRow: firstRow, knowledge)
        }
    }

    private func reader(
        _ text: any ByteSource, options: ConversionOptions, firstRow: Int64, _ knowledge: JSONKnowledge
    ) throws(ColumnarError) -> any RecordReader {
        switch self {
        case .csv, .automatic: try BatchReader(text, options: options.csv, firstRow: firstRow)
        case .ndjson, .json:
            JSONBatchReader(
                text, form: self == .ndjson ? .lines : nil, options: options, knowledge: knowledge, firstRow: firstRow)
        case .accessLog(let format):
            try LineReader(text, parser: AccessLogParser(format), options: options.csv, firstRow: firstRow)
        case .fixedWidth(let layout):
            try LineReader(
                text, parser: FixedWidthParser(layout, padsShortLines: options.csv.badRecords == .pad),
                options: options.csv, firstRow: firstRow)
        }
    }

    var isJSON: Bool { self == .json || self == .ndjson }

    /// What form rejected records of this format have.
    var rejectedFormat: RejectedLayout.Format {
        switch self {
        case .csv, .automatic: .delimited
        case .ndjson, .json: .json
        case .fixedWidth: .fixedWidth
        case .accessLog: .accessLog
        }
    }

    /// The shape of all JSON records but those that are skipped.
    func survey(
        _ text: any ByteSource, options: ConversionOptions, skipping skipped: SkippedRecords? = nil
    ) throws(ColumnarError) -> JSONShape {
        var surveyor = JSONSurveyor()
        let knowledge = JSONKnowledge(nil, skipping: skipped)
        var firstRow: Int64 = 1
        func look(at text: any ByteSource) throws(ColumnarError) {
            let reader = JSONBatchReader(
                text, form: self == .ndjson ? .lines : nil, options: options, knowledge: knowledge, firstRow: firstRow)
            try reader.survey(&surveyor)
            firstRow = reader.nextRow
        }
        guard let archive = text as? ZipSource else {
            try look(at: text)
            return surveyor.root
        }
        while try archive.nextMember() {
            do throws(ColumnarError) {
                try look(at: archive)
            } catch {
                throw archive.memberName.map(error.inMember) ?? error
            }
        }
        return surveyor.root
    }
}
