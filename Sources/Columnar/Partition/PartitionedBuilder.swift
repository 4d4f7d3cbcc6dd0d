/// Divides the rows of a conversion among the files of their partitions.
final class PartitionedBuilder: RowOutput {
    private final class Part {
        let table: TableBuilder
        var file: PartitionFile
        var lastUse = 0

        init(_ table: TableBuilder, _ file: PartitionFile) {
            self.table = table
            self.file = file
        }
    }

    let columns: [ColumnSchema]
    /// Columns of the files, and of the partitions.
    let fileColumns: [ColumnSchema]
    let partitionColumns: [ColumnSchema]
    private(set) var files: [PartitionFile] = []
    private(set) var rows: Int64 = 0
    private(set) var bytesWritten: Int64 = 0
    private(set) var rowGroups = 0

    private let partitioning: Partitioning
    private let output: any PartitionedOutput
    private let options: ConversionOptions
    private let nullTokens: NullTokens
    private let reader: PartitionReader
    /// The plan of the files, and where its columns are in the whole plan.
    private let plan: OutputPlan
    private let positions: [Int]
    private let workspaces: [PageWorkspace]
    /// Of all files; most of what a file's columns ask for is not used before it ends.
    private let memory = ColumnMemory(usesHugePages: false)
    /// Stored columns of a file.
    private let leafCount: Int
    private let openFiles: Int

    /// Column builders of all open files: each takes some kilobytes before it has a value.
    private static let openColumns = 10_000
    private var open: [UInt32: Part] = [:]
    private var numbers: [UInt32: Int] = [:]
    private var clock = 0
    private var ids: [UInt32] = []

    init(
        columns: [ColumnSchema], plan: OutputPlan, partitioning: Partitioning, options: ConversionOptions,
        nullTokens: NullTokens, output: any PartitionedOutput
    ) throws(ColumnarError) {
        self.columns = columns
        self.partitioning = partitioning
        self.output = output
        self.nullTokens = nullTokens
        reader = try PartitionReader(partitioning, plan: plan, columns: columns, nullTokens: nullTokens)
        let leaving = Set(partitioning.columns)
        positions = columns.indices.filter { !leaving.contains(columns[$0].name) }
        guard !positions.isEmpty else {
            throw ColumnarError(
                .unsupported, "All columns are partition columns, so that the files would have none. Leave one out.")
        }
        self.plan = plan.keeping(positions)
        fileColumns = positions.map { columns[$0] }
        partitionColumns = partitioning.partitionColumns(
            Dictionary(columns.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first }))
        leafCount = max(1, LeafColumn.leaves(of: fileColumns).count)
        openFiles = max(1, min(partitioning.openFiles, max(4, Self.openColumns / leafCount)))
        var options = options
        options.threads = 1
        if let bytes = partitioning.fileBytes {
            options.parquet.rowGroupBytes = min(options.parquet.rowGroupBytes, max(64 << 10, Int(clamping: bytes)))
        }
        self.options = options
        workspaces = [
            try PageWorkspace(options.parquet.compression), try PageWorkspace(options.parquet.compression),
        ]
    }

    func append(
        _ batches: [RecordBatch], _ dialect: CSVDialect, meanwhile: @escaping () -> Void
    ) throws(ColumnarError) -> TableBuilder.Misfit? {
        for (index, batch) in batches.enumerated() where batch.rows > 0 {
            let whole = BatchSegment(batch: batch, dialect: dialect, batchIndex: index, first: 0, count: batch.rows)
            if let misfit = try reader.assign(whole, into: &ids) {
                return .init(column: misfit.column, batch: index, row: misfit.row)
            }
            if let misfit = try append(whole, rowsByPartition()) { return misfit }
        }
        meanwhile()
        return nil
    }

    /// Rows of the batch by partition, in order; partitions whose files are open come first, so that fewer end early.
    private func rowsByPartition() -> [(id: UInt32, rows: [Int])] {
        var places: [UInt32: Int] = [:]
        var groups: [(id: UInt32, rows: [Int])] = []
        for (row, id) in ids.enumerated() {
            if let last = groups.indices.last, groups[last].id == id {
                groups[last].rows.append(row)
            } else if let place = places[id] {
                groups[place].rows.append(row)
            } else {
                places[id] = groups.count
                groups.append((id, [row]))
            }
        }
        return groups.filter { open[$0.id] != nil } + groups.filter { open[$0.id] == nil }
    }

    private func append(
        _ whole: BatchSegment, _ groups: [(id: UInt32, rows: [Int])]
    ) throws(ColumnarError) -> TableBuilder.Misfit? {
        var earliest: TableBuilder.Misfit?
        for group in groups {
            let part = try part(group.id)
            clock += 1
            part.lastUse = clock
            let segments = whole.selecting(group.rows)
            if var misfit = try part.table.append(segments: segments, meanwhile: nil) {
                misfit.column = positions[misfit.column]
                let place = (misfit.row, misfit.column)
                if earliest.map({ place < ($0.row, $0.column) }) ?? true { earliest = misfit }
                continue
            }
            if let limit = partitioning.fileBytes, part.table.size >= limit { try end(group.id) }
        }
        try relieve()
        return earliest
    }

    /// All open files together may take as much memory as one file alone.
    private func relieve() throws(ColumnarError) {
        var sizes = open.values.map { (part: $0, size: $0.table.pendingBytes) }
        var total = sizes.reduce(0) { $0 + $1.size }
        guard total > options.parquet.rowGroupBytes else { return }
        sizes.sort { $0.size > $1.size }
        for (part, size) in sizes {
            guard total > options.parquet.rowGroupBytes / 2 else { return }
            try part.table.finishRowGroup()
            total -= size
        }
    }

    // MARK: files

    private func part(_ id: UInt32) throws(ColumnarError) -> Part {
        if let part = open[id] { return part }
        return try begin(id)
    }

    private func begin(_ id: UInt32) throws(ColumnarError) -> Part {
        if open.count >= openFiles,
            let oldest = open.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            try end(oldest.key)
        }
        let partition = reader.partitions[Int(id)]
        let file = PartitionFile(path: partition.path, values: partition.values, number: numbers[id, default: 0])
        numbers[id] = file.number + 1
        var options = options
        // What one table's pages would take, shared by the tables that are likely to be open together.
        let tables = min(openFiles, reader.partitions.count)
        options.parquet.pageRows = min(options.parquet.pageRows, max(128, 2_000_000 / max(1, leafCount * tables)))
        let table = try TableBuilder(
            columns: fileColumns, open: [], plan: plan, options: options, nullTokens: nullTokens,
            sink: try output.begin(file), workspaces: workspaces, memory: memory)
        let part = Part(table, file)
        open[id] = part
        return part
    }

    private func end(_ id: UInt32) throws(ColumnarError) {
        guard let part = open.removeValue(forKey: id) else { return }
        try part.table.finish()
        part.file.rows = part.table.rows
        part.file.bytes = part.table.bytesWritten
        rows += part.file.rows
        bytesWritten += part.file.bytes
        rowGroups += part.table.rowGroups
        files.append(part.file)
        try output.complete(part.file)
    }

    /// Ends all files. Without any row and without keys, there is one file without rows.
    func finish() throws(ColumnarError) {
        if files.isEmpty, open.isEmpty, partitioning.keys.isEmpty {
            if reader.partitions.isEmpty { reader.beginOnly() }
            _ = try begin(0)
        }
        for id in open.keys.sorted() { try end(id) }
        files.sort { ($0.path, $0.number) < ($1.path, $1.number) }
    }
}
