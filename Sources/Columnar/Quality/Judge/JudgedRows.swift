/// What a test says of some rows, as far as it is known without looking at each.
enum RowOutcome {
    /// It is so of every row.
    case all
    /// Of no row.
    case none
    /// Of the rows with a value, which are so many, and not of those without.
    case values(Int)
    /// Of the rows without a value, which are so many, and not of the others.
    case nulls(Int)
    /// The flags of the rows say it.
    case mixed
}

/// Rows of one batch that are to be judged.
protocol JudgedRows {
    var batch: RecordBatch { get }
    /// Position of the first row in the batch.
    var first: Int { get }
    var count: Int { get }
    var dialect: CSVDialect { get }

    /// What is known of a test without a look at every row.
    func outcome(of test: ColumnTest) -> RowOutcome
    /// Sets the test's flags, one a row.
    func flag(_ test: ColumnTest)
    /// The values of a column of whole numbers, nulls left out, where they lie parsed; nil: read the fields.
    func integers(of column: Int) -> UnsafeBufferPointer<Int64>?
    /// The same of a column of any numbers, appended to `numbers`; false: read the fields.
    func appendNumbers(of column: Int, to numbers: inout [Double]) -> Bool
}

extension JudgedRows {
    /// The fields of a column.
    func table(_ column: Int) -> FieldTable {
        var table = FieldTable(batch, column: column, dialect: dialect)
        table.starts += first * table.stride
        table.ends += first * table.stride
        table.rows = count
        return table
    }

    /// The number of a row in the file.
    func ordinal(_ row: Int) -> Int64 { batch.ordinal(row: first + row) }
}

/// Rows that nothing is known of but their fields.
struct FieldRows: JudgedRows {
    let batch: RecordBatch
    let first: Int
    let count: Int
    let dialect: CSVDialect

    func outcome(of test: ColumnTest) -> RowOutcome { .mixed }
    func flag(_ test: ColumnTest) { test.evaluate(table(test.column)) }
    func integers(of column: Int) -> UnsafeBufferPointer<Int64>? { nil }
    func appendNumbers(of column: Int, to numbers: inout [Double]) -> Bool { false }
}
