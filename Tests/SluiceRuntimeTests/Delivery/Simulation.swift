import Journal
import SluiceRuntime
import Synchronization

/// A whole delivery engine in one thread and virtual time: the real core, the real resolution writer and pause notes,
/// and the in-memory journal, driven through random histories of events, verdicts, late answers, disk errors, redrives,
/// purges, pauses, clock jumps and crashes. A seed repeats a history.
struct Simulation {
    typealias Violation = SimulationWatch.Violation

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

    /// What is on its way into the journal, with what it means for the watch.
    struct Pending {
        var batch: Batch
        var fates: [Delivery: SimulationWatch.Fate] = [:]
        var failures: [Delivery: Int] = [:]
        var pauses: PauseAccount?
    }

    /// What the watch knows of pauses at one moment.
    struct PauseAccount {
        var byHand: Set<SubscriptionID> = []
        var spans: [SubscriptionID: [(from: Instant, to: Instant?)]] = [:]
    }

    let time = Time()
    let bug: SeededBug?
    /// Clock jumps make ages uncertain; a history either has them or checks ages.
    let hasJumps: Bool
    /// Reads that the core has asked for and that nobody has done yet, and what those that were done have found.
    var asked: [DeliveryCore.Action] = []
    var answers: [ReadAnswer] = []
    var random: SplitMix64
    var journal = InMemoryJournal()
    var core: DeliveryCore
    var watch = SimulationWatch()
    var pauses: [SubscriptionID: PauseNote] = [:]
    var running: [DeliveryCore.Attempt] = []
    var ended: [DeliveryCore.Attempt] = []
    /// Attempts with dead works whose inputs are being kept: their letters are written later.
    var keeping: [(attempt: DeliveryCore.Attempt, letters: Pending)] = []
    /// Batches that a disk error holds back, in order: nothing later is written before them.
    var held: [Pending] = []
    var diskIsBroken = false
    /// What producers put is written, what was decided waits for its turn.
    var diskIsSlow = false
    var events = 0
    var crashes = 0
    /// The pauses that are in the journal.
    var pausesInJournal = PauseAccount()
    /// How often the effect of (event, subscription) was committed.
    var effects: [String: Int] = [:]
    let entries = SimulatedApp.entries

    init(seed: UInt64, bug: SeededBug? = nil) throws {
        random = SplitMix64(seed: seed)
        self.bug = bug
        hasJumps = seed % 2 == 0
        watch.checksAges = !hasJumps
        core = DeliveryCore(boot: 1, globalLimit: SimulatedApp.globalLimit, seed: seed)
        var batch = Batch()
        for entry in entries {
            batch.control.append(
                .putSubscription(
                    SubscriptionRecord(
                        id: entry.id, log: "default", rule: "rule-\(entry.id.value)", target: entry.function)))
        }
        _ = try journal.commitBlocking(batch)
        try start()
    }

    // MARK: Lives

    /// What a host does at its start: subscriptions from the journal, pauses, parked keys, then the pending set.
    private mutating func start() throws {
        let state = try journal.recover()
        core = DeliveryCore(boot: state.boot, globalLimit: SimulatedApp.globalLimit, seed: random.next())
        // So small that the log is read back all the time.
        core.window.records = 4 + Int(state.boot * 7919 % 61)
        core.window.refill = max(1, core.window.records / 4)
        core.window.retries = 1 + Int(state.boot * 31 % 4)
        core.window.line = 2 + Int(state.boot * 13 % 17)
        core.window.lines = 1 + Int(state.boot * 23 % 31)
        core.window.lineBytes = state.boot % 3 == 0 ? 200 : 100_000
        for (name, limit, reserved) in SimulatedApp.functions {
            core.setFunction(name, limit: limit, reserved: reserved)
        }
        core.setDownstreams(
            [SimulatedApp.downstream: bug == .ignoresDownstreams ? DownstreamLimits() : SimulatedApp.downstreamLimits])
        let head = try journal.lastRecords(log: nil, limit: 1).last?.position ?? 0
        let progress = Dictionary(uniqueKeysWithValues: try journal.progress().map { ($0.subscription.id, $0) })
        for entry in entries {
            core.setSubscription(
                entry.id, function: entry.function, rules: seeded(rules(entry.id)),
                loaded: progress[entry.id]?.floorPosition ?? 0, newest: max(head, 1))
        }
        pauses = [:]
        if bug != .forgetsPauses {
            for (name, body) in try journal.values(prefix: PauseNote.prefix) {
                guard let number = Int64(name.dropFirst(PauseNote.prefix.count)),
                    let note = JSONText.decode(PauseNote.self, from: body)
                else { continue }
                pauses[SubscriptionID(number)] = note
                if let flow = note.flow(clock: time.clock, longest: 5000) { core.restore(SubscriptionID(number), flow) }
            }
        }
        if bug != .forgetsParkedKeys {
            for letter in try journal.deadLetters(DeadLetterFilter(states: [.dead], limit: 100_000)) {
                guard let key = key(of: letter.payload, rules(letter.delivery.subscription).keys) else { continue }
                core.park(letter.delivery.subscription, key: key)
            }
        }
        guard bug != .forgetsPending else { return }
        for entry in try journal.pending(nil, after: 0, limit: 100_000) {
            core.load(work(pending: entry), due: time.clock.instant(due: entry.due, longest: 300_000))
        }
    }

    /// The host is gone: what was in memory is lost, what was committed stays.
    mutating func crash() throws {
        crashes += 1
        held = []
        diskIsBroken = false
        diskIsSlow = false
        running = []
        keeping = []
        ended = []
        asked = []
        answers = []
        watch.stranded = []
        watch.crashed(now: time.clock.now)
        // A pause that was not stored never was, and one whose end was not stored goes on.
        watch.paused = pausesInJournal.byHand
        watch.pauseSpans = pausesInJournal.spans
        journal = journal.restarted()
        try start()
    }

    // MARK: Steps

    mutating func step() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: try appendEvents()
        case 25..<62: try finishOne(verdict: nil)
        case 62..<66: try keepOne()
        case 66..<76: time.advance(Int64.random(in: 1...20_000, using: &random))
        case 76..<79: if hasJumps { time.jump(Int64.random(in: -50_000_000...50_000_000, using: &random)) }
        case 79..<80: time.advance(Int64.random(in: 1...SimulatedApp.maximumAge, using: &random))
        case 80..<83: try lateAnswer()
        case 83..<86: try redrive()
        case 86..<87: try purge()
        case 87..<91: try pauseOrResume()
        case 91..<94: try toggleDisk()
        case 94..<95: try slowDisk()
        case 95..<97: try giveBack()
        case 97..<98: if Bool.random(using: &random) { try deploy() } else { strandOrReturn() }
        default: try crash()
        }
        if !asked.isEmpty, Bool.random(using: &random) {
            try read(Int.random(in: 0..<asked.count, using: &random), isSure: false)
        }
        if !answers.isEmpty, Bool.random(using: &random) { try hear() }
        _ = try tellParked(isSure: false)
        try pump()
        // What is given back goes into its line however full that is.
        let most = core.window.lines + core.window.refill + Self.givenBack
        for id in entries.map(\.id) where core.inLines(of: id).works > most {
            throw Violation("lines of subscription \(id.value) hold \(core.inLines(of: id).works), more than \(most)")
        }
    }

    private static let givenBack = 24

    mutating func pump() throws {
        var isWorking = true
        while isWorking {
            isWorking = false
            for action in core.pump(now: time.clock.now) {
                isWorking = true
                switch action {
                case .start(let attempt):
                    try watch.started(attempt, now: time.clock.now)
                    if bug == .freesSlotsEarly { core.workerDone(attempt.id) }
                    running.append(attempt)
                case .refill, .reload, .refillKeys:
                    // The answer comes at once, or later: what has happened meanwhile is not in it.
                    asked.append(action)
                    if Int.random(in: 0..<3, using: &random) > 0 { try read(asked.count - 1, isSure: true) }
                }
            }
        }
    }

    private mutating func appendEvents() throws {
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            events += 1
            let wanted = entries.map(\.id).filter { _ in Bool.random(using: &random) }
            let keys = [
                "k": ["a", "b", "c"].randomElement(using: &random)!, "j": ["x", "y"].randomElement(using: &random)!,
            ]
            let text =
                "{\"k\":\"\(keys["k"]!)\",\"j\":\"\(keys["j"]!)\",\"pad\":\"\(String(repeating: "x", count: Int.random(in: 0...60, using: &random)))\"}"
            var batch = Batch()
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(events)", ingested: time.clock.wall, payload: Array(text.utf8),
                    subscriptions: wanted, ruleSet: 0))
            // A producer's call fails while the disk does; what it did not accept does not count.
            guard (try? journal.commitBlocking(batch)) != nil else { continue }
            for record in try journal.lastRecords(log: nil, limit: 1) {
                for delivery in record.deliveries {
                    watch.appended(delivery, keys: keys, ingested: time.clock.now)
                }
                if bug == .losesNewsDuringReads, !asked.isEmpty || !answers.isEmpty { continue }
                let traits = traitsReader
                core.accept(record, now: time.clock.now) { traits(record, $0, $1) }
            }
        }
    }
}
