/// The column builders of a conversion and the file they write to.
final class TableBuilder: RowOutput {
    /// A field that does not fit its column.
    struct Misfit {
        /// Position in the output.
        var column: Int
        /// Position among the batches that were appended together.
        var batch: Int
        /// Row in the batch.
        var row: Int
        /// In a nested column, the names from the column inwards, and the type there.
        var place: ColumnSchema?
    }

    /// The stored columns: one for each plain column, one for each innermost value of a nested one.
    let leaves: [LeafColumn]
    let origins: [OutputPlan.Origin]
    /// Columns of the output.
    private(set) var columns: [ColumnSchema]
    /// Columns that have shown no value yet: their type is open.
    var open: Set<Int>
    /// By leaf.
    var builders: [ColumnBuilder]
    private var sampler: TypeSampler
    private let writer: ParquetFileWriter
    let workspaces: [PageWorkspace]
    let pair: ThreadPair?
    /// Leaves in the order in which threads take them, from both ends.
    let order: [Int]
    /// By leaf; each place is written by the thread that has the leaf.
    private let misfits: UnsafeMutablePointer<Misfit?>
    private let options: ParquetWriterOptions
    /// Rows of the row group under way.
    var groupRows = 0
    /// Judges rows while they are built.
    var staged: StagedJudge?

    /// - Parameters:
    ///   - open: positions of columns whose type is to be taken from their first values; text meanwhile.
    ///   - shared: what two threads need to finish pages, where several tables share it.
    ///   - memory: of the columns, where several tables share it.
    init(
        columns: [ColumnSchema], open: Set<Int>, plan: OutputPlan, options: ConversionOptions, nullTokens: NullTokens,
        sink: any ByteSink, workspaces shared: [PageWorkspace]? = nil, memory: ColumnMemory? = nil
    ) throws(ColumnarError) {
        self.options = options.parquet
        self.columns = columns
        self.open = open
        sampler = TypeSampler(columns: columns.count, nullTokens: nullTokens)
        let leaves = LeafColumn.leaves(of: columns)
        self.leaves = leaves
        origins = plan.columns.map(\.origin)
        // Many columns share what a few may take.
        let pageRows = max(1024, min(options.parquet.pageRows, 800_000 / max(1, leaves.count)))
        // Of few columns all pages get full, and quickly.
        let memory = memory ?? ColumnMemory(usesHugePages: leaves.count * pageRows <= 1_000_000)
        builders = leaves.map {
            ColumnBuilder(
                name: $0.path.joined(separator: "."), type: $0.type, options: options.parquet,
                nullTokens: plan.columns[$0.column].nullTokens(nullTokens),
                pageRows: min(pageRows, options.parquet.pageRows),
                keepsDigits: plan.columns[$0.column].isInferred,
                levels: $0.nestedIndex == nil ? nil : NestedLevels($0), memory: memory)
        }
        if options.profile != nil {
            let limit = max(256, min(16_000, 50_000 / max(1, builders.count)))
            for builder in builders { builder.profiler = ColumnProfiler(exactLimit: limit) }
        }
        order = Array(leaves.indices)
        misfits = .allocate(capacity: max(1, leaves.count))
        misfits.initialize(repeating: nil, count: leaves.count)
        if let shared {
            workspaces = shared
        } else {
            workspaces = [
                try PageWorkspace(options.parquet.compression), try PageWorkspace(options.parquet.compression),
            ]
        }
        pair = options.threads > 1 ? try ThreadPair() : nil
        writer = try ParquetFileWriter(sink, columns: columns, options: options.parquet)
    }

    deinit { misfits.deallocate() }

    var rows: Int64 { writer.rowCount }

    /// What the values are like; call after `finish`, where the options ask for a profile.
    func profile(top: Int) -> FileProfile {
        let profiles = builders.compactMap { builder in
            builder.profiler?.profile(ColumnSchema(name: builder.name, type: builder.type), top: top)
        }
        return FileProfile(rows: rows, columns: profiles)
    }

    var bytesWritten: Int64 { writer.bytesWritten }
    var rowGroups: Int { writer.rowGroupCount }
    /// Bytes of the row group under way, roughly.
    var pendingBytes: Int { builders.reduce(0) { $0 + $1.size } }
    /// Bytes that the file will have, roughly.
    var size: Int64 { bytesWritten + Int64(pendingBytes) }

    /// Appends the records of some batches.
    /// - Parameter meanwhile: done at the same time by the second thread, or before on the only one.
    /// - Returns: the earliest field that does not fit its column, nil where all do.
    func append(
        _ batches: [RecordBatch], _ dialect: CSVDialect, meanwhile: @escaping () -> Void
    ) throws(ColumnarError) -> Misfit? {
        let segments = batches.enumerated().filter { $0.element.rows > 0 }.map { index, batch in
            BatchSegment(batch: batch, dialect: dialect, batchIndex: index, first: 0, count: batch.rows)
        }
        return try append(segments: segments, meanwhile: meanwhile)
    }

    /// Appends some rows of some batches.
    func append(segments: [BatchSegment], meanwhile: (() -> Void)?) throws(ColumnarError) -> Misfit? {
        var meanwhile = meanwhile
        var rest = segments[...]
        while !rest.isEmpty {
            let segments = takeSegments(&rest)
            if let staged {
                if let misfit = try appendJudged(segments, staged, &meanwhile) { return misfit }
            } else {
                for column in open.sorted() { try settle(column, segments) }
                let round = ColumnRound(order: order, workspaces: workspaces, meanwhile: meanwhile) {
                    leaf, workspace throws(ColumnarError) in
                    try self.append(leaf, segments, workspace)
                }
                meanwhile = nil
                try round.run(with: pair)
                if let misfit = earliestMisfit() { return misfit }
                groupRows += segments.reduce(0) { $0 + $1.count }
            }
            if groupRows >= options.rowGroupRows || pendingBytes >= options.rowGroupBytes { try finishRowGroup() }
        }
        meanwhile?()
        return nil
    }

    /// As much as fits into the row group under way.
    private func takeSegments(_ rest: inout ArraySlice<BatchSegment>) -> [BatchSegment] {
        var room = options.rowGroupRows - groupRows
        var taken: [BatchSegment] = []
        while room > 0, var segment = rest.popFirst() {
            if segment.count > room {
                var later = segment
                later.first += room
                later.count -= room
                rest.insert(later, at: rest.startIndex)
                segment.count = room
            }
            room -= segment.count
            taken.append(segment)
        }
        return taken
    }

    /// Runs on either thread; touches nothing but what belongs to the leaf.
    func append(
        _ leaf: Int, _ segments: [BatchSegment], _ workspace: PageWorkspace
    ) throws(ColumnarError) {
        let builder = builders[leaf]
        let column = leaves[leaf].column
        let isOpen = open.contains(column)
        for segment in segments {
            if let nested = leaves[leaf].nestedIndex {
                guard let table = segment.nestedTable(origins[column], leaf: nested) else {
                    try builder.appendNulls(segment.count, workspace)
                    continue
                }
                guard let value = try builder.append(table, workspace) else { continue }
                let row = (0..<value).count { table.repetition[$0 + 1] == 0 }
                misfits[leaf] = Misfit(
                    column: column, batch: segment.batchIndex, row: segment.batchRow(row),
                    place: ColumnSchema(name: leaves[leaf].path.joined(separator: "."), type: leaves[leaf].type))
                return
            }
            let row = try segment.withTable(origins[column]) { table throws(ColumnarError) -> Int? in
                guard let table, !isOpen else {
                    try builder.appendNulls(segment.count, workspace)
                    return nil
                }
                return try builder.append(table, workspace)
            }
            if let row {
                misfits[leaf] = Misfit(column: column, batch: segment.batchIndex, row: segment.batchRow(row))
                return
            }
        }
    }

    func earliestMisfit() -> Misfit? {
        (0..<leaves.count).compactMap { misfits[$0] }.min {
            ($0.batch, $0.row, $0.column) < ($1.batch, $1.row, $1.column)
        }
    }

    /// Fixes the type of an open column when its first values come. The nulls before them have no type.
    func settle(_ column: Int, _ segments: [BatchSegment]) throws(ColumnarError) {
        for segment in segments {
            let kinds = try segment.withTable(origins[column]) { table throws(ColumnarError) -> ValueKinds? in
                guard let table, sampler.hasValue(table) else { return nil }
                return sampler.kinds(of: table)
            }
            guard let kinds else { continue }
            open.remove(column)
            let type = kinds.type ?? .string
            guard type != .string else { return }
            columns[column].type = type
            guard let leaf = leaves.firstIndex(where: { $0.column == column }) else { return }
            builders[leaf] = ColumnBuilder(continuing: builders[leaf], as: type)
            writer.setType(type, ofEmpty: column)
            return
        }
    }

    /// Ends the row group under way.
    func finishRowGroup() throws(ColumnarError) {
        guard groupRows > 0 else { return }
        let round = ColumnRound(order: order, workspaces: workspaces) { leaf, workspace throws(ColumnarError) in
            try self.builders[leaf].finishChunk(workspace)
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
