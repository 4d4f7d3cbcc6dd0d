import Journal
import Synchronization
import Testing

/// What both journals must do with the pending set and with dead letters.
@Suite(.timeLimit(.minutes(5)))
struct ConformanceDeadLettersTests {
    @Test("Retry, park, die, redrive, succeed: every step conserves", arguments: Store.allCases)
    func deadLetterLife(store: Store) async throws {
        let fixture = try Fixture(store)
        try await fixture.journal.subscribe(1)
        try await fixture.journal.commit(.append(["a", "b", "c"]))
        let (one, two) = (Delivery(1, 1, 1), Delivery(1, 2, 2))
        var pend = Batch.settle([one, two], .pended)
        pend.pending = [.put(.test(one)), .put(.test(two, .parked))]
        try await fixture.journal.commit(pend)
        try fixture.reopen()
        let journal = fixture.journal
        #expect(try journal.pending(SubscriptionID(1), after: 0, limit: 9).map(\.delivery) == [one, two])
        #expect(try journal.pending(SubscriptionID(1), after: 1, limit: 9).map(\.state) == [.parked])
        #expect(try journal.pending(nil, after: 0, limit: 1).map(\.delivery) == [one])
        var die = Batch()
        die.pending = [.finish(one, .dead)]
        die.deadLetters = [.insert(.test(one))]
        let id = try #require(try await journal.commit(die).deadLetters.first)
        var progress = try journal.progress(of: 1)
        #expect((progress.waiting, progress.retrying, progress.parked, progress.dead) == (1, 0, 1, 1))
        var redrive = Batch()
        redrive.deadLetters = [.setState(id: id, .redriving)]
        redrive.pending = [.put(.test(one, .redriven, attempts: 0, deadLetter: id))]
        try await journal.commit(redrive)
        #expect(try journal.pending(SubscriptionID(1), after: 0, limit: 1).first?.deadLetter == id)
        var fails = Batch()
        fails.pending = [.finish(one, .dead)]
        var letter = try #require(try journal.deadLetter(id: id))
        #expect(letter.payload == [3, 4] && letter.input == [5] && letter.state == .redriving)
        letter.state = .dead
        letter.attempts = 6
        fails.deadLetters = [.update(letter)]
        try await journal.commit(fails)
        #expect(try journal.deadLetter(id: id)?.attempts == 6)
        try await journal.commit(redrive)
        var works = Batch()
        works.pending = [.finish(one, .succeeded), .finish(two, .dropped)]
        works.deadLetters = [.setState(id: id, .redriven)]
        try await journal.commit(works)
        progress = try journal.progress(of: 1)
        #expect((progress.succeeded, progress.dropped, progress.dead, progress.waiting) == (1, 1, 0, 1))
        #expect(try journal.deadLetters(DeadLetterFilter()).isEmpty)
        #expect(try journal.deadLetters(DeadLetterFilter(states: [.redriven, .dead])).map(\.id) == [id])
        try fixture.reopen()
        #expect(try fixture.journal.progress(of: 1) == progress)
        #expect(try fixture.journal.audit() == [])
    }

    @Test(
        "Pages end at so many bytes, with one entry in any case; inputs are read without events",
        arguments: Store.allCases)
    func pagesOfBytes(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(1)
        try await journal.commit(.append(["a", "b", "c", "d"]))
        let all = (1...4).map { Delivery(1, $0, $0) }
        var pend = Batch.settle(all, .pended)
        pend.pending = all.map { delivery in
            var entry = PendingEntry.test(delivery)
            entry.payload = Array(repeating: 1, count: 100)
            entry.history = []
            return .put(entry)
        }
        try await journal.commit(pend)
        func pending(_ bytes: Int, after: Int64 = 0) throws -> [Int64] {
            try journal.pending(SubscriptionID(1), after: after, limit: 9, bytes: bytes).map(\.delivery.ordinal)
        }
        #expect(try pending(1) == [1])
        #expect(try pending(250) == [1, 2])
        #expect(try pending(250, after: 2) == [3, 4])
        #expect(try pending(250, after: 4) == [])
        #expect(try pending(400) == [1, 2, 3, 4])
        var die = Batch()
        die.pending = all.map { .finish($0, .dead) }
        die.deadLetters = all.map { delivery in
            var letter = DeadLetter.test(delivery)
            letter.payload = Array(repeating: 1, count: 100)
            letter.history = []
            letter.input = delivery.ordinal == 2 ? [] : [UInt8(delivery.ordinal)]
            return .insert(letter)
        }
        let ids = try await journal.commit(die).deadLetters
        func letters(_ bytes: Int, after: Int64 = 0) throws -> [Int64] {
            try journal.deadLetters(DeadLetterFilter(afterID: after, limit: 9, bytes: bytes)).map(\.id)
        }
        #expect(try letters(1) == [ids[0]])
        #expect(try letters(250) == Array(ids.prefix(2)))
        #expect(try letters(250, after: ids[2]) == [ids[3]])
        #expect(try letters(250, after: ids[3]) == [])
        var purge = Batch()
        purge.deadLetters = [.setState(id: ids[2], .purged)]
        try await journal.commit(purge)
        #expect(try journal.keptInputs(after: 0, limit: 9).map(\.id) == [ids[0], ids[3]])
        #expect(try journal.keptInputs(after: 0, limit: 1).map(\.input) == [[1]])
        #expect(try journal.keptInputs(after: ids[0], limit: 9).map(\.input) == [[4]])
    }

    @Test("What would lose or double a delivery is refused", arguments: Store.allCases)
    func conservation(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(1)
        try await journal.commit(.append(["a", "b"]))
        let one = Delivery(1, 1, 1)
        #expect(await journal.refusal(of: .settle([one], .pended)) == .constraint)
        #expect(await journal.refusal(of: .settle([one], .dead)) == .constraint)
        var put = Batch()
        put.pending = [.put(.test(one))]
        #expect(await journal.refusal(of: put) == .constraint)
        var insert = Batch()
        insert.deadLetters = [.insert(.test(one))]
        #expect(await journal.refusal(of: insert) == .constraint)
        var finish = Batch()
        finish.pending = [.finish(one, .succeeded)]
        #expect(await journal.refusal(of: finish) == .constraint)
        var state = Batch()
        state.deadLetters = [.setState(id: 1, .purged)]
        #expect(await journal.refusal(of: state) == .constraint)
        var both = Batch.settle([one], .dead)
        both.deadLetters = [.insert(.test(one))]
        let id = try #require(try await journal.commit(both).deadLetters.first)
        var redriveOnly = Batch()
        redriveOnly.deadLetters = [.setState(id: id, .redriving)]
        #expect(await journal.refusal(of: redriveOnly) == .constraint)
        var purge = Batch()
        purge.deadLetters = [.setState(id: id, .purged)]
        try await journal.commit(purge)
        let progress = try journal.progress(of: 1)
        #expect((progress.purged, progress.dead, progress.waiting) == (1, 0, 1))
        #expect(try journal.audit() == [])
    }

    @Test("Dead letters are filtered and grouped", arguments: Store.allCases)
    func deadLetterQueries(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(2)
        try await journal.commit(.append((1...6).map { .test("e\($0)", to: $0 <= 4 ? [1] : [2]) }))
        var batch = Batch()
        for index in 1...6 as ClosedRange<Int64> {
            let delivery = index <= 4 ? Delivery(1, index, index) : Delivery(2, index, index - 4)
            batch.settlements.append(Settlement(delivery, .dead))
            batch.deadLetters.append(
                .insert(
                    .test(
                        delivery, target: index <= 4 ? "A" : "B", code: index == 1 ? "Other" : "Boom",
                        fingerprint: "f\(index % 2)", died: 1_000 * index)))
        }
        #expect(try await journal.commit(batch).deadLetters == [1, 2, 3, 4, 5, 6])
        #expect(try journal.deadLetters(.init(subscription: SubscriptionID(2))).map(\.id) == [5, 6])
        #expect(try journal.deadLetters(.init(target: "A", fingerprint: "f0")).map(\.id) == [2, 4])
        #expect(try journal.deadLetters(.init(code: "Other")).map(\.id) == [1])
        #expect(try journal.deadLetters(.init(diedFrom: 2_000, diedBefore: 4_000)).map(\.id) == [2, 3])
        #expect(try journal.deadLetters(.init(afterID: 2, limit: 2)).map(\.id) == [3, 4])
        #expect(try journal.deadLetters(.init(states: [])).isEmpty)
        let groups = try journal.deadLetterGroups()
        #expect(groups.map(\.count) == [2, 1, 1, 1, 1])
        #expect(groups.first?.message == "it broke at 4000")
        #expect(groups.first?.first == 2_000)
        #expect(try journal.deadLetter(id: 7) == nil)
    }

    @Test(
        "Rules apply by position: what was matched with an older rule set is matched again", arguments: Store.allCases)
    func deploy(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(2)
        #expect(await journal.refusal(of: .append([.test("early", ruleSet: 3)])) == .constraint)
        let asked = Mutex<[String]>([])
        journal.setRematch { append, ruleSet in
            asked.withLock { $0.append("\(append.eventID) \(ruleSet)") }
            var matched = append
            matched.ruleSet = ruleSet
            matched.subscriptions = [SubscriptionID(2)]
            matched.lineage = Array("again".utf8)
            return matched
        }
        var batch = Batch.control(.deploy(ruleSet: 5, body: [1, 2, 3]))
        batch.appends = [.test("a", to: [1], ruleSet: 0), .test("b", to: [1], ruleSet: 5)]
        try await journal.commit(batch)
        try await journal.commit(.append([.test("c", to: [1], ruleSet: 4), .test("d", to: [1], ruleSet: 5)]))
        #expect(asked.withLock { $0 } == ["a 5", "c 5"])
        #expect(fixture.observed.all.map { $0.deliveries.map(\.subscription.value) } == [[2], [1], [2], [1]])
        #expect(
            fixture.observed.all.map { String(decoding: $0.lineage, as: UTF8.self) } == [
                "again", "lineage of b", "again", "lineage of d",
            ])
        #expect(await journal.refusal(of: .control(.deploy(ruleSet: 5, body: []))) == .constraint)
        try fixture.reopen()
        let state = try fixture.journal.recover()
        #expect(state.ruleSet == 5)
        #expect(state.deployment == [1, 2, 3])
        #expect(try fixture.journal.audit() == [])
    }
}
