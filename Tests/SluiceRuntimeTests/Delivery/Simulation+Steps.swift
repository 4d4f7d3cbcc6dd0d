import Journal
import SluiceRuntime

/// What users and bad luck do to the simulated host, and what its dispatcher tells the core of an event.
extension Simulation {
    func rules(_ id: SubscriptionID) -> DeliveryRules { watch.rules(id) }

    /// The rules as a core with the seeded bug would follow them.
    func seeded(_ rules: DeliveryRules) -> DeliveryRules {
        var rules = rules
        switch bug {
        case .ignoresRates: rules.rate = nil
        case .ignoresBatchBytes: rules.batch.bytes = .max
        case .keepsOldRates: if let rate = rules.rate, rate.count < 5 { rules.rate = Rate(count: 5, per: rate.per) }
        case .keepsOldBatches: if rules.batch.window > 0 { rules.batch.count = 5 }
        case .ignoresOrder: rules.keys = nil
        case .retriesRefusedCodes: rules.retry.never = []
        default: break
        }
        return rules
    }

    func key(of payload: [UInt8], _ policy: KeyPolicy?) -> String? { Self.key(of: payload, policy) }

    private static func key(of payload: [UInt8], _ policy: KeyPolicy?) -> String? {
        policy.map { EventReading.key(of: payload, path: $0.path) ?? "" }
    }

    /// Another deployment changes how a subscription's keys are read, or its batches, as the dispatcher takes it into
    /// force.
    mutating func deploy() throws {
        let changing = entries.filter { SimulatedApp.redeployed($0.rules) != $0.rules }
        if let entry = changing.randomElement(using: &random) { try deploy(entry) }
    }

    /// A function goes, or is there again.
    mutating func strandOrReturn() {
        let id = entries.randomElement(using: &random)!.id
        if watch.stranded.remove(id) == nil { watch.stranded.insert(id) }
        if bug != .startsStranded { core.setStranded(id, watch.stranded.contains(id)) }
    }

    mutating func deploy(_ entry: SimulatedApp.Entry) throws {
        guard !diskIsBroken else { return }
        watch.redeployed(entry.id)
        core.setSubscription(
            entry.id, function: entry.function, rules: seeded(rules(entry.id)), loaded: 0, newest: 0
        ) { work, policy in Self.key(of: work.payload, policy) }
        if bug == .countsParkedKeysEarly { try tellParked(entry.id) }
    }

    /// As the dispatcher counts dead letters again for keys that are read in another way: once nothing of the
    /// subscription runs and what came of it is in the journal, sooner or later. Whether it has told anything.
    mutating func tellParked(isSure: Bool) throws -> Bool {
        var hasTold = false
        for id in entries.map(\.id) where core.isUntold(id) {
            let isQuiet =
                held.isEmpty && !running.contains { $0.subscription == id }
                && !keeping.contains { $0.attempt.subscription == id }
            guard isQuiet, isSure || Bool.random(using: &random) else { continue }
            try tellParked(id)
            hasTold = true
        }
        return hasTold
    }

    private mutating func tellParked(_ id: SubscriptionID) throws {
        var counts: [String: Int] = [:]
        for letter in try journal.deadLetters(DeadLetterFilter(states: [.dead], subscription: id, limit: 100_000)) {
            if let key = key(of: letter.payload, rules(id).keys) { counts[key, default: 0] += 1 }
        }
        core.setParked(id, counts)
    }

    func expiry(ingested: Milliseconds, of id: SubscriptionID) -> Instant {
        Self.expiry(ingested, time.clock.moment, pauses[id], bug)
    }

    private static func expiry(
        _ ingested: Milliseconds, _ moment: HostClock.Moment, _ pauses: PauseNote?, _ bug: SeededBug?
    ) -> Instant {
        if bug == .doesNotAge { return .max }
        let expiry = moment.expiry(ingested: ingested, maximumAge: SimulatedApp.maximumAge)
        if bug == .agesWhilePaused { return expiry }
        return expiry + (pauses?.paused(since: ingested, until: moment.wall) ?? 0)
    }

    /// A work as the pending set has it.
    func work(pending entry: PendingEntry) -> Work {
        let memo = JSONText.decode(DeliveryMemo.self, from: entry.history)
        let id = entry.delivery.subscription
        let expires =
            entry.deadLetter != nil
            ? time.clock.now + SimulatedApp.maximumAge : expiry(ingested: entry.ingested, of: id)
        return Work(
            delivery: entry.delivery, source: .pending(deadLetter: entry.deadLetter), eventID: entry.eventID,
            ingested: entry.ingested, expires: expires, payload: entry.payload, lineage: entry.lineage,
            history: memo?.attempts ?? [],
            key: bug == .forgetsKeysOfRetries ? nil : key(of: entry.payload, rules(id).keys),
            bytes: Int64(entry.payload.count), arrived: time.clock.now)
    }

    var traitsReader: (CommittedRecord, SubscriptionID, DeliveryRules) -> DeliveryTraits {
        // Not all of it: what is shared with a copy is copied when the core changes.
        let (moment, pauses, bug) = (time.clock.moment, pauses, bug)
        return { record, id, rules in
            DeliveryTraits(
                expires: Self.expiry(record.ingested, moment, pauses[id], bug),
                key: Self.key(of: record.payload, rules.keys), bytes: Int64(record.payload.count))
        }
    }

    /// An answer for an attempt that is not running: of an earlier life, or answered already.
    mutating func lateAnswer() throws {
        if bug == .believesLateAnswers, let attempt = ended.randomElement(using: &random) {
            var batch = Batch()
            for work in attempt.works {
                let resolution = Resolution.succeeded(work)
                try watch.resolved(resolution, now: time.clock.now, wall: time.clock.wall)
                ResolutionWriter(clock: time.clock).finish(work, .succeeded, into: &batch)
            }
            return try commit(Pending(batch: batch))
        }
        let id = AttemptID(
            boot: Int64.random(in: 0...2, using: &random), number: Int64.random(in: 1...50, using: &random))
        guard !running.contains(where: { $0.id == id }) else { return }
        if !core.resolve(id, .succeeded, now: time.clock.now).isEmpty { throw Violation("a late answer was believed") }
    }

    /// An attempt that never reached its worker.
    mutating func giveBack() throws {
        guard !running.isEmpty else { return }
        let attempt = running.remove(at: Int.random(in: 0..<running.count, using: &random))
        core.workerDone(attempt.id)
        watch.ended(attempt)
        core.giveBack(attempt.id)
    }

    mutating func redrive() throws {
        guard !diskIsBroken, held.isEmpty else { return }
        guard let letter = try journal.deadLetters(DeadLetterFilter(limit: 20)).randomElement(using: &random) else {
            return
        }
        try redrive(letter)
    }

    mutating func redrive(_ letter: DeadLetter) throws {
        let id = letter.delivery.subscription
        let work = Work(
            delivery: letter.delivery, source: .pending(deadLetter: letter.id), eventID: letter.eventID,
            ingested: letter.ingested, expires: time.clock.now + SimulatedApp.maximumAge, payload: letter.payload,
            lineage: [], key: key(of: letter.payload, rules(id).keys), bytes: Int64(letter.payload.count),
            arrived: time.clock.now)
        var batch = Batch()
        batch.deadLetters.append(.setState(id: letter.id, .redriving))
        batch.pending.append(
            .put(
                PendingEntry(
                    delivery: letter.delivery, state: .redriven, eventID: letter.eventID, ingested: letter.ingested,
                    attempts: 0, due: time.clock.wall, history: [], payload: letter.payload, lineage: [],
                    deadLetter: letter.id)))
        try commit(Pending(batch: batch, fates: [letter.delivery: .pending]))
        watch.redriven(letter.delivery, now: time.clock.now)
        if bug == .freesKeyBeforeRedrive, let key = work.key {
            core.unpark(id, key: key, now: time.clock.now)
            try pump()
        }
        core.load(work, due: time.clock.now)
        if bug != .freesKeyBeforeRedrive, let key = work.key { core.unpark(id, key: key, now: time.clock.now) }
    }

    mutating func purge() throws {
        guard !diskIsBroken, held.isEmpty else { return }
        guard let letter = try journal.deadLetters(DeadLetterFilter(limit: 20)).randomElement(using: &random) else {
            return
        }
        var batch = Batch()
        batch.deadLetters.append(.setState(id: letter.id, .purged))
        try commit(Pending(batch: batch))
        watch.purged(letter.delivery, now: time.clock.now)
        guard bug != .keepsKeysOfPurgedLetters else { return }
        let id = letter.delivery.subscription
        guard let key = key(of: letter.payload, rules(id).keys) else { return }
        core.unpark(id, key: key, now: time.clock.now)
    }

    mutating func pauseOrResume() throws {
        let id = entries.randomElement(using: &random)!.id
        if watch.paused.contains(id) { try resume(id) } else { try pause(id) }
    }

    private mutating func pause(_ id: SubscriptionID) throws {
        core.pause(id, reason: "by hand", now: time.clock.now)
        watch.paused.insert(id)
        if watch.pauseSpans[id]?.last.map({ $0.to != nil }) ?? true { beginSpan(id) }
        try storePauses()
    }

    mutating func resume(_ id: SubscriptionID) throws {
        core.resume(id, now: time.clock.now)
        watch.paused.remove(id)
        endSpan(id)
        try storePauses()
    }

    private mutating func storePauses() throws {
        var batch = Batch()
        let pauses = storePauses(into: &batch)
        if bug == .doesNotStorePauses, let pauses {
            pausesInJournal = pauses
        } else {
            try commit(Pending(batch: batch, pauses: pauses))
        }
    }

    mutating func beginSpan(_ id: SubscriptionID) {
        watch.pauseSpans[id, default: []].append((from: time.clock.now, to: nil))
    }

    mutating func endSpan(_ id: SubscriptionID) {
        guard let last = watch.pauseSpans[id]?.indices.last, watch.pauseSpans[id]![last].to == nil else { return }
        watch.pauseSpans[id]![last].to = time.clock.now
    }

    mutating func randomVerdict(for attempt: DeliveryCore.Attempt) -> Verdict {
        func summary(_ code: String) -> AttemptSummary {
            AttemptSummary(
                attempt: "\(attempt.id)", version: 1, started: 0, durationMilliseconds: 1, code: code, message: code)
        }
        let platform: FailureClass = bug == .chargesPlatformFailures ? .transient : .platform
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50: return .succeeded
        case 50..<68: return .failed(summary("TimedOut"), .transient)
        case 68..<71: return .failed(summary("InvalidKey"), .permanent)
        case 71..<74: return .failed(summary("BadData"), .final)
        case 74..<77: return .failed(summary(SimulatedApp.refused), .transient)
        case 77..<83: return .failed(summary("NoSpace"), platform)
        case 83..<86: return .superseded
        default:
            let count = Int.random(in: 0..<20, using: &random) == 0 ? attempt.works.count + 1 : attempt.works.count
            return .records(
                (0..<count).map { _ in
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: .failed(summary("RecordFailed"), .transient)
                    case 1: .dropped
                    default: .succeeded
                    }
                })
        }
    }

    // MARK: The end

    /// Heals the disk, lets everything come to an end, and looks whether the promises were kept.
    mutating func conclude() throws {
        diskIsBroken = false
        diskIsSlow = false
        journal.injectFault(nil)
        try flush()
        // Half of the histories end in the life they are in: a restart would hide what was only forgotten.
        if Bool.random(using: &random) || crashes == 0 { try crash() }
        for id in entries.map(\.id) where watch.paused.contains(id) { try resume(id) }
        for id in watch.stranded { core.setStranded(id, false) }
        watch.stranded = []
        var rounds = 0
        while try goOn() {
            rounds += 1
            if rounds > 100_000 { throw Violation("the history never comes to rest") }
        }
        try check()
    }

    private mutating func goOn() throws -> Bool {
        try pump()
        if !keeping.isEmpty {
            try keepOne()
            return true
        }
        if !asked.isEmpty || !answers.isEmpty {
            try hearAll()
            return true
        }
        if try tellParked(isSure: true) { return true }
        if !running.isEmpty {
            try finishOne(verdict: .succeeded)
            return true
        }
        if let due = core.nextDue {
            time.advance(max(1, due - time.clock.now))
            return true
        }
        // Keys that dead letters hold back are freed one way or the other.
        let letters = try journal.deadLetters(DeadLetterFilter(limit: 1000))
            .filter { rules($0.delivery.subscription).keys?.parks == true }
        guard let letter = letters.first else { return false }
        try redrive(letter)
        return true
    }

    private func check() throws {
        for id in entries.map(\.id) where core.inLines(of: id) != (0, 0) || core.parked(of: id) != (0, 0) {
            throw Violation("nothing is left, and lines of subscription \(id.value) count something")
        }
        let problems = try journal.audit()
        if !problems.isEmpty { throw Violation("the audit finds: \(problems)") }
        var succeeded: Int64 = 0
        var dropped: Int64 = 0
        for progress in try journal.progress() {
            if progress.waiting + progress.retrying + progress.redriven + progress.parked > 0 {
                throw Violation("subscription \(progress.subscription.id.value) is left with work: \(progress)")
            }
            let ends = progress.succeeded + progress.dropped + progress.superseded + progress.purged + progress.dead
            if progress.matched != ends { throw Violation("conservation is broken: \(progress)") }
            succeeded += progress.succeeded
            dropped += progress.dropped
        }
        if let twice = effects.first(where: { $0.value != 1 }) {
            throw Violation("the effect \(twice.key) was committed \(twice.value) times")
        }
        if effects.count != Int(succeeded) {
            throw Violation("\(succeeded) deliveries succeeded, \(effects.count) effects are there")
        }
        // What a crash took from the account comes again, so it can only be the larger one.
        if dropped > watch.dropped {
            throw Violation("\(dropped) were dropped, the handlers asked for \(watch.dropped)")
        }
    }
}
