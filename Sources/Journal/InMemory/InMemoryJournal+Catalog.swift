extension InMemoryJournal {
    package func tables(database: String?) throws(JournalError) -> [StoredTable] {
        read { state in
            let found = state.tables.values.filter { database == nil || $0.database == database }
            return found.map { Self.stored($0, files: Self.files(of: $0, in: state)) }
                .sorted { InMemoryState.Name($0.database, $0.table) < InMemoryState.Name($1.database, $1.table) }
        }
    }

    package func table(database: String, table: String) throws(JournalError) -> StoredTable? {
        read { state in
            guard let row = state.tables[.init(database, table)] else { return nil }
            return Self.stored(row, files: Self.files(of: row, in: state))
        }
    }

    package func tableVersions(database: String, table: String) throws(JournalError) -> [StoredTable] {
        read { state in
            let versions = (state.tableVersions[.init(database, table)] ?? [:]).values.sorted {
                $0.version < $1.version
            }
            return versions.map { version in
                let files = Self.files(of: version, in: state).filter { $0.schemaVersion == version.version }
                return Self.stored(version, files: files)
            }
        }
    }

    package func tableFiles(
        database: String, table: String, after: String?, limit: Int
    ) throws(JournalError) -> [CatalogFile] {
        read { state in
            let found = state.files.values.filter { $0.database == database && $0.table == table }
                .map { (key: InMemoryState.Name($0.key), file: $0) }
                .filter { found in after.map { InMemoryState.Name($0) < found.key } ?? true }
            return found.sorted {
                ($0.key, InMemoryState.Name($0.file.bucket)) < ($1.key, InMemoryState.Name($1.file.bucket))
            }
            .prefix(limit).map(\.file)
        }
    }

    package func tableFile(bucket: String, key: String) throws(JournalError) -> CatalogFile? {
        read { $0.files[.init(bucket, key)] }
    }

    private static func files(
        of table: InMemoryState.TableVersion, in state: borrowing InMemoryState
    ) -> [CatalogFile] {
        state.files.values.filter { $0.database == table.database && $0.table == table.table }
    }

    /// Ends at the greatest number, as the journal file's sums do.
    private static func sum(_ values: [Int64]) -> Int64 {
        values.reduce(0) { total, value in
            let (sum, isOverflow) = total.addingReportingOverflow(value)
            return isOverflow ? .max : sum
        }
    }

    private static func stored(_ table: InMemoryState.TableVersion, files: [CatalogFile]) -> StoredTable {
        StoredTable(
            database: table.database, table: table.table, version: table.version, body: table.body,
            files: Int64(files.count), rows: sum(files.map(\.rows)), bytes: sum(files.map(\.bytes)))
    }
}
