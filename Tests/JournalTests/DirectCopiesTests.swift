import CJournalVFS
import CLinux
import Foundation
import GRDBSQLite
import Glibc
import Journal
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
        #expect(isDirect == Self.isOnExt4)
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
        "What cannot be written although SQLite takes it to be there stops everything, and is there at the next start",
        .enabled(if: isOnExt4, "only on ext4 anything is kept that could be lost"), arguments: [false, true])
    func lost(isHeldOpen: Bool) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // As another process: while it has the database open, the memory that all share outlives the others.
        var other: PlainConnection?
        do {
            let writer = try open("sluice-journal")
            let copier = try open("sluice-journal")
            let reader = try open("sluice-journal")
            try writer.run("CREATE TABLE old (body); INSERT INTO old VALUES ('in the database alone')")
            try #require(try copier.checkpoint().copied > 0)
            try writer.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, body)")
            for _ in 0..<50 { try writer.run("INSERT INTO rows (body) VALUES (randomblob(12000))") }
            // Who reads keeps the checkpoint from its end: nothing is synced, so SQLite hears of nothing.
            let holder = try open("sluice-journal")
            try holder.run("BEGIN")
            try #require(try holder.number("SELECT count(*) FROM rows") == 50)
            if isHeldOpen {
                other = try open("unix")
                #expect(try other?.number("SELECT count(*) FROM rows") == 50)
            }
            for _ in 0..<10 { try writer.run("INSERT INTO rows (body) VALUES (randomblob(12000))") }
            try #require(try copier.copyDirectly(true))
            try copier.failCopies(1)
            let (logged, copied) = try copier.checkpoint()
            #expect(logged > 60 && copied == 0, "the note that they were copied is taken back")
            #expect(try reader.number("SELECT count(*) FROM rows") == 60, "from the log")
            errno = ENOSPC
            #expect(reader.code("SELECT * FROM old") & 0xFF == SQLITE_IOERR)
            #expect(sqlite3_system_errno(reader.connection) == EIO)
            #expect(writer.code("INSERT INTO rows (body) VALUES ('more')") & 0xFF == SQLITE_IOERR)
            #expect(holder.code("COMMIT") == SQLITE_OK)
            errno = ENOSPC
            #expect(copier.checkpointCode() & 0xFF == SQLITE_IOERR)
            #expect(sqlite3_system_errno(copier.connection) == EIO)
            #expect(try copier.isBroken && writer.isBroken)
        }
        // All of them closed: nobody has emptied the log.
        let next = try open("unix")
        #expect(try next.number("SELECT count(*) FROM rows WHERE length(body) = 12000") == 60)
        #expect(try next.number("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1)
        other = nil
    }

    @Test(
        "A journal whose last copies are lost says that it must be started again, and then has everything",
        .enabled(if: isOnExt4, "only on ext4 anything is kept that could be lost"))
    func restarted() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = JournalOptions.small
        options.copyFaults = 1
        options.ballastBytes = 1 << 20
        let journal = try SQLiteJournal(dataFolder: folder, options: options)
        let ballast = folder + "/journal/ballast"
        try #require(FileManager.default.fileExists(atPath: ballast))
        try await journal.subscribe(1)
        var accepted = 0
        var failure: JournalError?
        for round in 0..<1_000 where failure == nil {
            do {
                try await journal.commit(.append((0..<10).map { .test("e\(round)-\($0)", bytes: 5_000) }))
                accepted += 10
            } catch { failure = error as? JournalError }
        }
        #expect(failure?.code == .needsRestart)
        #expect(failure?.message.contains("start again") == true, "\(failure as Any)")
        #expect(await journal.refusal(of: .settle([Delivery(1, 1, 1)])) == .needsRestart)
        // Room on the disk would not help, so none is given up or asked for.
        #expect(FileManager.default.fileExists(atPath: ballast))
        #expect(journal.freeBytesWanted == 0)
        journal.close()
        let next = try SQLiteJournal(dataFolder: folder, options: .small)
        #expect(try next.progress(of: 1).waiting == accepted)
        #expect(try next.audit() == [])
        next.close()
    }

    @Test("A failed sync of the database is not tried again: the next one would know nothing of what was not written")
    func failedSync() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            let writer = try open("sluice-journal")
            let reader = try open("sluice-journal")
            try writer.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, body)")
            for _ in 0..<50 { try writer.run("INSERT INTO rows (body) VALUES (randomblob(12000))") }
            try writer.failSyncs(1)
            // The one that lets the log begin anew.
            #expect(writer.checkpointCode() & 0xFF == SQLITE_IOERR)
            #expect(writer.checkpointCode() & 0xFF == SQLITE_IOERR)
            #expect(writer.code("INSERT INTO rows (body) VALUES ('more')") & 0xFF == SQLITE_IOERR)
            #expect(reader.checkpointCode() & 0xFF == SQLITE_IOERR)
            #expect(try writer.isBroken && reader.isBroken)
        }
        #expect(try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int ?? 0 > 600_000)
        let next = try open("unix")
        #expect(try next.number("SELECT count(*) FROM rows WHERE length(body) = 12000") == 50)
        #expect(try next.number("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1)
    }

    @Test("A file with holes is written the old way", .enabled(if: isOnExt4, "nothing else is on other file systems"))
    func holes() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let connection = try open("sluice-journal")
        try connection.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, body)")
        for _ in 0..<50 { try connection.run("INSERT INTO rows (body) VALUES (randomblob(12000))") }
        #expect(try connection.copyDirectly(true))
        #expect(try connection.checkpoint().copied > 50)
        try #require(truncate(path, 4 << 20) == 0)
        #expect(try !connection.copyDirectly(true))
        for _ in 0..<50 { try connection.run("INSERT INTO rows (body) VALUES (randomblob(12000))") }
        // Nothing is collected, so nothing of that kind can fail.
        try connection.failCopies(1)
        #expect(try connection.checkpoint().copied > 50)
        #expect(try !connection.isBroken)
        #expect(try connection.number("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1)
    }

    @Test("Where what is written over may need room, nothing is collected")
    func otherFileSystem() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let memory = "/dev/shm/sluice-\(UUID().uuidString).sqlite"
        try #require(Self.fileSystem(of: "/dev/shm") == 0x0102_1994, "tmpfs")
        defer { for suffix in ["", "-wal", "-shm"] { unlink(memory + suffix) } }
        let connection = try PlainConnection(memory, vfs: "sluice-journal", cachePages: 100, pageBytes: 16_384)
        try connection.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, body)")
        #expect(try !connection.copyDirectly(true))
    }

    private func open(_ vfs: String) throws -> PlainConnection {
        let connection = try PlainConnection(path, vfs: vfs, cachePages: 100, pageBytes: 16_384)
        try connection.run("PRAGMA wal_autocheckpoint = 0")
        return connection
    }

    private static func fileSystem(of path: String) -> Int64 {
        let folder = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { Glibc.close(folder) }
        return clinux_file_system_type(folder)
    }

    private static let isOnExt4 = fileSystem(of: NSTemporaryDirectory()) == 0xEF53
}

extension PlainConnection {
    /// Lets so many writes of what its checkpoints collect fail.
    func failCopies(_ count: Int32) throws {
        var value = count
        try #require(sqlite3_file_control(connection, "main", Int32(JOURNAL_VFS_FAIL_COPIES), &value) == SQLITE_OK)
    }

    /// Lets so many of its syncs of the database fail.
    func failSyncs(_ count: Int32) throws {
        var value = count
        try #require(sqlite3_file_control(connection, "main", Int32(JOURNAL_VFS_FAIL_SYNCS), &value) == SQLITE_OK)
    }

    var isBroken: Bool {
        get throws {
            var value: Int32 = 0
            try #require(sqlite3_file_control(connection, "main", Int32(JOURNAL_VFS_BROKEN), &value) == SQLITE_OK)
            return value == 1
        }
    }

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
