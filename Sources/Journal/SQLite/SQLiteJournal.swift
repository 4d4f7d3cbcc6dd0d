import CLinux
import Dispatch
import Foundation
import GRDB
import Synchronization

/// The journal on SQLite: one file under `<data folder>/journal`, one writing thread, readers beside it.
///
/// docs/journal-format.md tells what is on disk and what a commit promises.
package final class SQLiteJournal: JournalStore {
    let folder: DataFolder
    let queue: WriterQueue
    let checkpointer: Checkpointer
    let pool: DatabasePool
    private let lock: Mutex<DataFolderLock?>
    private let life: WriterLife
    private let isClosed = Mutex(false)

    /// Opens the journal of a data folder, or makes one, and raises its boot counter.
    ///
    /// Throws `locked` (another host has the folder; its process id is in the message), `newerFormat`, `corrupt`,
    /// `unsuitableFileSystem`, `diskFull` or `inputOutput`.
    package init(dataFolder: String, options: JournalOptions = JournalOptions()) throws(JournalError) {
        folder = DataFolder(dataFolder)
        try folder.make()
        if !options.allowsAnyFileSystem { try folder.checkFileSystem() }
        lock = Mutex(try DataFolderLock(folder))
        let atPoint = Self.pointHandler(options)
        let queue = WriterQueue()
        let checkpointer = Checkpointer(options, atPoint: atPoint)
        self.queue = queue
        self.checkpointer = checkpointer
        let openWriter = { [folder] (isShort: Bool) throws(JournalError) in
            try Self.openWriter(
                in: folder, options: options, isShort: isShort, queue: queue, checkpointer: checkpointer,
                atPoint: atPoint)
        }
        do throws(JournalError) {
            life = try openWriter(false)
        } catch {
            // The host before was killed on a full disk, with the ballast still there: this is what it is for.
            guard error.code == .diskFull, folder.giveUpBallast() else { throw error }
            life = try openWriter(true)
        }
        do {
            try checkpointer.start(folder.database)
            pool = try Connections.readers(folder.database, count: options.readers)
        } catch {
            queue.close()
            checkpointer.stop()
            life.mayClose.signal()
            life.ended.wait()
            throw JournalError(storage: error, doing: "opening the journal's other connections", path: folder.database)
        }
    }

    deinit { close() }

    /// Opens the database, or makes it, and starts its writer.
    private static func openWriter(
        in folder: DataFolder, options: JournalOptions, isShort: Bool, queue: WriterQueue, checkpointer: Checkpointer,
        atPoint: @escaping @Sendable (JournalPoint) -> Void
    ) throws(JournalError) -> WriterLife {
        do {
            try Connections.checkFormat(folder.database)
            let connection = try Connections.writer(folder.database, busySeconds: options.busySeconds)
            try Schema.migrator.migrate(connection)
            try folder.sync(folder.folder)
            return try startWriter(
                connection, folder: folder, options: options, isShort: isShort, queue: queue,
                checkpointer: checkpointer, atPoint: atPoint)
        } catch {
            throw JournalError(storage: error, doing: "opening the journal", path: folder.database)
        }
    }

    /// Starts the writing thread and waits until it has read the state.
    private static func startWriter(
        _ connection: DatabaseQueue, folder: DataFolder, options: JournalOptions, isShort: Bool, queue: WriterQueue,
        checkpointer: Checkpointer, atPoint: @escaping @Sendable (JournalPoint) -> Void
    ) throws -> WriterLife {
        let life = WriterLife()
        let thread = Thread {
            clinux_name_thread("journal-writer")
            // Everybody waits for a commit; it must not wait for others' turns on a processor between two syncs.
            clinux_ask_short_turns()
            // The connection is the thread's for the journal's life: GRDB runs this on the calling thread.
            connection.inDatabase { db in
                do {
                    let writer = try JournalWriter(
                        db, folder: folder, options: options, queue: queue, checkpointer: checkpointer,
                        isShort: isShort, atPoint: atPoint)
                    life.isReady.signal()
                    writer.run()
                } catch {
                    life.failure.withLock { $0 = error }
                    life.isReady.signal()
                    return
                }
                life.isDrained.signal()
                life.mayClose.wait()
            }
            try? connection.close()
            life.ended.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
        life.isReady.wait()
        if let error = life.failure.withLock({ $0 }) {
            life.ended.wait()
            throw error
        }
        return life
    }

    /// The steps of the writing thread's life, to wait for.
    private final class WriterLife: Sendable {
        let isReady = DispatchSemaphore(value: 0)
        /// Why it could not begin.
        let failure = Mutex<(any Error)?>(nil)
        let isDrained = DispatchSemaphore(value: 0)
        let mayClose = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
    }

    /// The test's own hook, or the crash that `SLUICE_CRASH_AT=journal.<name>[:n]` asks for, at the n-th arrival.
    private static func pointHandler(_ options: JournalOptions) -> @Sendable (JournalPoint) -> Void {
        let parts = (ProcessInfo.processInfo.environment["SLUICE_CRASH_AT"] ?? "").split(separator: ":")
        let crash = parts.first.map(String.init) ?? ""
        let arrival = parts.count > 1 ? Int(parts[1]) ?? 1 : 1
        let arrivals = Mutex(0)
        let atPoint = options.atPoint
        return { point in
            atPoint?(point)
            guard crash == "journal.\(point.rawValue)" else { return }
            let count = arrivals.withLock { count in
                count += 1
                return count
            }
            if count == arrival { kill(getpid(), SIGKILL) }
        }
    }

    package func submit(
        _ batch: consuming Batch, mayWait: Bool,
        completion: @escaping @Sendable (Result<Receipt, JournalError>) -> Void
    ) {
        let work = WriterQueue.Work.batch(batch, completion, submitted: MonotonicClock.nanoseconds)
        if !queue.submit(work, mayWait: mayWait) { completion(.failure(.closedJournal)) }
    }

    package func hurry() { queue.hurry() }

    package func observeAppends(_ observer: @escaping @Sendable ([CommittedRecord]) -> Void) {
        queue.hooks.withLock { $0.observer = observer }
    }

    /// Calls `watch` on the journal's thread after each transaction that appends, before its observer: for benchmarks.
    package func watchCommits(_ watch: @escaping @Sendable (WatchedCommit) -> Void) {
        queue.hooks.withLock { $0.watch = watch }
    }

    package func setRematch(_ rematch: @escaping @Sendable (Append, Int64) -> Append) {
        queue.hooks.withLock { $0.rematch = rematch }
    }

    package func setMinimumFree(_ bytes: Int64) {
        _ = queue.perform { $0.setMinimumFree(bytes) }
    }

    package var freeBytesWanted: Int64 { queue.published.withLock { $0.statistics.freeBytesWanted } }

    package func leaveUnclean() { queue.leavesUnclean.withLock { $0 = true } }

    /// Commits what is queued, marks the clean end and lets go of the data folder. Never call it from a completion.
    package func close() {
        let isFirst = isClosed.withLock { isClosed -> Bool in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        queue.close()
        life.isDrained.wait()
        // The writer's connection closes last: only one that may write can empty the WAL.
        checkpointer.stop()
        try? pool.close()
        life.mayClose.signal()
        life.ended.wait()
        lock.withLock { $0 = nil }
    }

    /// Counters since it was opened, and what waits now.
    package var statistics: JournalStatistics {
        var statistics = queue.published.withLock { $0.statistics }
        (statistics.queuedBatches, statistics.queuedBytes) = queue.load
        return statistics
    }

    @discardableResult
    package func trim(settledBelow limit: Milliseconds, upTo end: Position) throws(JournalError) -> TrimReport {
        var report = TrimReport()
        // Step by step, so that commits go on in between.
        while true {
            guard let step = queue.perform({ $0.trimStep(settledBelow: limit, upTo: end) }) else {
                throw .closedJournal
            }
            guard let dropped = try step.get() else { return report }
            report.records += dropped.records
            report.bytes += dropped.bytes
        }
    }

    /// Reads in one consistent transaction.
    func read<R>(_ what: String, _ body: (Database) throws -> R) throws(JournalError) -> R {
        do { return try pool.read(body) } catch {
            if isClosed.withLock({ $0 }) { throw .closedJournal }
            throw JournalError(storage: error, doing: what, path: folder.database)
        }
    }
}
