/// The keys of a reference table, for `ReferentialIntegrity`: 16 bytes each, told apart by 128-bit hashes.
///
/// Keys are compared as text: `1` and `1.0` are different keys.
public final class ReferenceSet: Sendable {
    /// More keys than this are refused; they take 512 MB.
    public static let mostKeys = 20_000_000

    /// Reads delimited text. Rows with a null in one of the columns are left out.
    ///
    /// Fails with `MissingColumn`, with `LimitExceeded` at too many keys, and as `CSVReader` does.
    /// - Parameter columns: sets of columns that rules look at together, by their normalised names.
    public convenience init(_ source: any ByteSource, columns: [[String]]) throws(ColumnarError) {
        let reader = try CSVReader(source)
        var positions: [[Int]] = []
        for names in columns {
            var found: [Int] = []
            for name in names {
                guard let index = reader.index(of: name) else {
                    throw ColumnarError(
                        .missingColumn,
                        "The reference table has no column \(name); it has "
                            + "\(reader.columns.map(\.name).joined(separator: ", ")).", column: name)
                }
                found.append(index)
            }
            positions.append(found)
        }
        let tables = columns.map { _ in KeyTable() }
        let hasher = KeyHash.Hasher()
        try reader.forEachRecord { record throws(ColumnarError) in
            for (table, columns) in zip(tables, positions) {
                guard !columns.contains(where: record.isNull) else { continue }
                var key: KeyHash?
                for column in columns {
                    let bytes = record.bytes(column)
                    guard let base = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { continue }
                    let hash = hasher.hash(base, bytes.count)
                    key = key.map { hasher.combine($0, hash) } ?? hash
                }
                if let key { table.insert(key) }
                if table.isFull { table.grow() }
                guard table.count <= Self.mostKeys else {
                    throw ColumnarError(
                        .limitExceeded,
                        "The reference table has more than \(Self.mostKeys) keys. Use a smaller one.")
                }
            }
        }
        self.init(tables: Dictionary(zip(columns, tables)) { first, _ in first })
    }

    /// Never changed after the initialiser, so that all threads may look.
    private nonisolated(unsafe) let tables: [[String]: KeyTable]

    private init(tables: [[String]: KeyTable]) {
        self.tables = tables
    }

    /// The keys of some columns; nil where they were not asked for when it was read.
    func keys(of columns: [String]) -> KeyTable? { tables[columns] }
}
