import Journal
import SluiceRuntime
import Testing

@Suite("Pausing")
struct PauseTests {
    private let one = SubscriptionID(1)
    private let rules = DeliveryRules(
        retry: DeliveryPolicy(maximumAttempts: 100, jitter: false),
        breaker: BreakerPolicy(failures: 3, window: 60_000, retryAfter: 5000))

    @Test("equal failures in a row open the breaker; one trial at a time; a success closes it")
    func breaker() {
        var driver = CoreDriver()
        driver.subscribe(1, rules)
        for _ in 0..<10 { driver.put(1) }
        for attempt in driver.pump().prefix(3) { driver.finish(attempt, CoreDriver.failed("Down")) }
        guard case .open(let pause, let until) = driver.core.flow(of: one) else {
            Issue.record("not open")
            return
        }
        #expect(until == 5000)
        #expect(pause.reason.contains("Down"))
        #expect(driver.core.takeChangedFlows() == [one])
        driver.now = 4999
        #expect(driver.pump().isEmpty)
        #expect(driver.core.nextDue == 5000)
        driver.now = 5000
        let trial = driver.pump()
        #expect(trial.count == 1)
        #expect(driver.pump().isEmpty, "one at a time")
        driver.finish(trial[0], CoreDriver.failed("Broken"))
        guard case .open(let still, 10_000) = driver.core.flow(of: one), still.reason.contains("Broken") else {
            Issue.record("a failing trial goes on pausing")
            return
        }
        driver.now = 10_000
        driver.finish(driver.pump()[0])
        #expect(driver.core.flow(of: one) == .running)
        #expect(driver.pump().count > 1)
    }

    @Test(
        "what never reached its target does not open it",
        arguments: [
            "HopBudgetExceeded", "InputTransformFailed", "ManifestIncomplete", "MatchUndecided", "RecordExpired",
        ])
    func refusals(_ code: String) {
        var driver = CoreDriver()
        driver.subscribe(1, rules)
        for _ in 0..<8 { driver.put(1) }
        for attempt in driver.pump() { driver.finish(attempt, CoreDriver.failed(code, .permanent)) }
        #expect(driver.core.flow(of: one) == .running)
    }

    @Test("an event that its rule does not want after all says nothing of the target: it closes nothing")
    func unasked() {
        var driver = CoreDriver(functions: [("f", 1, false)])
        driver.subscribe(1, rules)
        for _ in 0..<10 { driver.put(1) }
        func drop(_ attempt: DeliveryCore.Attempt) {
            driver.core.workerDone(attempt.id)
            let resolutions = driver.core.resolve(attempt.id, .records([.dropped]), isAsked: false, now: driver.now)
            #expect(resolutions.count == 1)
            driver.core.settled(attempt.id)
        }
        // Between equal failures it resets nothing.
        for _ in 0..<2 { driver.finish(driver.pump()[0], CoreDriver.failed("Down", .permanent)) }
        drop(driver.pump()[0])
        driver.finish(driver.pump()[0], CoreDriver.failed("Down", .permanent))
        guard case .open(_, 5000) = driver.core.flow(of: one) else {
            Issue.record("not open")
            return
        }
        // As a trial it leaves the breaker as it is: the next one is the trial.
        driver.now = 5000
        drop(driver.pump()[0])
        guard case .trial(_, nil) = driver.core.flow(of: one) else {
            Issue.record("not on trial: \(driver.core.flow(of: one))")
            return
        }
        driver.finish(driver.pump()[0], CoreDriver.failed("Down", .permanent))
        guard case .open(_, 10_000) = driver.core.flow(of: one) else {
            Issue.record("not open again")
            return
        }
    }

    @Test("other failures, successes and time between them do not open it")
    func noBreaker() {
        var driver = CoreDriver(functions: [("f", 1, false)])
        driver.subscribe(1, rules)
        let verdicts: [(Int64, Verdict)] = [
            (0, CoreDriver.failed("A")), (0, CoreDriver.failed("A")), (0, CoreDriver.failed("B")),
            (0, CoreDriver.failed("A")), (0, CoreDriver.failed("A")), (0, .succeeded), (0, CoreDriver.failed("A")),
            (0, CoreDriver.failed("A")), (70_000, CoreDriver.failed("A")), (0, CoreDriver.failed("NoSpace", .platform)),
        ]
        for _ in verdicts { driver.put(1) }
        for (pause, verdict) in verdicts {
            driver.now += pause
            driver.finish(driver.pump()[0], verdict)
            #expect(driver.core.flow(of: one) == .running)
        }
    }

    @Test("a pause by hand holds until it is ended by hand, over a restart too")
    func byHand() throws {
        var driver = CoreDriver()
        driver.subscribe(1, rules)
        driver.core.pause(one, reason: "by hand", now: 100)
        let time = Simulation.Time()
        var note = PauseNote()
        note.follow(driver.core.flow(of: one), clock: time.clock)
        #expect(note.current?.reason == "by hand")
        // The next life.
        var next = CoreDriver()
        next.subscribe(1, rules)
        next.core.restore(one, try #require(note.flow(clock: time.clock, longest: 0)))
        next.put(1)
        next.now = 1_000_000_000
        #expect(next.pump().isEmpty)
        next.core.resume(one, now: next.now)
        #expect(next.pump().count == 1)
        note.follow(next.core.flow(of: one), clock: time.clock)
        #expect(note.current == nil)
        #expect(note.past.count == 1)
    }

    @Test("what a note counts as paused")
    func periods() {
        var note = PauseNote()
        note.past = [.init(from: 100, to: 200), .init(from: 300, to: 400)]
        #expect(note.paused(since: 0, until: 1000) == 200)
        #expect(note.paused(since: 150, until: 350) == 100)
        note.current = .init(since: 900, reason: "r")
        #expect(note.paused(since: 0, until: 1000) == 300)
        note.trim(now: 368 * 86_400_000)
        #expect(note.past.isEmpty)
    }
}
