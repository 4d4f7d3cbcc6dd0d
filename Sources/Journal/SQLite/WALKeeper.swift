import Foundation
import GRDB
import GRDBSQLite

/// Keeps the write-ahead log short from the writer's side: see `Checkpointer`. Belongs to the writer's thread.
final class WALKeeper {
    private let db: Database
    private let checkpointer: Checkpointer
    private let options: JournalOptions
    /// Pages in the WAL, as SQLite's hook told at the last commit.
    private let pages: UnsafeMutablePointer<Int64>

    /// Passes that the writer did itself, and commits that had to wait because the WAL was at its limit.
    private(set) var lastPasses: Int64 = 0
    private(set) var waits: Int64 = 0
    /// What the writer's own passes took, all together and the longest: nobody commits meanwhile.
    private(set) var lastPassMicroseconds: Int64 = 0
    private(set) var longestLastPassMicroseconds: Int64 = 0

    init(_ db: Database, _ checkpointer: Checkpointer, _ options: JournalOptions) {
        self.db = db
        self.checkpointer = checkpointer
        self.options = options
        pages = .allocate(capacity: 1)
        pages.initialize(to: 0)
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int64.self).pointee = Int64(pages)
                return SQLITE_OK
            }, pages)
    }

    /// Takes the hook away. `deinit` cannot: the connection may be closed by then.
    func stop() { sqlite3_wal_hook(db.sqliteConnection, nil, nil) }

    deinit { pages.deallocate() }

    var bytes: Int64 { pages.pointee * Checkpointer.pageBytes }

    /// To be called after each commit, when nobody waits for its result any more.
    /// - Parameter isReadBack: so much waits that what was committed will be read from the database.
    func afterCommit(isReadBack: Bool = false) {
        let pages = pages.pointee
        var (remaining, isRunning) = checkpointer.committed(pages: pages, isReadBack: isReadBack)
        let size = pages * Checkpointer.pageBytes
        if !isRunning, remaining * Checkpointer.pageBytes < options.lastPassLimit(at: size) {
            lastPass()
            return
        }
        guard size > options.walLimitBytes else { return }
        // Back-pressure: nothing commits until the WAL can start anew. A reader that holds it open (say, somebody's
        // SQLite shell) must not stop the host for ever, so after a while the WAL may grow further.
        waits += 1
        let deadline = ContinuousClock.now + .milliseconds(500)
        while ContinuousClock.now < deadline, checkpointer.failure == nil {
            (remaining, isRunning) = checkpointer.committed(pages: pages, isReadBack: isReadBack)
            if !isRunning, lastPass() { return }
            usleep(2_000)
        }
    }

    /// True if the WAL is copied whole: the next commit starts it anew unless somebody still reads from it.
    @discardableResult
    private func lastPass() -> Bool {
        var logged: Int32 = 0
        var copied: Int32 = 0
        let started = ContinuousClock.now
        DatabaseFile.copyDirectly(db, !checkpointer.isReadBack)
        defer {
            let took = (ContinuousClock.now - started).microseconds
            lastPassMicroseconds += took
            longestLastPassMicroseconds = max(longestLastPassMicroseconds, took)
        }
        let code = sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &logged, &copied)
        guard !checkpointer.isBroken(db), code == SQLITE_OK, copied >= 0 else { return false }
        checkpointer.copied(Int64(copied))
        lastPasses += 1
        return copied == logged
    }
}
