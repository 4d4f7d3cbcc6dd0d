/// One pass over the input of a conversion.
final class ConversionPass {
    private let source: any ByteSource
    private let sink: any ByteSink
    private let options: ConversionOptions
    private let processor: (any RecordProcessor)?
    private let rejectedRecords: (any RejectedRecords)?
    private let nullTokens: NullTokens

    private var report = ConversionReport()
    /// Types that the first records suggested, by name.
    private(set) var inferredTypes: [String: ColumnType] = [:]

    init(
        source: any ByteSource, sink: any ByteSink, options: ConversionOptions, processor: (any RecordProcessor)?,
        rejectedRecords: (any RejectedRecords)?
    ) {
        self.source = source
        self.sink = sink
        self.options = options
        self.processor = processor
        self.rejectedRecords = rejectedRecords
        nullTokens = NullTokens(options.csv.nullTokens)
    }

    /// Converts.
    /// - Parameter kinds: kinds of all values by column of the file; nil: types are inferred from the first batch.
    /// - Returns: nil where a value does not fit an inferred type.
    func run(kinds: [ValueKinds]?) throws(ColumnarError) -> ConversionReport? {
        let reader = try BatchReader(source, options: options.csv)
        let batch = RecordBatch(capacity: max(4096, options.csv.batchBytes))
        var hasBatch = try reader.next(into: batch)
        let derivedColumns = processor?.derivedColumns ?? []
        let plan = try OutputPlan(file: reader.columns, schema: options.schema, derived: derivedColumns)
        try processor?.beginPass(columns: reader.columns)
        try rejectedRecords?.beginPass()

        // The first batch with records shows the types.
        while hasBatch && batch.rows == 0 {
            try deliver(batch.rejected)
            hasBatch = try reader.next(into: batch)
        }
        let columns = resolve(plan, kinds: kinds ?? sample(batch, reader, hasBatch))
        let table = try TableBuilder(columns: columns, plan: plan, options: options, nullTokens: nullTokens, sink: sink)
        let screen = RecordScreen(
            plan: plan, columns: columns, dialect: reader.dialect, options: options, nullTokens: nullTokens,
            processor: processor)
        while hasBatch {
            try screen.apply(to: batch)
            try deliver(batch.rejected)
            if let misfit = try table.append(batch, screen.derived, reader.dialect) {
                if plan.columns[misfit.column].isInferred { return nil }
                throw mismatch(misfit, plan, columns, batch, reader)
            }
            hasBatch = try reader.next(into: batch)
        }
        try table.finish()
        complete(table, plan, columns, reader)
        return report
    }

    private func deliver(_ records: [RejectedRecord]) throws(ColumnarError) {
        report.rejectedRows += Int64(records.count)
        guard let rejectedRecords else { return }
        for record in records { try rejectedRecords.receive(record) }
    }

    private func sample(_ batch: RecordBatch, _ reader: BatchReader, _ hasBatch: Bool) -> [ValueKinds] {
        var sampler = TypeSampler(columns: reader.columns.count, nullTokens: nullTokens)
        if hasBatch { sampler.look(at: batch, columns: Array(reader.columns.indices), dialect: reader.dialect) }
        return sampler.kinds
    }

    /// The output's columns with their types; a column without values is text.
    private func resolve(_ plan: OutputPlan, kinds: [ValueKinds]) -> [ColumnSchema] {
        plan.columns.map { column in
            if let type = column.type { return ColumnSchema(name: column.name, type: type) }
            guard case .field(let index) = column.origin else { return ColumnSchema(name: column.name, type: .string) }
            let type = kinds[index].type ?? .string
            inferredTypes[column.name] = type
            return ColumnSchema(name: column.name, type: type)
        }
    }

    private func complete(
        _ table: TableBuilder, _ plan: OutputPlan, _ columns: [ColumnSchema], _ reader: BatchReader
    ) {
        report.rows = table.rows
        report.outputBytes = table.bytesWritten
        report.rowGroups = table.rowGroups
        report.inputBytes = reader.bytesRead
        report.columns = columns
        report.newColumns = plan.newColumns.map { columns[$0] }
        report.missingColumns = plan.missingColumns.map { columns[$0] }
        report.fileColumns = reader.columns
        report.delimiter = Character(Unicode.Scalar(reader.dialect.delimiter))
    }

    private func mismatch(
        _ misfit: TableBuilder.Misfit, _ plan: OutputPlan, _ columns: [ColumnSchema], _ batch: RecordBatch,
        _ reader: BatchReader
    ) -> ColumnarError {
        let column = columns[misfit.column]
        let row = batch.ordinal(row: misfit.row)
        guard case .field(let index) = plan.columns[misfit.column].origin else {
            return ColumnarError(
                .schemaMismatch,
                "The derived column \(column.name) is \(column.type); the value computed for row \(row) does not fit.",
                row: row, column: column.name)
        }
        return SchemaMismatch.error(column, batch: batch, row: misfit.row, field: index)
    }
}

/// The words for values that do not fit.
enum SchemaMismatch {
    static func error(_ column: ColumnSchema, batch: RecordBatch, row: Int, field: Int) -> ColumnarError {
        let range = batch.field(row: row, column: field)
        let text = batch.excerpt(range)
        let line = batch.line(at: batch.record(row: row).lowerBound)
        let ordinal = batch.ordinal(row: row)
        return ColumnarError(
            .schemaMismatch,
            "Column \(column.name) is \(column.type), and row \(ordinal) (line \(line)) has \(quoted(text)): "
                + "\(expectation(column.type)). Correct the value, or change the column's type.",
            row: ordinal, line: line, byteOffset: batch.inputOffset(range.lowerBound), column: column.name, text: text)
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
        case .timestamp: "it must be a time like 2024-05-31 23:59:59, without zone"
        case .timestampUTC: "it must be a time with its zone, like 2024-05-31T23:59:59Z"
        case .string: "it must be text"
        }
    }
}
