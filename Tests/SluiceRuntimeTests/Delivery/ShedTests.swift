import Journal
import SluiceRuntime
import Testing

@Suite("Retries whose events are not in memory")
struct ShedTests {
    private let id = SubscriptionID(1)

    private func work(_ ordinal: Int64, expires: Instant = .max) -> Work {
        Work(
            delivery: Delivery(subscription: id, position: ordinal, ordinal: ordinal),
            source: .pending(deadLetter: nil),
            eventID: "e\(ordinal)", ingested: 0, expires: expires, payload: Array("event \(ordinal)".utf8), lineage: [])
    }

    private func core(retries: Int, rules: DeliveryRules = DeliveryRules()) -> DeliveryCore {
        var core = DeliveryCore(boot: 1, globalLimit: 100, seed: 1)
        core.window.retries = retries
        core.setFunction("F", limit: 2)
        core.setSubscription(id, function: "F", rules: rules, loaded: 0, newest: 0)
        return core
    }

    /// Pumps until nothing more starts, and answers what is to be read; what was started and what was asked for.
    private func pump(
        _ core: inout DeliveryCore, now: Instant, missing: Set<Int64> = []
    ) -> (started: [Work], asked: [Int64]) {
        var started: [Work] = []
        var asked: [Int64] = []
        while true {
            let actions = core.pump(now: now)
            guard !actions.isEmpty else { return (started, asked) }
            for action in actions {
                switch action {
                case .start(let attempt):
                    started += attempt.works
                    core.workerDone(attempt.id)
                    _ = core.resolve(attempt.id, .succeeded, now: now)
                    core.settled(attempt.id)
                case .reload(let id, let deliveries):
                    asked += deliveries.map(\.ordinal)
                    core.reloaded(
                        id, asked: deliveries,
                        found: deliveries.map(\.ordinal).filter { !missing.contains($0) }.map { work($0) }, now: now)
                case .refill, .refillKey: break
                }
            }
        }
    }

    @Test("beyond the window each is read when it is due, every one once, with its event")
    func reading() {
        var core = core(retries: 10)
        for ordinal in 1...100 as ClosedRange<Int64> { core.load(work(ordinal), due: ordinal) }
        #expect(core.bytesOfRetries == (1...10).reduce(0) { $0 + "event \($1)".utf8.count })
        let (started, asked) = pump(&core, now: 1000)
        #expect(started.map(\.delivery.ordinal).sorted() == Array(1...100))
        #expect(started.allSatisfy { String(decoding: $0.payload, as: UTF8.self) == "event \($0.delivery.ordinal)" })
        #expect(asked.sorted() == Array(11...100))
        #expect(core.nextDue == nil && core.inFlight == 0)
    }

    @Test("never more than the window at once, however many are due; a busy function makes no hot loop")
    func bounded() {
        var core = core(retries: 10)
        for ordinal in 1...100 as ClosedRange<Int64> { core.load(work(ordinal), due: ordinal) }
        let starts = core.pump(now: 200).count { if case .start = $0 { true } else { false } }
        #expect(starts == 2 && core.ready(of: id) == 8)
        // Two have made room for two.
        #expect(core.nextDue == 11)
        guard case .reload(_, let asked)? = core.pump(now: 201).first else {
            Issue.record("nothing is read")
            return
        }
        #expect(asked.count == 2)
        // All the others wait for room, not for time.
        #expect(core.nextDue == nil)
        #expect(core.pump(now: 202).isEmpty)
    }

    @Test("one that cannot be read yet is asked for again later, and keeps its age")
    func missing() {
        var core = core(retries: 1)
        core.load(work(1), due: 0)
        core.load(work(2, expires: 77), due: 1)
        let first = pump(&core, now: 10, missing: [2])
        #expect(first.started.map(\.delivery.ordinal) == [1] && first.asked == [2])
        #expect(core.nextDue == 1010)
        let second = pump(&core, now: 1010)
        #expect(second.started.map(\.delivery.ordinal) == [2] && second.started.first?.expires == 77)
    }

    @Test("the entry of the attempt before is not taken for the one on its way: no failure is forgotten")
    func staleEntry() {
        var core = core(retries: 1)
        var tried = work(2)
        tried.history = [CoreDriver.summary("TimedOut"), CoreDriver.summary("TimedOut")]
        core.load(work(1), due: 0)
        core.load(tried, due: 1)
        func reload(now: Instant, _ found: Work) -> [Work] {
            var started: [Work] = []
            for _ in 0..<4 {
                for action in core.pump(now: now) {
                    switch action {
                    case .reload(let id, let asked): core.reloaded(id, asked: asked, found: [found], now: now)
                    case .start(let attempt):
                        started += attempt.works
                        core.workerDone(attempt.id)
                        _ = core.resolve(attempt.id, .succeeded, now: now)
                    default: break
                    }
                }
            }
            return started
        }
        var before = work(2)
        before.history = [CoreDriver.summary("TimedOut")]
        #expect(reload(now: 10, before).filter { $0.delivery.ordinal == 2 }.isEmpty)
        #expect(core.nextDue == 1010)
        #expect(reload(now: 1010, tried).map(\.history.count) == [2])
    }

    @Test("where deliveries go by key nothing is shed")
    func keyed() {
        var core = core(retries: 1, rules: DeliveryRules(keys: .ordered("k")))
        for ordinal in 1...20 as ClosedRange<Int64> {
            var one = work(ordinal)
            one.key = "a"
            core.load(one, due: 0)
        }
        let (started, asked) = pump(&core, now: 10)
        #expect(started.map(\.delivery.ordinal) == Array(1...20) && asked.isEmpty)
    }
}
