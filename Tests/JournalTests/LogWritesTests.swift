import CJournalVFS
import Foundation
import GRDBSQLite
import Journal
import Synchronization
import Testing

/// The write-ahead log written together (`CJournalVFS`): what SQLite reads back, what others read, and how many calls
/// it takes.
@Suite("The write-ahead log, written together")
struct LogWritesTests {
    let folder: String
    var path: String { folder + "/rows.sqlite" }

    init() throws {
        folder = try temporaryFolder()
        try #require(journal_vfs_use(1) == SQLITE_OK)
    }

    @Test("A transaction larger than the page cache reads what it has written, and is taken back or kept whole")
    func spilled() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try PlainConnection(path, vfs: together, cachePages: 10)
        try writer.run("CREATE TABLE rows (id INTEGER PRIMARY KEY, round, body)")
        let reader = try PlainConnection(path, vfs: plain, cachePages: 100)
        var kept = 0
        for round in 0..<6 {
            try writer.run("BEGIN IMMEDIATE")
            try writer.run(
                """
                WITH RECURSIVE row(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row WHERE n < 1499)
                INSERT INTO rows (round, body) SELECT \(round), \(body("n")) FROM row
                """)
            // Frames of this transaction that lie in the log already, written over and read again.
            try writer.run("UPDATE rows SET body = upper(body) WHERE round = \(round) AND id % 3 = 0")
            let same = "round = \(round) AND lower(body) = \(body("id - \(kept) - 1"))"
            #expect(try writer.number("SELECT count(*) FROM rows WHERE \(same)") == 1_500)
            #expect(
                try reader.number("SELECT count(*) FROM rows") == kept, "nobody else sees a transaction before its end")
            try writer.run(round % 2 == 0 ? "COMMIT" : "ROLLBACK")
            kept += round % 2 == 0 ? 1_500 : 0
            #expect(try reader.number("SELECT count(*) FROM rows") == kept)
            #expect(try reader.number("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1)
        }
    }

    @Test("A commit of a hundred pages is a few calls", arguments: [true, false])
    func calls(isTogether: Bool) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try PlainConnection(path, vfs: isTogether ? together : plain, cachePages: 1_000)
        // Not the checkpoint's.
        try database.run("PRAGMA wal_autocheckpoint = 0; CREATE TABLE rows (body)")
        try database.run("BEGIN IMMEDIATE; INSERT INTO rows VALUES (zeroblob(400000))")
        let before = try writeCalls()
        try database.run("COMMIT")
        let calls = try writeCalls() - before
        if isTogether {
            #expect(calls <= 8, "400 KB, at most 128 KB each")
        } else {
            #expect(calls >= 190, "as SQLite does it: two calls a page")
        }
    }

    private let together = "sluice-journal"
    private let plain = "unix"
    /// The text of row `n`.
    private func body(_ n: String) -> String { "printf('%.300c row %d', 'x', \(n))" }
}

/// The calling thread's calls of write and pwrite so far.
func writeCalls() throws -> Int {
    let text = try String(contentsOfFile: "/proc/thread-self/io", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("syscw: ") })
    return try #require(Int(line.dropFirst(7)))
}

/// A connection of SQLite's own interface: GRDB's cannot name a VFS.
final class PlainConnection {
    private(set) var connection: OpaquePointer?

    init(_ path: String, vfs: String, cachePages: Int, pageBytes: Int = 4_096) throws {
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        try #require(sqlite3_open_v2(path, &connection, flags, vfs) == SQLITE_OK)
        try run(
            """
            PRAGMA page_size = \(pageBytes); PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
            PRAGMA cache_size = \(cachePages); PRAGMA wal_autocheckpoint = 50;
            """)
    }

    deinit { sqlite3_close_v2(connection) }

    func run(_ sql: String) throws {
        let code = sqlite3_exec(connection, sql, nil, nil, nil)
        try #require(code == SQLITE_OK, "\(String(cString: sqlite3_errmsg(connection))): \(sql)")
    }

    /// The first column of the first row.
    func number(_ sql: String) throws -> Int {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        let prepared = sqlite3_prepare_v2(connection, sql, -1, &statement, nil)
        try #require(prepared == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        return Int(sqlite3_column_int64(statement, 0))
    }
}

@Suite("Watched commits")
struct WatchedCommitTests {
    @Test("Whoever watches hears when each record came, was begun with and durable, before the observer hears of it")
    func moments() async throws {
        let fixture = try Fixture(.sqlite)
        let journal = try #require(fixture.journal as? SQLiteJournal)
        let heard = Mutex<[WatchedCommit]>([])
        let observed = Mutex<[Position]>([])
        journal.watchCommits { commit in
            #expect(observed.withLock { $0.last ?? 0 } < commit.records[0].position)
            heard.withLock { $0.append(commit) }
        }
        journal.observeAppends { records in observed.withLock { $0 += records.map(\.position) } }
        try await journal.commit(.append(["a", "b"], to: []))
        try await journal.commit(.append(["c"], to: []))
        let commits = heard.withLock { $0 }
        #expect(commits.flatMap { $0.records.map(\.eventID) } == ["a", "b", "c"])
        for commit in commits {
            #expect(commit.submitted.count == commit.records.count)
            #expect(commit.submitted.allSatisfy { $0 <= commit.durable } && commit.begun <= commit.durable)
        }
        #expect(commits[0].durable <= commits[1].submitted[0])
    }
}
