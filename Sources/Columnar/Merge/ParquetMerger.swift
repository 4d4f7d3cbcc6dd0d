/// A file to merge, with the name that messages have for it.
public struct ParquetMergeInput: Sendable {
    public var name: String
    public var file: ParquetFile

    public init(name: String, file: ParquetFile) {
        self.name = name
        self.file = file
    }
}

/// What a merge did.
public struct ParquetMergeReport: Sendable, Hashable {
    public var rows: Int64 = 0
    public var files: [PartitionFile] = []
    /// Columns of the output; empty where row groups were copied as they are.
    public var columns: [ColumnSchema] = []
    /// Whether row groups were copied, because a column is nested or of a type that this library does not write.
    public var isCopied = false

    public init() {}
}

/// Makes few large Parquet files of many small ones.
///
/// Files of one schema, or of schemas that a safe union holds: columns that a file lacks are null there, integers
/// become doubles or decimals where they lose nothing, dates become timestamps. Memory holds the pages under way and
/// the row group that is being written, whatever the files' number and size.
public enum ParquetMerger {
    /// Rows that are decoded before the next column's turn.
    private static let sliceRows = 16_384

    /// Merges the files in their order.
    /// - Parameters:
    ///   - fileBytes: compressed bytes at which a file ends and another one begins.
    /// - Throws: `SchemaMismatch` (naming file and column), `Unsupported`, `EmptyFile` without input,
    ///   `DuplicateColumn`, `WriteFailed`, and what reading damaged files throws. What `output` received is of no use
    ///   then.
    public static func merge(
        _ inputs: [ParquetMergeInput], to output: any PartitionedOutput, fileBytes: Int64? = nil,
        options: ParquetWriterOptions = ParquetWriterOptions()
    ) throws(ColumnarError) -> ParquetMergeReport {
        switch try ParquetMergePlan(inputs).mode {
        case .copy: return try ParquetGroupCopy(inputs, output, fileBytes, options).run()
        case .rewrite(let columns):
            let writer = try ParquetMergeWriter(columns.map(\.schema), output, fileBytes, options)
            for (index, input) in inputs.enumerated() {
                do throws(ColumnarError) {
                    try append(input.file, columns, index, to: writer)
                } catch {
                    var error = error
                    error.message = "\(input.name): \(error.message)"
                    throw error
                }
            }
            return try writer.finish()
        }
    }

    private static func append(
        _ file: ParquetFile, _ columns: [ParquetMergePlan.Column], _ index: Int, to writer: ParquetMergeWriter
    ) throws(ColumnarError) {
        for group in file.rowGroups {
            var sources: [ParquetMergeSource?] = []
            for column in columns {
                guard let leaf = column.leaves[index] else {
                    sources.append(nil)
                    continue
                }
                sources.append(
                    ParquetMergeSource(try file.column(leaf.index, rowGroup: group.index), as: column.schema.type))
            }
            var rest = group.rowCount
            while rest > 0 {
                let rows = Int(min(rest, Int64(Self.sliceRows)))
                try writer.append(&sources, rows: rows)
                rest -= Int64(rows)
            }
        }
    }
}

/// One column of a file on its way into a merged one.
struct ParquetMergeSource {
    private var reader: ParquetColumnReader
    private let values: ParquetMergeValues

    init(_ reader: ParquetColumnReader, as type: ColumnType) {
        self.reader = reader
        values = ParquetMergeValues(reader.column, as: type)
    }

    /// Appends exactly `rows` rows to a builder.
    mutating func append(_ rows: Int, to builder: ColumnBuilder, _ workspace: PageWorkspace) throws(ColumnarError) {
        var rest = rows
        while rest > 0 {
            guard let batch = try reader.next(maximum: rest) else {
                throw ColumnarError(
                    .corruptFile, "Column \"\(reader.column.name)\" has fewer values than its row group has rows.",
                    byteOffset: reader.place, column: reader.column.name)
            }
            guard let vector = values.vector(batch.values) else {
                throw ColumnarError(
                    .corruptFile,
                    "Column \"\(reader.column.name)\" holds a value beyond what its type, \(reader.column.typeName), "
                        + "allows.", byteOffset: reader.place, column: reader.column.name)
            }
            let level = reader.presentLevel
            try builder.append(
                vector, rows: batch.count, isThere: batch.definitionLevels.map { $0 == level }, workspace)
            rest -= batch.count
        }
    }
}

/// The files that a merge writes.
final class ParquetMergeWriter {
    private let columns: [ColumnSchema]
    private let output: any PartitionedOutput
    private let fileBytes: Int64
    private let options: ParquetWriterOptions
    private let workspace: PageWorkspace
    private var builders: [ColumnBuilder] = []
    private var writer: ParquetFileWriter?
    private var file = PartitionFile(path: "", values: [], number: 0)
    private var groupRows = 0
    private var report = ParquetMergeReport()

    init(
        _ columns: [ColumnSchema], _ output: any PartitionedOutput, _ fileBytes: Int64?,
        _ options: ParquetWriterOptions
    ) throws(ColumnarError) {
        self.columns = columns
        self.output = output
        self.fileBytes = fileBytes ?? .max
        self.options = options
        workspace = try PageWorkspace(options.compression)
        let pageRows = min(options.pageRows, max(1024, 2_000_000 / max(1, columns.count)))
        let memory = ColumnMemory(usesHugePages: columns.count * pageRows <= 1_000_000)
        builders = columns.map {
            ColumnBuilder(
                name: $0.name, type: $0.type, options: options, nullTokens: NullTokens([]), pageRows: pageRows,
                keepsDigits: false, memory: memory)
        }
        report.columns = columns
    }

    func append(_ sources: inout [ParquetMergeSource?], rows: Int) throws(ColumnarError) {
        var done = 0
        while done < rows {
            let count = min(rows - done, options.rowGroupRows - groupRows)
            try FreeMemory.require(toBuild: 0)
            for (index, builder) in builders.enumerated() {
                if sources[index] == nil {
                    try builder.appendNulls(count, workspace)
                } else {
                    try sources[index]?.append(count, to: builder, workspace)
                }
            }
            done += count
            groupRows += count
            let size = builders.reduce(0) { $0 + $1.size }
            let written = writer?.bytesWritten ?? 0
            let isFull = written + Int64(size) >= fileBytes
            if groupRows >= options.rowGroupRows || size >= options.rowGroupBytes || isFull { try finishRowGroup() }
            if isFull { try finishFile() }
        }
    }

    private func fileWriter() throws(ColumnarError) -> ParquetFileWriter {
        if let writer { return writer }
        let made = try ParquetFileWriter(try output.begin(file), columns: columns, options: options)
        writer = made
        return made
    }

    private func finishRowGroup() throws(ColumnarError) {
        guard groupRows > 0 else { return }
        for builder in builders { try builder.finishChunk(workspace) }
        try fileWriter().writeRowGroup(builders.map(\.chunk))
        for builder in builders { builder.beginChunk() }
        groupRows = 0
    }

    private func finishFile() throws(ColumnarError) {
        guard let writer else { return }
        try writer.finish()
        (file.rows, file.bytes) = (writer.rowCount, writer.bytesWritten)
        try output.complete(file)
        report.files.append(file)
        report.rows += file.rows
        file = PartitionFile(path: "", values: [], number: file.number + 1)
        self.writer = nil
    }

    /// Ends the last file; without any row there is one file without rows.
    func finish() throws(ColumnarError) -> ParquetMergeReport {
        try finishRowGroup()
        if report.files.isEmpty { _ = try fileWriter() }
        try finishFile()
        return report
    }
}
