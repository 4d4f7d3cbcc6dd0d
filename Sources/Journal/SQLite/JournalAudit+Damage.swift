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
                    if try !readRows(of: table) { report.damage.append("table \(table): keys out of order") }
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
    /// - Returns: false where a key does not lie behind the one before: there is a page that is sound by itself and
    ///   belongs elsewhere, as a lost write leaves it. What lies behind it is not read: it might lead back for ever.
    private func readRows(of table: String) throws -> Bool {
        var piece = Piece.upTo([])
        while case .upTo(let key) = piece {
            piece = try read {
                try Self.piece(
                    of: table, after: key.isEmpty ? nil : key, most: slice, patience ?? .seconds(1), $0)
            }
        }
        return piece == .end
    }

    private enum Piece: Equatable {
        /// The last row's key.
        case upTo([DatabaseValue])
        case end
        case outOfOrder
    }

    /// Steps through rows behind a key: no more than `most`, and no longer than `patience`.
    private static func piece(
        of table: String, after: [DatabaseValue]?, most: Int, _ patience: Duration, _ db: Database
    ) throws -> Piece {
        guard try db.tableExists(table) else { return .end }
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
        let end = ContinuousClock.now + patience
        var last = after
        var count = 0
        for (condition, arguments) in ranges(behind: after, columns) {
            let rows = try Row.fetchCursor(
                db, sql: "SELECT \(key), * FROM \(name) \(condition) ORDER BY \(key) LIMIT \(most - count + 1)",
                arguments: StatementArguments(arguments))
            // Each step copies the whole row, overflow pages included.
            while let row = try rows.next() {
                let key: [DatabaseValue] = columns.indices.map { row[$0] }
                // SQLite takes the order of the pages for granted, also where it looks for the rows behind a key.
                if let last, !key.lies(behind: last) {
                    if count == 0, !last.lies(behind: key) { continue }
                    return .outOfOrder
                }
                last = key
                count += 1
                if count >= most || ContinuousClock.now > end { return .upTo(key) }
            }
        }
        return count == 0 ? .end : .upTo(last ?? [])
    }

    /// The rows behind a key, by conditions one after another, and the row itself first: from there one steps on to
    /// what lies behind it, while looking for a later key would pass over a page that is out of place.
    ///
    /// Column by column: where SQLite compares several at once, it leaves out the rows that should not be there.
    private static func ranges(
        behind key: [DatabaseValue]?, _ columns: [String]
    ) -> [(condition: String, arguments: [DatabaseValue])] {
        guard let key else { return [("", [])] }
        return columns.indices.reversed().map { index in
            let same = columns[..<index].map { "\($0) = ? AND " }.joined()
            let isLast = index == columns.count - 1
            return ("WHERE \(same)\(columns[index]) \(isLast ? ">=" : ">") ?", Array(key[...index]))
        }
    }
}

extension [DatabaseValue] {
    /// As SQLite orders keys without collations of their own: texts by their bytes.
    fileprivate func lies(behind other: [DatabaseValue]) -> Bool {
        for (mine, theirs) in zip(self, other) {
            if Self.precedes(theirs.storage, mine.storage) { return true }
            if Self.precedes(mine.storage, theirs.storage) { return false }
        }
        return false
    }

    private static func precedes(_ left: DatabaseValue.Storage, _ right: DatabaseValue.Storage) -> Bool {
        switch (left, right) {
        case (.int64(let left), .int64(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.int64(let left), .double(let right)): Double(left) < right
        case (.double(let left), .int64(let right)): left < Double(right)
        case (.string(let left), .string(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.blob(let left), .blob(let right)): left.lexicographicallyPrecedes(right)
        case (let left, let right): rank(left) < rank(right)
        }
    }

    private static func rank(_ storage: DatabaseValue.Storage) -> Int {
        switch storage {
        case .null: 0
        case .int64, .double: 1
        case .string: 2
        case .blob: 3
        }
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
