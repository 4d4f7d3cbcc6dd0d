/// Some rows of a batch, on their way into the columns.
struct BatchSegment {
    let batch: RecordBatch
    let dialect: CSVDialect
    /// Position among the batches that are appended together.
    let batchIndex: Int
    var first: Int
    var count: Int

    /// Calls `body` with the fields of a column; with nil for a column that the file lacks.
    func withTable<Result>(
        _ origin: OutputPlan.Origin, _ body: (FieldTable?) throws(ColumnarError) -> Result
    ) throws(ColumnarError) -> Result {
        switch origin {
        case .missing:
            return try body(nil)
        case .field(let index):
            return try body(slice(FieldTable(batch, column: index, dialect: dialect)))
        case .derived(let index):
            let derived = batch.derived
            return try derived.bytes.withUnsafeBufferPointer { bytes throws(ColumnarError) in
                try derived.slots.withUnsafeBufferPointer { slots throws(ColumnarError) in
                    guard let bytes = bytes.baseAddress, let slots = slots.baseAddress else { return try body(nil) }
                    let table = FieldTable(
                        bytes: bytes, slots: slots, column: index, columns: derived.columns,
                        dialect: DerivedValues.dialect)
                    return try body(slice(table))
                }
            }
        }
    }

    private func slice(_ whole: FieldTable) -> FieldTable {
        var table = whole
        table.starts += first * table.stride
        table.ends += first * table.stride
        table.rows = count
        return table
    }
}
