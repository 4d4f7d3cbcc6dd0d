import Journal
import SluiceRuntime

/// Looks at everything that the engine does and says which promise it breaks. It keeps its own account of every
/// delivery, and believes neither the core nor the journal.
struct SimulationWatch {
    enum Fate { case waiting, pending, dead, done }

    struct Account {
        /// By their paths.
        var keys: [String: String]
        /// How often its subscription had been deployed anew when it came.
        var deployment: Int
        var ingested: Int64
        var fate = Fate.waiting
        /// Failed attempts since it was (re)started.
        var failures = 0
        /// When its age began anew: it was redriven, or its key, which was parked, was free. Only the host that did it
        /// knows of the latter.
        var renewed: Instant?
        var isKnownRenewed = false
        /// It was redriven: what was under way at that moment may end before it.
        var wasDead = false
    }

    private var entries = Dictionary(uniqueKeysWithValues: SimulatedApp.entries.map { ($0.id, $0) })
    /// As of the last outcome that was asked for, and as of the last that was committed.
    private var accounts: [Delivery: Account] = [:]
    private var committed: [Delivery: Account] = [:]
    private var byKey: [SubscriptionID: [String: [Delivery]]] = [:]
    private var deployments: [SubscriptionID: Int] = [:]
    private var running: [AttemptID: DeliveryCore.Attempt] = [:]
    /// Those whose subscriptions had a downstream when they started, whatever a deployment has made of that since.
    private var usingDownstream: Set<AttemptID> = []
    private var inFlight: Set<Delivery> = []
    private var starts: [String: [Instant]] = [:]
    /// Paused by hand, by the wall clock: since when, and the spans that are over.
    var paused: Set<SubscriptionID> = []
    var pauseSpans: [SubscriptionID: [(from: Instant, to: Instant?)]] = [:]
    /// Their functions are gone.
    var stranded: Set<SubscriptionID> = []
    var dropped: Int64 = 0
    var checksAges = true

    struct Violation: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    mutating func appended(_ delivery: Delivery, keys: [String: String], ingested: Int64) {
        let id = delivery.subscription
        accounts[delivery] = Account(keys: keys, deployment: deployments[id] ?? 0, ingested: ingested)
        committed[delivery] = accounts[delivery]
        if let key = key(of: delivery) { byKey[id, default: [:]][key, default: []].append(delivery) }
    }

    func rules(_ id: SubscriptionID) -> DeliveryRules { entries[id]?.rules ?? DeliveryRules() }

    /// By the rules in force.
    private func key(of delivery: Delivery) -> String? {
        rules(delivery.subscription).keys.flatMap { accounts[delivery]?.keys[$0.path] }
    }

    /// The other of a subscription's two rules is in force. Between what came before and what comes from now on no
    /// order is promised.
    mutating func redeployed(_ id: SubscriptionID) {
        deployments[id, default: 0] += 1
        let own = SimulatedApp.entries.first { $0.id == id }?.rules ?? DeliveryRules()
        entries[id]?.rules = deployments[id]! % 2 == 0 ? own : SimulatedApp.redeployed(own)
        byKey[id] = nil
        // Of another rate; what it allows begins anew.
        starts["\(id.value)"] = nil
        for delivery in accounts.keys.filter({ $0.subscription == id }).sorted(by: { $0.ordinal < $1.ordinal }) {
            accounts[delivery]?.isKnownRenewed = false
            if let key = key(of: delivery) { byKey[id, default: [:]][key, default: []].append(delivery) }
        }
    }

    private func isOld(_ delivery: Delivery) -> Bool {
        accounts[delivery]?.deployment != deployments[delivery.subscription] ?? 0
    }

    // MARK: Starts

    mutating func started(_ attempt: DeliveryCore.Attempt, now: Instant) throws {
        guard let entry = entries[attempt.subscription] else { throw Violation("an unknown subscription was started") }
        let rules = entry.rules
        if paused.contains(attempt.subscription) { throw Violation("started while paused by hand") }
        if stranded.contains(attempt.subscription) { throw Violation("started without its function") }
        for work in attempt.works {
            guard let account = accounts[work.delivery] else { throw Violation("an unknown delivery was started") }
            if account.fate == .done { throw Violation("\(work.delivery) was started after it was settled") }
            if account.fate == .dead { throw Violation("\(work.delivery) was started although it is dead") }
            if work.history.count != account.failures {
                throw Violation(
                    "\(work.delivery) was started as after \(work.history.count) failures, but had \(account.failures)")
            }
            guard inFlight.insert(work.delivery).inserted else {
                throw Violation("\(work.delivery) runs twice at once")
            }
        }
        try checkBatch(attempt, rules)
        if let keys = rules.keys { try checkKeys(attempt, keys) }
        running[attempt.id] = attempt
        if rules.downstream != nil { usingDownstream.insert(attempt.id) }
        try checkConcurrency(attempt)
        if let rate = rules.rate { try checkRate(rate, of: "\(attempt.subscription.value)", now: now) }
        if rules.downstream != nil, let rate = SimulatedApp.downstreamLimits.rate {
            try checkRate(rate, of: SimulatedApp.downstream, now: now)
        }
    }

    private func checkBatch(_ attempt: DeliveryCore.Attempt, _ rules: DeliveryRules) throws {
        if attempt.works.isEmpty { throw Violation("an attempt has no work") }
        if attempt.works.count > rules.batch.count { throw Violation("a batch has too many events") }
        let bytes = attempt.works.reduce(0) { $0 + Int64($1.payload.count) }
        if attempt.works.count > 1, bytes > rules.batch.bytes { throw Violation("a batch has too many bytes") }
    }

    private func checkKeys(_ attempt: DeliveryCore.Attempt, _ policy: KeyPolicy) throws {
        var earlier: Set<Delivery> = []
        for work in attempt.works {
            guard let key = key(of: work.delivery) else { continue }
            let others = running.values.count { other in
                other.subscription == attempt.subscription
                    && other.works.contains { self.key(of: $0.delivery) == key }
            }
            if others >= policy.concurrency { throw Violation("too many at once for key \(key)") }
            guard policy.isOrdered, !isOld(work.delivery) else { continue }
            for delivery in byKey[attempt.subscription]?[key] ?? []
            where delivery.ordinal < work.delivery.ordinal && !earlier.contains(delivery) {
                switch accounts[delivery]!.fate {
                case .done: break
                case .dead:
                    if policy.parks, work.deadLetter == nil {
                        throw Violation("\(work.delivery) was started although \(delivery) parks its key")
                    }
                case .waiting, .pending:
                    if isOld(delivery) { break }
                    throw Violation(
                        "\(work.delivery) from \(work.source) was started before \(delivery) of its key was settled: "
                            + "it is \(accounts[delivery]!.fate), was dead: \(accounts[delivery]!.wasDead); "
                            + "the batch: \(attempt.works.map { ($0.delivery.ordinal, $0.key ?? "-", $0.group) })")
                }
            }
            earlier.insert(work.delivery)
        }
    }

    private func checkConcurrency(_ attempt: DeliveryCore.Attempt) throws {
        // What runs may be publishing; the simulation lets a worker go and resolves in one step.
        var counts: [String: Int] = [:]
        var downstream = 0
        for other in running.values {
            counts[other.function, default: 0] += 1
            if usingDownstream.contains(other.id) { downstream += 1 }
        }
        for (name, limit, _) in SimulatedApp.functions where counts[name, default: 0] > limit {
            throw Violation("function \(name) runs more than \(limit) at once")
        }
        let reserved = SimulatedApp.functions.reduce(0) { $0 + ($1.reserved ? $1.limit : 0) }
        let shared = SimulatedApp.functions.filter { !$0.reserved }.map { counts[$0.name, default: 0] }
        // One function may be above the shared slots with its own one.
        if shared.reduce(0, +) > SimulatedApp.globalLimit - reserved + shared.count - 1 {
            throw Violation("the functions together run more than the host allows")
        }
        if let limit = SimulatedApp.downstreamLimits.concurrency, downstream > limit {
            throw Violation("the downstream is used by more than \(limit) at once")
        }
    }

    private mutating func checkRate(_ rate: Rate, of name: String, now: Instant) throws {
        var times = starts[name] ?? []
        times.append(now)
        times.removeAll { $0 < now - 10_000 }
        for (index, time) in times.enumerated() {
            let allowed = Double(rate.burst) + Double(now - time) * Double(rate.count) / Double(rate.per)
            if Double(times.count - index) > allowed + 1e-6 { throw Violation("\(name) is used above its rate") }
        }
        starts[name] = times
    }

    // MARK: Outcomes

    mutating func ended(_ attempt: DeliveryCore.Attempt) {
        running[attempt.id] = nil
        usingDownstream.remove(attempt.id)
        for work in attempt.works { inFlight.remove(work.delivery) }
    }

    mutating func resolved(_ resolution: Resolution, now: Instant, wall: Int64) throws {
        let delivery = resolution.work.delivery
        guard let account = accounts[delivery], let entry = entries[delivery.subscription] else {
            throw Violation("an unknown delivery was resolved")
        }
        if account.fate == .done { throw Violation("\(delivery) was settled twice") }
        let policy = entry.rules.retry
        let begin = max(account.ingested, account.renewed ?? account.ingested)
        let knownBegin = account.isKnownRenewed ? begin : account.ingested
        func limit(from begin: Instant) -> Int64 {
            SimulatedApp.maximumAge + pausedTime(of: delivery.subscription, from: begin, to: now)
        }
        switch resolution {
        case .succeeded, .superseded, .dropped:
            if entry.rules.keys?.isOrdered == true { try checkOrder(of: delivery) }
            if case .dropped = resolution { dropped += 1 }
            accounts[delivery]!.fate = .done
        case .retry(let work, let due, _):
            accounts[delivery]!.fate = .pending
            accounts[delivery]!.failures += 1
            if due < now { throw Violation("a retry is due in the past") }
            if work.history.last?.code == SimulatedApp.refused { throw Violation("a refused code is tried again") }
            // A failure of the platform's own is no try, though a deployment has made them fewer since the last one.
            if work.history.last?.code != "NoSpace",
                work.history.count(where: { $0.code != "NoSpace" }) >= policy.maximumAttempts
            {
                throw Violation("tried more often than the policy says")
            }
            if checksAges, due - begin >= limit(from: begin) {
                throw Violation("tried again beyond its age")
            }
        case .dead(let work, let death):
            accounts[delivery]!.fate = .dead
            accounts[delivery]!.failures += 1
            switch death.condition {
            case "MaximumRetryAttempts":
                if work.history.count(where: { $0.code != "NoSpace" }) < policy.maximumAttempts {
                    throw Violation("given up after too few attempts")
                }
            case "MaximumEventAgeInSeconds":
                if checksAges, now - knownBegin + policy.maximumDelay < limit(from: knownBegin) {
                    throw Violation("given up for its age, but it is young")
                }
            case "MaximumPlatformFailures", "PermanentError": break
            default: throw Violation("died of \(death.condition)")
            }
        }
    }

    private func checkOrder(of delivery: Delivery) throws {
        guard !isOld(delivery), let key = key(of: delivery) else { return }
        for other in byKey[delivery.subscription]?[key] ?? [] where other.ordinal < delivery.ordinal && !isOld(other) {
            if !accounts[other]!.wasDead, accounts[other]!.fate == .pending || accounts[other]!.fate == .waiting {
                throw Violation("\(delivery) was settled before \(other) of its key")
            }
        }
    }

    private func pausedTime(of id: SubscriptionID, from: Instant, to: Instant) -> Int64 {
        (pauseSpans[id] ?? []).reduce(0) { $0 + max(0, min($1.to ?? to, to) - max($1.from, from)) }
    }

    /// A dead letter is in the pending set again, and with it everything its key holds back starts its age anew.
    mutating func redriven(_ delivery: Delivery, now: Instant) {
        accounts[delivery]?.fate = .pending
        accounts[delivery]?.failures = 0
        committed[delivery]?.failures = 0
        accounts[delivery]?.wasDead = true
        accounts[delivery]?.renewed = now
        accounts[delivery]?.isKnownRenewed = true
        free(delivery, now: now)
    }

    mutating func purged(_ delivery: Delivery, now: Instant) {
        accounts[delivery]?.fate = .done
        committed[delivery]?.fate = .done
        free(delivery, now: now)
    }

    /// What waited behind the last dead letter of a key has its whole time again.
    private mutating func free(_ delivery: Delivery, now: Instant) {
        guard let key = key(of: delivery), entries[delivery.subscription]?.rules.keys?.parks == true else {
            return
        }
        let others = byKey[delivery.subscription]?[key] ?? []
        guard !others.contains(where: { accounts[$0]?.fate == .dead }) else { return }
        for other in others where accounts[other]?.fate == .waiting && !inFlight.contains(other) {
            accounts[other]?.renewed = now
            accounts[other]?.isKnownRenewed = true
        }
    }

    func fate(_ delivery: Delivery) -> Fate? { accounts[delivery]?.fate }

    func failures(_ delivery: Delivery) -> Int? { accounts[delivery]?.failures }

    mutating func wasCommitted(_ deliveries: [Delivery: Fate], failures: [Delivery: Int]) {
        for (delivery, fate) in deliveries { committed[delivery]?.fate = fate }
        for (delivery, count) in failures { committed[delivery]?.failures = count }
    }

    mutating func crashed(now: Instant) {
        for (delivery, account) in committed {
            accounts[delivery]?.fate = account.fate
            accounts[delivery]?.failures = account.failures
            accounts[delivery]?.isKnownRenewed = false
            // A redrive that is taken up again has its whole time again.
            if account.fate == .pending, accounts[delivery]?.wasDead == true { accounts[delivery]?.renewed = now }
        }
        running = [:]
        usingDownstream = []
        inFlight = []
        starts = [:]
    }
}
