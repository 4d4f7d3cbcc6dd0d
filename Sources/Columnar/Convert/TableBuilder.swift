/// The column builders of a conversion and the file they write to.
final class TableBuilder {
    /// A field that does not fit its column.
    struct Misfit {
        /// Position in the output.
        var column: Int
        /// Row in the batch.
        var row: Int
    }

    private let origins: [OutputPlan.Origin]
    /// Columns of the output.
    private(set) var columns: [ColumnSchema]
    /// Columns that have shown no value yet: their type is open.
    private var open: Set<Int>
    private var builders: [ColumnBuilder]
    private var sampler: TypeSampler
    private let writer: ParquetFileWriter
    private let workspace: PageWorkspace
    private let options: ParquetWriterOptions
    /// Rows of the row group under way.
    private var groupRows = 0

    /// - Parameter open: positions of columns whose type is to be taken from their first values; text meanwhile.
    init(
        columns: [ColumnSchema], open: Set<Int>, plan: OutputPlan, options: ConversionOptions, nullTokens: NullTokens,
        sink: any ByteSink
    ) throws(ColumnarError) {
        self.options = options.parquet
        self.columns = columns
        self.open = open
        sampler = TypeSampler(columns: columns.count, nullTokens: nullTokens)
        origins = plan.columns.map(\.origin)
        // Many columns share what a few may take.
        let pageRows = max(1024, min(options.parquet.pageRows, 2_000_000 / max(1, columns.count)))
        builders = columns.map {
            ColumnBuilder(
                name: $0.name, type: $0.type, options: options.parquet, nullTokens: nullTokens,
                pageRows: min(pageRows, options.parquet.pageRows))
        }
        workspace = try PageWorkspace(options.parquet.compression)
        writer = try ParquetFileWriter(sink, columns: columns, options: options.parquet)
    }

    var rows: Int64 { writer.rowCount }
    var bytesWritten: Int64 { writer.bytesWritten }
    var rowGroups: Int { writer.rowGroupCount }

    /// Appends the records of a batch.
    /// - Returns: the earliest field that does not fit its column, nil where all do.
    func append(
        _ batch: RecordBatch, _ derived: DerivedValues, _ dialect: CSVDialect
    ) throws(ColumnarError) -> Misfit? {
        try derived.bytes.withUnsafeBufferPointer { bytes throws(ColumnarError) in
            try derived.slots.withUnsafeBufferPointer { slots throws(ColumnarError) in
                let sources = FieldSources(batch: batch, dialect: dialect, bytes: bytes, slots: slots, derived.columns)
                return try append(sources, rows: batch.rows)
            }
        }
    }

    private func append(_ sources: FieldSources, rows: Int) throws(ColumnarError) -> Misfit? {
        var first = 0
        while first < rows {
            let count = min(rows - first, options.rowGroupRows - groupRows)
            var earliest: Misfit?
            for column in open.sorted() {
                try settle(column, sources.table(origins[column], first: first, count: count))
            }
            for (column, builder) in builders.enumerated() {
                guard !open.contains(column), let table = sources.table(origins[column], first: first, count: count)
                else {
                    try builder.appendNulls(count, workspace)
                    continue
                }
                if let row = try builder.append(table, workspace), row + first < earliest?.row ?? .max {
                    earliest = Misfit(column: column, row: row + first)
                }
            }
            if let earliest { return earliest }
            first += count
            groupRows += count
            let size = builders.reduce(0) { $0 + $1.chunk.size }
            if groupRows >= options.rowGroupRows || size >= options.rowGroupBytes { try finishRowGroup() }
        }
        return nil
    }

    /// Fixes the type of an open column when its first values come. The nulls before them have no type.
    private func settle(_ column: Int, _ table: FieldTable?) throws(ColumnarError) {
        guard let table, sampler.hasValue(table) else { return }
        open.remove(column)
        let type = sampler.kinds(of: table).type ?? .string
        guard type != .string else { return }
        columns[column].type = type
        builders[column] = ColumnBuilder(continuing: builders[column], as: type)
        writer.setType(type, ofEmpty: column)
    }

    private func finishRowGroup() throws(ColumnarError) {
        guard groupRows > 0 else { return }
        for builder in builders { try builder.finishChunk(workspace) }
        try writer.writeRowGroup(builders.map(\.chunk))
        for builder in builders { builder.beginChunk() }
        groupRows = 0
    }

    /// Writes what is left, and the footer.
    func finish() throws(ColumnarError) {
        try finishRowGroup()
        try writer.finish()
    }
}

/// Where the fields of the output's columns lie for a batch.
struct FieldSources {
    let batch: RecordBatch
    let dialect: CSVDialect
    let derivedBytes: UnsafeBufferPointer<UInt8>
    let derivedSlots: UnsafeBufferPointer<UInt32>
    let derivedColumns: Int

    init(
        batch: RecordBatch, dialect: CSVDialect, bytes: UnsafeBufferPointer<UInt8>,
        slots: UnsafeBufferPointer<UInt32>, _ derivedColumns: Int
    ) {
        self.batch = batch
        self.dialect = dialect
        derivedBytes = bytes
        derivedSlots = slots
        self.derivedColumns = derivedColumns
    }

    /// The fields of some rows of a column; nil for a column that the file lacks.
    func table(_ origin: OutputPlan.Origin, first: Int, count: Int) -> FieldTable? {
        var table: FieldTable
        switch origin {
        case .missing:
            return nil
        case .field(let index):
            table = FieldTable(batch, column: index, dialect: dialect)
        case .derived(let index):
            guard let bytes = derivedBytes.baseAddress, let slots = derivedSlots.baseAddress else { return nil }
            table = FieldTable(
                bytes: bytes, slots: slots, column: index, columns: derivedColumns, dialect: DerivedValues.dialect)
        }
        table.starts += first * table.stride
        table.ends += first * table.stride
        table.rows = count
        return table
    }
}
