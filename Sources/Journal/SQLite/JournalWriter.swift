import GRDB
import GRDBSQLite
import Glibc
import Synchronization

/// The one that writes. It lives on the journal's thread and owns the writing connection for the journal's life.
///
/// Group commit without a timer: whatever was queued while the last transaction committed is the next one. A batch that
/// is refused for its own content takes the whole transaction back; the others run again without it. That is rare, and
/// costs nobody else an fsync; a savepoint for each batch would cost every batch a copy of the pages it touches.
final class JournalWriter {
    typealias Item = (batch: Batch, completion: WriterQueue.Completion, submitted: Int64)

    let db: Database
    let folder: DataFolder
    let options: JournalOptions
    let queue: WriterQueue
    let checkpointer: Checkpointer
    let atPoint: @Sendable (JournalPoint) -> Void
    let boot: Int64

    var ledger: Ledger
    var segment: OpenSegment
    var logs: [String: Int64]
    /// The one of them that was asked for last.
    var lastLog: (name: String, id: Int64)?
    var statements: WriterStatements
    var log: SegmentStatements
    var transaction = Transaction()
    var ballast: Ballast
    /// Producers are refused until there is room again.
    var isShort: Bool
    /// With less than this free, producers are refused.
    var minimumFree: Int64
    var lastRoomCheck: ContinuousClock.Instant?
    var statistics = JournalStatistics()
    private var backup: BackupSession?

    private var isOpen: Bool { sqlite3_get_autocommit(db.sqliteConnection) == 0 }
    private let begin: HotStatement
    private let commit: HotStatement
    private let wal: WALKeeper

    /// Raises the boot counter durably and starts from what is stored.
    /// - Parameter isShort: whether it works in the room of the ballast, which was given up to open it.
    init(
        _ db: Database, folder: DataFolder, options: JournalOptions, queue: WriterQueue, checkpointer: Checkpointer,
        isShort: Bool, atPoint: @escaping @Sendable (JournalPoint) -> Void
    ) throws {
        self.isShort = isShort
        self.db = db
        self.folder = folder
        self.options = options
        minimumFree = options.minimumFreeBytes
        self.queue = queue
        self.checkpointer = checkpointer
        self.atPoint = atPoint
        let stored = try StoredState(db)
        boot = stored.boot + 1
        try db.execute(
            sql:
                "BEGIN IMMEDIATE; UPDATE meta SET value = \(boot) WHERE name = 'boot'; UPDATE meta SET value = 0 WHERE "
                + "name = 'clean'; COMMIT")
        ledger = stored.ledger
        segment = stored.segment
        logs = stored.logs
        statements = try WriterStatements(db)
        log = try SegmentStatements(db, segment: segment.id)
        begin = try HotStatement(db, "BEGIN IMMEDIATE")
        commit = try HotStatement(db, "COMMIT")
        ballast = Ballast(folder, size: options.ballastBytes)
        ballast.make(reserve: minimumFree)
        wal = WALKeeper(db, checkpointer, options)
        let cores = Dictionary(uniqueKeysWithValues: stored.cores.map { ($0.record.id, $0) })
        let objects = try ObjectTotals.stored(db)
        let (head, ruleSet, last, boot) = (stored.head, stored.ruleSet, ledger.lastSubscription, boot)
        queue.published.withLock {
            $0.cores = cores
            $0.head = head
            $0.ruleSet = ruleSet
            $0.lastSubscription = last
            $0.boot = boot
            $0.wasUnclean = !stored.isClean
            $0.objects = objects
        }
        checkRoom()
    }

    /// Works until the queue is closed and empty.
    func run() {
        var backlog: [WriterQueue.Work] = []
        var next = 0
        while true {
            if next == backlog.count {
                guard let taken = queue.take(waiting: true) else { break }
                backlog = taken
                next = 0
            } else if backlog.count - next < options.batchRecords, let more = queue.take(waiting: false), !more.isEmpty
            {
                // Small batches that came meanwhile join the group.
                backlog.removeFirst(next)
                next = 0
                backlog += more
            }
            if case .operation(let operation) = backlog[next] {
                backlog[next] = .operation { _ in }
                next += 1
                operation(self)
                continue
            }
            var group: [Item] = []
            var weight = 0
            var bytes = 0
            while next < backlog.count, case .batch(let batch, let completion, let submitted) = backlog[next] {
                let (addedWeight, addedBytes) = (batch.weight, batch.byteCount)
                if !group.isEmpty,
                    weight + addedWeight > options.batchRecords || bytes + addedBytes > options.batchBytes
                {
                    break
                }
                weight += addedWeight
                bytes += addedBytes
                group.append((batch, completion, submitted))
                backlog[next] = .operation { _ in }
                next += 1
            }
            commitGroup(group)
        }
        wal.stop()
        backup = nil
        markClean()
    }

    // MARK: One transaction

    private func commitGroup(_ group: [Item]) {
        let started = ContinuousClock.now
        var results = [Result<Receipt, JournalError>?](repeating: nil, count: group.count)
        refuseProducers(group, &results)
        if let failure = checkpointer.failure { fail(&results, failure) }
        while results.contains(where: { $0 == nil }) {
            do throws(JournalError) {
                let receipts = try write(group, &results)
                for (index, receipt) in receipts { results[index] = .success(receipt) }
            } catch {
                rollback()
                // A batch's own fault was noted with it: the others go again.
                if error.code == .constraint, results.contains(where: { $0 != nil }), hasNewFailure { continue }
                // A pass failed meanwhile: that says what helps.
                if checkpointer.isBroken(db), let failure = checkpointer.failure {
                    fail(&results, failure)
                    continue
                }
                if error.code == .diskFull, giveUpBallast(group, &results) { continue }
                fail(&results, error)
            }
        }
        finish(group, results, started)
    }

    /// Set by `write` when it noted a failure with its batch.
    private var hasNewFailure = false

    private func write(
        _ group: [Item], _ results: inout [Result<Receipt, JournalError>?]
    ) throws(JournalError) -> [(Int, Receipt)] {
        hasNewFailure = false
        var receipts: [(Int, Receipt)] = []
        receipts.reserveCapacity(group.count)
        // Before SQLite begins: if that fails, there must be nothing to take back.
        ledger.begin()
        transaction.start(segment: segment)
        try attempt("beginning a transaction") { try begin.run() }
        try rollSegmentIfFull()
        for index in group.indices where results[index] == nil {
            do throws(JournalError) {
                receipts.append((index, try apply(group[index].batch)))
            } catch {
                if error.code == .constraint {
                    results[index] = .failure(error)
                    hasNewFailure = true
                }
                throw error
            }
        }
        try storeTransaction()
        atPoint(.beforeCommit)
        try attempt("committing") {
            if let code = options.commitFault?() {
                throw SQLiteFailure(code: code, message: "injected by a test", systemError: 0)
            }
            try commit.run()
        }
        return receipts
    }

    func attempt<R>(_ what: String, _ body: () throws -> R) throws(JournalError) -> R {
        do { return try body() } catch {
            throw JournalError(storage: error, doing: what, path: folder.database)
        }
    }

    private func rollback() {
        if isOpen { try? db.execute(sql: "ROLLBACK") }
        ledger.rollback()
        if transaction.hasRolled {
            // The tables of the new segment are gone, and with them its statements.
            segment = transaction.savedSegment
            if let old = transaction.savedLog { log = old }
        }
        for name in transaction.newLogs { logs[name] = nil }
        lastLog = nil
        transaction = Transaction()
    }

    private func fail(_ results: inout [Result<Receipt, JournalError>?], _ error: JournalError) {
        for index in results.indices where results[index] == nil { results[index] = .failure(error) }
    }

    // MARK: After it

    private func finish(
        _ group: [Item], _ results: [Result<Receipt, JournalError>?], _ started: ContinuousClock.Instant
    ) {
        let records = transaction.records
        var hasCommitted = false
        for result in results {
            statistics.batches += 1
            if case .success = result { hasCommitted = true } else { statistics.failedBatches += 1 }
        }
        if hasCommitted {
            segment.add(
                transaction.chunk.members, bytes: transaction.payloadBytes, ingested: transaction.newestIngested)
            publish(since: started)
            atPoint(.afterCommit)
        }
        transaction = Transaction()
        if !records.isEmpty {
            let (observer, watch) = queue.hooks.withLock { ($0.observer, $0.watch) }
            if let watch { watch(watched(records, group, results, started)) }
            observer?(records)
        }
        for (item, result) in zip(group, results) { if let result { item.completion(result) } }
        if hasCommitted {
            atPoint(.afterCompletion)
            wal.afterCommit(isReadBack: isReadBack)
        }
    }

    /// So much waits that what was committed will be read from the database.
    private var isReadBack: Bool {
        let mean = max(1, segment.bytes / max(1, ledger.head - segment.first + 1))
        let limit = min(options.cachedBacklog, options.cachedBacklogBytes / mean)
        return ledger.touched.contains { ledger.entries[$0].core.waiting > limit }
    }

    /// Nobody but a benchmark asks for it.
    private func watched(
        _ records: [CommittedRecord], _ group: [Item], _ results: [Result<Receipt, JournalError>?],
        _ started: ContinuousClock.Instant
    ) -> WatchedCommit {
        let durable = MonotonicClock.nanoseconds
        var submitted: [Int64] = []
        for (item, result) in zip(group, results) {
            guard case .success(let receipt)? = result else { continue }
            for case .at in receipt.appended { submitted.append(item.submitted) }
        }
        return WatchedCommit(
            records: records, submitted: submitted,
            begun: durable - (ContinuousClock.now - started).microseconds * 1000, durable: durable)
    }

    private func publish(since started: ContinuousClock.Instant) {
        let took = (ContinuousClock.now - started).microseconds
        statistics.commits += 1
        statistics.records += Int64(transaction.records.count)
        statistics.settlements += transaction.settlements
        statistics.payloadBytes += transaction.payloadBytes
        statistics.commitMicroseconds += took
        statistics.longestCommitMicroseconds = max(statistics.longestCommitMicroseconds, took)
        statistics.walBytes = wal.bytes
        statistics.checkpoints = wal.lastPasses
        statistics.checkpointMicroseconds = wal.lastPassMicroseconds
        statistics.longestCheckpointMicroseconds = wal.longestLastPassMicroseconds
        statistics.walWaits = wal.waits
        statistics.peakWALBytes = max(statistics.peakWALBytes, statistics.walBytes)
        queue.published.withLock { published in
            for index in ledger.touched {
                let entry = ledger.entries[index]
                published.cores[entry.core.record.id] = entry.isRemoved ? nil : entry.core
            }
            published.head = ledger.head
            published.ruleSet = ledger.ruleSet
            published.lastSubscription = ledger.lastSubscription
            published.statistics = statistics
            for (bucket, change) in transaction.objects { published.objects[bucket, default: .init()] += change }
        }
    }

    // MARK: Between transactions

    /// The next step of the one backup that may run.
    func stepBackup(to path: String, of caller: ObjectIdentifier) throws -> Double {
        if let backup, backup.caller != caller {
            throw JournalError(
                .constraint, "A backup to \(backup.path) is under way; begin the next one when it is done.", path: path)
        }
        let session = try backup ?? BackupSession(from: db, to: path, of: caller)
        backup = session
        do {
            let done = try session.step()
            if done == 1 { backup = nil }
            return done
        } catch {
            backup = nil
            throw error
        }
    }

    /// The mark that tells a clean shutdown. Closing the last connection then empties the WAL.
    private func markClean() {
        guard checkpointer.failure == nil, !queue.leavesUnclean.withLock({ $0 }) else { return }
        try? db.execute(sql: "UPDATE meta SET value = 1 WHERE name = 'clean'")
        atPoint(.closed)
    }
}

/// The clock that all processes share.
enum MonotonicClock {
    static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
