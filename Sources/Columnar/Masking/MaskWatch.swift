/// Looks at every value of the columns that automatic masks have left alone: what looked harmless among the first
/// records need not stay so.
final class MaskWatch {
    private struct Watched {
        var field: Int
        var name: String
        /// One for a plain column, one for each innermost value of a nested one.
        var leaves: [Leaf] = []
    }

    private struct Leaf {
        var values = 0
        var found: [PersonalData: Int] = [:]
        /// Number of the first record with such a value.
        var firstRow: Int64 = 0

        var most: (kind: PersonalData, count: Int)? {
            found.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }.map { ($0.key, $0.value) }
        }
        var share: Double { Double(most?.count ?? 0) / Double(max(1, values)) }
    }

    private var columns: [Watched]
    private let dialect: CSVDialect
    private let nullTokens: NullTokens
    private let scratch = RecordScratch()

    init(columns: [(field: Int, name: String)], dialect: CSVDialect, nullTokens: NullTokens) {
        self.columns = columns.map { Watched(field: $0.field, name: $0.name) }
        self.dialect = dialect
        self.nullTokens = nullTokens
    }

    /// Looks at the records of a batch.
    /// - Parameter isBad: whether a row of plain columns is left out.
    func look(at batch: RecordBatch, isBad: (Int) -> Bool = { _ in false }) {
        for index in columns.indices {
            let nested = batch.nested[columns[index].field]
            while columns[index].leaves.count < nested?.count ?? 1 { columns[index].leaves.append(Leaf()) }
            guard let nested else {
                let table = FieldTable(batch, column: columns[index].field, dialect: dialect)
                for row in 0..<batch.rows where !isBad(row) {
                    look(at: table, row, &columns[index].leaves[0], ordinal: batch.ordinal(row: row))
                }
                continue
            }
            for (leaf, values) in nested.enumerated() {
                let table = values.table(batch, first: 0, count: batch.rows)
                var record = -1
                for position in 0..<table.fields.rows {
                    if table.repetition[position] == 0 { record += 1 }
                    let ordinal = batch.ordinal(row: max(0, record))
                    look(at: table.fields, position, &columns[index].leaves[leaf], ordinal: ordinal)
                }
            }
        }
    }

    private func look(at table: FieldTable, _ row: Int, _ leaf: inout Leaf, ordinal: Int64) {
        scratch.clear()
        guard let (text, length) = table.value(row, nullTokens, scratch), length > 0 else { return }
        leaf.values += 1
        guard let kind = PersonalData.kind(of: UnsafeBufferPointer(start: text, count: length)) else { return }
        if leaf.found.isEmpty { leaf.firstRow = ordinal }
        leaf.found[kind, default: 0] += 1
    }

    /// Columns with values that look like personal data, in the order of the file.
    var found: [UnmaskedValues] {
        columns.compactMap { column in
            guard let worst = column.leaves.max(by: { $0.share < $1.share }), let most = worst.most else { return nil }
            return UnmaskedValues(
                column: column.name, kind: most.kind, count: Int64(most.count), share: worst.share,
                firstRow: worst.firstRow)
        }
    }
}

/// Values that look like personal data in a column that automatic masks leave alone, because most of its values do not.
public struct UnmaskedValues: Sendable, Hashable, Codable {
    public var column: String
    /// The kind that most of them look like.
    public var kind: PersonalData
    /// Values of that kind.
    public var count: Int64
    /// Of the column's values, 0...1; of a nested column, of the field within it that has most.
    public var share: Double
    /// Number of the first record with such a value, of whatever kind.
    public var firstRow: Int64

    public init(column: String, kind: PersonalData, count: Int64, share: Double, firstRow: Int64) {
        self.column = column
        self.kind = kind
        self.count = count
        self.share = share
        self.firstRow = firstRow
    }

    /// Whether there are so many that the column is to be masked.
    var isMasked: Bool { share >= Masker.automaticShare }
}

extension UnmaskedValues: CustomStringConvertible {
    /// `note: 12 values (0.4 %) look like email and are not masked, the first in row 1203`
    public var description: String {
        let tenths = (share * 1000).rounded() / 10
        return "\(column): \(count) \(count == 1 ? "value looks" : "values look") like \(kind.rawValue) "
            + "(\(tenths < 0.1 ? "less than 0.1" : "\(tenths)") %) and \(count == 1 ? "is" : "are") not masked, "
            + "the first in row \(firstRow)"
    }
}

extension Masking {
    /// With masks for columns that turned out to need them only after the first records.
    func including(_ late: [UnmaskedValues]) -> Masking {
        var masking = self
        if let automatic { for column in late { masking.columns[column.column] = automatic } }
        return masking
    }

    /// Begins an input again that has to be masked from its start.
    func beginAgain(_ source: any ByteSource, for late: [UnmaskedValues]) throws(ColumnarError) {
        do throws(ColumnarError) {
            try source.rewind()
        } catch {
            throw ColumnarError(
                .unsupported,
                "Values that look like personal data come late in the input (\(late.map(\.description).joined(separator: "; "))), "
                    + "and it cannot be read again to mask them. Name the columns to be masked.",
                column: late.first?.column)
        }
    }
}
