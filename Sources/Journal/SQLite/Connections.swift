import CJournalVFS
import Foundation
import GRDB
import GRDBSQLite

/// How each connection to the journal is opened. Debian compiles SQLite with SECURE_DELETE, so that is set off on every
/// one of them: with it, dropping a segment writes it all once more.
enum Connections {
    /// How what a transaction writes into the write-ahead log gets there.
    enum LogWrites {
        /// With one call, before it is synced: what a commit costs the processor is half of it (`CJournalVFS`).
        case together
        /// As SQLite does it by itself, two calls a page.
        case plain
    }

    static func writer(
        _ path: String, busySeconds: Double = 5, logWrites: LogWrites = .together
    ) throws -> DatabaseQueue {
        // GRDB names no VFS: it opens with the default one.
        try use(logWrites)
        defer { if logWrites != .together { try? use(.together) } }
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.label = "sluice.journal.writer"
        configuration.busyMode = .timeout(busySeconds)
        configuration.prepareDatabase { db in
            // The page size counts only before the first table is made, and must come before WAL mode.
            try db.execute(
                sql: """
                    PRAGMA page_size = 16384;
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = FULL;
                    PRAGMA secure_delete = OFF;
                    PRAGMA wal_autocheckpoint = 0;
                    PRAGMA cache_size = -32768;
                    PRAGMA temp_store = MEMORY;
                    """)
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func use(_ writes: LogWrites) throws {
        let code = journal_vfs_use(writes == .together ? 1 : 0)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    /// For background passes: it never writes rows.
    static func checkpointer(_ path: String, logWrites: LogWrites = .together) throws -> DatabaseQueue {
        try use(logWrites)
        defer { if logWrites != .together { try? use(.together) } }
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.label = "sluice.journal.checkpoint"
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA synchronous = FULL;
                    PRAGMA secure_delete = OFF;
                    PRAGMA wal_autocheckpoint = 0;
                    """)
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    static func readers(_ path: String, count: Int) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.readonly = true
        configuration.label = "sluice.journal.reader"
        configuration.maximumReaderCount = count
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA secure_delete = OFF; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;")
        }
        return try DatabasePool(path: path, configuration: configuration)
    }

    /// Refuses what is not a journal of ours or was written by a newer Sluice, and changes nothing.
    static func checkFormat(_ path: String) throws {
        var info = stat()
        guard stat(path, &info) == 0, info.st_size > 0 else { return }
        var configuration = Configuration()
        configuration.readonly = true
        let database = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? database.close() }
        let (format, application, tables) = try database.read { db in
            (
                try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0,
                try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            )
        }
        if tables > 0, application != Schema.application {
            throw JournalError(.corrupt, "This file is a database, but not a journal of Sluice.", path: path)
        }
        if format > Schema.format {
            throw JournalError(
                .newerFormat,
                "The journal has format \(format), written by a newer Sluice; this one knows formats up to "
                    + "\(Schema.format). Use the newer Sluice.", path: path)
        }
    }
}
