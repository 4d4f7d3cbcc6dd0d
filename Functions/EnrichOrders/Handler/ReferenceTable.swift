import Columnar

/// A small table in memory, by key: the right side of a join.
final class ReferenceTable: Sendable {
    /// All columns but the key, with the narrowest types that hold their values.
    let columns: [ColumnSchema]
    /// Rows by the key's UTF-8.
    private let rows: [[UInt8]: Int]
    /// Texts of all fields, row by row.
    private let bytes: [UInt8]
    /// Where a field's text lies; start -1 for null.
    private let fields: [(start: Int, count: Int)]

    var count: Int { rows.count }

    /// Reads a delimited file. Fails with `MissingColumn`, with `DuplicateKey` where a key occurs twice or is missing,
    /// and as `CSVReader` does.
    init(_ source: any ByteSource, keyColumn: String) throws(ColumnarError) {
        let reader = try CSVReader(source)
        let name = ColumnName.normalized(keyColumn)
        guard let key = reader.index(of: name) else {
            throw ColumnarError(
                .missingColumn,
                "It has no column \(name); it has \(reader.columns.map(\.name).joined(separator: ", ")).", column: name)
        }
        let others = reader.columns.indices.filter { $0 != key }
        var types = others.map { _ in InferredType() }
        var rows: [[UInt8]: Int] = [:]
        var bytes: [UInt8] = []
        var fields: [(start: Int, count: Int)] = []
        try reader.forEachRecord { record throws(ColumnarError) in
            let value = Array(record.bytes(key))
            guard !record.isNull(key), rows.updateValue(rows.count, forKey: value) == nil else {
                let text = String(decoding: value, as: UTF8.self)
                throw ColumnarError(
                    .init("DuplicateKey"),
                    record.isNull(key) ? "Row \(record.row) has no \(name)." : "The \(name) \"\(text)\" occurs twice.",
                    row: record.row, line: record.line, column: name, text: text)
            }
            for (position, column) in others.enumerated() {
                if record.isNull(column) {
                    fields.append((-1, 0))
                    continue
                }
                types[position].look(at: record, column)
                let text = record.bytes(column)
                fields.append((bytes.count, text.count))
                bytes.append(contentsOf: text)
            }
        }
        self.rows = rows
        self.bytes = bytes
        self.fields = fields
        columns = others.enumerated().map { position, column in
            ColumnSchema(name: reader.columns[column].name, type: types[position].type ?? .string)
        }
    }

    /// The number of the row with a key.
    func row(_ key: UnsafeRawBufferPointer) -> Int? { rows[Array(key)] }

    /// Hands the text of a field to `body`; nothing for null.
    func withText(row: Int, column: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        let field = fields[row * columns.count + column]
        guard field.start >= 0 else { return }
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[field.start..<field.start + field.count])) }
    }
}

/// Adds the columns of the reference and the time of ingestion to each record.
final class JoinProcessor: RecordProcessor {
    private let reference: ReferenceTable
    private let joinColumn: String
    private let ingestedAt: Int64
    private var joinIndex = 0
    private(set) var matched: Int64 = 0
    private(set) var unmatched: Int64 = 0
    let derivedColumns: [ColumnSchema]

    /// - Parameter ingestedAt: microseconds since 1970-01-01 00:00 UTC.
    init(reference: ReferenceTable, joinColumn: String, prefix: String, ingestedColumn: String, ingestedAt: Int64) {
        self.reference = reference
        self.joinColumn = ColumnName.normalized(joinColumn)
        self.ingestedAt = ingestedAt
        derivedColumns =
            reference.columns.map { ColumnSchema(name: ColumnName.normalized(prefix + $0.name), type: $0.type) }
            + [ColumnSchema(name: ColumnName.normalized(ingestedColumn), type: .timestampUTC)]
    }

    func beginPass(columns: [CSVColumn]) throws(ColumnarError) {
        matched = 0
        unmatched = 0
        guard let index = columns.firstIndex(where: { $0.name == joinColumn }) else {
            throw ColumnarError(
                .missingColumn,
                "The orders have no column \(joinColumn) to join by; they have "
                    + "\(columns.map(\.name).joined(separator: ", ")).", column: joinColumn)
        }
        joinIndex = index
    }

    func process(_ record: CSVRecord, derived: inout DerivedValues) throws(ColumnarError) -> RecordDecision {
        derived.set(derivedColumns.count - 1, .timestamp(microseconds: ingestedAt))
        guard !record.isNull(joinIndex), let row = reference.row(record.bytes(joinIndex)) else {
            unmatched += 1
            return .keep
        }
        matched += 1
        for column in reference.columns.indices {
            reference.withText(row: row, column: column) { derived.set(column, text: $0) }
        }
        return .keep
    }
}
