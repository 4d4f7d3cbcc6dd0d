import AppConfig
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

/// Dead letters that cannot be read, of a target whose dead letters hold their keys back.
extension RedriveJobsTests {
    private var trouble: String? { dispatcher.deliveryState(of: dispatcher.deployment.subscriptions[0]).pauseReason }

    private func counted() async throws {
        let journal = journal
        while !dispatcher.parking.isEmpty { _ = try await files.run { try journal.deadLetter(id: 1) } }
    }

    private func gone(_ id: Int64) async throws {
        var batch = Batch()
        batch.deadLetters.append(.setState(id: id, .purged))
        _ = try await committer.commit(batch)
        dispatcher.purged([try #require(try journal.deadLetter(id: id))])
    }

    @Test("A damaged dead letter holds the key of the record that it came from")
    func damagedLetter() async throws {
        try await letters(1, payload: event("a"), damaged: "{")
        try await dispatcher.loadParked(subscription)
        #expect(parkedKeys == 1 && trouble == nil && !dispatcher.core.isUntold(subscription))
        try await gone(1)
        #expect(parkedKeys == 0)
        files.stop()
    }

    @Test("Where that is damaged, too, nothing starts, and it says so, until such letters are gone")
    func damagedRecord() async throws {
        try await letters(2, payload: "{")
        try await dispatcher.loadParked(subscription)
        #expect(dispatcher.core.isUntold(subscription))
        #expect(trouble?.contains("dead letters 1, 2 cannot be read") == true, "\(trouble ?? "-")")
        try await gone(1)
        try await counted()
        #expect(dispatcher.core.isUntold(subscription))
        #expect(trouble?.contains("dead letter 2 cannot be read") == true, "\(trouble ?? "-")")
        try await gone(2)
        try await counted()
        #expect(!dispatcher.core.isUntold(subscription) && trouble == nil)
        files.stop()
    }

    @Test("A delivery that was left where it is holds its key back over a deployment, too", arguments: [true, false])
    func leftBehind(isKeyKnown: Bool) async throws {
        try await letters(1, payload: isKeyKnown ? event("a") : "{")
        try await gone(1)
        try await dispatcher.loadParked(subscription)
        let entry = PendingEntry(
            delivery: Delivery(subscription: subscription, position: 1, ordinal: 1), state: .retrying, eventID: "e1",
            ingested: 0, attempts: 1, due: 0, history: [], payload: [], lineage: [])
        try await dispatcher.leave(entry, because: "a page is damaged")
        func check() {
            #expect(parkedKeys == (isKeyKnown ? 1 : 0))
            #expect(dispatcher.core.isUntold(subscription) == !isKeyKnown)
            #expect(trouble?.contains("delivery 1 cannot be read") ?? false == !isKeyKnown, "\(trouble ?? "-")")
        }
        check()
        dispatcher.release()
        for path in ["detail.other", "detail.k"] {
            var deployment = dispatcher.deployment
            deployment.ruleSet += 1
            deployment.subscriptions[0].delivery?.keys = .init(path: path, parks: true)
            dispatcher.apply(deployment, progress: [:], head: 0, cores: 1)
            #expect(dispatcher.core.isUntold(subscription))
            try await counted()
        }
        check()
        files.stop()
    }

    @Test("Dead letters that cannot be read at a start keep no host from starting: their target waits for them")
    func unreadable() async throws {
        try await letters(1, payload: event("a"))
        journal.injectReadFault { reading in
            if case .deadLetters = reading { JournalError(.corrupt, "a page is damaged") } else { nil }
        }
        try await dispatcher.loadParked(subscription)
        #expect(dispatcher.core.isUntold(subscription))
        while trouble == nil { _ = try await files.run { [journal] in try journal.progress() } }
        #expect(trouble?.contains("a page is damaged") == true)
        journal.injectReadFault(nil)
        try await counted()
        #expect(parkedKeys == 1 && trouble == nil)
        files.stop()
    }
}
