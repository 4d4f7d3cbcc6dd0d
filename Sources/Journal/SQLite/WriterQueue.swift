import Dispatch
import Synchronization

/// What waits for the writer, and what it has published: all that the writer's thread shares with others.
final class WriterQueue: Sendable {
    typealias Completion = @Sendable (Result<Receipt, JournalError>) -> Void

    enum Work: Sendable {
        /// `submitted`: monotonic nanoseconds.
        case batch(Batch, Completion, submitted: Int64)
        /// Runs on the writer's thread between transactions.
        case operation(@Sendable (JournalWriter) -> Void)
    }

    /// Whether the end leaves no mark of a clean shutdown.
    let leavesUnclean = Mutex(false)

    /// What readers see: the state of the last commit.
    struct Published: Sendable {
        var cores: [SubscriptionID: SubscriptionCore] = [:]
        var head: Position = 0
        var ruleSet: Int64 = 0
        var lastSubscription: Int64 = 0
        var boot: Int64 = 0
        var wasUnclean = false
        /// By bucket.
        var objects: [String: ObjectTotals] = [:]
        var statistics = JournalStatistics()
    }

    struct Hooks: Sendable {
        var observer: (@Sendable ([CommittedRecord]) -> Void)?
        var rematch: (@Sendable (Append, Int64) -> Append)?
        var watch: (@Sendable (WatchedCommit) -> Void)?
    }

    private struct State: Sendable {
        var work: [Work] = []
        var bytes = 0
        var isClosed = false
        /// There is work that may not wait.
        var isDue = false
        /// The writer sleeps; a call that makes work due must wake it.
        var isIdle = false

        /// True if the writer is to be woken.
        mutating func makeDue() -> Bool {
            isDue = true
            defer { isIdle = false }
            return isIdle
        }
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    let published = Mutex(Published())
    let hooks = Mutex(Hooks())

    /// False after `close`. What may wait is taken with the next work that may not, or after `hurry`.
    func submit(_ work: Work, mayWait: Bool = false) -> Bool {
        let bytes = Self.bytes(of: work)
        let (accepted, wakes) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed else { return (false, false) }
            state.work.append(work)
            state.bytes += bytes
            return (true, mayWait ? false : state.makeDue())
        }
        if wakes { wake.signal() }
        return accepted
    }

    /// What waits is due now.
    func hurry() {
        if state.withLock({ $0.work.isEmpty ? false : $0.makeDue() }) { wake.signal() }
    }

    /// Runs on the writer's thread and waits for it; nil if the journal is closed.
    func perform<R: Sendable>(_ body: @escaping @Sendable (JournalWriter) -> R) -> R? {
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<R?>(nil)
        let accepted = submit(
            .operation { writer in
                let value = body(writer)
                result.withLock { $0 = value }
                done.signal()
            })
        guard accepted else { return nil }
        done.wait()
        return result.withLock { $0 }
    }

    func close() {
        let wakes = state.withLock { state -> Bool in
            state.isClosed = true
            return state.makeDue()
        }
        if wakes { wake.signal() }
    }

    /// Everything queued. Waits when nothing is due and `waiting`; nil once closed and empty.
    func take(waiting: Bool) -> [Work]? {
        while true {
            let taken: [Work]? = state.withLock { state in
                if state.work.isEmpty || waiting && !state.isDue {
                    if state.work.isEmpty, state.isClosed { return nil }
                    state.isIdle = waiting
                    return []
                }
                defer {
                    state.work = []
                    state.bytes = 0
                    state.isDue = state.isClosed
                }
                return state.work
            }
            guard let taken else { return nil }
            if !taken.isEmpty || !waiting { return taken }
            wake.wait()
        }
    }

    var load: (batches: Int, bytes: Int) { state.withLock { ($0.work.count, $0.bytes) } }

    private static func bytes(of work: Work) -> Int {
        if case .batch(let batch, _, _) = work { batch.byteCount } else { 0 }
    }
}

/// When what a transaction appended came to the journal and was durable, in monotonic nanoseconds.
package struct WatchedCommit: Sendable {
    package var records: [CommittedRecord]
    /// Of each record.
    package var submitted: [Int64]
    package var begun: Int64
    package var durable: Int64

    package init(records: [CommittedRecord], submitted: [Int64], begun: Int64, durable: Int64) {
        self.records = records
        self.submitted = submitted
        self.begun = begun
        self.durable = durable
    }
}

/// Counters since the journal was opened.
package struct JournalStatistics: Sendable, Hashable {
    package var commits: Int64 = 0
    package var batches: Int64 = 0
    package var failedBatches: Int64 = 0
    package var records: Int64 = 0
    package var settlements: Int64 = 0
    package var payloadBytes: Int64 = 0
    /// Time from begin to durable, all commits together and the longest.
    package var commitMicroseconds: Int64 = 0
    package var longestCommitMicroseconds: Int64 = 0
    /// The size of the write-ahead log now and at most.
    package var walBytes: Int64 = 0
    package var peakWALBytes: Int64 = 0
    package var checkpoints: Int64 = 0
    /// What these took, all together and the longest: nobody commits meanwhile.
    package var checkpointMicroseconds: Int64 = 0
    package var longestCheckpointMicroseconds: Int64 = 0
    /// Commits that had to wait because the WAL was at its limit.
    package var walWaits: Int64 = 0
    /// Producers are refused because the disk is short of space: bytes that must be free before they are taken again; 0
    /// while they are taken.
    package var freeBytesWanted: Int64 = 0
    /// Batches and bytes that wait for the writer.
    package var queuedBatches = 0
    package var queuedBytes = 0

    package init() {}
}
