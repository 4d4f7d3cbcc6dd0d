import Journal
import SluiceRuntime
import Testing

/// What keys' lines remember of works that are elsewhere for a while.
@Suite("What keys' lines remember")
struct KeyMemoryTests {
    private let one = SubscriptionID(1)

    private func keys(_ attempts: [DeliveryCore.Attempt]) -> [String] {
        attempts.map { $0.works.map { "\($0.key ?? "-")\($0.delivery.ordinal)" }.joined(separator: " ") }
    }

    @Test("a key that is in the batch being put together is read once, however full the lines are")
    func joining() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(
            1,
            DeliveryRules(
                retry: DeliveryPolicy(interval: 100_000, jitter: false), batch: BatchLimits(count: 3, window: 1000),
                keys: .ordered("k", parks: true)))
        (driver.core.window.lineBytes, driver.core.window.refillBytes) = (1, 1)
        // What waits for a retry fills all lines.
        driver.put(1, key: "long")
        #expect(driver.pump().isEmpty)
        driver.now = 1000
        driver.finish(driver.pump()[0], CoreDriver.failed())
        driver.put(1, key: "long")
        driver.core.park(one, key: "a")
        for _ in 0..<2 { driver.put(1, key: "a") }
        #expect(driver.pump().isEmpty)
        driver.core.unpark(one, key: "a", now: driver.now)
        driver.now = 1500
        for _ in 0..<10 {
            #expect(driver.pump(answering: false).isEmpty)
            driver.answerAll(one)
        }
        #expect(driver.unanswered.isEmpty && driver.readForKeys <= 4, "\(driver.readForKeys) were read")
        driver.now = 10_000
        #expect(keys(driver.pump()) == ["a3 a4"])
    }

    @Test("keys that were freed are forgotten, also where nothing is read back")
    func freedKeys() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        for number in 0..<500 {
            driver.core.park(one, key: "k\(number)")
            driver.put(1, key: "k\(number)")
            #expect(driver.pump().isEmpty)
            driver.core.unpark(one, key: "k\(number)", now: driver.now)
            for attempt in driver.pump() { driver.finish(attempt) }
        }
        #expect(driver.core.freedKeys(of: one) < 10)
    }

    @Test("what runs has the time that its key gave it also when it comes back, and from the log")
    func freedWhileRunning() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(
            1,
            DeliveryRules(
                retry: DeliveryPolicy(maximumAge: 1000, jitter: false), keys: .ordered("k", parks: true)))
        driver.core.window.lines = 1
        driver.put(1, key: "a")
        guard case .dead(let dead, _)? = driver.finish(driver.pump()[0], CoreDriver.failed("Bad", .permanent)).first
        else {
            Issue.record("not dead")
            return
        }
        driver.put(1, key: "a")
        for key in ["b", "z"] { driver.core.park(one, key: key) }
        driver.put(1, key: "b")
        #expect(driver.pump().isEmpty)
        driver.now = 5000
        driver.core.unpark(one, key: "a", now: driver.now)
        let second = driver.pump()
        #expect(keys(second) == ["a2"] && second[0].works[0].expires == 6000)
        // Another one is freed, and what is over is forgotten.
        driver.core.unpark(one, key: "z", now: driver.now)
        // An older one is redriven, and the younger never reached its worker.
        var redriven = dead
        redriven.source = .pending(deadLetter: 7)
        driver.core.load(redriven, due: driver.now)
        driver.core.workerDone(second[0].id)
        driver.core.giveBack(second[0].id)
        let first = driver.pump()
        #expect(keys(first) == ["a1"])
        let read = driver.readForKeys
        driver.finish(first[0])
        let last = driver.pump()
        #expect(driver.readForKeys > read, "it was left to the log")
        #expect(keys(last) == ["a2"] && last.first?.works[0].expires == 6000, "\(last)")
    }

    @Test("half of a failed batch stays half, though older ones of its key were left to the log")
    func halves() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        let batch = BatchLimits(count: 2)
        driver.subscribe(1, DeliveryRules(batch: batch))
        driver.core.window.lines = 1
        for _ in 0..<4 { driver.put(1, key: "a") }
        let both = driver.pump()
        #expect(both.map { $0.works.map(\.delivery.ordinal) } == [[1, 2], [3, 4]])
        func deploy(_ keys: KeyPolicy) {
            driver.core.setSubscription(
                one, function: "f", rules: DeliveryRules(batch: batch, keys: keys), loaded: 0, newest: 0
            ) { _, _ in "a" }
        }
        // All of them have one key now, and that is held back.
        deploy(.ordered("k", parks: true))
        driver.core.setParked(one, ["a": 1])
        driver.core.workerDone(both[0].id)
        driver.core.giveBack(both[0].id)
        driver.finish(both[1], CoreDriver.failed())
        #expect(driver.core.inLines(of: one).works == 2, "two are left to the log, two halves stay")
        deploy(.ordered("k"))
        var seen: [[Int64]] = []
        while let attempt = driver.pump().first {
            seen.append(attempt.works.map(\.delivery.ordinal))
            driver.finish(attempt)
        }
        #expect(seen == [[1, 2], [3], [4]])
    }
}
