/// The words for values that do not fit.
enum SchemaMismatch {
    static func error(_ column: ColumnSchema, batch: RecordBatch, row: Int, field: Int) -> ColumnarError {
        let range = batch.field(row: row, column: field)
        let text = batch.excerpt(range)
        let record = batch.record(row: row)
        let line = batch.line(at: record.lowerBound)
        let ordinal = batch.ordinal(row: row)
        let start = batch.isInput(range.lowerBound) ? range.lowerBound : record.lowerBound
        let error = ColumnarError(
            .schemaMismatch,
            "Column \(column.name) is \(column.type), and row \(ordinal) (line \(line)) has \(quoted(text)): "
                + "\(expectation(column.type)). Correct the value, or change the column's type.",
            row: ordinal, line: line, byteOffset: batch.inputOffset(start), column: column.name, text: text)
        return batch.member.map { error.inMember($0) } ?? error
    }

    private static func quoted(_ text: String) -> String {
        text.hasPrefix("\"") ? text : "\"\(text)\""
    }

    private static func expectation(_ type: ColumnType) -> String {
        switch type {
        case .boolean: "it must be true or false"
        case .bigint: "it must be a whole number of 64 bits, without leading zeros or plus sign"
        case .double: "it must be a number, without leading zeros or plus sign, that a double holds"
        case .decimal(let precision, let scale):
            "it must be a number of at most \(precision) digits, \(scale) of them after the point"
        case .date: "it must be a date like 2024-05-31"
        case .time: "it must be a time of day like 23:59:59"
        case .timestamp: "it must be a time like 2024-05-31 23:59:59, without zone"
        case .timestampUTC: "it must be a time with its zone, like 2024-05-31T23:59:59Z"
        case .string: "it must be text"
        case .list: "it must be a list"
        case .structure: "it must be an object"
        }
    }
}

extension ConversionPass {
    /// The error for a value that does not fit its column.
    func mismatch(
        _ misfit: TableBuilder.Misfit, _ plan: OutputPlan, _ columns: [ColumnSchema], _ batch: RecordBatch
    ) -> ColumnarError {
        let column = columns[misfit.column]
        let row = batch.ordinal(row: misfit.row)
        guard case .field(let index) = plan.columns[misfit.column].origin else {
            return ColumnarError(
                .schemaMismatch,
                "The derived column \(column.name) is \(column.type); the value computed for row \(row) does not fit.",
                row: row, column: column.name)
        }
        return SchemaMismatch.error(misfit.place ?? column, batch: batch, row: misfit.row, field: index)
    }
}
