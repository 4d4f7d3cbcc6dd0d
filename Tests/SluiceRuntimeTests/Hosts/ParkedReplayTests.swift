import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@Suite("Replays through targets that park", .timeLimit(.minutes(3)))
@LoopActor
struct ParkedReplayTests {
    private static let rule =
        "pattern: {source: [shop]}\ntargets: [{function: InC, ordering: {key: detail.k, onExhausted: park}}]"

    /// Puts events of one key each, and waits until the rule itself is done with them.
    private func host(_ events: [(asked: String, key: String)]) async throws -> HostInProcess {
        let host = try await HostInProcess(rules: ["r": Self.rule])
        let entries = try events.map {
            EventEntry(
                source: "shop", detailType: "Order", detail: try RawJSON(#"{"c":"\#($0.asked)","k":"\#($0.key)"}"#))
        }
        _ = try await host.control.putEvents(EventSubmission(entries: entries))
        try await host.wait {
            let all = try await host.control.status().subscriptions
            return all.allSatisfy { $0.waiting + $0.retrying == 0 && $0.inFlight == 0 } ? () : nil
        }
        // The rule's own dead letters go, with what they hold back.
        while try await !host.letters().isEmpty { _ = try await host.control.purge(.init(all: true)) }
        try await host.wait {
            let all = try await host.control.status().subscriptions
            return all.allSatisfy { $0.waiting + $0.retrying + $0.parked == 0 } ? () : nil
        }
        return host
    }

    private func ended(_ host: HostInProcess) async throws -> ReplayInfo {
        try await host.wait {
            let replay = try await host.control.replay(name: "again")
            return replay.isOver ? replay : nil
        }
    }

    @Test("A replay ends with what is parked; a redrive delivers it, and the replay is closed")
    func redriven() async throws {
        let host = try await host([("fail", "a"), ("ok", "a"), ("ok", "a"), ("ok", "b")])
        _ = try await host.control.startReplay(HostInProcess.replay("again"))
        let over = try await ended(host)
        let letter = try #require(try await host.letters().first)
        #expect(over.state == .completed && over.waiting == 0 && over.succeeded == 1 && over.dead == 1, "\(over)")
        #expect(over.parked == 2 && over.parkedBehind == [letter.id], "\(over)")
        let status = try await host.control.status().subscriptions
        let own = try #require(status.first { $0.bus == "replay/again" })
        #expect(own.parked == 2 && own.waiting == 0 && own.parkedKeys == 1, "\(own)")
        let event = try await host.control.deadLetter(id: letter.id).payload
        let text = String(decoding: event.bytes, as: UTF8.self).replacing(#""c":"fail""#, with: #""c":"ok""#)
        _ = try await host.control.redrive(
            .init(selection: .init(ids: [letter.id]), payload: try RawJSON(Array(text.utf8))))
        try await host.wait { host.runtime.deployment.replays.subscriptions.isEmpty ? () : nil }
        let closed = try await host.control.replay(name: "again")
        #expect(closed.succeeded == 4 && closed.parked == 0 && closed.dead == 0, "\(closed)")
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("After a restart a purge lets go on what is parked, too")
    func purged() async throws {
        let first = try await host([("fail", "a"), ("ok", "a")])
        _ = try await first.control.startReplay(HostInProcess.replay("again"))
        #expect(try await ended(first).parked == 1)
        await first.stop()
        let host = try await HostInProcess(rules: ["r": Self.rule], after: first)
        #expect(try await host.wait { try await host.control.replay(name: "again").parked == 1 ? true : nil })
        _ = try await host.control.purge(.init(all: true))
        try await host.wait { host.runtime.deployment.replays.subscriptions.isEmpty ? () : nil }
        let closed = try await host.control.replay(name: "again")
        #expect(closed.succeeded == 1 && closed.dead == 1, "\(closed)")
        await host.stop()
    }

    @Test("Cancelling drops what is parked, also after the end")
    func cancelled() async throws {
        let host = try await host([("fail", "a"), ("ok", "a"), ("ok", "a")])
        _ = try await host.control.startReplay(HostInProcess.replay("again"))
        #expect(try await ended(host).parked == 2)
        let dropped = try await host.control.cancelReplay(name: "again")
        #expect(dropped.state == .cancelled && dropped.parked == 0 && dropped.dropped == 2, "\(dropped)")
        #expect(try host.journal.audit().isEmpty)
        _ = try await host.control.purge(.init(all: true))
        try await host.wait { host.runtime.deployment.replays.subscriptions.isEmpty ? () : nil }
        #expect(try await host.control.replay(name: "again").succeeded == 0)
        await host.stop()
    }

    @Test("While a dead letter is redriven nothing is dropped, and a cancellation says so")
    func busy() async throws {
        let host = try await host([("fail", "a"), ("ok", "a"), ("fail", "b"), ("ok", "b")])
        _ = try await host.control.startReplay(HostInProcess.replay("again"))
        #expect(try await ended(host).parked == 2)
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        let letter = try #require(try await host.letters().last)
        _ = try await host.control.redrive(.init(selection: .init(ids: [letter.id])))
        try await host.wait {
            try await host.control.status().subscriptions.contains { $0.redriven == 1 } ? () : nil
        }
        let error = await #expect(throws: APIError.self) { try await host.control.cancelReplay(name: "again") }
        #expect(error?.status == 409 && error?.message.contains("nothing was dropped") == true, "\(error as Any)")
        let kept = try await host.control.replay(name: "again")
        #expect(kept.state == .completed && kept.dropped == 0, "\(kept)")
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        try await host.wait { try await host.control.replay(name: "again").waiting == 0 ? () : nil }
        let dropped = try await host.control.cancelReplay(name: "again")
        #expect(dropped.state == .cancelled && dropped.parked == 0 && dropped.dropped == 2, "\(dropped)")
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("What is settled meanwhile is not dropped a second time, for ever")
    func settledMeanwhile() async throws {
        let host = try await host([("fail", "a"), ("ok", "a"), ("ok", "a")])
        _ = try await host.control.startReplay(HostInProcess.replay("again"))
        #expect(try await ended(host).parked == 2)
        // The batch is refused for one of its settlements, which another commit has made.
        let first = Mutex<Settlement?>(nil)
        host.journal.injectFault { [journal = host.journal] batch in
            guard batch.settlements.count == 2, first.withLock({ $0 == nil }) else { return nil }
            let settlement = batch.settlements[0]
            first.withLock { $0 = settlement }
            Task {
                var batch = Batch()
                batch.settlements = [settlement]
                _ = try await journal.commit(batch)
            }
            return JournalError(.constraint, "settled already")
        }
        let dropped = try await host.control.cancelReplay(name: "again")
        #expect(dropped.state == .cancelled && dropped.parked == 0 && dropped.dropped == 2, "\(dropped)")
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("A journal that refuses what is dropped holds up no purge, and what was dropped until then is not run")
    func refused() async throws {
        let host = try await host([("fail", "a")] + Array(repeating: ("ok", "a"), count: 510))
        _ = try await host.control.startReplay(HostInProcess.replay("again"))
        #expect(try await ended(host).parked == 510)
        // The first page passes.
        let isRefused = Mutex(false)
        host.journal.injectFault { batch in
            guard batch.settlements.count == 10 else { return nil }
            isRefused.withLock { $0 = true }
            return JournalError(.diskFull, "full")
        }
        let cancelling = Task { @LoopActor in try? await host.control.cancelReplay(name: "again") }
        while !isRefused.withLock({ $0 }) { await Task.yield() }
        #expect(try await host.control.purge(.init(all: true)).purged == 1)
        // Some of it was dropped: that is what was asked for.
        let cancelled = await cancelling.value
        #expect(cancelled?.state == .cancelled, "\(cancelled as Any)")
        host.journal.injectFault(nil)
        try await host.wait { host.runtime.deployment.replays.subscriptions.isEmpty ? () : nil }
        let closed = try await host.control.replay(name: "again")
        #expect(closed.dropped == 500 && closed.succeeded == 10, "\(closed), \(cancelled as Any)")
        // By the rule itself, and by the replay: nothing that is dropped ran.
        #expect(try await host.control.status().functions.first?.succeeded == 510 + 10)
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("A host that dies while it drops what is parked leaves the rest to the next one")
    func killed() async throws {
        let first = try await host([("fail", "a")] + Array(repeating: ("ok", "a"), count: 510))
        _ = try await first.control.startReplay(HostInProcess.replay("again"))
        #expect(try await ended(first).parked == 510)
        // The first page passes.
        let isRefused = Mutex(false)
        first.journal.injectFault { batch in
            guard batch.settlements.count == 10 else { return nil }
            isRefused.withLock { $0 = true }
            return JournalError(.diskFull, "full")
        }
        let cancelling = Task { @LoopActor in try? await first.control.cancelReplay(name: "again") }
        while !isRefused.withLock({ $0 }) { await Task.yield() }
        await first.stop()
        _ = await cancelling.value
        let host = try await HostInProcess(rules: ["r": Self.rule], after: first)
        let replay = try await host.wait {
            let replay = try await host.control.replay(name: "again")
            return replay.dropped == 510 ? replay : nil
        }
        #expect(replay.state == .cancelled && replay.parked == 0 && replay.succeeded == 0, "\(replay)")
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("A running replay names the dead letters that hold back what is parked of it")
    func running() async throws {
        let host = try await host([("fail", "a")] + Array(repeating: ("ok", "a"), count: 200))
        _ = try await host.control.startReplay(HostInProcess.replay("again") { $0.rate = 10 })
        let replay = try await host.wait {
            let replay = try await host.control.replay(name: "again")
            return replay.parked ?? 0 > 0 ? replay : nil
        }
        let letter = try #require(try await host.letters().first)
        #expect(!replay.isOver && replay.parkedBehind == [letter.id], "\(replay)")
        _ = try await host.control.cancelReplay(name: "again")
        _ = try await ended(host)
        await host.stop()
    }

    @Test("What is parked of a replay that has ended keeps the journal's events for a week and no longer")
    func still() async throws {
        let hour: Int64 = 3_600_000
        let host = try await host([("fail", "a"), ("ok", "a"), ("ok", "a")])
        _ = try await host.control.startReplay(HostInProcess.replay("again"))
        #expect(try await ended(host).parked == 2)
        let replays = host.runtime.replays
        await replays.noteStill(elapsed: 0)
        #expect(replays.warnings.isEmpty)
        for _ in 0..<2 { await replays.noteStill(elapsed: hour) }
        let warning = try #require(try await host.control.status().warnings.first { $0.contains("replay again") })
        #expect(warning.contains("166 more hours") && warning.contains("sluice replay cancel again"), "\(warning)")
        await replays.noteStill(elapsed: ReplayJobs.longestStill - 2 * hour)
        let replay = try await host.control.replay(name: "again")
        #expect(replay.parked == 0 && replay.dropped == 2 && replay.state == .completed, "\(replay)")
        #expect(replay.reason?.contains("deliveries of it were parked") == true, "\(replay)")
        #expect(replays.warnings.isEmpty)
        #expect(try await host.letters().count == 1)
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("… and is warned of no longer once its dead letters are dealt with")
    func noLonger() async throws {
        let hour: Int64 = 3_600_000
        let host = try await host([("fail", "a"), ("ok", "a"), ("ok", "a")])
        _ = try await host.control.startReplay(HostInProcess.replay("again"))
        #expect(try await ended(host).parked == 2)
        let replays = host.runtime.replays
        for elapsed in [0, hour, hour] { await replays.noteStill(elapsed: elapsed) }
        #expect(replays.warnings.count == 1)
        #expect(try await host.control.purge(.init(all: true)).purged >= 1)
        try await host.wait { host.runtime.deployment.replays.subscriptions.isEmpty ? () : nil }
        #expect(replays.warnings.isEmpty)
        await host.stop()
        let next = try await HostInProcess(rules: [:], after: host)
        #expect(next.runtime.replays.warnings.isEmpty)
        await next.stop()
    }

    @Test("A replay that is cancelled while its key is parked ends")
    func cancelledOnTheWay() async throws {
        let host = try await host([("fail", "a")] + Array(repeating: ("ok", "a"), count: 200))
        _ = try await host.control.startReplay(HostInProcess.replay("again") { $0.rate = 10 })
        try await host.wait { try await host.control.replay(name: "again").parked ?? 0 > 0 ? () : nil }
        _ = try await host.control.cancelReplay(name: "again")
        let over = try await ended(host)
        #expect(over.state == .cancelled && over.waiting + (over.parked ?? 0) == 0 && over.dead == 1, "\(over)")
        #expect(over.dropped == over.deliveries - 1 && over.deliveries < 201, "\(over)")
        await host.stop()
    }
}
