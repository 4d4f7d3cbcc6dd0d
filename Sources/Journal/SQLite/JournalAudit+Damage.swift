import Dispatch
import GRDB
import GRDBSQLite
import Synchronization

extension JournalAudit {
    /// Findings that are told of one table.
    private static let most = 20

    /// Whether the file is a sound database at all: SQLite's quick check, which reads every page. A recount can come
    /// out right over a table that it does not read, or an index that it does not use.
    ///
    /// Table by table, so that the WAL can be checkpointed in between. One check is one transaction and cannot be
    /// divided, and for as long as it lasts the WAL only grows, until commits must wait: a table that takes longer than
    /// `patience` is read row by row instead, in pieces.
    func checkPages(into report: inout AuditReport) throws {
        let clock = ContinuousClock()
        let begin = clock.now
        let tables = try read { db in
            try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name")
        }
        for table in tables {
            do {
                guard let lines = try read({ try quickCheck(table, $0) }) else {
                    try readRows(of: table)
                    report.readInPieces.append(table)
                    continue
                }
                if lines != ["ok"] { report.damage += lines.prefix(Self.most).map { "table \(table): \($0)" } }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                report.damage.append("table \(table): \(error.message ?? "it cannot be read")")
            }
        }
        let time = begin.duration(to: clock.now).components
        report.checked = (tables.count, Double(time.seconds) + Double(time.attoseconds) / 1e18)
    }

    /// What SQLite says of a table and its indexes; nil where it took too long.
    private func quickCheck(_ table: String, _ db: Database) throws -> [String]? {
        // A segment may have been trimmed meanwhile.
        guard try db.tableExists(table) else { return ["ok"] }
        guard let patience else { return try Self.check(table, db) }
        guard patience > .zero, let connection = db.sqliteConnection else { return nil }
        let limit = CheckLimit(connection, patience)
        do {
            let lines = try Self.check(table, db)
            return limit.end() ? nil : lines
        } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
            _ = limit.end()
            return nil
        } catch {
            _ = limit.end()
            throw error
        }
    }

    private static func check(_ table: String, _ db: Database) throws -> [String] {
        try String.fetchAll(db, sql: "PRAGMA quick_check(\(table.quotedDatabaseIdentifier))")
    }

    /// Reads every row whole, with all its pages, in the order of the table's key: a page that cannot be right is
    /// `SQLITE_CORRUPT`. Its indexes are not looked at.
    private func readRows(of table: String) throws {
        var last: [DatabaseValue]?
        repeat {
            let after = last
            last = try read { try Self.page(of: table, after: after, most: slice, patience ?? .seconds(1), $0) }
        } while last != nil
    }

    /// Steps through rows behind a key: no more than `most`, and no longer than `patience`. The last one's key; nil at
    /// the end.
    private static func page(
        of table: String, after: [DatabaseValue]?, most: Int, _ patience: Duration, _ db: Database
    ) throws -> [DatabaseValue]? {
        guard try db.tableExists(table) else { return nil }
        let name = table.quotedDatabaseIdentifier
        let hasRowID =
            try Bool.fetchOne(
                db, sql: "SELECT NOT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", arguments: [table])
            ?? true
        let columns =
            hasRowID
            ? ["rowid"]
            : try String.fetchAll(
                db, sql: "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", arguments: [table]
            ).map(\.quotedDatabaseIdentifier)
        let key = columns.joined(separator: ", ")
        let places = columns.map { _ in "?" }.joined(separator: ", ")
        let rows = try Row.fetchCursor(
            db,
            sql: "SELECT \(key), * FROM \(name)\(after == nil ? "" : " WHERE (\(key)) > (\(places))") "
                + "ORDER BY \(key) LIMIT \(most)", arguments: StatementArguments(after ?? []))
        let end = ContinuousClock.now + patience
        var last: [DatabaseValue]?
        // Each step copies the whole row, overflow pages included.
        while let row = try rows.next() {
            last = columns.indices.map { row[$0] }
            if ContinuousClock.now > end { break }
        }
        return last
    }
}

/// Interrupts what a connection does after a while, unless it has ended by then.
private final class CheckLimit: Sendable {
    private struct State {
        /// Unsafe for being handed to another thread: SQLite lets any thread interrupt a connection that is open, and
        /// under the lock it is.
        nonisolated(unsafe) var connection: SQLiteConnection?
        var hasFired = false
    }

    private let state: Mutex<State>

    init(_ connection: SQLiteConnection, _ patience: Duration) {
        let unsafe = State(connection: connection)
        state = Mutex(unsafe)
        let time = patience.components
        let nanoseconds = Int(time.seconds) * 1_000_000_000 + Int(time.attoseconds / 1_000_000_000)
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { self.fire() }
    }

    private func fire() {
        state.withLock { state in
            guard let connection = state.connection else { return }
            state.hasFired = true
            sqlite3_interrupt(connection)
        }
    }

    /// What comes next is not interrupted any more. Whether anything was.
    func end() -> Bool {
        state.withLock { state in
            state.connection = nil
            return state.hasFired
        }
    }
}
