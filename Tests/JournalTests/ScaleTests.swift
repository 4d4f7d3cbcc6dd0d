import Foundation
import Journal
import Synchronization
import Testing

/// Many submitters, many records, many segments.
@Suite(.timeLimit(.minutes(3)))
struct ScaleTests {
    @Test("Many submitters beside readers: each one's order holds, and the log is dense", arguments: Store.allCases)
    func submitters(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(2)
        let (writers, each) = (12, 100)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    // All queued at once, so that they meet in groups.
                    try await withThrowingTaskGroup(of: Void.self) { inner in
                        for index in 0..<each where index % 10 == 9 {
                            inner.addTask { try await journal.commit(.append(["single-\(writer)-\(index)"], to: [2])) }
                        }
                        for index in 0..<each where index % 10 != 9 {
                            let receipt = try await journal.commit(.append(["\(writer)-\(index)"], to: [1]))
                            #expect(receipt.appended.count == 1)
                        }
                        try await inner.waitForAll()
                    }
                }
            }
            group.addTask {
                for _ in 0..<50 {
                    let head = try journal.recover().head
                    let seen = try journal.records(log: nil, after: max(0, head - 5), limit: 5)
                    #expect(seen.map(\.position) == seen.indices.map { max(0, head - 5) + Int64($0) + 1 })
                    let waiting = try journal.waiting(SubscriptionID(1), after: 0, limit: 20)
                    #expect(waiting.map { $0.deliveries[0].ordinal } == (0..<waiting.count).map { Int64($0) + 1 })
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
        let total = writers * each
        #expect(fixture.observed.all.map(\.position) == (1...Int64(total)).map { $0 })
        for writer in 0..<writers {
            let mine = fixture.observed.all.map(\.eventID).filter { $0.hasPrefix("\(writer)-") }
            #expect(mine == (0..<each).filter { $0 % 10 != 9 }.map { "\(writer)-\($0)" })
        }
        #expect(try journal.audit() == [])
    }

    @Test("Completions come in commit order, after the observer")
    func order() async throws {
        let fixture = try Fixture(.sqlite)
        let journal = fixture.journal
        let observed = fixture.observed
        let log = Mutex<[(position: Position, seen: Int)]>([])
        await withCheckedContinuation { continuation in
            for index in 1...500 {
                journal.submit(.append(["e\(index)"], to: [])) { result in
                    guard case .success(let receipt) = result, case .at(let position) = receipt.appended[0] else {
                        return
                    }
                    log.withLock { $0.append((position, observed.all.count)) }
                    if index == 500 { continuation.resume() }
                }
            }
        }
        let seen = log.withLock { $0 }
        #expect(seen.map(\.position) == (1...500).map { Int64($0) })
        #expect(seen.allSatisfy { $0.seen >= Int($0.position) })
    }

    @Test("Thirty thousand settlements in random order over several blocks, with a restart in the middle")
    func randomSettlements() async throws {
        var options = JournalOptions.small
        options.segmentBytes = 8 << 20
        options.segmentRecords = 7_000
        let fixture = try Fixture(.sqlite, options: options)
        try await fixture.journal.subscribe(1)
        let count: Int64 = 30_000
        for start in stride(from: Int64(1), through: count, by: 1_000) {
            try await fixture.journal.commit(.append((start..<start + 1_000).map { "e\($0)" }))
        }
        var random = SeededGenerator(seed: 11)
        // Random, but the very first comes last: the floor cannot move until then.
        var order = (2...count).shuffled(using: &random)
        order.append(1)
        for part in stride(from: 0, to: order.count, by: 500) {
            if part == 15_000 {
                try fixture.reopen()
                #expect(try fixture.journal.audit() == [])
                let waiting = try fixture.journal.waiting(SubscriptionID(1), after: 0, limit: 100_000)
                #expect(waiting.map { $0.deliveries[0].ordinal } == order[15_000...].sorted())
            }
            let deliveries = order[part..<min(part + 500, order.count)].map { Delivery(1, $0, $0) }
            try await fixture.journal.commit(.settle(deliveries))
        }
        for _ in 0..<2 {
            let progress = try fixture.journal.progress(of: 1)
            #expect((progress.floor, progress.floorPosition, progress.waiting) == (count, count, 0))
            #expect(try fixture.journal.waiting(SubscriptionID(1), after: 0, limit: 10).isEmpty)
            #expect(try fixture.journal.audit() == [])
            try fixture.reopen()
        }
    }

    @Test(
        "Segments roll; only settled and old ones at the front are dropped, and their counts stay",
        arguments: Store.allCases)
    func trimming(store: Store) async throws {
        let fixture = try Fixture(store)
        try await fixture.journal.subscribe(2)
        for round in 0..<40 {
            let events = (1...50).map {
                Append.test("e\(round * 50 + $0)", to: [1, 2], ingested: Int64(round) * 1_000)
            }
            try await fixture.journal.commit(.append(events))
        }
        func settle(_ subscription: Int64, _ ordinals: ClosedRange<Int64>) async throws {
            try await fixture.journal.commit(.settle(ordinals.map { Delivery(subscription, $0, $0) }))
        }
        #expect(try fixture.journal.trim(settledBelow: .max).records == 0)
        try await settle(1, 1...2_000)
        try await settle(2, 1...700)
        // Settled out of order far above: no reason to drop what lies below it.
        try await settle(2, 1_500...2_000)
        // Somebody reads there still.
        let kept = try fixture.journal.trim(settledBelow: 12_000, upTo: 100)
        #expect(kept.records <= 100)
        for time in [4_000, 20_000, 31_000] as [Milliseconds] {
            #expect(try fixture.journal.position(ingestedBefore: time) == time / 1_000 * 50)
        }
        var old = try fixture.journal.trim(settledBelow: 12_000)
        old.records += kept.records
        #expect(old.records >= 500 && old.records <= 600)
        let more = try fixture.journal.trim(settledBelow: .max)
        #expect(old.records + more.records <= 700)
        let trimmed = old.records + more.records
        for _ in 0..<2 {
            #expect(try fixture.journal.record(at: trimmed) == nil)
            #expect(try fixture.journal.record(at: trimmed + 1)?.eventID == "e\(trimmed + 1)")
            #expect(try fixture.journal.records(log: nil, after: 0, limit: 1).first?.position == trimmed + 1)
            #expect(try fixture.journal.record(eventID: "e1") == nil)
            #expect(try fixture.journal.record(eventID: "e2000")?.position == 2_000)
            let progress = try fixture.journal.progress(of: 2)
            #expect((progress.matched, progress.succeeded, progress.waiting) == (2_000, 1_201, 799))
            #expect(try fixture.journal.waiting(SubscriptionID(2), after: 0, limit: 5_000).count == 799)
            #expect(try fixture.journal.audit() == [])
            try fixture.reopen()
        }
        try await settle(2, 701...1_499)
        #expect(try fixture.journal.trim(settledBelow: .max).records > 0)
        try await fixture.journal.commit(.append(["after"], to: [1]))
        #expect(try fixture.journal.recover().head == 2_001)
        #expect(try fixture.journal.audit() == [])
    }

    @Test("The WAL stays bounded under load, and starts anew")
    func walBound() async throws {
        var options = JournalOptions.small
        options.segmentBytes = 4 << 20
        options.segmentRecords = 100_000
        options.walLimitBytes = 4 << 20
        let fixture = try Fixture(.sqlite, options: options)
        for round in 0..<40 {
            let events = (0..<200).map { Append.test("e\(round)-\($0)", to: [], bytes: 2_000) }
            try await fixture.journal.commit(.append(events))
        }
        let statistics = try #require(fixture.journal as? SQLiteJournal).statistics
        #expect(statistics.checkpoints > 0)
        // The limit, and one transaction above it.
        #expect(statistics.peakWALBytes <= 6 << 20)
        #expect(try fixture.journal.audit() == [])
    }
}
