import GRDB

extension JournalAudit {
    /// Findings that are told of one table.
    private static let most = 20

    /// Whether the file is a sound database at all: SQLite's quick check, which reads every page. A recount can come
    /// out right over a table that it does not read, or an index that it does not use. Table by table, so that the WAL
    /// can be checkpointed in between.
    func checkPages(into report: inout AuditReport) throws {
        let clock = ContinuousClock()
        let begin = clock.now
        let tables = try read { db in
            try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name")
        }
        for table in tables {
            do {
                let lines = try read { db in
                    // A segment may have been trimmed meanwhile.
                    guard try db.tableExists(table) else { return ["ok"] }
                    return try String.fetchAll(db, sql: "PRAGMA quick_check(\(table.quotedDatabaseIdentifier))")
                }
                if lines != ["ok"] { report.damage += lines.prefix(Self.most).map { "table \(table): \($0)" } }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                report.damage.append("table \(table): \(error.message ?? "it cannot be read")")
            }
        }
        let time = begin.duration(to: clock.now).components
        report.checked = (tables.count, Double(time.seconds) + Double(time.attoseconds) / 1e18)
    }
}
