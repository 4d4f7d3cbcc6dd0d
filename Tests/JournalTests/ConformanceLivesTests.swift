import Journal
import Synchronization
import Testing

/// What both journals must keep from life to life: subscriptions, decisions, boots, ends.
@Suite(.timeLimit(.minutes(5)))
struct ConformanceLivesTests {
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
