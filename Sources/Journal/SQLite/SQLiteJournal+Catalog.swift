import GRDB

/// Reading the object index, the catalog, functions and values.
extension SQLiteJournal {
    package func object(bucket: String, key: String) throws(JournalError) -> ObjectRecord? {
        try read("reading the object index") { db in
            let statement = try db.cachedStatement(sql: "SELECT * FROM object WHERE bucket = ? AND key = ?")
            return try Row.fetchOne(statement, arguments: [bucket, key]).map { try ObjectRecord(row: $0) }
        }
    }

    package func objects(
        bucket: String, prefix: String, after: String?, limit: Int
    ) throws(JournalError) -> [ObjectRecord] {
        let range = KeyRange(prefix: prefix, after: after)
        return try read("reading the object index") { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM object WHERE bucket = ? AND \(range.condition("key")) ORDER BY key LIMIT \(limit)",
                arguments: StatementArguments([bucket] + range.arguments))
            return try rows.map { try ObjectRecord(row: $0) }
        }
    }

    package func tables(database: String?) throws(JournalError) -> [StoredTable] {
        try read("reading the catalog") { db in
            let only = database == nil ? "1 OR t.database = ?" : "t.database = ?"
            let rows = try Row.fetchAll(
                db, sql: Self.tableQuery("catalog_table", "", only) + " ORDER BY t.database, t.name",
                arguments: [database])
            return try rows.map { try StoredTable(row: $0) }
        }
    }

    package func table(database: String, table: String) throws(JournalError) -> StoredTable? {
        try read("reading the catalog") { db in
            try Row.fetchOne(
                db, sql: Self.tableQuery("catalog_table", "", "t.database = ? AND t.name = ?"),
                arguments: [database, table]
            ).map { try StoredTable(row: $0) }
        }
    }

    package func tableVersions(database: String, table: String) throws(JournalError) -> [StoredTable] {
        try read("reading the catalog") { db in
            let sql = Self.tableQuery(
                "catalog_version", "AND f.schema_version = t.version", "t.database = ? AND t.name = ?")
            return try Row.fetchAll(db, sql: sql + " ORDER BY t.version", arguments: [database, table]).map {
                try StoredTable(row: $0)
            }
        }
    }

    /// Tables with the sums over their files, which the index on the files holds. `total` is exact up to 2^53 and ends
    /// at the greatest number; `sum` would refuse the whole query for one file that claims too much.
    private static func tableQuery(_ table: String, _ join: String, _ condition: String) -> String {
        """
        SELECT t.database, t.name, t.version, t.body, count(f.key) AS files, CAST(total(f.rows) AS INTEGER) AS rows,
        CAST(total(f.bytes) AS INTEGER) AS bytes FROM \(table) t
        LEFT JOIN catalog_file f ON f.database = t.database AND f.name = t.name \(join)
        WHERE \(condition) GROUP BY t.database, t.name, t.version
        """
    }

    package func tableFiles(
        database: String, table: String, after: String?, limit: Int
    ) throws(JournalError) -> [CatalogFile] {
        try read("reading the catalog") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM catalog_file WHERE database = ? AND name = ? AND (? IS NULL OR key > ?)
                    ORDER BY key, bucket LIMIT ?
                    """, arguments: [database, table, after, after, limit]
            ).map { try CatalogFile(row: $0) }
        }
    }

    package func tableFile(bucket: String, key: String) throws(JournalError) -> CatalogFile? {
        try read("reading the catalog") { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM catalog_file WHERE bucket = ? AND key = ?", arguments: [bucket, key]
            )
            .map { try CatalogFile(row: $0) }
        }
    }

    package func functions() throws(JournalError) -> [FunctionRecord] {
        try read("reading the functions") { db in
            try Row.fetchAll(db, sql: "SELECT * FROM function ORDER BY name, version").map { row in
                try FunctionRecord(
                    name: row.stored("name"), version: row.stored("version"), digest: row.stored("digest"),
                    created: row.stored("created"),
                    body: row.bytes("body"))
            }
        }
    }

    package func value(name: String) throws(JournalError) -> [UInt8]? {
        try read("reading a value") { db in
            try Row.fetchOne(db, sql: "SELECT body FROM value WHERE name = ?", arguments: [name])?.bytes("body")
        }
    }

    package func values(prefix: String) throws(JournalError) -> [(name: String, body: [UInt8])] {
        let range = KeyRange(prefix: prefix, after: nil)
        return try read("reading values") { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM value WHERE \(range.condition("name")) ORDER BY name",
                arguments: StatementArguments(range.arguments))
            return try rows.map { (name: try $0.stored("name"), body: try $0.bytes("body")) }
        }
    }
}

extension StoredTable {
    init(row: Row) throws {
        try self.init(
            database: row.stored("database"), table: row.stored("name"), version: row.stored("version"),
            body: row.bytes("body"),
            files: row.stored("files"), rows: row.stored("rows"), bytes: row.stored("bytes"))
    }
}
