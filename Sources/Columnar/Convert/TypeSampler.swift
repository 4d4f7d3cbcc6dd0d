/// Collects what kinds of values the columns of a file show.
struct TypeSampler {
    private(set) var kinds: [ValueKinds]
    private let nullTokens: NullTokens
    private let scratch = RecordScratch()

    init(columns: Int, nullTokens: NullTokens) {
        kinds = Array(repeating: ValueKinds(), count: columns)
        self.nullTokens = nullTokens
    }

    /// Looks at all values of some columns. Text is the widest type: a column that has shown it is not looked at again.
    mutating func look(at batch: RecordBatch, columns: [Int], dialect: CSVDialect) {
        for column in columns where kinds[column].type != .string {
            let table = FieldTable(batch, column: column, dialect: dialect)
            kinds[column] = look(at: table, kinds[column])
        }
    }

    /// The kinds of the values of one column.
    func kinds(of table: FieldTable) -> ValueKinds {
        look(at: table, ValueKinds())
    }

    /// Whether any field is more than a null.
    func hasValue(_ table: FieldTable) -> Bool {
        for row in 0..<table.rows {
            let start = Int(table.starts[row * table.stride]) + 1
            let length = Int(table.ends[row * table.stride]) - start
            if length > 0, !nullTokens.contains(table.bytes + start, length) { return true }
        }
        return false
    }

    /// Whether any value does not fit a type.
    func hasMisfit(_ table: FieldTable, _ type: ColumnType) -> Bool {
        for row in 0..<table.rows {
            let start = Int(table.starts[row * table.stride]) + 1
            let length = Int(table.ends[row * table.stride]) - start
            if length <= 0 { continue }
            scratch.clear()
            if !TypeCheck.fits(table.bytes + start, length, type, table.text, nullTokens, scratch) { return true }
        }
        return false
    }

    private func look(at table: FieldTable, _ before: ValueKinds) -> ValueKinds {
        var kinds = before
        for row in 0..<table.rows {
            let start = Int(table.starts[row * table.stride]) + 1
            var (text, length) = (table.bytes + start, Int(table.ends[row * table.stride]) - start)
            if length <= 0 { continue }
            if table.text.isQuoted(text, length) {
                scratch.clear()
                (text, length) = scratch.unquoted(text, length, table.text)
                // An empty text says nothing about the type: exports that quote everything write nulls so.
                if length == 0 { continue }
            }
            if nullTokens.contains(text, length) { continue }
            kinds.formUnion(ValueKinds(text, length))
            if kinds.isText { return kinds }
        }
        return kinds
    }
}

extension ConversionPass {
    /// What a pass over all values found.
    struct Scan {
        /// By column of the file.
        var kinds: [ValueKinds]
        /// Columns of the output with a given type that some value does not fit.
        var misfits: Set<Int> = []
        /// Of the records that stay, where they are JSON.
        var shape: JSONShape?
        /// Records of JSON that are left out, which the scan has judged, counted and delivered; nil where it has not.
        var skipped: SkippedRecords?
        var rejectedRows: Int64 = 0
        var quality: QualityReport?
    }
}
