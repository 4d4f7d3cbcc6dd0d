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
    private let workspaces: [PageWorkspace]
    private let pair: ThreadPair?
    /// Columns in the order in which threads take them, from both ends.
    private var order: [Int]
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
        order = Array(columns.indices)
        workspaces = [
            try PageWorkspace(options.parquet.compression), try PageWorkspace(options.parquet.compression),
        ]
        pair = options.threads > 1 ? try ThreadPair() : nil
        writer = try ParquetFileWriter(sink, columns: columns, options: options.parquet)
    }

    var rows: Int64 { writer.rowCount }
    var bytesWritten: Int64 { writer.bytesWritten }
    var rowGroups: Int { writer.rowGroupCount }

    /// Appends the records of a batch.
    /// - Parameter meanwhile: done at the same time by the second thread, or before on the only one.
    /// - Returns: the earliest field that does not fit its column, nil where all do.
    func append(
        _ batch: RecordBatch, _ dialect: CSVDialect, meanwhile: @escaping () -> Void
    ) throws(ColumnarError) -> Misfit? {
        guard batch.rows > 0 else {
            meanwhile()
            return nil
        }
        return try batch.derived.bytes.withUnsafeBufferPointer { bytes throws(ColumnarError) in
            try batch.derived.slots.withUnsafeBufferPointer { slots throws(ColumnarError) in
                let sources = FieldSources(
                    batch: batch, dialect: dialect, bytes: bytes, slots: slots, batch.derived.columns)
                return try append(sources, rows: batch.rows, meanwhile)
            }
        }
    }

    private func append(
        _ sources: FieldSources, rows: Int, _ meanwhile: @escaping () -> Void
    ) throws(ColumnarError) -> Misfit? {
        var first = 0
        while first < rows {
            let count = min(rows - first, options.rowGroupRows - groupRows)
            for column in open.sorted() { settle(column, sources.table(origins[column], first: first, count: count)) }
            let slice = first
            let round = ColumnRound(order: order, workspaces: workspaces, meanwhile: first == 0 ? meanwhile : nil) {
                column, workspace throws(ColumnarError) in
                try self.append(column, sources, first: slice, count: count, workspace)
            }
            try round.run(with: pair)
            if let misfit = earliestMisfit(first) { return misfit }
            first += count
            groupRows += count
            let size = builders.reduce(0) { $0 + $1.size }
            if groupRows >= options.rowGroupRows || size >= options.rowGroupBytes { try finishRowGroup() }
        }
        return nil
    }

    /// Runs on either thread; touches nothing but what belongs to the column.
    private func append(
        _ column: Int, _ sources: FieldSources, first: Int, count: Int, _ workspace: PageWorkspace
    ) throws(ColumnarError) {
        let builder = builders[column]
        guard !open.contains(column), let table = sources.table(origins[column], first: first, count: count) else {
            try builder.appendNulls(count, workspace)
            return
        }
        builder.misfit = try builder.append(table, workspace)
    }

    private func earliestMisfit(_ first: Int) -> Misfit? {
        var earliest: Misfit?
        for (column, builder) in builders.enumerated() {
            if let row = builder.misfit, row + first < earliest?.row ?? .max {
                earliest = Misfit(column: column, row: row + first)
            }
        }
        return earliest
    }

    /// Fixes the type of an open column when its first values come. The nulls before them have no type.
    private func settle(_ column: Int, _ table: FieldTable?) {
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
        let round = ColumnRound(order: order, workspaces: workspaces) { column, workspace throws(ColumnarError) in
            try self.builders[column].finishChunk(workspace)
        }
        try round.run(with: pair)
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
