import AppConfig
import FunctionJSON
import HostAPI
import Journal
import Logging
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// Redrives of targets that deliver by key: what holds a key back, and how keys are counted again.
extension RedriveJobsTests {
    func event(_ key: String) -> String {
        #"{"version":"0","id":"e1","detail-type":"t","source":"s","account":"0","time":"2026-01-01T00:00:00Z","#
            + #""region":"local","resources":[],"detail":{"k":"\#(key)"}}"#
    }

    var parkedKeys: Int { dispatcher.core.parked(of: subscription).keys }

    /// Starts a job and waits until it has sent its letters.
    func send(_ request: RedriveRequest) async throws {
        let started = try await jobs.start(request)
        while jobs.job(started.id).map({ $0.sent < $0.selected }) == true {
            let journal = journal
            _ = try await files.run { try journal.values(prefix: "redrive/") }
        }
    }

    @Test("An edited event lines up by its new key, and frees the one that its dead letter has held")
    func edited() async throws {
        try await letters(1, payload: event("a"))
        try await dispatcher.loadParked(subscription)
        #expect(parkedKeys == 1)
        try await send(.init(selection: .init(ids: [1]), payload: try RawJSON(event("b"))))
        #expect(parkedKeys == 0)
        files.stop()
    }

    @Test("What is redriven while a deployment reads keys in another way lines up by these")
    func deployedMeanwhile() async throws {
        try await letters(1, payload: event("a").replacing(#""k":"a""#, with: #""k":"a","other":"b""#))
        try await dispatcher.loadParked(subscription)
        // The disk refuses the redrive until the deployment is in force.
        let refused = Mutex(0)
        let isHealed = Mutex(false)
        journal.injectFault { batch in
            guard !batch.deadLetters.isEmpty, !isHealed.withLock({ $0 }) else { return nil }
            refused.withLock { $0 += 1 }
            return JournalError(.inputOutput, "the disk is gone")
        }
        let started = try await jobs.start(.init(selection: .init(ids: [1])))
        let journal = journal
        while refused.withLock({ $0 }) == 0 { _ = try await files.run { try journal.progress() } }
        var deployment = dispatcher.deployment
        deployment.ruleSet += 1
        deployment.subscriptions[0].delivery?.keys = .init(path: "detail.other", parks: true)
        dispatcher.apply(deployment, progress: [:], head: 0, cores: 1)
        isHealed.withLock { $0 = true }
        while jobs.job(started.id).map({ $0.sent < 1 }) == true { _ = try await files.run { try journal.progress() } }
        #expect(dispatcher.core.keysAhead(of: subscription) == ["b"])
        files.stop()
    }

    @Test("What is sent to another function holds its key back until it has succeeded, also over a restart")
    func lanes() async throws {
        try await letters(2, payload: event("a"))
        try await dispatcher.loadParked(subscription)
        try await send(.init(selection: .init(ids: [1]), to: "g"))
        let journal = journal
        let entry = try #require(try await files.run { try journal.pending(nil, after: 0, limit: 10) }.first)
        #expect(parkedKeys == 1)
        // The other letter goes to its own target, as always; the first one still holds the key.
        try await send(.init(selection: .init(ids: [2])))
        #expect(parkedKeys == 1)
        var batch = Batch()
        batch.pending.append(.finish(entry.delivery, .succeeded))
        batch.deadLetters.append(.setState(id: 1, .redriven))
        _ = try await committer.commit(batch)
        #expect(parkedKeys == 0)
        // As the next host takes it up.
        var loaded = entry
        loaded.payload = Array(event("a").utf8)
        dispatcher.load(loaded)
        #expect(parkedKeys == 1)
        files.stop()
    }

    @Test("What dies again in another function's lane holds its key back as before")
    func diesAgain() async throws {
        try await letters(1, payload: event("a"))
        try await dispatcher.loadParked(subscription)
        try await send(.init(selection: .init(ids: [1]), to: "g"))
        let journal = journal
        var letter = try #require(try await files.run { try journal.deadLetter(id: 1) })
        letter.state = .dead
        var batch = Batch()
        batch.pending.append(.finish(letter.delivery, .dead))
        batch.deadLetters.append(.update(letter))
        _ = try await committer.commit(batch)
        #expect(parkedKeys == 1)
        try await send(.init(selection: .init(ids: [1])))
        #expect(parkedKeys == 0)
        files.stop()
    }

    @Test("Keys are told once, whatever deployments and replays come while their dead letters are read")
    func parkedAgain() async throws {
        try await letters(1, payload: event("a"))
        let (journal, dispatcher, files) = (journal, dispatcher, files)
        try await dispatcher.loadParked(subscription)
        dispatcher.release()
        var deployment = dispatcher.deployment
        func apply(_ path: String) {
            deployment.subscriptions[0].delivery?.keys = .init(path: path, parks: true)
            dispatcher.apply(deployment, progress: [:], head: 0, cores: 1)
        }
        // The letters are read while the next ones come into force; the last is a replay's, which changes nothing.
        for path in ["detail.other", "detail.k", "detail.other", "detail.k", "detail.k"] { apply(path) }
        #expect(dispatcher.parking.keys.contains(subscription))
        while !dispatcher.parking.isEmpty { _ = try await files.run { try journal.deadLetter(id: 1) } }
        // Tasks that are late have nothing to say.
        for _ in 0..<20 { _ = try await files.run { try journal.deadLetter(id: 1) } }
        #expect(parkedKeys == 1)
        dispatcher.purged([try #require(try journal.deadLetter(id: 1))])
        #expect(parkedKeys == 0)
        files.stop()
    }

    @Test("Keys whose letters cannot all be read are not told at all, and nothing starts, until they can")
    func secondPage() async throws {
        let count = 700
        try await letters(Int64(count), payload: event("a"))
        let (journal, dispatcher, files) = (journal, dispatcher, files)
        try await dispatcher.loadParked(subscription)
        dispatcher.release()
        let asked = Mutex(0)
        journal.injectReadFault { reading in
            guard case .deadLetters(let after) = reading, after > 0 else { return nil }
            asked.withLock { $0 += 1 }
            return JournalError(.corrupt, "a page is damaged")
        }
        var deployment = dispatcher.deployment
        func apply(_ path: String) {
            deployment.subscriptions[0].delivery?.keys = .init(path: path, parks: true)
            dispatcher.apply(deployment, progress: [:], head: 0, cores: 1)
        }
        apply("detail.other")
        apply("detail.k")
        // Twice: after the first it is tried again.
        while asked.withLock({ $0 }) < 2 { _ = try await files.run { try journal.deadLetter(id: 1) } }
        #expect(parkedKeys == 0 && dispatcher.core.isUntold(subscription) && !dispatcher.parking.isEmpty)
        let trouble = dispatcher.deliveryState(of: deployment.subscriptions[0]).pauseReason
        #expect(trouble?.contains("a page is damaged") == true, "\(trouble ?? "-")")
        journal.injectReadFault(nil)
        while !dispatcher.parking.isEmpty { _ = try await files.run { try journal.deadLetter(id: 1) } }
        #expect(parkedKeys == 1 && dispatcher.deliveryState(of: deployment.subscriptions[0]).pauseReason == nil)
        for id in 1..<Int64(count) { dispatcher.purged([try #require(try journal.deadLetter(id: id))]) }
        #expect(parkedKeys == 1)
        dispatcher.purged([try #require(try journal.deadLetter(id: Int64(count)))])
        #expect(parkedKeys == 0)
        files.stop()
    }

    @Test("A purge and a redrive wait until keys are counted, and a count for a purge that has begun")
    func purgeWhileCounting() async throws {
        try await letters(2, payload: event("a"))
        let (journal, dispatcher, files) = (journal, dispatcher, files)
        try await dispatcher.loadParked(subscription)
        dispatcher.release()
        var deployment = dispatcher.deployment
        deployment.subscriptions[0].delivery?.keys = .init(path: "detail.other", parks: true)
        dispatcher.apply(deployment, progress: [:], head: 0, cores: 1)
        deployment.subscriptions[0].delivery?.keys = .init(path: "detail.k", parks: true)
        // Somebody is in the middle of taking a letter away when the deployment takes force.
        try await jobs.exclusively {
            dispatcher.apply(deployment, progress: [:], head: 0, cores: 1)
            var batch = Batch()
            batch.deadLetters.append(.setState(id: 1, .purged))
            _ = try await committer.commit(batch)
            for _ in 0..<20 { _ = try await files.run { try journal.deadLetter(id: 1) } }
            #expect(dispatcher.core.isUntold(subscription))
            dispatcher.purged([try #require(try journal.deadLetter(id: 1))])
        }
        while !dispatcher.parking.isEmpty { _ = try await files.run { try journal.deadLetter(id: 1) } }
        #expect(parkedKeys == 1)
        dispatcher.purged([try #require(try journal.deadLetter(id: 2))])
        #expect(parkedKeys == 0)
        files.stop()
    }
}
