import Journal
import Synchronization
import Testing

/// What both stores promise. Everything runs over both, with a restart in between where state must survive.
@Suite(.timeLimit(.minutes(5)))
struct ConformanceTests {
    @Test(
        "Appends get dense positions and ordinals, are observed in order, and read back whole",
        arguments: Store.allCases)
    func appends(store: Store) async throws {
        let fixture = try Fixture(store)
        try await fixture.journal.subscribe(3)
        let first = try await fixture.journal.commit(
            .append([.test("a", to: [1, 2]), .test("b", to: []), .test("c", to: [2])]))
        let second = try await fixture.journal.commit(.append([.test("d", to: [2, 3])]))
        #expect(first.appended == [.at(1), .at(2), .at(3)])
        #expect(second.appended == [.at(4)])
        #expect(fixture.observed.all.map(\.position) == [1, 2, 3, 4])
        #expect(fixture.observed.all[3].deliveries == [Delivery(2, 4, 3), Delivery(3, 4, 1)])
        try fixture.reopen()
        let records = try fixture.journal.records(log: nil, after: 0, limit: 10)
        #expect(records.map(\.eventID) == ["a", "b", "c", "d"])
        #expect(records[0].deliveries == [Delivery(1, 1, 1), Delivery(2, 1, 1)])
        #expect(records[2].payload == Append.payload("c", 20))
        #expect(records[2].lineage == Array("lineage of c".utf8))
        #expect(try fixture.journal.record(at: 4)?.eventID == "d")
        #expect(try fixture.journal.record(at: 5) == nil)
        #expect(try fixture.journal.record(at: 0) == nil)
        #expect(try fixture.journal.record(eventID: "b")?.position == 2)
        #expect(try fixture.journal.record(eventID: "nobody") == nil)
        #expect(try fixture.journal.audit() == [])
    }

    @Test("A record tells its own position where it has places for it", arguments: Store.allCases)
    func marks(store: Store) async throws {
        let fixture = try Fixture(store)
        try await fixture.journal.commit(.append((1...11).map { .test("e\($0)", to: []) }))
        var marked = Append.test("m", to: [1])
        marked.payload = Array("at 00000, also 000.".utf8)
        marked.marks = PositionMarks(ends: [8, 18])
        try await fixture.journal.subscribe(1)
        try await fixture.journal.commit(.append([marked]))
        #expect(fixture.observed.all.last?.payload == Array("at 00012, also 012.".utf8))
        try fixture.reopen()
        #expect(try fixture.journal.record(at: 12)?.payload == Array("at 00012, also 012.".utf8))
        #expect(try fixture.journal.waiting(SubscriptionID(1), after: 0, limit: 9).map(\.position) == [12])
        // A place that is not there, or has no room, spoils nothing.
        for ends in [[0], [19], [99], [-1]] {
            marked.payload = Array("at 00000, also 000.".utf8)
            marked.marks = PositionMarks(ends: ends)
            try await fixture.journal.commit(.append([marked]))
        }
        #expect(try fixture.journal.records(log: nil, after: 12, limit: 9).count == 4)
    }

    @Test("A rule set counts from a position on, over a restart", arguments: Store.allCases)
    func ruleSets(store: Store) async throws {
        let fixture = try Fixture(store)
        #expect(try fixture.journal.position(ofRuleSet: 7) == nil)
        try await fixture.journal.commit(.append((1...3).map { .test("e\($0)", to: []) }))
        var deploy = Batch()
        deploy.control.append(.deploy(ruleSet: 7, body: []))
        try await fixture.journal.commit(deploy)
        try fixture.reopen()
        #expect(try fixture.journal.position(ofRuleSet: 7) == 4)
    }

    @Test(
        "Reading is bounded by bytes, one record in any case, and has an end wherever it begins",
        arguments: Store.allCases)
    func bounds(store: Store) async throws {
        let fixture = try Fixture(store)
        try await fixture.journal.commit(.append((1...9).map { .test("e\($0)", to: [], log: $0 % 2 == 0 ? "a" : "b") }))
        let size = Append.test("e1", to: []).payload.count
        #expect(try fixture.journal.records(log: nil, after: 0, limit: 9, bytes: 3 * size).count == 3)
        #expect(
            try fixture.journal.records(log: "a", after: 0, limit: 9, bytes: 2 * size + 1).map(\.position) == [2, 4])
        #expect(try fixture.journal.records(log: nil, after: 4, limit: 9, bytes: 1).map(\.position) == [5])
        #expect(try fixture.journal.records(log: nil, after: 9, limit: 9, bytes: .max).isEmpty)
        #expect(try fixture.journal.records(log: nil, after: .max, limit: 9).isEmpty)
        #expect(try fixture.journal.lastRecords(log: "never", limit: 1).isEmpty)
    }

    @Test("Logs are told apart; newest records come oldest first", arguments: Store.allCases)
    func logs(store: Store) async throws {
        let fixture = try Fixture(store)
        for index in 1...30 {
            try await fixture.journal.commit(
                .append([
                    .test("a\(index)", to: [], log: "a"), .test("b\(index)", to: [], log: "b"),
                ]))
        }
        #expect(try fixture.journal.records(log: "b", after: 4, limit: 3).map(\.eventID) == ["b3", "b4", "b5"])
        #expect(try fixture.journal.records(log: "b", after: 59, limit: 3).map(\.eventID) == ["b30"])
        #expect(try fixture.journal.records(log: "c", after: 0, limit: 3).isEmpty)
        #expect(try fixture.journal.lastRecords(log: "a", limit: 2).map(\.eventID) == ["a29", "a30"])
        #expect(try fixture.journal.lastRecords(log: nil, limit: 3).map(\.eventID) == ["b29", "a30", "b30"])
        #expect(try fixture.journal.lastRecords(log: "c", limit: 3).isEmpty)
    }

    @Test(
        "Settling in any order moves the floor over what is settled, and survives a restart", arguments: Store.allCases)
    func settling(store: Store) async throws {
        let fixture = try Fixture(store)
        try await fixture.journal.subscribe(2)
        // Only every second record is for subscription 1, so ordinals and positions differ.
        try await fixture.journal.commit(.append((1...20).map { .test("e\($0)", to: $0 % 2 == 0 ? [1, 2] : [2]) }))
        let mine = (1...10).map { Delivery(1, Int64($0) * 2, Int64($0)) }
        try await fixture.journal.commit(.settle([mine[2], mine[1]]))
        #expect(try fixture.journal.progress(of: 1).floor == 0)
        try await fixture.journal.commit(.settle([mine[0]], .dropped))
        var progress = try fixture.journal.progress(of: 1)
        #expect(progress.floor == 3)
        #expect(progress.floorPosition == 6)
        try await fixture.journal.commit(.settle([mine[8], mine[5]], .superseded))
        try fixture.reopen()
        progress = try fixture.journal.progress(of: 1)
        #expect(progress.floor == 3)
        #expect(progress.floorPosition == 6)
        #expect(progress.matched == 10)
        #expect((progress.succeeded, progress.dropped, progress.superseded, progress.waiting) == (2, 1, 2, 5))
        #expect(try fixture.journal.progress(of: 2).waiting == 20)
        let waiting = try fixture.journal.waiting(SubscriptionID(1), after: 0, limit: 3)
        #expect(waiting.map(\.deliveries) == [[mine[3]], [mine[4]], [mine[6]]])
        #expect(waiting[1].payload == Append.payload("e10", 20))
        let rest = try fixture.journal.waiting(SubscriptionID(1), after: waiting[2].position, limit: 10)
        #expect(rest.map(\.deliveries) == [[mine[7]], [mine[9]]])
        // No more than the bytes asked for, but one record in any case.
        let size = waiting[0].payload.count
        for (bytes, count) in [(1, 1), (size, 1), (2 * size + 8, 2), (.max, 5)] {
            let some = try fixture.journal.waiting(SubscriptionID(1), after: 0, limit: 10, bytes: bytes)
            #expect(some.map(\.position) == Array((waiting + rest).map(\.position).prefix(count)))
        }
        #expect(try fixture.journal.waiting(SubscriptionID(9), after: 0, limit: 10).isEmpty)
        #expect(try fixture.journal.audit() == [])
    }

    @Test("A batch that contradicts what is stored fails alone and leaves nothing", arguments: Store.allCases)
    func constraint(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(1)
        try await journal.commit(.append(["a", "b", "c"]))
        try await journal.commit(.settle([Delivery(1, 1, 1)]))
        var twice = Batch.append(["ghost"])
        twice.settlements = [Settlement(Delivery(1, 2, 2), .succeeded), Settlement(Delivery(1, 1, 1), .succeeded)]
        #expect(await journal.refusal(of: twice) == .constraint)
        #expect(await journal.refusal(of: .settle([Delivery(1, 3, 3), Delivery(1, 3, 3)])) == .constraint)
        #expect(await journal.refusal(of: .settle([Delivery(1, 4, 4)])) == .constraint)
        #expect(await journal.refusal(of: .settle([Delivery(1, 0, 0)])) == .constraint)
        #expect(await journal.refusal(of: .settle([Delivery(7, 1, 1)])) == .constraint)
        #expect(await journal.refusal(of: .append(["x"], to: [1, 7])) == .constraint)
        #expect(await journal.refusal(of: .append(["x"], to: [1, 1])) == .constraint)
        let progress = try journal.progress(of: 1)
        #expect((progress.matched, progress.succeeded, progress.waiting) == (3, 1, 2))
        #expect(fixture.observed.all.count == 3)
        #expect(try journal.record(eventID: "ghost") == nil)
        #expect(try await journal.commit(.append(["d"])).appended == [.at(4)])
        try fixture.reopen()
        #expect(try fixture.journal.audit() == [])
    }

    @Test("Bad batches in one group do not touch their neighbours", arguments: Store.allCases)
    func neighbours(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(1)
        let results = await withTaskGroup(of: (Int, Bool).self) { group in
            for index in 0..<60 {
                group.addTask {
                    let batch: Batch =
                        index % 3 == 0 ? .settle([Delivery(1, 999, 999)]) : .append(["n\(index)"])
                    return (index, (try? await journal.commit(batch)) != nil)
                }
            }
            return await group.reduce(into: [Int: Bool]()) { $0[$1.0] = $1.1 }
        }
        for index in 0..<60 { #expect(results[index] == (index % 3 != 0)) }
        #expect(try journal.progress(of: 1).matched == 40)
        #expect(try journal.audit() == [])
    }

    @Test(
        "Settlements in turns find their subscription, also beside ones taken back or removed",
        arguments: Store.allCases)
    func turns(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(3)
        try await journal.commit(.append((1...8).map { .test("e\($0)", to: [1, 2, 3]) }))
        func round(_ ordinals: ClosedRange<Int64>, _ subscriptions: [Int64]) -> Batch {
            .settle(ordinals.flatMap { ordinal in subscriptions.map { Delivery($0, ordinal, ordinal) } })
        }
        try await journal.commit(round(1...2, [1, 2, 3]))
        // A fourth one, known for as long as its batch lasts.
        var refused = Batch.control(
            .putSubscription(SubscriptionRecord(id: SubscriptionID(4), log: "default", rule: "four", target: "four")))
        refused.appends = [.test("e9", to: [1, 2, 3, 4])]
        refused.settlements = [1, 2, 3, 4].map { Settlement(Delivery($0, 9, $0 == 4 ? 1 : 9), .succeeded) }
        refused.settlements += [1, 4, 4].map { Settlement(Delivery($0, 9, 1), .succeeded) }
        #expect(await journal.refusal(of: refused) == .constraint)
        #expect(await journal.refusal(of: .settle([Delivery(3, 3, 3), Delivery(4, 9, 1)])) == .constraint)
        try await journal.commit(round(3...5, [3, 1, 2]))
        try await journal.commit(round(6...8, [2]))
        try await journal.commit(.control(.removeSubscription(SubscriptionID(2))))
        #expect(await journal.refusal(of: round(6...6, [1, 2, 3])) == .constraint)
        try await journal.commit(round(6...8, [1, 3]))
        try fixture.reopen()
        for id in [1, 3] as [Int64] {
            let progress = try fixture.journal.progress(of: id)
            #expect((progress.matched, progress.succeeded, progress.floor) == (8, 8, 8))
        }
        #expect(try fixture.journal.audit() == [])
    }

    @Test("A deduplication id stands for one record for five minutes, per log", arguments: Store.allCases)
    func deduplication(store: Store) async throws {
        let fixture = try Fixture(store)
        try await fixture.journal.subscribe(1)
        func append(_ id: String, _ log: String, at time: Milliseconds) async throws -> [Receipt.Appended] {
            let append = Append.test(id, log: log, ingested: time, deduplicationID: "key")
            return try await fixture.journal.commit(.append([append])).appended
        }
        #expect(try await append("a", "x", at: 1_000) == [.at(1)])
        #expect(try await append("b", "x", at: 2_000) == [.duplicate(of: 1)])
        #expect(try await append("c", "y", at: 2_000) == [.at(2)])
        try fixture.reopen()
        #expect(try await append("d", "x", at: 300_999) == [.duplicate(of: 1)])
        #expect(try await append("e", "x", at: 301_000) == [.at(3)])
        #expect(try await append("f", "x", at: 301_001) == [.duplicate(of: 3)])
        let twins = [
            Append.test("g", deduplicationID: "g"), .test("h", deduplicationID: "g"), .test("i", deduplicationID: "i"),
        ]
        #expect(try await fixture.journal.commit(.append(twins)).appended == [.at(4), .duplicate(of: 4), .at(5)])
        // An id of a batch that failed stands for nothing.
        var bad = Batch.append([.test("j", deduplicationID: "j")])
        bad.settlements = [Settlement(Delivery(1, 999, 999), .succeeded)]
        #expect(await fixture.journal.refusal(of: bad) == .constraint)
        #expect(try await fixture.journal.commit(.append([.test("j", deduplicationID: "j")])).appended == [.at(6)])
        #expect(try fixture.journal.audit() == [])
    }
}
