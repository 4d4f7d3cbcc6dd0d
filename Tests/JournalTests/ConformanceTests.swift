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

    @Test("Subscriptions keep their identity; ids are never used twice", arguments: Store.allCases)
    func subscriptions(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        try await journal.subscribe(2)
        var record = SubscriptionRecord(id: SubscriptionID(1), log: "default", rule: "rule-1", target: "target-1")
        record.state = "paused"
        try await journal.commit(.control(.putSubscription(record)))
        #expect(try journal.progress(of: 1).subscription.state == "paused")
        record.rule = "other"
        #expect(await journal.refusal(of: .control(.putSubscription(record))) == .constraint)
        let twin = SubscriptionRecord(id: SubscriptionID(3), log: "default", rule: "rule-2", target: "target-2")
        #expect(await journal.refusal(of: .control(.putSubscription(twin))) == .constraint)
        try await journal.commit(.append(["a"], to: [2]))
        #expect(await journal.refusal(of: .control(.removeSubscription(SubscriptionID(2)))) == .constraint)
        try await journal.commit(.settle([Delivery(2, 1, 1)]))
        try await journal.commit(.control(.removeSubscription(SubscriptionID(2))))
        #expect(await journal.refusal(of: .append(["b"], to: [2])) == .constraint)
        try fixture.reopen()
        let state = try fixture.journal.recover()
        #expect(state.subscriptions.map(\.subscription.id.value) == [1])
        #expect(state.nextSubscription == SubscriptionID(3))
        let reused = SubscriptionRecord(id: SubscriptionID(2), log: "default", rule: "new", target: "new")
        #expect(await fixture.journal.refusal(of: .control(.putSubscription(reused))) == .constraint)
        try await fixture.journal.commit(.control(.putSubscription(twin)))
        try await fixture.journal.commit(.append(["c"], to: [3]))
        #expect(try fixture.journal.audit() == [])
    }

    @Test("Decisions survive until they are cleared, in the order they were made", arguments: Store.allCases)
    func decisions(store: Store) async throws {
        let fixture = try Fixture(store)
        let (first, second) = (AttemptID(boot: 2, number: 1), AttemptID(boot: 1, number: 7))
        var decide = Batch()
        decide.decisions = [.decide(first, body: [1]), .decide(second, body: [])]
        try await fixture.journal.commit(decide)
        var again = Batch()
        again.decisions = [.decide(first, body: [9])]
        try await fixture.journal.commit(again)
        try fixture.reopen()
        var state = try fixture.journal.recover()
        #expect(state.decisions.map(\.attempt) == [first, second])
        #expect(state.decisions.map(\.body) == [[9], []])
        var clear = Batch()
        clear.decisions = [.clear(first)]
        try await fixture.journal.commit(clear)
        #expect(await fixture.journal.refusal(of: clear) == .constraint)
        state = try fixture.journal.recover()
        #expect(state.decisions.map(\.attempt) == [second])
    }

    @Test("Each life has a higher boot and knows how the last one ended", arguments: Store.allCases)
    func boots(store: Store) async throws {
        let fixture = try Fixture(store)
        let first = try fixture.journal.recover()
        #expect((first.head, first.ruleSet, first.wasUnclean) == (0, 0, false))
        #expect(first.deployment == nil)
        #expect(try fixture.journal.recover().boot == first.boot)
        try fixture.reopen()
        let second = try fixture.journal.recover()
        #expect(second.boot == first.boot + 1)
        #expect(!second.wasUnclean)
    }

    @Test("A closed journal finishes what it took and refuses the rest", arguments: Store.allCases)
    func closing(store: Store) async throws {
        let fixture = try Fixture(store)
        let done = Mutex(0)
        for index in 0..<50 {
            fixture.journal.submit(.append(["e\(index)"], to: [])) { result in
                if case .success = result { done.withLock { $0 += 1 } }
            }
        }
        fixture.journal.close()
        #expect(done.withLock { $0 } == 50)
        #expect(await fixture.journal.refusal(of: .append(["late"], to: [])) == .closed)
    }

    @Test(
        "What may wait is committed with the next batch that may not, when it is hurried, and at the end",
        arguments: Store.allCases)
    func patience(store: Store) async throws {
        let fixture = try Fixture(store)
        let journal = fixture.journal
        let (done, yield) = AsyncStream<String>.makeStream()
        func submit(_ id: String) {
            journal.submit(.append([id], to: []), mayWait: true) { result in
                if case .success = result { yield.yield(id) }
            }
        }
        var finished = done.makeAsyncIterator()
        submit("a")
        submit("b")
        try await journal.commit(.append(["c"], to: []))
        #expect(await finished.next() == "a")
        #expect(await finished.next() == "b")
        if let journal = journal as? SQLiteJournal { #expect(journal.statistics.commits == 1) }
        submit("d")
        journal.hurry()
        #expect(await finished.next() == "d")
        // With nothing that waits it does nothing.
        journal.hurry()
        submit("e")
        if let journal = journal as? SQLiteJournal { #expect(journal.statistics.commits == 2) }
        journal.close()
        #expect(await finished.next() == "e")
    }
}
