import Journal
import SluiceRuntime
import Testing

@Suite("Delivery core")
struct DeliveryCoreTests {
    private let one = SubscriptionID(1)
    private let two = SubscriptionID(2)

    private func core(limit: Int = 16, functions: [String: Int] = ["a": 2]) -> DeliveryCore {
        var core = DeliveryCore(boot: 1, globalLimit: limit, seed: 7)
        for (name, count) in functions { core.setFunction(name, limit: count) }
        return core
    }

    private func record(_ position: Position, for subscriptions: [SubscriptionID], ordinal: Int64) -> CommittedRecord {
        CommittedRecord(
            position: position, log: "default", eventID: "e\(position)", ingested: 0, payload: [], lineage: [],
            deliveries: subscriptions.map { Delivery(subscription: $0, position: position, ordinal: ordinal) })
    }

    private func starts(_ actions: [DeliveryCore.Action]) -> [DeliveryCore.Attempt] {
        actions.compactMap { if case .start(let attempt) = $0 { attempt } else { nil } }
    }

    private func failure(_ code: String) -> AttemptSummary {
        AttemptSummary(attempt: "", version: 1, started: 0, durationMilliseconds: 0, code: code, message: code)
    }

    @Test("a function runs no more attempts than its limit")
    func functionLimit() {
        var core = core()
        core.setSubscription(one, function: "a", policy: DeliveryPolicy(), batchSize: 1, loaded: 0, newest: 0)
        for position in 1...5 {
            core.accept(record(Position(position), for: [one], ordinal: Int64(position))) { _ in .max }
        }
        let first = starts(core.pump(now: 0))
        #expect(first.count == 2)
        #expect(starts(core.pump(now: 0)).isEmpty)
        core.workerDone(first[0].id)
        #expect(starts(core.pump(now: 0)).count == 1, "a publishing attempt no longer holds its worker")
    }

    @Test("every function owns one slot above the global limit")
    func ownSlot() {
        var core = core(limit: 2, functions: ["a": 8, "b": 8])
        core.setSubscription(one, function: "a", policy: DeliveryPolicy(), batchSize: 1, loaded: 0, newest: 0)
        core.setSubscription(two, function: "b", policy: DeliveryPolicy(), batchSize: 1, loaded: 0, newest: 0)
        for position in 1...10 {
            core.accept(record(Position(position), for: [one], ordinal: Int64(position))) { _ in .max }
        }
        #expect(starts(core.pump(now: 0)).count == 2)
        core.accept(record(11, for: [two], ordinal: 1)) { _ in .max }
        let late = starts(core.pump(now: 0))
        #expect(late.map(\.function) == ["b"])
    }

    @Test("a backlog beyond the window is read back from the log, in order and once")
    func window() {
        var core = core()
        core.setSubscription(one, function: "a", policy: DeliveryPolicy(), batchSize: 1, loaded: 0, newest: 0)
        core.window.records = 1000
        core.window.refill = 250
        let count = 1500
        for position in 1...count {
            core.accept(record(Position(position), for: [one], ordinal: Int64(position))) { _ in .max }
        }
        var seen: [Position] = []
        for _ in 0..<10_000 {
            let actions = core.pump(now: 0)
            for case .refill(let id, let after, let limit) in actions {
                let page = ((after + 1)...Position(count)).prefix(limit)
                core.refilled(id, with: page.map { record($0, for: [one], ordinal: $0) }, limit: limit) { _, _ in .max }
            }
            let attempts = starts(actions)
            if attempts.isEmpty, actions.isEmpty { break }
            for attempt in attempts {
                seen += attempt.works.map(\.delivery.position)
                core.workerDone(attempt.id)
                _ = core.resolve(attempt.id, .succeeded, now: 0)
            }
        }
        #expect(seen == (1...count).map { Position($0) })
    }

    @Test("transient failures are retried up to the policy, then dead with the condition")
    func retries() throws {
        var core = core()
        core.setSubscription(
            one, function: "a", policy: DeliveryPolicy(maximumAttempts: 3, jitter: false), batchSize: 1, loaded: 0,
            newest: 0)
        core.accept(record(1, for: [one], ordinal: 1)) { _ in 1_000_000 }
        var now: Instant = 0
        for (attempt, delay) in [(1, Instant(1000)), (2, 4000)] {
            let started = try #require(starts(core.pump(now: now)).first)
            #expect(started.number == attempt)
            let resolution = core.resolve(started.id, .failed(failure("TimedOut"), .transient), now: now)
            guard case .retry(_, let due, let from) = try #require(resolution.first) else {
                Issue.record("not retried")
                return
            }
            #expect(due == now + delay)
            #expect(from == (attempt == 1 ? .log : .pending(deadLetter: nil)))
            core.workerDone(started.id)
            #expect(core.nextDue == due)
            #expect(starts(core.pump(now: due - 1)).isEmpty)
            now = due
        }
        let last = try #require(starts(core.pump(now: now)).first)
        guard
            case .dead(let work, let death) = try #require(
                core.resolve(last.id, .failed(failure("TimedOut"), .transient), now: now).first)
        else {
            Issue.record("not dead")
            return
        }
        #expect(death.condition == "MaximumRetryAttempts")
        #expect(work.history.count == 3)
    }

    @Test("a permanent failure is dead at once; platform failures are not charged")
    func classes() throws {
        var core = core()
        core.setSubscription(
            one, function: "a", policy: DeliveryPolicy(maximumAttempts: 1), batchSize: 1, loaded: 0, newest: 0)
        core.accept(record(1, for: [one], ordinal: 1)) { _ in .max }
        core.accept(record(2, for: [one], ordinal: 2)) { _ in .max }
        let attempts = starts(core.pump(now: 0))
        guard
            case .dead(_, let death) = core.resolve(attempts[0].id, .failed(failure("EmptyFile"), .permanent), now: 0)[
                0],
            case .retry = core.resolve(attempts[1].id, .failed(failure("NoSpace"), .platform), now: 0)[0]
        else {
            Issue.record("wrong classes")
            return
        }
        #expect(death.condition == "PermanentError")
    }

    @Test("three losses of the zygote are not charged, what comes after them is")
    func zygoteLosses() throws {
        var core = core()
        core.setSubscription(
            one, function: "a", policy: DeliveryPolicy(maximumAttempts: 1, jitter: false), batchSize: 1, loaded: 0,
            newest: 0)
        core.accept(record(1, for: [one], ordinal: 1)) { _ in .max }
        var now: Instant = 0
        for loss in 1...4 {
            let attempt = try #require(starts(core.pump(now: now)).first)
            core.workerDone(attempt.id)
            switch core.resolve(attempt.id, .failed(failure("ZygoteLost"), .platform), now: now)[0] {
            case .retry(let work, let due, _):
                #expect(loss < 4 && work.charged == 0)
                now = due
            case .dead(_, let death): #expect(loss == 4 && death.condition == "MaximumRetryAttempts")
            default: Issue.record("neither")
            }
        }
    }

    @Test("an event older than its maximum age is not retried")
    func age() throws {
        var core = core()
        core.setSubscription(
            one, function: "a", policy: DeliveryPolicy(jitter: false), batchSize: 1, loaded: 0, newest: 0)
        core.accept(record(1, for: [one], ordinal: 1)) { _ in 500 }
        let attempt = try #require(starts(core.pump(now: 100)).first)
        guard case .dead(_, let death) = core.resolve(attempt.id, .failed(failure("X"), .transient), now: 100)[0] else {
            Issue.record("retried beyond its age")
            return
        }
        #expect(death.condition == "MaximumEventAgeInSeconds")
    }

    @Test("a failing batch is halved until the culprit is alone")
    func bisection() throws {
        var core = core(functions: ["a": 1])
        core.setSubscription(one, function: "a", policy: DeliveryPolicy(), batchSize: 8, loaded: 0, newest: 0)
        for position in 1...8 {
            core.accept(record(Position(position), for: [one], ordinal: Int64(position))) { _ in .max }
        }
        var sizes: [Int] = []
        var succeeded: Set<Position> = []
        var dead: [Position] = []
        while let attempt = starts(core.pump(now: 0)).first {
            sizes.append(attempt.works.count)
            core.workerDone(attempt.id)
            let isBad = attempt.works.contains { $0.delivery.position == 6 }
            let verdict: Verdict = isBad ? .failed(failure("Bad"), .permanent) : .succeeded
            for resolution in core.resolve(attempt.id, verdict, now: 0) {
                switch resolution {
                case .succeeded(let work): succeeded.insert(work.delivery.position)
                case .dead(let work, _): dead.append(work.delivery.position)
                default: Issue.record("unexpected \(resolution)")
                }
            }
        }
        #expect(sizes == [8, 4, 4, 2, 1, 1, 2])
        #expect(dead == [6])
        #expect(succeeded == [1, 2, 3, 4, 5, 7, 8])
    }

    @Test("an answer with the wrong number of results fails the whole batch")
    func malformedAnswer() throws {
        var core = core(functions: ["a": 1])
        core.setSubscription(one, function: "a", policy: DeliveryPolicy(), batchSize: 2, loaded: 0, newest: 0)
        for position in 1...2 {
            core.accept(record(Position(position), for: [one], ordinal: Int64(position))) { _ in .max }
        }
        let attempt = try #require(starts(core.pump(now: 0)).first)
        core.workerDone(attempt.id)
        #expect(core.resolve(attempt.id, .records([.succeeded]), now: 0).isEmpty)
        #expect(starts(core.pump(now: 0)).first?.works.count == 1)
    }

    @Test("a delivery that goes on with a kept outcome shares no batch")
    func keptOutcome() {
        var core = core(functions: ["a": 8])
        core.setSubscription(one, function: "a", policy: DeliveryPolicy(), batchSize: 8, loaded: 0, newest: 0)
        for ordinal in 1...5 as ClosedRange<Int64> {
            core.load(
                Work(
                    delivery: Delivery(subscription: one, position: ordinal, ordinal: ordinal),
                    source: .pending(deadLetter: ordinal), eventID: "e\(ordinal)", ingested: 0, expires: .max,
                    payload: [], lineage: [], parked: ordinal == 3 ? "parked/1-1" : nil),
                due: ordinal)
        }
        let batches = starts(core.pump(now: 10)).map { $0.works.map(\.delivery.ordinal) }
        #expect(batches == [[1, 2], [3], [4, 5]])
    }

    @Test("what is noted while the log is read is read as well, though that reading found nothing")
    func emptyRefill() throws {
        var core = core()
        // Behind: something below position 5 was noted, and has been settled meanwhile.
        core.setSubscription(one, function: "a", policy: DeliveryPolicy(), batchSize: 1, loaded: 0, newest: 5)
        guard case .refill(one, after: 0, let limit)? = core.pump(now: 0).first else {
            Issue.record("the log is not read")
            return
        }
        // Committed after that reading began, and while it is under way only noted.
        core.accept(record(6, for: [one], ordinal: 1)) { _ in .max }
        core.refilled(one, with: [], limit: limit) { _, _ in .max }
        guard case .refill(one, after: 0, limit)? = core.pump(now: 0).first else {
            Issue.record("the record at position 6 is lost")
            return
        }
        core.refilled(one, with: [record(6, for: [one], ordinal: 1)], limit: limit) { _, _ in .max }
        #expect(starts(core.pump(now: 0)).map { $0.works.map(\.delivery.position) } == [[6]])
        // Nothing more is noted, so nothing more is read.
        #expect(core.pump(now: 0).isEmpty)
    }

    @Test("the classes of failures that the host causes itself")
    func failureClasses() {
        // The newer version's event is on its way: the next attempt finds itself superseded.
        #expect(FailureClass(code: "ObjectChanged", retry: nil) == .transient)
        // Unreadable for the moment, and no fault of the handler's.
        #expect(FailureClass(code: "JournalUnavailable", retry: nil) == .platform)
        #expect(FailureClass(code: "HostStopping", retry: nil) == .platform)
        #expect(FailureClass(code: "NoSuchKey", retry: nil) == .permanent)
        #expect(FailureClass(code: "NobodyKnows", retry: nil) == .transient)
    }

    @Test("What comes between a read of the log and its answer is read next, also where just that had been guessed")
    func newsDuringRead() {
        var core = DeliveryCore(boot: 1, globalLimit: 4, seed: 1)
        core.setFunction("f", limit: 4)
        let id = SubscriptionID(1)
        // As a deployment makes it known: the next record may have come already.
        core.setSubscription(id, function: "f", rules: DeliveryRules(), loaded: 5, newest: 6)
        guard case .refill(_, after: 5, let limit)? = core.pump(now: 0).first else {
            Issue.record("the log is not read")
            return
        }
        // Nothing was found; then the record came, and now comes the answer.
        let record = CommittedRecord(
            position: 6, log: "default", eventID: "e", ingested: 0, payload: [], lineage: [],
            deliveries: [Delivery(subscription: id, position: 6, ordinal: 1)])
        core.accept(record) { _ in .max }
        core.refilled(id, with: [], limit: limit) { _, _ in .max }
        guard case .refill(_, after: 5, _)? = core.pump(now: 0).first else {
            Issue.record("the record is lost until the next start")
            return
        }
    }
}
