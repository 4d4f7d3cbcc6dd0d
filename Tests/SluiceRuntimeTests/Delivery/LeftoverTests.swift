import Journal
import SluiceRuntime
import Testing

/// Works of held-back keys that lie only in the log, when a deployment asks for other keys.
@Suite("Keys that change over a backlog")
struct LeftoverTests {
    private let one = SubscriptionID(1)

    @Test("A backlog that an earlier policy has left in the log is read as there is room, and each once")
    func bounded() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.core.window.refill = 64
        driver.core.window.records = 128
        driver.core.window.line = 2
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        let (keys, each) = (100, 20)
        for key in 0..<keys { driver.core.park(one, key: "k\(key)") }
        for number in 0..<(keys * each) { driver.put(1, key: "k\(number % keys)") }
        #expect(driver.pump().isEmpty)
        driver.core.setSubscription(
            one, function: "f", rules: DeliveryRules(keys: nil), loaded: 0, newest: 0
        ) { _, _ in nil }
        var (seen, most): ([Int64], Int) = ([], 0)
        while true {
            let attempts = driver.pump()
            most = max(most, driver.core.ready(of: one))
            if attempts.isEmpty { break }
            for attempt in attempts {
                seen.append(attempt.works[0].delivery.ordinal)
                driver.finish(attempt)
            }
            // What is younger stands behind.
            if seen.count == 400 { driver.put(1, key: "k0") }
        }
        #expect(seen.sorted() == (1...Int64(keys * each + 1)).map(\.self))
        // What lay in the lines (2 of each key) comes at once, the rest as there is room.
        #expect(most <= keys * 2 + 64 + 8, "\(most) in memory")
        #expect(driver.core.knownWorks(of: one) == 0)
    }

    @Test("What was left behind is not remembered longer than it can come again")
    func forgets() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.core.window.refill = 256
        driver.core.window.line = 2
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.park(one, key: "a")
        for _ in 0..<5000 { driver.put(1, key: "a") }
        #expect(driver.pump().isEmpty)
        driver.core.setSubscription(one, function: "f", rules: DeliveryRules(), loaded: 0, newest: 0) { _, _ in nil }
        var (count, most) = (0, 0)
        while true {
            let attempts = driver.pump()
            if attempts.isEmpty { break }
            for attempt in attempts { driver.finish(attempt) }
            count += attempts.count
            most = max(most, driver.core.knownWorks(of: one))
        }
        #expect(count == 5000)
        #expect(most < 2000, "\(most) remembered")
    }

    @Test("An answer that was asked for keys two deployments ago is not taken for one that the same keys now ask for")
    func late() throws {
        var driver = CoreDriver(functions: [("f", 2, false)])
        driver.core.window.line = 2
        let held = DeliveryRules(batch: BatchLimits(count: 3), keys: .ordered("k", parks: true))
        driver.subscribe(1, held)
        driver.core.park(one, key: "a")
        for _ in 0..<10 { driver.put(1, key: "a") }
        #expect(driver.pump().isEmpty)
        driver.core.unpark(one, key: "a", now: 0)
        // What is being put together asks for more of the key.
        let first = try #require(driver.pump(answering: false).first)
        #expect(ordinals(first) == [1, 2])
        let late = try #require(driver.unanswered.first)
        driver.unanswered = []
        #expect(late.records.map(\.record.position) == Array(3...10))
        deploy(DeliveryRules(batch: BatchLimits(count: 2), keys: .limited("parity", concurrency: 2)), &driver)
        let second = try #require(driver.pump().first)
        #expect(ordinals(second) == [3, 4])
        // None of the first two runs; the fourth is over; the others wait, and are left to the log again.
        driver.core.workerDone(first.id)
        driver.core.giveBack(first.id)
        driver.finish(second, .records([.notReached, .succeeded]))
        deploy(held, &driver)
        driver.core.setParked(one, ["a": 1])
        #expect(driver.pump().isEmpty)
        driver.core.unpark(one, key: "a", now: 0)
        let third = try #require(driver.pump(answering: false).first)
        #expect(ordinals(third) == [1, 2])
        #expect(driver.unanswered.first?.records.map(\.record.position) == [3, 5, 6, 7, 8, 9, 10])
        driver.core.refilledKeys(one, late.refill, with: late.records, end: late.end, now: 0) { _, _ in
            DeliveryTraits(expires: .max, key: "a")
        }
        driver.answerAll(one)
        driver.finish(third)
        var seen: [Int64] = []
        while let attempt = driver.pump().first {
            seen += ordinals(attempt)
            driver.finish(attempt)
        }
        #expect(seen == [3, 5, 6, 7, 8, 9, 10])
    }

    private func deploy(_ rules: DeliveryRules, _ driver: inout CoreDriver) {
        driver.core.setSubscription(one, function: "f", rules: rules, loaded: 0, newest: 0) { work, policy in
            policy.flatMap { CoreDriver.key(of: work.payload, work.delivery.position, at: $0.path) }
        }
    }

    private func ordinals(_ attempt: DeliveryCore.Attempt) -> [Int64] { attempt.works.map(\.delivery.ordinal) }

    @Test(
        "A record behind its line's place in the log waits for the log, though older ones of its key are in the queue")
    func behindSpilled() {
        var driver = CoreDriver(functions: [("f", 1, false)])
        driver.core.window.line = 1
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.park(one, key: "ax")
        for _ in 0..<4 { driver.put(1, key: "ax") }
        #expect(driver.pump().isEmpty)
        deploy(DeliveryRules(keys: .ordered("first")), &driver)
        for key in ["a", "a", "a", "b"] { driver.put(1, key: key) }
        var running = driver.pump(answering: false)
        #expect(running.flatMap(ordinals) == [1])
        // What the other policy left behind stands behind younger ones; the first of these is lined up, the next one is
        // left to the log.
        driver.answerAll(one)
        driver.core.setFunction("f", limit: 2)
        running += driver.pump()
        #expect(running.flatMap(ordinals) == [1, 8])
        driver.put(1, key: "a")
        driver.core.setFunction("f", limit: 1)
        var seen: [Int64] = []
        while !running.isEmpty {
            seen += running.flatMap(ordinals)
            for attempt in running { driver.finish(attempt) }
            running = driver.pump()
        }
        #expect(seen.sorted() == Array(1...9))
    }
}
