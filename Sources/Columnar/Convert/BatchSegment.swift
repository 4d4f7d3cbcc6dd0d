/// Some rows of a batch, on their way into the columns.
struct BatchSegment {
    let batch: RecordBatch
    let dialect: CSVDialect
    /// Position among the batches that are appended together.
    let batchIndex: Int
    var first: Int
    var count: Int
    /// The rows that `first` and `count` speak of, where they do not lie together in the batch.
    var gathered: GatheredRows?

    /// The row of the batch that a row of this segment is.
    func batchRow(_ row: Int) -> Int { gathered.map { $0.rows[first + row] } ?? first + row }

    /// Some rows of a segment that spans its batch.
    func selecting(_ rows: [Int]) -> [BatchSegment] {
        if rows.count == batch.rows { return [self] }
        return [
            BatchSegment(
                batch: batch, dialect: dialect, batchIndex: batchIndex, first: 0, count: rows.count,
                gathered: GatheredRows(batch, rows: rows))
        ]
    }

    /// Calls `body` with the fields of a column; with nil for a column that the file lacks.
    func withTable<Result>(
        _ origin: OutputPlan.Origin, _ body: (FieldTable?) throws(ColumnarError) -> Result
    ) throws(ColumnarError) -> Result {
        switch origin {
        case .missing:
            return try body(nil)
        case .field(let index):
            return try body(
                slice(
                    gathered?.table(column: index, dialect: dialect)
                        ?? FieldTable(batch, column: index, dialect: dialect)))
        case .derived(let index):
            let derived = batch.derived
            return try derived.bytes.withUnsafeBufferPointer { bytes throws(ColumnarError) in
                try derived.slots.withUnsafeBufferPointer { slots throws(ColumnarError) in
                    guard let bytes = bytes.baseAddress, let slots = slots.baseAddress else { return try body(nil) }
                    let table =
                        gathered?.derivedTable(column: index, bytes: bytes)
                        ?? FieldTable(
                            bytes: bytes, slots: slots, column: index, columns: derived.columns,
                            dialect: DerivedValues.dialect)
                    return try body(slice(table))
                }
            }
        }
    }

    /// The values of a leaf of a nested column of the file; nil where the file lacks the column.
    func nestedTable(_ origin: OutputPlan.Origin, leaf: Int) -> NestedTable? {
        guard case .field(let column) = origin, let values = batch.nested[column]?[leaf] else { return nil }
        if let gathered { return gathered.nestedTable(column: column, leaf: leaf, first: first, count: count) }
        return values.table(batch, first: first, count: count)
    }

    private func slice(_ whole: FieldTable) -> FieldTable {
        var table = whole
        table.starts += first * table.stride
        table.ends += first * table.stride
        table.rows = count
        return table
    }
}
