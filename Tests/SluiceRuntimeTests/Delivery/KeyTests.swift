import Journal
import SluiceRuntime
import Testing

@Suite("Deliveries by key")
struct KeyTests {
    private let one = SubscriptionID(1)

    private func keys(_ attempts: [DeliveryCore.Attempt]) -> [String] {
        attempts.map { $0.works.map { "\($0.key ?? "-")\($0.delivery.ordinal)" }.joined(separator: " ") }
    }

    @Test("one at a time for each key, in order; a retry holds its key back and no other")
    func order() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(retry: DeliveryPolicy(jitter: false), keys: .ordered("k")))
        for key in ["a", "b", "a", "", "a"] { driver.put(1, key: key) }
        let first = driver.pump()
        #expect(keys(first) == ["a1", "b2", "-4"])
        driver.finish(first[0], CoreDriver.failed())
        driver.finish(first[1])
        #expect(driver.pump().isEmpty)
        driver.now = 1000
        let second = driver.pump()
        #expect(keys(second) == ["a1"])
        driver.finish(second[0])
        #expect(keys(driver.pump()) == ["a3"])
    }

    @Test("in a batch nothing of a key counts after its first failure")
    func batch() {
        var driver = CoreDriver(functions: [("f", 1, false)])
        driver.subscribe(
            1,
            DeliveryRules(retry: DeliveryPolicy(jitter: false), batch: BatchLimits(count: 4), keys: .ordered("k")))
        for key in ["a", "b", "a", "b"] { driver.put(1, key: key) }
        let attempt = driver.pump()[0]
        #expect(keys([attempt]) == ["a1 b2 a3 b4"])
        let verdict = Verdict.records([.failed(CoreDriver.summary("X"), .transient), .succeeded, .succeeded, .dropped])
        guard case .records(let reached) = driver.core.reached(verdict, of: attempt.id), case .notReached = reached[2]
        else {
            Issue.record("a3 counts although a1 failed")
            return
        }
        #expect(driver.finish(attempt, verdict).count == 3)
        #expect(driver.pump().isEmpty)
        driver.now = 1000
        #expect(keys(driver.pump()) == ["a1 a3"])
    }

    @Test("a dead letter parks its key until it is redriven or purged")
    func parking() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        for key in ["a", "a", "b", "a"] { driver.put(1, key: key) }
        let first = driver.pump()
        #expect(keys(first) == ["a1", "b3"])
        guard case .dead(let work, _)? = driver.finish(first[0], CoreDriver.failed("Bad", .permanent)).first else {
            Issue.record("not dead")
            return
        }
        #expect(driver.pump().isEmpty)
        #expect(driver.core.parked(of: one) == (1, 2))
        var redriven = work
        redriven.source = .pending(deadLetter: 7)
        driver.core.load(redriven, due: driver.now)
        driver.core.unpark(one, key: "a", now: driver.now)
        let second = driver.pump()
        #expect(keys(second) == ["a1"])
        driver.finish(second[0], CoreDriver.failed("Bad", .permanent))
        #expect(driver.pump().isEmpty, "dead again, parked again")
        driver.core.unpark(one, key: "a", now: driver.now)
        #expect(keys(driver.pump()) == ["a2"], "purged")
    }

    @Test("a key that is held back stays in the log, and others go on; later it comes in order")
    func spilling() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.park(one, key: "hot")
        driver.core.window.records = 1000
        driver.core.window.refill = 250
        let count = 5000
        for number in 0..<count { driver.put(1, key: number % 10 == 0 ? "other" : "hot") }
        var seen: [Int64] = []
        while let attempt = driver.pump().first {
            seen.append(attempt.works[0].delivery.ordinal)
            driver.finish(attempt)
        }
        let others = (0..<count).filter { $0 % 10 == 0 }.map { Int64($0 + 1) }
        #expect(seen == others)
        let waiting = count - count / 10
        #expect(driver.core.parked(of: one) == (1, waiting))
        driver.core.unpark(one, key: "hot", now: driver.now)
        seen = []
        while let attempt = driver.pump().first {
            seen.append(attempt.works[0].delivery.ordinal)
            driver.finish(attempt)
            // What comes meanwhile stands behind.
            if seen.count == 100 { driver.put(1, key: "hot") }
        }
        var held = (0..<count).filter { $0 % 10 != 0 }.map { Int64($0 + 1) }
        held.append(Int64(count + 1))
        #expect(seen == held)
        #expect(driver.core.parked(of: one) == (0, 0))
    }

    /// Puts so many of each key, one key after the other.
    private func put(_ each: Int, of keys: Int, into driver: inout CoreDriver) {
        for number in 0..<(keys * each) { driver.put(1, key: "k\(number % keys)") }
    }

    /// Ends all that starts; what was started of each key, in order.
    private func deliver(
        _ driver: inout CoreDriver, _ verdict: Verdict = .succeeded, meanwhile: (CoreDriver) -> Void = { _ in }
    ) -> [String: [Int64]] {
        var seen: [String: [Int64]] = [:]
        while true {
            let attempts = driver.pump()
            meanwhile(driver)
            if attempts.isEmpty { return seen }
            for attempt in attempts {
                for work in attempt.works { seen[work.key ?? "", default: []].append(work.delivery.ordinal) }
                driver.finish(attempt, verdict)
            }
        }
    }

    @Test("however many keys are parked, their lines together keep no more than there is room for")
    func manyParked() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.window.lines = 40
        let (keys, each) = (60, 20)
        put(each, of: keys, into: &driver)
        let died = deliver(&driver, CoreDriver.failed("Bad", .permanent)) {
            #expect($0.core.inLines(of: one).works <= 40)
        }
        #expect(died.count == keys && died.values.allSatisfy { $0.count == 1 })
        #expect(driver.core.parked(of: one) == (keys, keys * (each - 1)))
        #expect(driver.core.parked(of: one, behind: "k0") == each - 1)
        // What comes later stays in the log, too.
        put(1, of: keys, into: &driver)
        #expect(deliver(&driver).isEmpty)
        #expect(driver.core.parked(of: one) == (keys, keys * each))
        #expect(driver.core.inLines(of: one).works <= 10, "a quarter is for them")
        for number in 0..<keys { driver.core.unpark(one, key: "k\(number)", now: driver.now) }
        let read = driver.readForKeys
        driver.core.window.refill = 400
        let seen = deliver(&driver) { #expect($0.core.inLines(of: one).works <= 40 + 400) }
        for number in 0..<keys {
            #expect(seen["k\(number)"] == (1...each).map { Int64($0 * keys + number + 1) })
        }
        #expect(driver.core.parked(of: one) == (0, 0) && driver.core.inLines(of: one) == (0, 0))
        // Few ways through the log for all of them, and not one for each.
        #expect(driver.readForKeys - read < 6 * keys * each, "\(driver.readForKeys - read) read")
    }

    @Test("large events fill the lines by their bytes")
    func bytesOfLines() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.window.lineBytes = 1000
        for key in 0..<10 { driver.core.park(one, key: "\(key)" + String(repeating: "x", count: 99)) }
        for number in 0..<200 { driver.put(1, key: "\(number % 10)" + String(repeating: "x", count: 99)) }
        #expect(driver.pump().isEmpty)
        #expect(driver.core.inLines(of: one) == (3, 300))
        #expect(driver.core.parked(of: one) == (10, 200))
        for key in 0..<10 {
            driver.core.unpark(one, key: "\(key)" + String(repeating: "x", count: 99), now: driver.now)
        }
        #expect(deliver(&driver).values.allSatisfy { $0 == $0.sorted() && $0.count == 20 })
        #expect(driver.core.inLines(of: one) == (0, 0))
    }

    @Test("keys that wait for a retry keep no more either, and a free key goes on although the lines are full")
    func manyRetries() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(
            1, DeliveryRules(retry: DeliveryPolicy(interval: 100_000, jitter: false), keys: .ordered("k")))
        driver.core.window.lines = 20
        driver.core.window.refill = 8
        let (keys, each) = (50, 10)
        put(each, of: keys, into: &driver)
        _ = deliver(&driver, CoreDriver.failed()) { #expect($0.core.inLines(of: one).works <= 20) }
        #expect(driver.core.inLines(of: one).works > 0)
        for _ in 0..<100 { driver.put(1, key: "free") }
        let free = deliver(&driver) { #expect($0.core.inLines(of: one).works <= 20 + 8) }
        #expect(free == ["free": (1...100).map { Int64(keys * each + $0) }])
        driver.now = 200_000
        let rest = deliver(&driver) { #expect($0.core.inLines(of: one).works <= 20 + 8) }
        for number in 0..<keys {
            #expect(rest["k\(number)"] == (0..<each).map { Int64($0 * keys + number + 1) })
        }
        #expect(driver.core.inLines(of: one) == (0, 0))
    }

    @Test("what comes back although an older one was left to the log goes on when that is done")
    func backBehindLeft() throws {
        var driver = CoreDriver(functions: [("f", 2, false)])
        driver.core.window.lines = 1
        driver.subscribe(1, DeliveryRules())
        for _ in 0..<2 { driver.put(1, key: "a") }
        let first = driver.pump()
        #expect(first.map { $0.works[0].delivery.ordinal } == [1, 2])
        // Both run although they have the same key now, and the key is held back when they come back.
        driver.core.setSubscription(
            one, function: "f", rules: DeliveryRules(keys: .ordered("k", parks: true)), loaded: 0, newest: 0
        ) { _, _ in "a" }
        driver.core.setParked(one, ["a": 1])
        for attempt in first {
            driver.core.workerDone(attempt.id)
            driver.core.giveBack(attempt.id)
        }
        #expect(driver.core.knownWorks(of: one) == 1, "the second ran when the first was left to the log")
        driver.core.unpark(one, key: "a", now: driver.now)
        #expect(deliver(&driver) == ["a": [1, 2]])
    }

    @Test("what is read back for many keys goes behind what is there already")
    func readBackFairly() {
        var driver = CoreDriver(functions: [("f", 1, false)])
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.window.lines = 1
        driver.core.window.refill = 8
        for number in 0..<50 { driver.core.park(one, key: "k\(number)") }
        put(10, of: 50, into: &driver)
        #expect(driver.pump().isEmpty)
        for number in 0..<50 { driver.core.unpark(one, key: "k\(number)", now: driver.now) }
        var (before, running) = (0, driver.pump())
        driver.put(1, key: "new")
        while let attempt = running.popLast() {
            driver.finish(attempt)
            running += driver.pump()
            if running.contains(where: { $0.works[0].key == "new" }) { break }
            before += 1
        }
        #expect(before < 40, "\(before) came before")
    }

    @Test("what a key held back has its whole time again, in memory and in the log; what came later has its own")
    func freedAge() {
        var driver = CoreDriver(functions: [("f", 1, false)])
        driver.subscribe(
            1, DeliveryRules(retry: DeliveryPolicy(maximumAge: 1000), keys: .ordered("k", parks: true)))
        driver.core.park(one, key: "a")
        driver.core.window.records = 100
        driver.core.window.refill = 50
        // Some stand in the line, more were left to the log, and behind those of another key some were never read.
        for _ in 0..<100 { driver.put(1, key: "a") }
        for _ in 0..<200 { driver.put(1, key: "b") }
        for _ in 0..<300 { driver.put(1, key: "a") }
        driver.now = 5000
        driver.core.unpark(one, key: "a", now: driver.now)
        driver.now = 5500
        driver.put(1, key: "a")
        var expires: [String: [Instant]] = [:]
        while let attempt = driver.pump().first {
            expires[attempt.works[0].key ?? "", default: []].append(attempt.works[0].expires)
            driver.finish(attempt)
        }
        #expect(expires["a"] == Array(repeating: 6000, count: 400) + [6500])
        #expect(expires["b"] == Array(repeating: 1000, count: 200))
    }

    @Test("a pause after it was free does not count either; another key's works have their own age")
    func freedAndPaused() {
        var driver = CoreDriver(functions: [("f", 1, false)])
        driver.subscribe(
            1, DeliveryRules(retry: DeliveryPolicy(maximumAge: 1000), keys: .ordered("k", parks: true)))
        driver.core.park(one, key: "a")
        driver.core.window.records = 4
        driver.core.window.refill = 2
        for number in 0..<300 { driver.put(1, key: number % 100 == 99 ? "b" : "a") }
        driver.now = 5000
        driver.core.unpark(one, key: "a", now: driver.now)
        driver.now = 5100
        driver.core.pause(one, reason: "", now: driver.now)
        driver.now = 5400
        driver.core.resume(one, now: driver.now)
        var expires: [String: Set<Instant>] = [:]
        while let attempt = driver.pump().first {
            expires[attempt.works[0].key ?? "", default: []].insert(attempt.works[0].expires)
            driver.finish(attempt)
        }
        #expect(expires["a"] == [6300])
        #expect(expires["b"] == [1300])
    }

    @Test("so many at once for a key, in no order")
    func concurrency() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(retry: DeliveryPolicy(jitter: false), keys: .limited("k", concurrency: 2)))
        for key in ["a", "a", "a", "b"] { driver.put(1, key: key) }
        let first = driver.pump()
        #expect(keys(first) == ["a1", "a2", "b4"])
        driver.finish(first[0], CoreDriver.failed())
        #expect(keys(driver.pump()) == ["a3"], "what is retried holds nothing back")
    }

    @Test("what never ran stands before a younger one that another deployment's keys let by")
    func olderThanRetry() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(retry: DeliveryPolicy(jitter: false), keys: .ordered("k")))
        for key in ["a", "b", "a", "b", "c"] { driver.put(1, key: key) }
        let first = driver.pump()
        #expect(keys(first) == ["a1", "b2", "c5"])
        driver.finish(first[2], CoreDriver.failed())
        driver.core.setSubscription(
            one, function: "f", rules: DeliveryRules(retry: DeliveryPolicy(jitter: false), keys: .ordered("parity")),
            loaded: 0, newest: 0
        ) { work, _ in "n\(work.delivery.position % 2)" }
        #expect(driver.pump().isEmpty)
        driver.finish(first[0])
        let second = driver.pump()
        #expect(keys(second) == ["n13"])
        driver.now = 1000
        #expect(driver.pump().isEmpty)
        driver.finish(second[0])
        #expect(keys(driver.pump()) == ["n15"])
    }

    @Test("a deployment may ask for another key while works wait")
    func rekeying() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(1, DeliveryRules(keys: .ordered("k")))
        for _ in 0..<200 { driver.put(1, key: "a") }
        let first = driver.pump()
        #expect(keys(first) == ["a1"])
        driver.core.setSubscription(
            one, function: "f", rules: DeliveryRules(keys: .ordered("parity")), loaded: 0, newest: 0
        ) { work, _ in "n\(work.delivery.position % 2)" }
        let second = driver.pump()
        #expect(keys(second) == ["n02"], "1 runs, and holds the odd ones back")
        var seen = [1, 2] as [Int64]
        driver.finish(first[0])
        driver.finish(second[0])
        while true {
            let attempts = driver.pump()
            if attempts.isEmpty { break }
            for attempt in attempts {
                seen.append(attempt.works[0].delivery.ordinal)
                driver.finish(attempt)
            }
        }
        #expect(seen.sorted() == Array(1...200), "what was only in the log, too")
        for parity in 0...1 {
            let own = seen.filter { $0 % 2 == parity }
            #expect(own == own.sorted())
        }
    }

    @Test(
        "after a deployment with other keys nothing starts before dead letters are counted, and only that count counts")
    func counting() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.setParked(one, ["a": 2])
        for key in ["a", "b", "c"] { driver.put(1, key: key) }
        let first = driver.pump()
        #expect(keys(first) == ["b2", "c3"])
        func deploy(_ path: String) {
            driver.core.setSubscription(
                one, function: "f", rules: DeliveryRules(keys: .ordered(path, parks: true)), loaded: 0, newest: 0
            ) { work, policy in
                policy?.path == "parity"
                    ? "n\(work.delivery.position % 2)" : String(decoding: work.payload, as: UTF8.self)
            }
        }
        deploy("parity")
        #expect(driver.core.isUntold(one))
        // Whatever ends, comes or is freed meanwhile.
        driver.finish(first[0], CoreDriver.failed("Bad", .permanent))
        driver.finish(first[1])
        driver.put(1, key: "d")
        driver.core.unpark(one, key: "n1", now: driver.now)
        #expect(driver.pump().isEmpty && driver.core.nextDue == nil)
        driver.core.setParked(one, ["n0": 1])
        #expect(!driver.core.isUntold(one))
        #expect(driver.core.parked(of: one).keys == 1)
        let second = driver.pump()
        #expect(keys(second) == ["n11"], "the even ones are held back by the one that died")
        driver.core.unpark(one, key: "n0", now: driver.now)
        #expect(keys(driver.pump()) == ["n04"])
        // To keys that do not park: there is nothing to count.
        driver.core.setSubscription(
            one, function: "f", rules: DeliveryRules(keys: .ordered("k")), loaded: 0, newest: 0)
        #expect(!driver.core.isUntold(one))
    }

    @Test("what is freed before dead letters are counted again has its whole time again")
    func freedWhileCounting() {
        var driver = CoreDriver()
        let retry = DeliveryPolicy(maximumAge: 1000, jitter: false)
        driver.subscribe(1, DeliveryRules(retry: retry, keys: .ordered("k", parks: true)))
        driver.core.setParked(one, ["a": 1])
        driver.put(1, key: "a")
        #expect(driver.pump().isEmpty)
        driver.core.setSubscription(
            one, function: "f", rules: DeliveryRules(retry: retry, keys: .ordered("parity", parks: true)), loaded: 0,
            newest: 0
        ) { work, _ in "n\(work.delivery.position % 2)" }
        driver.now = 900
        driver.core.unpark(one, key: "n1", now: driver.now)
        driver.now = 950
        driver.core.setParked(one, [:])
        let started = driver.pump()
        #expect(started.first?.works.first?.expires == 1900)
    }
}
