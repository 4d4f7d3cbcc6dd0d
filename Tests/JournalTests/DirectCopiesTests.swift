import CJournalVFS
import Foundation
import GRDBSQLite
import Testing

/// Checkpoints that write past the kernel's cache (`CJournalVFS`): what is in the database afterwards, and what happens
/// when it could not be written although SQLite takes it to be there.
@Suite("Checkpoints past the kernel's cache", .serialized)
struct DirectCopiesTests {
    let folder: String
    var path: String { folder + "/rows.sqlite" }

    init() throws {
        folder = try temporaryFolder()
        try #require(journal_vfs_use(1) == SQLITE_OK)
    }

    @Test("Pages new and old, in runs and alone, are in the database, for readers beside it too")
    func copied() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try open("sluice-journal")
        try writer.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, round, body)")
        let copier = try open("sluice-journal")
        let isDirect = try copier.copyDirectly(true)
        let reader = try open("unix")
        var rows = 0
        for round in 0..<8 {
            try writer.run(
                """
                BEGIN; WITH RECURSIVE row(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row WHERE n < 999)
                INSERT INTO rows (round, body) SELECT \(round), printf('%.2000c', 'x') FROM row; COMMIT
                """)
            // Single pages all over the file, between runs of new ones.
            try writer.run("UPDATE rows SET round = round + 100 WHERE id % 97 = \(round)")
            rows += 1_000
            #expect(try copier.copyDirectly(round % 3 != 2) == (isDirect && round % 3 != 2))
            let calls = try writeCalls()
            let (logged, copied) = try copier.checkpoint()
            #expect(logged == copied && logged > 120)
            if isDirect, round == 0 {
                #expect(try writeCalls() - calls < 20, "more than a hundred pages, one behind the other")
            }
            #expect(try reader.number("SELECT count(*) FROM rows WHERE length(body) = 2000") == rows)
            #expect(try reader.number("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1)
        }
        // Without its log, which nobody needs any more.
        let sum = try reader.number("SELECT sum(round * id) FROM rows")
        let copy = folder + "/copy.sqlite"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let alone = try PlainConnection(copy, vfs: "unix", cachePages: 10, pageBytes: 16_384)
        #expect(try alone.number("SELECT sum(round * id) FROM rows") == sum)
        #expect(try alone.number("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1)
    }

    @Test(
        "What cannot be written although SQLite takes it to be there stops everything, and is there at the next start")
    func lost() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            let writer = try open("sluice-journal")
            let copier = try open("sluice-journal")
            let reader = try open("sluice-journal")
            // On a file system that knows nothing of it (tmpfs) nothing is kept that could be lost.
            guard try copier.copyDirectly(true) else { return }
            try writer.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, body)")
            for _ in 0..<50 { try writer.run("INSERT INTO rows (body) VALUES (randomblob(12000))") }
            // Who reads keeps the checkpoint from its end: nothing is synced, so SQLite hears of nothing.
            let holder = try open("sluice-journal")
            try holder.run("BEGIN")
            try #require(try holder.number("SELECT count(*) FROM rows") == 50)
            for _ in 0..<10 { try writer.run("INSERT INTO rows (body) VALUES (randomblob(12000))") }
            journal_vfs_fail_copies(1)
            defer { journal_vfs_fail_copies(0) }
            let (logged, copied) = try copier.checkpoint()
            try #require(copied > 50 && copied < logged)
            #expect(reader.code("SELECT sum(length(body)) FROM rows") & 0xFF == SQLITE_IOERR)
            #expect(writer.code("INSERT INTO rows (body) VALUES ('more')") & 0xFF == SQLITE_IOERR)
            #expect(holder.code("COMMIT") == SQLITE_OK)
            #expect(copier.checkpointCode() & 0xFF == SQLITE_IOERR)
        }
        // All of them closed: nobody has emptied the log.
        let next = try open("unix")
        #expect(try next.number("SELECT count(*) FROM rows WHERE length(body) = 12000") == 60)
        #expect(try next.number("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1)
    }

    private func open(_ vfs: String) throws -> PlainConnection {
        let connection = try PlainConnection(path, vfs: vfs, cachePages: 100, pageBytes: 16_384)
        try connection.run("PRAGMA wal_autocheckpoint = 0")
        return connection
    }
}

extension PlainConnection {
    /// Whether its next checkpoints write past the cache, where it is asked for.
    func copyDirectly(_ directly: Bool) throws -> Bool {
        var value: Int32 = directly ? 1 : 0
        try #require(sqlite3_file_control(connection, "main", Int32(JOURNAL_VFS_DIRECT), &value) == SQLITE_OK)
        return value == 1
    }

    /// Pages in the log, and copied from it.
    func checkpoint() throws -> (logged: Int32, copied: Int32) {
        var (logged, copied): (Int32, Int32) = (0, 0)
        let code = sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, &logged, &copied)
        try #require(code == SQLITE_OK)
        return (logged, copied)
    }

    func checkpointCode() -> Int32 {
        sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    }

    func code(_ sql: String) -> Int32 { sqlite3_exec(connection, sql, nil, nil, nil) }
}
