import Glibc

/// Some rows of a batch, in their order: their part of its index, copied together.
final class GatheredRows {
    /// Rows of the batch.
    let rows: [Int]
    private let batch: RecordBatch
    private let index: UnsafeMutablePointer<UInt32>
    private let stride: Int
    private let derived: UnsafeMutablePointer<UInt32>
    /// Of nested columns, by column and leaf; made when first asked for.
    private var nested: [Int: [NestedValues]] = [:]

    init(_ batch: RecordBatch, rows: [Int]) {
        self.rows = rows
        self.batch = batch
        // A row needs its own end where it was the start of the next one.
        stride = batch.layout == .separators ? batch.columns + 1 : batch.stride
        index = .allocate(capacity: rows.count * stride + 1)
        let width = 2 * batch.derived.columns
        derived = .allocate(capacity: rows.count * width + 1)
        for (target, row) in rows.enumerated() {
            memcpy(index + target * stride, batch.index + row * batch.stride, stride * 4)
            guard width > 0 else { continue }
            for slot in 0..<width { derived[target * width + slot] = batch.derived.slots[row * width + slot] }
        }
    }

    deinit {
        index.deallocate()
        derived.deallocate()
    }

    /// The fields of a column of the file.
    func table(column: Int, dialect: CSVDialect) -> FieldTable {
        var table = FieldTable(batch, column: column, dialect: dialect)
        table.starts = UnsafePointer(index + batch.startSlot(column))
        table.ends = UnsafePointer(index + batch.endSlot(column))
        (table.stride, table.rows) = (stride, rows.count)
        return table
    }

    /// The values of a leaf of a nested column, for some of the rows.
    func nestedTable(column: Int, leaf: Int, first: Int, count: Int) -> NestedTable? {
        guard let leaves = batch.nested[column] else { return nil }
        let selected = nested[column] ?? leaves.map { $0.selecting(rows) }
        nested[column] = selected
        return selected[leaf].table(batch, first: first, count: count)
    }

    /// The fields of a derived column, which lie in `bytes`.
    func derivedTable(column: Int, bytes: UnsafePointer<UInt8>) -> FieldTable {
        FieldTable(
            bytes: bytes, slots: derived, column: column, columns: batch.derived.columns,
            dialect: DerivedValues.dialect)
    }
}
