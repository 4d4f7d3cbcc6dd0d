import Journal
import SluiceRuntime
import Testing

/// Who waits for the reading of the log for keys, and how long that goes on.
@Suite("Readings for keys")
struct KeySweepTests {
    private let one = SubscriptionID(1)

    /// So many keys, each of them held back by a dead letter, that have left all to the log.
    private func parked(_ keys: [String], each: Int, refill: Int) -> CoreDriver {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.window.lines = 1
        driver.core.window.refill = refill
        for key in keys {
            driver.core.park(one, key: key)
            for _ in 0..<each { driver.put(1, key: key) }
        }
        #expect(driver.pump().isEmpty)
        return driver
    }

    @Test("a key with younger places comes although ever older ones get free")
    func olderOnesGetFree() {
        let older = (0..<50).map { "k\($0)" }
        // Between them and the younger one lies more than a reading brings.
        let held = (0..<20).map { "held\($0)" }
        var driver = parked(older + held + ["young"], each: 2, refill: 4)
        var seen: [String] = []
        var answers = 0
        for key in older.reversed() {
            driver.core.unpark(one, key: key, now: driver.now)
            var attempts = driver.pump(answering: false)
            answers += driver.unanswered.count
            if answers == 1 { driver.core.unpark(one, key: "young", now: driver.now) }
            driver.answerAll(one)
            attempts += driver.pump(answering: false)
            for attempt in attempts {
                seen.append(attempt.works[0].key ?? "")
                driver.finish(attempt)
            }
            if seen.contains("young") { break }
        }
        #expect(seen.contains("young") && answers <= 30, "after \(answers) readings: \(seen)")
    }

    @Test("a key with older places comes although ever younger ones are left to the log")
    func youngerOnesComeOn() {
        var driver = parked(["old", "busy"], each: 2, refill: 4)
        driver.core.unpark(one, key: "busy", now: driver.now)
        var seen: [String] = []
        var answers = 0
        for round in 0..<50 {
            // One reading is under way when the older one gets free.
            if round == 1 { driver.core.unpark(one, key: "old", now: driver.now) }
            var attempts = driver.pump(answering: false)
            for _ in 0..<8 { driver.put(1, key: "busy") }
            answers += driver.unanswered.count
            driver.answerAll(one)
            attempts += driver.pump(answering: false)
            for attempt in attempts {
                seen.append(attempt.works[0].key ?? "")
                driver.finish(attempt)
            }
            if seen.contains("old") { break }
        }
        #expect(seen.contains("old") && answers <= 6, "after \(answers) readings: \(seen)")
    }

    @Test("once a key has what was left to the log, nothing more is read, whatever comes meanwhile")
    func steadyTraffic() {
        var driver = parked(["a"], each: 6, refill: 4)
        var seen: [Int64] = []
        driver.core.unpark(one, key: "a", now: driver.now)
        for round in 0..<40 {
            var attempts = driver.pump(answering: false)
            // In memory, and no concern of what is read.
            for number in 0..<4 { driver.put(1, key: "other\(round)-\(number)") }
            driver.answerAll(one)
            attempts += driver.pump(answering: false)
            for attempt in attempts {
                if attempt.works[0].key == "a" { seen.append(attempt.works[0].delivery.ordinal) }
                driver.finish(attempt)
            }
        }
        #expect(seen == [1, 2, 3, 4, 5, 6])
        #expect(driver.readForKeys <= 16, "\(driver.readForKeys) were read")
        #expect(driver.core.inLines(of: one) == (0, 0))
    }

    @Test("two busy keys, one of them late for the other's reading: nothing is read for nobody")
    func takingTurns() {
        var driver = CoreDriver(functions: [("f", 4, false)])
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        (driver.core.window.lines, driver.core.window.line, driver.core.window.refill) = (1, 16, 64)
        for key in ["a", "b"] { driver.core.park(one, key: key) }
        for _ in 0..<500 { for key in ["a", "b"] { driver.put(1, key: key) } }
        #expect(driver.pump().isEmpty)
        driver.core.window.lines = 64
        driver.core.unpark(one, key: "b", now: driver.now)
        #expect(driver.pump(answering: false).isEmpty)
        // The reading has gone by something of it.
        driver.core.unpark(one, key: "a", now: driver.now)
        var seen: [String: [Int64]] = [:]
        for _ in 0..<5000 {
            var attempts = driver.pump(answering: false)
            while let attempt = attempts.popLast() {
                seen[attempt.works[0].key ?? "", default: []].append(attempt.works[0].delivery.ordinal)
                driver.finish(attempt)
                attempts += driver.pump(answering: false)
            }
            driver.answerAll(one)
        }
        let (a, b) = (seen["a"] ?? [], seen["b"] ?? [])
        #expect(a.count == 500 && b.count == 500 && a == a.sorted() && b == b.sorted(), "\(a.count) and \(b.count)")
        #expect(driver.readForKeys <= 8000, "\(driver.readForKeys) were read")
    }

    @Test("whoever is purged, and when: each key that is free comes in time, and nothing is read for nobody")
    func histories() {
        for seed in 0..<20 as Range<UInt64> {
            var history = SweepHistory(seed: seed)
            history.run()
            #expect(history.problem == nil, "seed \(seed)")
        }
    }
}

/// Keys whose events die again and again, an operator who purges the oldest letters first, and traffic beside it.
private struct SweepHistory {
    private let one = SubscriptionID(1)
    private var driver = CoreDriver(functions: [("f", 4, false)])
    private var random: SplitMix64
    private var running: [DeliveryCore.Attempt] = []
    /// Of each key what has come and not been started, and how many readings were answered since it could have been.
    private var waiting: [String: [Int64]] = [:]
    private var waited: [String: Int] = [:]
    private var parked: Set<String> = []
    private var count: Int64 = 0
    private(set) var problem: String?

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        driver.subscribe(1, DeliveryRules(keys: .ordered("k", parks: true)))
        driver.core.window.lines = 8
        driver.core.window.line = 4
        driver.core.window.refill = 8
    }

    mutating func run() {
        for number in 0..<40 {
            let key = "k\(number)"
            driver.core.park(one, key: key)
            parked.insert(key)
            for _ in 0..<10 { put(key) }
        }
        for _ in 0..<1500 where problem == nil {
            step()
            for attempt in driver.pump(answering: false) { start(attempt) }
        }
        while problem == nil, !waiting.values.allSatisfy(\.isEmpty) || !running.isEmpty {
            for key in parked { purge(key) }
            for attempt in driver.pump() { start(attempt) }
            driver.answerAll(one)
            if running.isEmpty, driver.unanswered.isEmpty, parked.isEmpty, driver.pump().isEmpty {
                problem = "nothing more comes"
            }
            while let attempt = running.popLast() { driver.finish(attempt) }
        }
    }

    private mutating func step() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3:
            if let oldest = parked.min(by: { (waiting[$0]?.first ?? .max) < (waiting[$1]?.first ?? .max) }) {
                purge(oldest)
            }
        case 3: put("k\(Int.random(in: 0..<40, using: &random))")
        case 4: put("new\(count)")
        case 5..<8:
            if !running.isEmpty { finish(running.remove(at: Int.random(in: 0..<running.count, using: &random))) }
        default: answer()
        }
    }

    private mutating func put(_ key: String) {
        driver.put(1, key: key)
        count += 1
        waiting[key, default: []].append(count)
    }

    private mutating func purge(_ key: String) {
        parked.remove(key)
        driver.core.unpark(one, key: key, now: driver.now)
    }

    private func isFree(_ key: String) -> Bool {
        !parked.contains(key) && !running.contains { $0.works[0].key == key } && !(waiting[key] ?? []).isEmpty
    }

    private mutating func start(_ attempt: DeliveryCore.Attempt) {
        let work = attempt.works[0]
        let key = work.key ?? ""
        if parked.contains(key) || waiting[key]?.first != work.delivery.ordinal { problem = "\(key) is out of order" }
        waiting[key]?.removeFirst()
        waited[key] = nil
        running.append(attempt)
    }

    private mutating func finish(_ attempt: DeliveryCore.Attempt) {
        let key = attempt.works[0].key ?? ""
        guard key.hasPrefix("k"), Int.random(in: 0..<3, using: &random) > 0 else {
            driver.finish(attempt)
            return
        }
        parked.insert(key)
        driver.finish(attempt, CoreDriver.failed("Bad", .permanent))
    }

    private mutating func answer() {
        guard !driver.unanswered.isEmpty else { return }
        driver.answerAll(one)
        for key in waiting.keys where isFree(key) {
            waited[key, default: 0] += 1
            // Two ways through all there is.
            let most = 2 * (driver.log.count / 8 + 2)
            if waited[key]! > most { problem = "\(key) has waited for \(most) readings" }
        }
        for attempt in driver.pump(answering: false) { start(attempt) }
        if !driver.unanswered.isEmpty, !waiting.keys.contains(where: isFree) { problem = "read for nobody" }
    }
}
