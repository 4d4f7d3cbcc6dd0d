/// The masks of one file.
final class Masker {
    struct Column {
        /// Position in the file.
        var field: Int
        var name: String
        var action: Masking.Action
        /// What its first values look like, where that decided.
        var found: PersonalData?
    }

    /// Of the first records, the share that must look like personal data.
    static let automaticShare = 0.2

    /// In the order of the file.
    let columns: [Column]
    /// Watches the others, where masks are automatic.
    let watch: MaskWatch?
    private let nullTokens: NullTokens
    private let dialect: CSVDialect
    private let scratch = RecordScratch()

    /// - Parameter sample: the first records, by which columns are chosen.
    /// - Throws: `MissingColumn` where the file lacks a column that is to be masked (of JSON, the given schema too).
    init(
        _ masking: Masking, columns: [CSVColumn], dialect: CSVDialect, nullTokens: NullTokens, sample: RecordBatch
    ) throws(ColumnarError) {
        self.nullTokens = nullTokens
        self.dialect = dialect
        var chosen: [Column] = []
        for (name, action) in masking.columns {
            let normalized = ColumnName.normalized(name)
            guard let column = columns.first(where: { $0.name == normalized }) else {
                throw ColumnarError(
                    .missingColumn,
                    "The column \(normalized) is to be masked; the file has "
                        + "\(columns.map(\.name).joined(separator: ", ")).", column: normalized)
            }
            chosen.append(Column(field: column.index, name: normalized, action: action))
        }
        if let action = masking.automatic {
            for column in columns where !chosen.contains(where: { $0.field == column.index }) {
                let table = FieldTable(sample, column: column.index, dialect: dialect)
                guard let found = Self.look(table, nullTokens, scratch) else { continue }
                chosen.append(Column(field: column.index, name: column.name, action: action, found: found))
            }
        }
        self.columns = chosen.sorted { $0.field < $1.field }
        watch =
            masking.automatic == nil
            ? nil
            : MaskWatch(
                columns: columns.filter { column in !chosen.contains { $0.field == column.index } }
                    .map { ($0.index, $0.name) }, dialect: dialect, nullTokens: nullTokens)
    }

    /// Masked columns with what is done to them.
    var report: [String: String] {
        Dictionary(columns.map { ($0.name, $0.action.name) }) { first, _ in first }
    }

    /// What many values of a column look like.
    private static func look(
        _ table: FieldTable, _ nullTokens: NullTokens, _ scratch: RecordScratch
    ) -> PersonalData? {
        var values = 0
        var found: [PersonalData: Int] = [:]
        for row in 0..<table.rows {
            scratch.clear()
            guard let (text, length) = table.value(row, nullTokens, scratch), length > 0 else { continue }
            values += 1
            if let kind = PersonalData.kind(of: UnsafeBufferPointer(start: text, count: length)) {
                found[kind, default: 0] += 1
            }
        }
        guard let most = found.max(by: { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }),
            Double(most.value) >= automaticShare * Double(values)
        else { return nil }
        return most.key
    }

    /// Appends what stands for the value of a record; false for null.
    func append(_ column: Column, _ batch: RecordBatch, row: Int, to text: inout [UInt8]) -> Bool {
        scratch.clear()
        let table = FieldTable(batch, column: column.field, dialect: dialect)
        guard let (value, length) = table.value(row, nullTokens, scratch) else { return false }
        column.action.apply(UnsafeBufferPointer(start: value, count: length), to: &text)
        return true
    }
}
