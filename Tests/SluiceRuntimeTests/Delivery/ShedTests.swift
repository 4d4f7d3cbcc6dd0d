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
        _ core: inout DeliveryCore, now: Instant, missing: Set<Int64> = [], found: (Work) -> Work = { $0 }
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
                    #expect(deliveries.count <= core.window.retries)
                    asked += deliveries.map(\.ordinal)
                    core.reloaded(
                        id, asked: deliveries,
                        found: deliveries.map(\.ordinal).filter { !missing.contains($0) }.map { found(work($0)) },
                        now: now)
                case .refill, .refillKeys: break
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

    @Test("large events are bounded by their bytes, waiting, being read and due; every one runs once")
    func bytes() {
        var core = core(retries: 1000)
        core.window.retryBytes = 100
        for ordinal in 1...100 as ClosedRange<Int64> { core.load(work(ordinal), due: 1) }
        #expect((90...100).contains(core.bytesOfRetries), "\(core.bytesOfRetries)")
        var asked = 0
        for action in core.pump(now: 5) {
            if case .reload(_, let deliveries) = action { asked += deliveries.count }
        }
        #expect(asked < 15, "as much as there is room for, and no more: \(asked)")
        var other = self.core(retries: 1000)
        other.window.retryBytes = 1
        for ordinal in 1...20 as ClosedRange<Int64> { other.load(work(ordinal), due: 1) }
        #expect(other.bytesOfRetries == 0)
        #expect(pump(&other, now: 5).started.map(\.delivery.ordinal).sorted() == Array(1...20))
    }

    @Test(
        "where deliveries go by key their events are shed and the keys kept: in order, and read one by one")
    func keyed() {
        var core = core(retries: 3, rules: DeliveryRules(keys: .ordered("k")))
        for ordinal in 1...40 as ClosedRange<Int64> {
            var one = work(ordinal)
            one.key = "k\(ordinal % 4)"
            // The younger of a key is due first.
            core.load(one, due: 41 - ordinal)
        }
        #expect(core.bytesOfRetries == (1...3).reduce(0) { $0 + "event \($1)".utf8.count })
        var started: [Work] = []
        var asked: [Int64] = []
        var now: Instant = 1000
        while let due = core.nextDue {
            now = max(now, due)
            let round = pump(&core, now: now) { work in
                var work = work
                work.key = "k\(work.delivery.ordinal % 4)"
                return work
            }
            started += round.started
            asked += round.asked
        }
        #expect(started.map(\.delivery.ordinal).sorted() == Array(1...40))
        #expect(asked.sorted() == Array(4...40))
        for key in 0..<4 as Range<Int64> {
            let own = started.map(\.delivery.ordinal).filter { $0 % 4 == key }
            #expect(own == own.sorted())
        }
        #expect(started.allSatisfy { String(decoding: $0.payload, as: UTF8.self) == "event \($0.delivery.ordinal)" })
    }

    @Test("a deployment that asks for another key: what was shed has the new one when it is read")
    func rekeyed() {
        var core = core(retries: 1, rules: DeliveryRules(keys: .ordered("k")))
        for ordinal in 1...10 as ClosedRange<Int64> {
            var one = work(ordinal)
            one.key = "a"
            core.load(one, due: 10)
        }
        core.setSubscription(
            id, function: "F", rules: DeliveryRules(keys: .ordered("other")), loaded: 0, newest: 0
        ) { work, _ in work.payload.isEmpty ? nil : "b" }
        let (started, _) = pump(&core, now: 10) { work in
            var work = work
            work.key = "b"
            return work
        }
        #expect(started.map(\.delivery.ordinal).sorted() == Array(1...10))
        #expect(started.allSatisfy { $0.key == "b" })
    }
}
