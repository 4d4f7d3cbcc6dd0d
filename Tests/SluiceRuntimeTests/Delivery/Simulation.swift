import Journal
import SluiceRuntime
import Synchronization

/// A whole delivery engine in one thread and virtual time: the real core, the real resolution writer and the in-memory
/// journal, driven through random histories of events, verdicts, late answers, disk errors, redrives, clock jumps and
/// crashes. A seed repeats a history.
struct Simulation {
    /// Virtual clocks, shared with the code under test.
    final class Time: Sendable {
        private let state = Mutex<(wall: Int64, monotonic: Int64)>((1_700_000_000_000, 5_000))

        func advance(_ milliseconds: Int64) {
            state.withLock { $0 = ($0.wall + milliseconds, $0.monotonic + milliseconds) }
        }

        func jump(_ milliseconds: Int64) { state.withLock { $0.wall += milliseconds } }

        var clock: HostClock {
            HostClock { [self] in state.withLock { ($0.wall * 1_000_000, $0.monotonic * 1_000_000) } }
        }
    }

    let time = Time()
    var random: SplitMix64
    var journal = InMemoryJournal()
    var core: DeliveryCore
    var running: [DeliveryCore.Attempt] = []
    /// Batches that a disk error holds back, in order: nothing later is written before them.
    var held: [Batch] = []
    var diskIsBroken = false
    var events = 0
    var crashes = 0
    /// How often the effect of (event, subscription) was committed.
    var effects: [String: Int] = [:]
    let subscriptions = (1...3).map { SubscriptionID(Int64($0)) }
    let batchSizes = [1, 1, 4]

    init(seed: UInt64) throws {
        random = SplitMix64(seed: seed)
        core = DeliveryCore(boot: 1, globalLimit: 4, seed: seed)
        var batch = Batch()
        for id in subscriptions {
            batch.control.append(
                .putSubscription(
                    SubscriptionRecord(id: id, log: "default", rule: "rule-\(id.value)", target: "f\(id.value % 2)")))
        }
        _ = try journal.commitBlocking(batch)
        try start()
    }

    // MARK: Lives

    /// What a host does at its start: subscriptions from the journal, then the pending set.
    private mutating func start() throws {
        let state = try journal.recover()
        core = DeliveryCore(boot: state.boot, globalLimit: 4, seed: random.next())
        for function in ["f0", "f1"] { core.setFunction(function, limit: 2) }
        let head = try journal.lastRecords(log: nil, limit: 1).last?.position ?? 0
        for (index, id) in subscriptions.enumerated() {
            let progress = try journal.progress().first { $0.subscription.id == id }
            core.setSubscription(
                id, function: "f\(id.value % 2)", policy: DeliveryPolicy(maximumAttempts: 3),
                batchSize: batchSizes[index], loaded: progress?.floorPosition ?? 0,
                newest: (progress?.waiting ?? 0) > 0 ? head : progress?.floorPosition ?? 0)
        }
        for entry in try journal.pending(nil, after: 0, limit: 100_000) {
            let memo = JSONText.decode(DeliveryMemo.self, from: entry.history)
            core.load(
                Work(
                    delivery: entry.delivery, source: .pending(deadLetter: entry.deadLetter), eventID: entry.eventID,
                    ingested: entry.ingested, expires: .max, payload: entry.payload, lineage: entry.lineage,
                    history: memo?.attempts ?? []),
                due: time.clock.instant(due: entry.due, longest: 300_000))
        }
    }

    /// The host is gone: what was in memory is lost, what was committed stays.
    mutating func crash() throws {
        crashes += 1
        held = []
        diskIsBroken = false
        running = []
        journal = journal.restarted()
        try start()
    }

    // MARK: Steps

    mutating func step() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: try appendEvents()
        case 30..<75: try finishOne(verdict: nil)
        case 75..<83: time.advance(Int64.random(in: 1...20_000, using: &random))
        case 83..<87: time.jump(Int64.random(in: -50_000_000...50_000_000, using: &random))
        case 87..<90: try lateAnswer()
        case 90..<93: try redrive()
        case 93..<97: try toggleDisk()
        default: try crash()
        }
        try pump()
    }

    mutating func pump() throws {
        var isWorking = true
        while isWorking {
            isWorking = false
            for action in core.pump(now: time.clock.now) {
                isWorking = true
                switch action {
                case .start(let attempt): running.append(attempt)
                case .refill(let id, let after, let limit):
                    let records = try journal.waiting(id, after: after, limit: limit)
                    core.refilled(id, with: records, limit: limit) { _, _ in .max }
                }
            }
        }
    }

    private mutating func appendEvents() throws {
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            events += 1
            let wanted = subscriptions.filter { _ in Bool.random(using: &random) }
            var batch = Batch()
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(events)", ingested: time.clock.wall, payload: Array("{}".utf8),
                    subscriptions: wanted, ruleSet: 0))
            // A producer's call fails while the disk does; what it did not accept does not count.
            guard (try? journal.commitBlocking(batch)) != nil else { continue }
            for record in try journal.lastRecords(log: nil, limit: 1) { core.accept(record) { _ in .max } }
        }
    }

    mutating func finishOne(verdict: Verdict?) throws {
        guard !running.isEmpty else { return }
        let attempt = running.remove(at: Int.random(in: 0..<running.count, using: &random))
        try finish(attempt, verdict ?? randomVerdict(for: attempt))
    }

    private mutating func finish(_ attempt: DeliveryCore.Attempt, _ verdict: Verdict) throws {
        core.workerDone(attempt.id)
        var batch = Batch()
        let writer = ResolutionWriter(clock: time.clock)
        for resolution in core.resolve(attempt.id, verdict, now: time.clock.now) {
            switch resolution {
            case .succeeded(let work):
                writer.finish(work, .succeeded, into: &batch)
                // The effect commits with the settlement; the sample counts how often.
                batch.objects.append(.put(effect(of: work)))
            case .dropped(let work): writer.finish(work, .dropped, into: &batch)
            case .superseded(let work): writer.finish(work, .superseded, into: &batch)
            case .retry(let work, let due, let from): writer.retry(work, due: due, from: from, into: &batch)
            case .dead(let work, let death):
                writer.dead(work, death, target: attempt.function, rule: "r", input: [], into: &batch)
            }
        }
        try commit(batch)
    }

    private func effect(of work: Work) -> ObjectRecord {
        ObjectRecord(
            bucket: "effects", key: "\(work.eventID)/\(work.delivery.subscription.value)", device: 0, inode: 0, size: 0,
            modified: 0, changed: 0, sample: 0, etag: "", sequencer: "", eventID: work.eventID)
    }

    private mutating func commit(_ batch: Batch) throws {
        guard !batch.isEmpty else { return }
        held.append(batch)
        try flush()
    }

    /// As the committer does: in order, and nothing after a batch that could not be written.
    private mutating func flush() throws {
        while let batch = held.first, !diskIsBroken {
            _ = try journal.commitBlocking(batch)
            held.removeFirst()
            for case .put(let record) in batch.objects { effects[record.key, default: 0] += 1 }
        }
    }

    private mutating func toggleDisk() throws {
        diskIsBroken.toggle()
        let broken = diskIsBroken
        journal.injectFault { _ in broken ? JournalError(.diskFull, "no space") : nil }
        try flush()
    }

    /// An answer for an attempt that is not running: of an earlier life, or answered already.
    private mutating func lateAnswer() throws {
        let id = AttemptID(
            boot: Int64.random(in: 0...2, using: &random), number: Int64.random(in: 1...50, using: &random))
        guard !running.contains(where: { $0.id == id }) else { return }
        if !core.resolve(id, .succeeded, now: time.clock.now).isEmpty { throw Violation("a late answer was believed") }
    }

    private mutating func redrive() throws {
        guard !diskIsBroken, held.isEmpty else { return }
        guard let letter = try journal.deadLetters(DeadLetterFilter(limit: 20)).randomElement(using: &random) else {
            return
        }
        let work = Work(
            delivery: letter.delivery, source: .pending(deadLetter: letter.id), eventID: letter.eventID,
            ingested: letter.ingested, expires: .max, payload: letter.payload, lineage: [])
        var batch = Batch()
        batch.deadLetters.append(.setState(id: letter.id, .redriving))
        batch.pending.append(
            .put(
                PendingEntry(
                    delivery: letter.delivery, state: .redriven, eventID: letter.eventID, ingested: letter.ingested,
                    attempts: 0, due: time.clock.wall, history: [], payload: letter.payload, lineage: [],
                    deadLetter: letter.id)))
        try commit(batch)
        core.load(work, due: time.clock.now)
    }

    private mutating func randomVerdict(for attempt: DeliveryCore.Attempt) -> Verdict {
        func summary(_ code: String) -> AttemptSummary {
            AttemptSummary(
                attempt: "\(attempt.id)", version: 1, started: 0, durationMilliseconds: 1, code: code, message: code)
        }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<55: return .succeeded
        case 55..<75: return .failed(summary("TimedOut"), .transient)
        case 75..<80: return .failed(summary("InvalidKey"), .permanent)
        case 80..<85: return .failed(summary("NoSpace"), .platform)
        case 85..<88: return .superseded
        default:
            return .records(
                attempt.works.map { _ in
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: .failed(summary("RecordFailed"), .transient)
                    case 1: .dropped
                    default: .succeeded
                    }
                })
        }
    }

    struct Violation: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }
}
