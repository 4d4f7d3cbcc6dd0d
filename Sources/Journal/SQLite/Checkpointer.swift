import CJournalVFS
import CLinux
import Dispatch
import Foundation
import GRDB
import GRDBSQLite
import Synchronization

/// Copies the write-ahead log into the database on its own connection and thread, beside the writer.
///
/// A passive checkpoint beside a busy writer never catches up with it, so the WAL would never start anew: the writer
/// does the short last pass itself (`JournalWriter.checkpoint`). SQLite syncs the database file only in the pass that
/// completes the WAL, which made that pass slow; so each background pass is followed by a sync of its own, through
/// SQLite's own file handle (a second descriptor, once closed, would drop the process's locks on the file).
final class Checkpointer: Sendable {
    private struct State: Sendable {
        /// Pages in the WAL, and how many of them are in the database file.
        var pages: Int64 = 0
        var copied: Int64 = 0
        /// Raised whenever the WAL starts anew: what a pass has copied counts only for the one it ran on.
        var generation = 0
        var isStarted = false
        var isRunning = false
        var isStopping = false
        var isAsked = false
        /// What is copied now will be read from the database soon.
        var isReadBack = false
        var passes: Int64 = 0
        var failure: JournalError?
    }

    static let pageBytes: Int64 = 16384

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let options: JournalOptions
    private let atPoint: @Sendable (JournalPoint) -> Void

    init(_ options: JournalOptions, atPoint: @escaping @Sendable (JournalPoint) -> Void) {
        self.options = options
        self.atPoint = atPoint
    }

    /// Opens the second connection and starts the thread.
    func start(_ path: String, logWrites: Connections.LogWrites = .together) throws {
        let connection = try Connections.checkpointer(path, logWrites: logWrites)
        if options.copyFaults > 0 { connection.inDatabase { DatabaseFile.failCopies($0, options.copyFaults) } }
        state.withLock { $0.isStarted = true }
        let thread = Thread { [self] in
            clinux_name_thread("journal-ckpt")
            connection.inDatabase { loop($0) }
            try? connection.close()
            ended.signal()
        }
        thread.start()
    }

    /// Waits for the pass in progress, then ends the thread.
    func stop() {
        let isStarted = state.withLock { state -> Bool in
            state.isStopping = true
            return state.isStarted
        }
        guard isStarted else { return }
        wake.signal()
        ended.wait()
    }

    /// A pass failed to sync the database file, and what the kernel dropped cannot be known; or the VFS could not write
    /// what SQLite takes to be there. The WAL must stay.
    var failure: JournalError? { state.withLock { $0.failure } }
    var isReadBack: Bool { state.withLock { $0.isReadBack } }
    var passes: Int64 { state.withLock { $0.passes } }

    /// Tells how long the WAL is after a commit, and whether there is a backlog that will be read back.
    /// - Returns: pages that are not in the database file yet, and whether a pass runs.
    func committed(pages: Int64, isReadBack: Bool = false) -> (remaining: Int64, isRunning: Bool) {
        let (remaining, isRunning, asks) = state.withLock { state -> (Int64, Bool, Bool) in
            state.isReadBack = isReadBack
            // Shorter than before: the WAL started anew.
            if pages < state.pages {
                state.copied = 0
                state.generation += 1
            }
            state.pages = pages
            let remaining = pages - state.copied
            let asks =
                remaining * Self.pageBytes >= options.passBytes(at: pages * Self.pageBytes) && !state.isRunning
                && !state.isAsked
            if asks { state.isAsked = true }
            return (remaining, state.isRunning, asks)
        }
        if asks { wake.signal() }
        return (remaining, isRunning)
    }

    /// To be called after whatever may have failed for it: whether the VFS refuses the database for good.
    func isBroken(_ db: Database) -> Bool {
        guard DatabaseFile.isBroken(db) else { return false }
        fail("The journal's database file cannot be written.")
        return true
    }

    private func fail(_ what: String) {
        let error = JournalError(
            .needsRestart,
            "\(what) Nothing more is accepted; what was accepted is in the write-ahead log. Check the disk, close "
                + "what else has the journal's database open, then start again.")
        state.withLock { if $0.failure == nil { $0.failure = error } }
    }

    /// The writer's own pass.
    func copied(_ pages: Int64) { state.withLock { $0.copied = pages } }

    private func loop(_ db: Database) {
        while true {
            wake.wait()
            let goesOn = state.withLock { state -> Bool in
                state.isAsked = false
                state.isRunning = !state.isStopping && state.failure == nil
                return !state.isStopping
            }
            guard goesOn else { return }
            pass(db)
            state.withLock { $0.isRunning = false }
        }
    }

    private func pass(_ db: Database) {
        guard failure == nil else { return }
        DatabaseFile.copyDirectly(db, !isReadBack)
        var logged: Int32 = 0
        var copied: Int32 = 0
        let generation = state.withLock { $0.generation }
        // Busy or out of space is no loss: the WAL keeps everything, a later pass copies it.
        let code = sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &logged, &copied)
        guard !isBroken(db), code == SQLITE_OK else { return }
        atPoint(.checkpointCopied)
        let synced = DatabaseFile.sync(db)
        guard synced == SQLITE_OK else {
            return fail("The journal's database file cannot be synced (SQLite error \(synced)).")
        }
        atPoint(.checkpointSynced)
        state.withLock { state in
            state.passes += 1
            if state.generation == generation { state.copied = max(state.copied, Int64(copied)) }
        }
    }
}

/// The database file under a connection, through SQLite's own handle.
enum DatabaseFile {
    /// Whether the connection's next checkpoints write past the kernel's cache: new pages there cost more than the disk
    /// does, and most of the log is never read again. Where it cannot be had they write as SQLite does.
    static func copyDirectly(_ db: Database, _ directly: Bool) {
        var value: Int32 = directly ? 1 : 0
        sqlite3_file_control(db.sqliteConnection, "main", Int32(JOURNAL_VFS_DIRECT), &value)
    }

    static func failCopies(_ db: Database, _ count: Int32) {
        var value = count
        sqlite3_file_control(db.sqliteConnection, "main", Int32(JOURNAL_VFS_FAIL_COPIES), &value)
    }

    /// Whether something is missing in it that SQLite takes to be there (`CJournalVFS`).
    static func isBroken(_ db: Database) -> Bool {
        var value: Int32 = 0
        sqlite3_file_control(db.sqliteConnection, "main", Int32(JOURNAL_VFS_BROKEN), &value)
        return value != 0
    }

    /// fsync. `SQLITE_OK` or an error code.
    static func sync(_ db: Database) -> Int32 {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let code = sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file)
        guard code == SQLITE_OK else { return code }
        guard let file, let methods = file.pointee.pMethods, let sync = methods.pointee.xSync else {
            return SQLITE_IOERR
        }
        return sync(file, SQLITE_SYNC_NORMAL)
    }
}
