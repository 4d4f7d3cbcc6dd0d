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
    private let ended: DispatchSemaphore
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
        let ended = DispatchSemaphore(value: 0)
        self.queue = queue
        self.checkpointer = checkpointer
        self.ended = ended
        do {
            try Connections.checkFormat(folder.database)
            let writer = try Connections.writer(folder.database)
            try Schema.migrator.migrate(writer)
            try folder.sync(folder.folder)
            try Self.startWriter(
                writer, folder: folder, options: options, queue: queue, checkpointer: checkpointer, ended: ended,
                atPoint: atPoint)
        } catch {
            throw JournalError(storage: error, doing: "opening the journal", path: folder.database)
        }
        do {
            pool = try Connections.readers(folder.database, count: options.readers)
            try checkpointer.start(folder.database)
        } catch {
            queue.close()
            ended.wait()
            throw JournalError(storage: error, doing: "opening the journal's readers", path: folder.database)
        }
    }

    deinit { close() }

    /// Starts the writing thread and waits until it has read the state.
    private static func startWriter(
        _ connection: DatabaseQueue, folder: DataFolder, options: JournalOptions, queue: WriterQueue,
        checkpointer: Checkpointer, ended: DispatchSemaphore, atPoint: @escaping @Sendable (JournalPoint) -> Void
    ) throws {
        let ready = DispatchSemaphore(value: 0)
        let failure = Mutex<(any Error)?>(nil)
        // A reference the thread may hold beyond this call; the value is written before `ready` and read after it.
        let outcome = Outcome(failure: failure)
        let thread = Thread {
            // The connection is the thread's for the journal's life: GRDB runs this on the calling thread.
            connection.inDatabase { db in
                do {
                    let writer = try JournalWriter(
                        db, folder: folder, options: options, queue: queue, checkpointer: checkpointer, atPoint: atPoint
                    )
                    ready.signal()
                    writer.run()
                } catch {
                    outcome.failure.withLock { $0 = error }
                    ready.signal()
                }
            }
            try? connection.close()
            ended.signal()
        }
        thread.name = "journal-writer"
        thread.stackSize = 1 << 20
        thread.start()
        ready.wait()
        if let error = outcome.failure.withLock({ $0 }) { throw error }
    }

    private final class Outcome: Sendable {
        let failure: Mutex<(any Error)?>
        init(failure: consuming sending Mutex<(any Error)?>) { self.failure = failure }
    }

    /// The test's own hook, or the crash that `SLUICE_CRASH_AT` asks for.
    private static func pointHandler(_ options: JournalOptions) -> @Sendable (JournalPoint) -> Void {
        let crash = ProcessInfo.processInfo.environment["SLUICE_CRASH_AT"]
        let atPoint = options.atPoint
        return { point in
            atPoint?(point)
            if let crash, crash == "journal.\(point.rawValue)" { kill(getpid(), SIGKILL) }
        }
    }

    package func submit(
        _ batch: consuming Batch, completion: @escaping @Sendable (Result<Receipt, JournalError>) -> Void
    ) {
        if !queue.submit(.batch(batch, completion)) { completion(.failure(.closedJournal)) }
    }

    package func observeAppends(_ observer: @escaping @Sendable ([CommittedRecord]) -> Void) {
        queue.hooks.withLock { $0.observer = observer }
    }

    package func setRematch(_ rematch: @escaping @Sendable (Append, Int64) -> [SubscriptionID]) {
        queue.hooks.withLock { $0.rematch = rematch }
    }

    /// Commits what is queued, marks the clean end and lets go of the data folder. Must not be called from a completion.
    package func close() {
        let isFirst = isClosed.withLock { isClosed -> Bool in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        queue.close()
        // Readers and the checkpoint end first, so that the writer's connection is the last and empties the WAL.
        checkpointer.stop()
        try? pool.close()
        ended.wait()
        lock.withLock { $0 = nil }
    }

    /// Counters since it was opened, and what waits now.
    package var statistics: JournalStatistics {
        var statistics = queue.published.withLock { $0.statistics }
        (statistics.queuedBatches, statistics.queuedBytes) = queue.load
        return statistics
    }

    @discardableResult
    package func trim(settledBelow limit: Milliseconds) throws(JournalError) -> TrimReport {
        guard let result = queue.perform({ $0.trim(settledBelow: limit) }) else { throw .closedJournal }
        return try result.get()
    }

    /// Reads in one consistent transaction.
    func read<R>(_ what: String, _ body: (Database) throws -> R) throws(JournalError) -> R {
        do { return try pool.read(body) } catch {
            throw JournalError(storage: error, doing: what, path: folder.database)
        }
    }
}
