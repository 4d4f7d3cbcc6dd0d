/// Where a conversion's rows go: one file, or the files of partitions.
protocol RowOutput: AnyObject {
    /// All columns with their types, in the order of the plan.
    var columns: [ColumnSchema] { get }
    /// Complete once the output is finished.
    var rows: Int64 { get }
    var bytesWritten: Int64 { get }
    var rowGroups: Int { get }

    /// Appends the records of some batches.
    /// - Parameter meanwhile: done at the same time by the second thread, or before or after on the only one.
    /// - Returns: the earliest field that does not fit its column, nil where all do.
    func append(
        _ batches: [RecordBatch], _ dialect: CSVDialect, meanwhile: @escaping () -> Void
    ) throws(ColumnarError) -> TableBuilder.Misfit?

    /// Writes what is left, and footers.
    func finish() throws(ColumnarError)
}

/// Where a conversion writes.
enum ConversionTarget {
    case file(any ByteSink)
    case partitions(any PartitionedOutput, Partitioning)

    /// Takes back everything.
    func reset() throws(ColumnarError) {
        switch self {
        case .file(let sink): try sink.reset()
        case .partitions(let output, _): try output.reset()
        }
    }
}
