import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
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
