/// Copies the row groups of files with one schema into larger files, as they are stored.
final class ParquetGroupCopy {
    private let inputs: [ParquetMergeInput]
    private let output: any PartitionedOutput
    private let fileBytes: Int64
    private let options: ParquetWriterOptions
    private var sink: (any ByteSink)?
    private var file = PartitionFile(path: "", values: [], number: 0)
    private var groups: [RowGroupMetadata] = []
    private var position: Int64 = 0
    private var report = ParquetMergeReport()

    private static let magic: [UInt8] = Array("PAR1".utf8)
    private static let portion: Int64 = 1 << 20

    init(
        _ inputs: [ParquetMergeInput], _ output: any PartitionedOutput, _ fileBytes: Int64?,
        _ options: ParquetWriterOptions
    ) {
        self.inputs = inputs
        self.output = output
        self.fileBytes = fileBytes ?? .max
        self.options = options
        report.isCopied = true
    }

    func run() throws(ColumnarError) -> ParquetMergeReport {
        guard let first = inputs.first else { return report }
        var footer = try first.file.metadata()
        // Arrow keeps its own schema there; it holds only where all files have the same.
        let entries = Set((footer.keyValues ?? []).filter { $0.key == "ARROW:schema" })
        var common = entries
        for input in inputs.dropFirst() { common.formIntersection(try input.file.metadata().keyValues ?? []) }
        footer.keyValues = Array(common) + options.keyValueMetadata.map { KeyValue(key: $0.key, value: $0.value) }
        if footer.keyValues?.isEmpty == true { footer.keyValues = nil }
        footer.createdBy = "sluice"
        for input in inputs {
            let metadata = try input.file.metadata()
            for (group, described) in zip(metadata.rowGroups, input.file.rowGroups) where described.rowCount > 0 {
                do throws(ColumnarError) {
                    try copy(group, described, input.file)
                } catch {
                    var error = error
                    error.message = "\(input.name): \(error.message)"
                    throw error
                }
                if position >= fileBytes { try finishFile(footer) }
            }
        }
        if report.files.isEmpty, sink == nil { try begin() }
        try finishFile(footer)
        return report
    }

    private func copy(
        _ group: RowGroupMetadata, _ described: ParquetRowGroup, _ source: ParquetFile
    ) throws(ColumnarError) {
        if sink == nil { try begin() }
        var group = group
        group.fileOffset = position
        group.ordinal = Int16(exactly: groups.count)
        for (index, chunk) in described.columns.enumerated() {
            guard !chunk.isElsewhere, var metadata = group.columns[index].metadata else {
                throw ColumnarError(
                    .unsupported, "Column \"\(chunk.column.name)\" lies in another file.",
                    byteOffset: chunk.range.lowerBound, column: chunk.column.name)
            }
            let shift = position - chunk.range.lowerBound
            metadata.dataPageOffset += shift
            // Some writers put 0 where there is no dictionary.
            let dictionary = metadata.dictionaryPageOffset ?? 0
            metadata.dictionaryPageOffset = dictionary > 0 ? dictionary + shift : nil
            metadata.indexPageOffset = nil
            group.columns[index] = ColumnChunkMetadata(fileOffset: 0, metadata: metadata)
            var offset = chunk.range.lowerBound
            while offset < chunk.range.upperBound {
                let count = min(Self.portion, chunk.range.upperBound - offset)
                try write(try source.input.read(at: offset, count: Int(count)))
                offset += count
            }
        }
        groups.append(group)
        // What a file claims is bounded, and its data is not read here.
        let (rows, isOverflow) = file.rows.addingReportingOverflow(group.rowCount)
        guard !isOverflow, !report.rows.addingReportingOverflow(rows).overflow else {
            throw ColumnarError(.corruptFile, "The files claim more rows together than a file can have.")
        }
        file.rows = rows
    }

    private func begin() throws(ColumnarError) {
        sink = try output.begin(file)
        position = 0
        try write(Self.magic)
    }

    private func finishFile(_ template: FileMetadata) throws(ColumnarError) {
        guard sink != nil else { return }
        var footer = template
        footer.rowGroups = groups
        footer.rowCount = file.rows
        let bytes = ThriftWriter.bytes(of: footer)
        let length = UInt32(bytes.count)
        try write(bytes + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Self.magic)
        file.bytes = position
        try output.complete(file)
        report.files.append(file)
        report.rows += file.rows
        file = PartitionFile(path: "", values: [], number: file.number + 1)
        (sink, groups) = (nil, [])
    }

    private func write(_ bytes: [UInt8]) throws(ColumnarError) {
        guard let sink else { return }
        try bytes.withUnsafeBufferPointer { buffer throws(ColumnarError) in
            try sink.write(UnsafeRawBufferPointer(buffer))
        }
        position += Int64(bytes.count)
    }
}
