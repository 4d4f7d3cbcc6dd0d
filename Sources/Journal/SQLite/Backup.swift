import Foundation
import GRDB
import GRDBSQLite

/// By what a copy of a journal is known.
package enum JournalCopy {
    /// The value that every copy has and that differs from copy to copy. A journal that is no copy has none.
    package static let mark = "journal/copy"
}

/// A copy of the journal in the making, driven by the writer between its transactions. SQLite repeats in the copy what
/// this connection writes meanwhile, so the copy is of the moment it is done; nobody waits for longer than a step.
final class BackupSession {
    private var target: OpaquePointer?
    private var backup: OpaquePointer?
    let path: String
    /// Which call of `backup` it belongs to.
    let caller: ObjectIdentifier

    /// Pages of one step: 4 MB.
    private static let stepPages: Int32 = 256

    init(from db: Database, to path: String, of caller: ObjectIdentifier) throws {
        self.path = path
        self.caller = caller
        let code = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
        guard code == SQLITE_OK else { throw SQLiteFailure(code: code, connection: target) }
        backup = sqlite3_backup_init(target, "main", db.sqliteConnection, "main")
        guard backup != nil else { throw SQLiteFailure(code: sqlite3_extended_errcode(target), connection: target) }
    }

    /// Copies a step; the fraction done, 1 when all is copied and durable.
    func step() throws -> Double {
        let code = sqlite3_backup_step(backup, Self.stepPages)
        switch code {
        case SQLITE_OK, SQLITE_BUSY, SQLITE_LOCKED:
            let total = max(1, sqlite3_backup_pagecount(backup))
            return min(0.999, 1 - Double(sqlite3_backup_remaining(backup)) / Double(total))
        case SQLITE_DONE:
            let finished = sqlite3_backup_finish(backup)
            backup = nil
            guard finished == SQLITE_OK else { throw SQLiteFailure(code: finished, connection: target) }
            let sql = """
                INSERT OR REPLACE INTO value (name, body)
                VALUES ('\(JournalCopy.mark)', CAST('\(UUID().uuidString)' AS BLOB))
                """
            guard sqlite3_exec(target, sql, nil, nil, nil) == SQLITE_OK else {
                throw SQLiteFailure(code: sqlite3_extended_errcode(target), connection: target)
            }
            // Takes what was written just now out of the WAL.
            sqlite3_close_v2(target)
            target = nil
            return 1
        default: throw SQLiteFailure(code: code, connection: target)
        }
    }

    deinit {
        if backup != nil { sqlite3_backup_finish(backup) }
        if target != nil { sqlite3_close_v2(target) }
    }
}

/// One call of `backup`.
private final class BackupCaller: Sendable {}

extension SQLiteJournal {
    /// Copies the journal into a new data folder while it works. Blocking; commits go on meanwhile.
    ///
    /// The copy holds every batch that was acknowledged before the call. Opened, it finds an unclean end, and a higher
    /// boot than the original had.
    /// - Parameter progress: the fraction done, from 0 to 1.
    package func backup(to destination: String, progress: (Double) -> Void = { _ in }) throws(JournalError) {
        let copy = DataFolder(destination)
        guard !FileManager.default.fileExists(atPath: copy.database) else {
            throw JournalError(
                .constraint, "There is a journal already; name a new folder for the backup.", path: copy.database)
        }
        try copy.make()
        let caller = BackupCaller()
        // The name is an address: it must not be given to another object before this is through.
        defer { withExtendedLifetime(caller) {} }
        while true {
            let id = ObjectIdentifier(caller)
            let answer = queue.perform { writer in Result { try writer.stepBackup(to: copy.database, of: id) } }
            guard let answer else { throw .closedJournal }
            do {
                let done = try answer.get()
                progress(done)
                if done == 1 { break }
            } catch {
                throw JournalError(storage: error, doing: "backing up the journal", path: copy.database)
            }
        }
        try copy.syncFile(copy.database)
        try copy.sync(copy.folder)
    }
}
