/// Takes records out of a batch before they are built: those that do not fit the given schema, if the options say so,
/// and those that the processor rejects. Puts the derived values of the others into the batch.
final class RecordScreen {
    private let checked: [(field: Int, column: ColumnSchema)]
    private let dialect: CSVDialect
    private let nullTokens: NullTokens
    private let processor: (any RecordProcessor)?
    private var judge: QualityJudge?
    private let masker: Masker?
    private var masked: [UInt8] = []
    private let scratch = RecordScratch()
    private var cursor: RecordCursor?
    private var keep: [Bool] = []
    /// Those of the processor, then those of the masks.
    private let derivedColumns: [ColumnSchema]
    private let processed: Int

    init(
        plan: OutputPlan, dialect: CSVDialect, options: ConversionOptions, nullTokens: NullTokens,
        processor: (any RecordProcessor)?,
        judge: QualityJudge?, masker: Masker?
    ) {
        self.dialect = dialect
        self.nullTokens = nullTokens
        self.processor = processor
        self.judge = judge
        self.masker = masker
        processed = processor?.derivedColumns.count ?? 0
        derivedColumns =
            (processor?.derivedColumns ?? [])
            + (masker?.columns.map { ColumnSchema(name: $0.name, type: .string) } ?? [])
        var checked: [(field: Int, column: ColumnSchema)] = []
        if options.mismatches == .reject {
            for column in plan.columns {
                guard let type = column.type, type != .string, case .field(let index) = column.origin else { continue }
                checked.append((index, ColumnSchema(name: column.name, type: type)))
            }
        }
        self.checked = checked
    }

    /// Removes records from the batch and adds them to its `rejected`, which then is in the order of the file.
    func apply(to batch: RecordBatch) throws(ColumnarError) {
        try leaveOut(batch)
        masker?.watch?.look(at: batch)
    }

    private func leaveOut(_ batch: RecordBatch) throws(ColumnarError) {
        guard processor != nil || judge != nil || masker != nil || !checked.isEmpty else { return }
        keep.removeAll(keepingCapacity: true)
        keep.append(contentsOf: repeatElement(true, count: batch.rows))
        var leftOut = false
        if let judge { leftOut = try apply(judge, to: batch) }
        for (field, column) in checked { leftOut = check(batch, field, column) || leftOut }
        if processor != nil || masker != nil { leftOut = try process(batch) || leftOut }
        guard leftOut else { return }
        batch.keep(keep)
        batch.rejected.sort { $0.row < $1.row }
    }

    private func check(_ batch: RecordBatch, _ field: Int, _ column: ColumnSchema) -> Bool {
        let text = FieldText(dialect)
        var leftOut = false
        for row in 0..<batch.rows where keep[row] {
            scratch.clear()
            let range = batch.field(row: row, column: field)
            if range.isEmpty { continue }
            if TypeCheck.fits(batch.base + range.lowerBound, range.count, column.type, text, nullTokens, scratch) {
                continue
            }
            let error = SchemaMismatch.error(column, batch: batch, row: row, field: field)
            reject(batch, row, code: error.code, reason: error.message, column: column.name)
            leftOut = true
        }
        return leftOut
    }

    private func apply(_ judge: QualityJudge, to batch: RecordBatch) throws(ColumnarError) -> Bool {
        try judge.judge(batch)
        batch.isJudged = true
        guard judge.foundBad else { return false }
        for row in 0..<batch.rows where judge.isBad(row: row) {
            let verdict = judge.verdict(batch, row: row, batchRow: row)
            reject(batch, row, code: .ruleViolation, reason: verdict?.reason ?? "", column: verdict?.column)
        }
        return true
    }

    /// Lets the processor judge the records and compute columns, and masks values.
    private func process(_ batch: RecordBatch) throws(ColumnarError) -> Bool {
        let cursor = cursor ?? RecordCursor(batch, dialect: dialect, nullTokens: nullTokens)
        self.cursor = cursor
        cursor.begin(batch)
        let record = CSVRecord(cursor)
        var leftOut = false
        if batch.derived.columns != derivedColumns.count { batch.derived = DerivedValues(derivedColumns) }
        // Out of the batch while it changes, so that each change is in place.
        var derived = DerivedValues([])
        swap(&derived, &batch.derived)
        defer { swap(&derived, &batch.derived) }
        derived.beginBatch()
        for row in 0..<batch.rows where keep[row] {
            cursor.move(to: row)
            derived.beginRecord()
            if case .reject(let code, let reason, let column) = try processor?.process(record, derived: &derived) {
                reject(batch, row, code: code, reason: reason, column: column)
                leftOut = true
                continue
            }
            mask(batch, row, &derived)
            derived.keepRecord()
        }
        derived.endBatch()
        return leftOut
    }

    private func mask(_ batch: RecordBatch, _ row: Int, _ derived: inout DerivedValues) {
        guard let masker else { return }
        for (index, column) in masker.columns.enumerated() {
            masked.removeAll(keepingCapacity: true)
            guard masker.append(column, batch, row: row, to: &masked) else { continue }
            masked.withUnsafeBytes { derived.set(processed + index, text: $0) }
        }
    }

    private func reject(_ batch: RecordBatch, _ row: Int, code: ColumnarError.Code, reason: String, column: String?) {
        keep[row] = false
        batch.reject(row: row, code: code, reason: reason, column: column)
    }

    /// Leaves judging to whoever builds the columns, if nothing that happens here depends on it.
    /// - Returns: who judged so far; nil where judging stays here, or there is nothing to judge.
    func handOverJudge() -> QualityJudge? {
        guard processor == nil, masker == nil, checked.isEmpty else { return nil }
        defer { judge = nil }
        return judge
    }
}

extension RecordBatch {
    /// Adds a record to those that are left out.
    func reject(row: Int, code: ColumnarError.Code, reason: String, column: String?) {
        let range = record(row: row)
        let bytes = UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
        var record = RejectedRecord(
            code: code, reason: reason, row: ordinal(row: row), line: line(at: range.lowerBound),
            byteOffset: inputOffset(range.lowerBound), column: column, bytes: Array(bytes))
        record.member = member
        rejected.append(record)
    }
}
