/// A Parquet file: schema, row groups, statistics, and its values by column or by row.
///
/// Opening reads the footer alone. Nothing in the file is trusted: a damaged one is an error that names the place,
/// never a crash, and memory is bounded by `ParquetLimits`. Source of the format:
/// https://parquet.apache.org/docs/file-format/
public struct ParquetFile: Sendable {
    public let schema: ParquetSchema
    public let rowGroups: [ParquetRowGroup]
    /// Of the whole file.
    public let rowCount: Int64
    /// Free pairs that the writer left, in their order; pyarrow keeps its schema there.
    public let keyValueMetadata: [(key: String, value: String?)]
    /// Name and version of the writer.
    public let createdBy: String?
    /// Of the format: 1 or 2.
    public let formatVersion: Int
    let input: any ParquetInput
    let limits: ParquetLimits
    private let budget: PageBudget

    /// Reads and checks the footer. Fails with `NotParquet`, `CorruptFile`, `Unsupported` (encrypted files),
    /// `LimitExceeded` or `ReadFailed`.
    public init(_ input: any ParquetInput, limits: ParquetLimits = ParquetLimits()) throws(ColumnarError) {
        self.input = input
        self.limits = limits
        budget = PageBudget(limits.openBytes)
        let (metadata, footerStart) = try Self.readFooter(input, limits)
        formatVersion = Int(metadata.version)
        createdBy = metadata.createdBy
        keyValueMetadata = (metadata.keyValues ?? []).map { (key: $0.key, value: $0.value) }
        schema = try ParquetSchema(metadata.schema, at: footerStart)
        var groups: [ParquetRowGroup] = []
        var rows: Int64 = 0
        for (index, group) in metadata.rowGroups.enumerated() {
            let checked = try ParquetRowGroup(
                group, index: index, schema: schema, orders: metadata.columnOrders, footerStart: footerStart)
            let (sum, isOverflow) = rows.addingReportingOverflow(checked.rowCount)
            if isOverflow { throw Self.corrupt("the row groups claim too many rows", at: footerStart) }
            rows = sum
            groups.append(checked)
        }
        guard rows == metadata.rowCount else {
            throw Self.corrupt("it claims \(metadata.rowCount) rows and its row groups \(rows)", at: footerStart)
        }
        // Their number would be nothing but a claim, without a byte of data behind it.
        if schema.columns.isEmpty, rows > 0 {
            throw Self.corrupt("it claims \(rows) rows, and its schema has no column", at: footerStart)
        }
        rowGroups = groups
        rowCount = rows
    }

    /// The footer as it is stored, which was checked when the file was opened.
    func metadata() throws(ColumnarError) -> FileMetadata { try Self.readFooter(input, limits).0 }

    private static func readFooter(
        _ input: any ParquetInput, _ limits: ParquetLimits
    ) throws(ColumnarError) -> (FileMetadata, Int64) {
        guard input.size >= 12 else {
            throw ColumnarError(
                .notParquet, "The file has \(input.size) bytes; the smallest Parquet file has more.",
                byteOffset: input.size)
        }
        let tail = try input.read(at: input.size - 8, count: 8)
        let magic = tail[4...]
        if magic.elementsEqual("PARE".utf8) {
            throw ColumnarError(
                .unsupported, "The file's footer is encrypted; this reader has no keys.", byteOffset: input.size - 4)
        }
        guard magic.elementsEqual("PAR1".utf8) else {
            let isCut = try input.read(at: 0, count: 4).elementsEqual("PAR1".utf8)
            throw isCut
                ? corrupt("the file begins as Parquet and does not end so: it was cut", at: input.size - 4)
                : ColumnarError(
                    .notParquet, "The file does not end with PAR1, as Parquet files do.", byteOffset: input.size - 4)
        }
        guard try input.read(at: 0, count: 4).elementsEqual("PAR1".utf8) else {
            throw corrupt("the file ends as Parquet and does not begin so", at: 0)
        }
        let length = tail[..<4].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
        guard length <= input.size - 12 else {
            throw corrupt("it claims \(length) bytes in a file of \(input.size)", at: input.size - 8)
        }
        guard length <= Int64(limits.footerBytes) else {
            throw ColumnarError(
                .limitExceeded, "The Parquet footer has \(length) bytes; the limit is \(limits.footerBytes).",
                byteOffset: input.size - 8)
        }
        let start = input.size - 8 - length
        let bytes = try input.read(at: start, count: Int(length))
        let metadata = try ThriftReader.decode(
            FileMetadata.self, from: bytes, fileOffset: start, memory: limits.footerMemory)
        return (metadata, start)
    }

    static func corrupt(_ problem: String, at offset: Int64) -> ColumnarError {
        ColumnarError(.corruptFile, "The Parquet footer is damaged: \(problem).", byteOffset: offset)
    }

    /// Reads one column of one row group.
    /// - Parameters:
    ///   - column: index among `schema.columns`.
    ///   - rowGroup: index among `rowGroups`.
    public func column(_ column: Int, rowGroup: Int) throws(ColumnarError) -> ParquetColumnReader {
        guard rowGroups.indices.contains(rowGroup), schema.columns.indices.contains(column) else {
            throw ColumnarError(
                .unsupported,
                "There is no column \(column) in row group \(rowGroup): the file has \(schema.columns.count) columns in "
                    + "\(rowGroups.count) row groups.")
        }
        let chunk = rowGroups[rowGroup].columns[column]
        if chunk.isElsewhere {
            throw ColumnarError(
                .unsupported, "Column \"\(chunk.column.name)\" lies in another file.",
                byteOffset: chunk.range.lowerBound, column: chunk.column.name)
        }
        let pages = PageReader(
            input, limits: limits, budget: budget, leaf: chunk.column, codec: chunk.codecType, rowGroup: rowGroup,
            range: chunk.range)
        return ParquetColumnReader(pages, column: chunk.column, count: chunk.valueCount)
    }

    /// The first rows of the file, one value for each of `schema.fields`.
    public func head(rows count: Int) throws(ColumnarError) -> [[ParquetValue]] {
        var reader = rows(portion: count)
        var result: [[ParquetValue]] = []
        while result.count < count, let row = try reader.next() { result.append(row) }
        return result
    }

    /// All rows in their order, row by row.
    /// - Parameter portion: how many values of a column to decode at once.
    public func rows(portion: Int = 8192) -> ParquetRowReader {
        ParquetRowReader(self, portion: portion)
    }
}
