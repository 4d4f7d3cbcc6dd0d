import Journal
import SluiceRuntime
import Testing

@Suite("Batches, retries and rates")
struct PolicyTests {
    // MARK: Batches

    @Test("a batch waits for its window from the first event that waits, and starts early when it is full")
    func window() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 3, window: 1000)))
        driver.put(1)
        #expect(driver.pump().isEmpty)
        driver.now = 900
        driver.put(1)
        #expect(driver.pump().isEmpty)
        #expect(driver.core.nextDue == 1000)
        driver.now = 1000
        #expect(driver.pump().map(\.works.count) == [2])
        driver.now = 1100
        for _ in 0..<4 { driver.put(1) }
        #expect(driver.pump().map(\.works.count) == [3])
        #expect(driver.core.nextDue == 2100)
        driver.now = 2100
        #expect(driver.pump().map(\.works.count) == [1])
    }

    @Test(
        "a window begins with the first event's acceptance: what waited before a start or behind another batch counts")
    func windowSinceAcceptance() {
        var driver = CoreDriver()
        driver.now = 10_000
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 3, window: 1000)))
        driver.put(1, waited: 800)
        #expect(driver.pump().isEmpty && driver.core.nextDue == 10_200)
        driver.now = 10_200
        #expect(driver.pump().map(\.works.count) == [1])
        driver.put(1, waited: 5000)
        #expect(driver.pump().map(\.works.count) == [1])
        // Behind one of its key, which is on its way.
        driver.subscribe(2, DeliveryRules(batch: BatchLimits(count: 2, window: 1000), keys: .ordered("k")))
        for _ in 0..<3 { driver.put(2, key: "a") }
        let first = driver.pump()[0]
        driver.now = 11_500
        driver.finish(first)
        #expect(driver.pump().map(\.works.count) == [1])
    }

    @Test("what a backlog has is put together before its window counts")
    func windowOfBacklog() {
        var driver = CoreDriver()
        driver.core.window.records = 4
        driver.core.window.refill = 2
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 10, window: 1000)))
        driver.now = 10_000
        for _ in 0..<20 { driver.put(1, waited: 5000) }
        #expect(driver.pump().map(\.works.count) == [10, 10])
    }

    @Test("a batch ends before it has too many bytes; what is larger goes alone")
    func bytes() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 10, bytes: 100)))
        for bytes in [40, 50, 20, 300, 100, 1] as [Int64] { driver.put(1, bytes: bytes) }
        #expect(driver.pump().map { $0.works.map(\.bytes) } == [[40, 50], [20], [300], [100], [1]])
    }

    @Test("a window does not hold the halves of a failed batch")
    func halves() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 4, window: 60_000)))
        for _ in 0..<4 { driver.put(1) }
        let attempt = driver.pump()[0]
        driver.finish(attempt, CoreDriver.failed())
        #expect(driver.pump().map(\.works.count) == [2, 2])
    }

    @Test(
        "a batch being put together is taken apart where a deployment wants it smaller, also by key",
        arguments: [nil, KeyPolicy.ordered("k"), .limited("k", concurrency: 1)])
    func smallerBatch(keys: KeyPolicy?) {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 10, window: 60_000), keys: keys))
        for number in 0..<6 { driver.put(1, key: "\(number % 3)") }
        #expect(driver.pump().isEmpty)
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 4, window: 60_000), keys: keys))
        let first = driver.pump()
        #expect(first.map(\.works.count) == [4])
        driver.subscribe(1, DeliveryRules(keys: keys))
        for attempt in first { driver.finish(attempt) }
        var rest: [Int64] = []
        while case let attempts = driver.pump(), !attempts.isEmpty {
            #expect(attempts.allSatisfy { $0.works.count == 1 })
            for attempt in attempts {
                rest += attempt.works.map(\.delivery.ordinal)
                driver.finish(attempt)
            }
        }
        #expect(Set(first[0].works.map(\.delivery.ordinal) + rest) == Set(1...6) && rest.count == 2)
    }

    @Test("a batch being put together is taken apart where its bytes are bounded anew, or another function gets it")
    func otherBatch() {
        var driver = CoreDriver(functions: [("f", 8, false), ("g", 8, false)])
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 10, window: 60_000)))
        for _ in 0..<3 { driver.put(1, bytes: 50) }
        #expect(driver.pump().isEmpty)
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 10, bytes: 100, window: 60_000)))
        #expect(driver.pump().map(\.works.count) == [2])
        driver.subscribe(1, function: "g", DeliveryRules())
        #expect(driver.pump().map { "\($0.function) \($0.works.count)" } == ["g 1"])
    }

    @Test("an attempt that is given back because its target takes one event goes on one by one, in order")
    func singly() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 4, window: 60_000), keys: .ordered("k")))
        for _ in 0..<4 { driver.put(1, key: "a") }
        let attempt = driver.pump()[0]
        driver.core.workerDone(attempt.id)
        driver.core.giveBack(attempt.id, singly: true)
        for ordinal in 1...4 as ClosedRange<Int64> {
            let next = driver.pump()
            #expect(next.map { $0.works.map(\.delivery.ordinal) } == [[ordinal]] && next.first?.number == 1)
            for attempt in next { driver.finish(attempt) }
        }
    }

    // MARK: Retries

    @Test("a six-hour maximum age, in virtual time")
    func age() {
        var driver = CoreDriver()
        let hour: Int64 = 3_600_000
        driver.subscribe(
            1,
            DeliveryRules(
                retry: DeliveryPolicy(
                    maximumAttempts: 1000, maximumAge: 6 * hour, interval: hour / 2, backoffRate: 1,
                    maximumDelay: hour, jitter: false)))
        driver.put(1)
        var tries = 0
        while let attempt = driver.pump().first {
            tries += 1
            guard case .dead(_, let death)? = driver.finish(attempt, CoreDriver.failed()).first else {
                driver.now = driver.core.nextDue ?? .max
                continue
            }
            #expect(death.condition == "MaximumEventAgeInSeconds")
        }
        // At 0:00, 0:30, … 5:30; what would be due at 6:00 is too old.
        #expect(tries == 12)
        #expect(driver.now == 11 * hour / 2)
    }

    @Test("what is paused does not age")
    func pausedAge() {
        var driver = CoreDriver()
        let id = SubscriptionID(1)
        driver.subscribe(
            1, DeliveryRules(retry: DeliveryPolicy(maximumAttempts: 9, maximumAge: 10_000, jitter: false)))
        driver.put(1)
        driver.finish(driver.pump()[0], CoreDriver.failed())
        driver.core.pause(id, reason: "by hand", now: driver.now)
        driver.now = 1_000_000
        #expect(driver.pump().isEmpty)
        #expect(driver.core.nextDue == nil)
        driver.core.resume(id, now: driver.now)
        let attempt = driver.pump()
        #expect(attempt.count == 1)
        guard case .retry? = driver.finish(attempt[0], CoreDriver.failed()).first else {
            Issue.record("given up for the age it had while it was paused")
            return
        }
    }

    @Test("codes that are retried, codes that never are, and the handler's word")
    func codes() {
        let never = DeliveryPolicy(never: ["Broken"])
        #expect(never.classify("Broken", .transient) == .permanent)
        #expect(never.classify("TimedOut", .transient) == .transient)
        let only = DeliveryPolicy(only: ["TimedOut", "SchemaMismatch"])
        #expect(only.classify("TimedOut", .transient) == .transient)
        #expect(only.classify("Other", .transient) == .permanent)
        #expect(only.classify("SchemaMismatch", .permanent) == .transient)
        #expect(only.classify("SchemaMismatch", .final) == .final, "the handler said so itself")
        #expect(only.classify("NoSpace", .platform) == .platform)
    }

    // MARK: Rates

    @Test("a rate is kept to, and used")
    func rate() {
        var driver = CoreDriver()
        driver.subscribe(1, DeliveryRules(rate: Rate(count: 10, per: 1000)))
        for _ in 0..<1000 { driver.put(1) }
        var starts: [Instant] = []
        while driver.now <= 60_000 {
            while true {
                let attempts = driver.pump()
                if attempts.isEmpty { break }
                for attempt in attempts {
                    starts.append(driver.now)
                    driver.finish(attempt)
                }
            }
            driver.now = max(driver.now + 1, driver.core.nextDue ?? .max)
        }
        #expect(starts.count == 610, "ten at once, then one every 100 ms")
        // Twenty in any second at most: a burst of ten and what the second allows.
        for index in 20..<starts.count { #expect(starts[index] - starts[index - 20] >= 1000) }
    }

    @Test("targets of one downstream share its rate and its slots")
    func downstream() {
        var driver = CoreDriver(functions: [("f", 8, false), ("g", 8, false)])
        driver.core.setDownstreams(["w": DownstreamLimits(rate: Rate(count: 60, per: 60_000), concurrency: 1)])
        driver.subscribe(1, function: "f", DeliveryRules(downstream: "w"))
        driver.subscribe(2, function: "g", DeliveryRules(downstream: "w"))
        for _ in 0..<3 { driver.put(1, 2) }
        var order: [String] = []
        for second in 0..<6 {
            driver.now = Instant(second) * 1000
            let attempts = driver.pump()
            #expect(attempts.count == 1, "at \(second) s")
            order += attempts.map(\.function)
            driver.now += 500
            #expect(driver.pump().isEmpty)
            for attempt in attempts { driver.finish(attempt) }
            #expect(driver.pump().isEmpty, "there is room, but no second has gone by")
        }
        #expect(order == ["f", "g", "f", "g", "f", "g"])
    }
}

@Suite("Fairness")
struct FairnessTests {
    @Test("a slow function's backlog does not delay another's events")
    func slowNeighbour() {
        /// Milliseconds from an event of the quick function to its start.
        func delays(withBacklog: Bool) -> [Instant] {
            var driver = CoreDriver(limit: 4, functions: [("slow", 4, false), ("quick", 2, false)])
            driver.subscribe(1, function: "slow", DeliveryRules())
            driver.subscribe(2, function: "quick", DeliveryRules())
            if withBacklog { for _ in 0..<20_000 { driver.put(1) } }
            var busy: [(end: Instant, attempt: DeliveryCore.Attempt)] = []
            var put: [Int64: Instant] = [:]
            var delays: [Instant] = []
            for tick in 0..<2000 {
                driver.now = Instant(tick)
                if tick % 10 == 0 {
                    driver.put(2)
                    put[Int64(tick / 10 + 1)] = driver.now
                }
                for (_, attempt) in busy.filter({ $0.end <= driver.now }) { driver.finish(attempt) }
                busy.removeAll { $0.end <= driver.now }
                for attempt in driver.pump() {
                    let isQuick = attempt.function == "quick"
                    if isQuick { delays.append(driver.now - put[attempt.works[0].delivery.ordinal]!) }
                    let duration: Instant = isQuick ? 8 : 1000
                    busy.append((driver.now + duration, attempt))
                }
            }
            return delays
        }
        let alone = delays(withBacklog: false)
        let beside = delays(withBacklog: true)
        #expect(beside.count == alone.count)
        #expect(beside.max()! <= 2 * max(1, alone.max()!))
    }

    @Test("subscriptions of one function take turns")
    func turns() {
        var driver = CoreDriver(functions: [("f", 1, false)])
        driver.subscribe(1, DeliveryRules())
        driver.subscribe(2, DeliveryRules())
        for _ in 0..<100 { driver.put(1) }
        for _ in 0..<3 { driver.put(2) }
        var order: [Int64] = []
        for _ in 0..<6 {
            let attempt = driver.pump()[0]
            order.append(attempt.subscription.value)
            driver.finish(attempt)
        }
        #expect(order == [1, 2, 1, 2, 1, 2])
    }

    @Test("reserved slots are nobody else's, and the others have theirs")
    func reserved() {
        var driver = CoreDriver(limit: 4, functions: [("a", 8, false), ("b", 8, false), ("r", 2, true)])
        for (id, name) in [(1, "a"), (2, "b"), (3, "r")] as [(Int64, String)] {
            driver.subscribe(id, function: name, DeliveryRules())
        }
        for _ in 0..<10 { driver.put(1) }
        #expect(driver.pump().count == 2, "two of four slots are reserved")
        for _ in 0..<10 { driver.put(3) }
        #expect(driver.pump().map(\.function) == ["r", "r"])
        driver.put(2)
        #expect(driver.pump().map(\.function) == ["b"], "its own slot, above the limit")
    }

    @Test("a batch ends at the host's own limit of payload, whatever its target allows")
    func batchPayload() {
        var driver = CoreDriver()
        driver.core.window.batchBytes = 100
        driver.subscribe(1, DeliveryRules(batch: BatchLimits(count: 10_000, window: 60_000)))
        for key in [40, 40, 40, 250, 10] { driver.put(1, key: String(repeating: "k", count: key)) }
        // The limit ends a batch before its window does; the last one waits for its own.
        #expect(driver.pump().map(\.works.count) == [2, 1, 1])
        driver.now = 60_000
        #expect(driver.pump().map(\.works.count) == [1])
    }

    @Test("what a removed function had reserved is everybody's again, also while it still runs")
    func reservationsEnd() {
        var driver = CoreDriver(limit: 4, functions: [("gone", 3, true), ("f", 8, false)])
        driver.subscribe(1, function: "gone", DeliveryRules())
        driver.subscribe(2, function: "f", DeliveryRules())
        driver.put(1)
        for _ in 0..<8 { driver.put(2) }
        let started = driver.pump()
        #expect(driver.core.running(of: "f") == 1 && driver.core.running(of: "gone") == 1)
        driver.core.keepReservations(of: ["f"])
        #expect(driver.pump().count == 2, "of four slots one is still in use")
        for attempt in started where attempt.function == "gone" { driver.finish(attempt) }
        #expect(driver.pump().count == 1)
        #expect(driver.core.running(of: "f") == 4)
    }

    @Test("subscriptions that are gone leave their places to new ones; those with work stay")
    func forgetting() {
        var driver = CoreDriver()
        for round in 0..<50 as Range<Int64> {
            let (ended, busy) = (SubscriptionID(2 * round + 1), SubscriptionID(2 * round + 2))
            driver.subscribe(ended.value, DeliveryRules())
            driver.subscribe(busy.value, DeliveryRules())
            driver.put(ended.value)
            for attempt in driver.pump() { driver.finish(attempt) }
            driver.core.forget { $0 == ended }
            #expect(driver.core.rules(of: ended) == nil)
            driver.put(busy.value)
            let running = driver.pump()
            driver.core.forget { $0 == busy }
            #expect(driver.core.rules(of: busy) != nil && driver.core.inFlight(of: busy) == 1)
            for attempt in running { driver.finish(attempt) }
            driver.core.forget { $0 == busy }
            #expect(driver.core.rules(of: busy) == nil)
        }
        #expect(driver.core.places <= 2)
        // What takes a place of another's is delivered like any.
        driver.subscribe(1000, DeliveryRules())
        driver.put(1000)
        #expect(driver.pump().map(\.subscription.value) == [1000])
    }
}
