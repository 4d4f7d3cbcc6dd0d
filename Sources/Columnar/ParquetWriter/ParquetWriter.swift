/// Writes a Parquet file row by row, for tables that are not made from delimited text.
///
/// Memory is bounded by the options. Nothing is a Parquet file before `finish` has returned. Used by one thread at a
/// time.
public final class ParquetWriter {
    private let columns: [ColumnSchema]
    private let table: TableBuilder
    private let batch = RecordBatch(capacity: 0)
    private var pending = 0

    /// Rows and bytes of text that are collected before columns are built.
    private static let batchRows = 4096
    private static let batchBytes = 512 << 10

    /// Begins a file. Names are normalised as those of CSV files are.
    /// - Throws: `DuplicateColumn`, `EmptyColumnName`, `WriteFailed`, `Unsupported` (options).
    public init(
        _ sink: any ByteSink, columns: [ColumnSchema], options: ParquetWriterOptions = ParquetWriterOptions()
    ) throws(ColumnarError) {
        let names = try ColumnName.normalized(header: columns.map(\.name), line: 0)
        self.columns = zip(names, columns).map { ColumnSchema(name: $0, type: $1.type) }
        var conversion = ConversionOptions()
        conversion.parquet = options
        let plan = try OutputPlan(file: [], types: [], schema: nil, derived: self.columns)
        table = try TableBuilder(
            columns: self.columns, open: [], plan: plan, options: conversion, nullTokens: NullTokens([]), sink: sink)
        batch.derived = DerivedValues(self.columns)
        batch.derived.beginBatch()
    }

    /// Rows appended.
    public private(set) var rows: Int64 = 0

    /// Appends a row: a value for each column in order.
    /// - Throws: `MalformedRow` where the number of values is wrong, `SchemaMismatch` where a value does not fit its
    ///   column, `WriteFailed`. After an error the file is of no use.
    public func append(_ row: [ColumnValue]) throws(ColumnarError) {
        guard row.count == columns.count else {
            throw ColumnarError(
                .malformedRow, "Row \(rows + 1) has \(row.count) values, and the file has \(columns.count) columns.",
                row: rows + 1)
        }
        batch.derived.beginRecord()
        for (index, value) in row.enumerated() {
            guard value.isOf(columns[index].type) else { throw mismatch(index, row: rows + 1) }
            batch.derived.set(index, value)
        }
        batch.derived.keepRecord()
        rows += 1
        pending += 1
        if pending >= Self.batchRows || batch.derived.bytes.count >= Self.batchBytes { try flush() }
    }

    /// Writes what is left, and the footer.
    /// - Returns: the size of the file.
    @discardableResult
    public func finish() throws(ColumnarError) -> Int64 {
        try flush()
        try table.finish()
        return table.bytesWritten
    }

    private func flush() throws(ColumnarError) {
        guard pending > 0 else { return }
        try FreeMemory.require(toBuild: batch.derived.bytes.count)
        batch.derived.endBatch()
        batch.rows = pending
        if let misfit = try table.append([batch], DerivedValues.dialect, meanwhile: {}) {
            throw mismatch(misfit.column, row: rows - Int64(pending) + Int64(misfit.row) + 1)
        }
        pending = 0
        batch.derived.beginBatch()
    }

    private func mismatch(_ column: Int, row: Int64) -> ColumnarError {
        ColumnarError(
            .schemaMismatch,
            "Row \(row): the value of column \(columns[column].name) does not fit its type, \(columns[column].type).",
            row: row, column: columns[column].name)
    }
}
