import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("What waits behind a dead letter", .timeLimit(.minutes(3)))
@LoopActor
struct HeldBackTests {
    private static let rule =
        "pattern: {source: [shop]}\ntargets: [{function: InC, retryPolicy: {maximumRetryAttempts: 0}, "
        + "ordering: {key: detail.k, onExhausted: park}}]"

    @Test("A parked event names the dead letter, and the dead letter what it holds back")
    func parked() async throws {
        let host = try await HostInProcess(rules: ["r": Self.rule])
        let entries = try [("fail", "a"), ("ok", "a"), ("ok", "a"), ("ok", "b"), ("fail", "c")].map {
            EventEntry(
                source: "shop", detailType: "Order", detail: try RawJSON(#"{"c":"\#($0.0)","k":"\#($0.1)"}"#))
        }
        let ids = try await host.control.putEvents(EventSubmission(entries: entries)).results.compactMap(\.eventID)
        try await host.wait {
            let own = try await host.control.status().subscriptions.first { $0.rule == "r" }
            return own?.dead == 2 && own?.parked == 2 && own?.succeeded == 1 ? () : nil
        }
        let letters = try await host.letters()
        let letter = try #require(letters.first { $0.eventID == ids[0] })
        #expect(letter.holdsBack == 2)
        #expect(letters.first { $0.eventID == ids[4] }?.holdsBack == nil)
        let detail = try await host.control.deadLetter(id: letter.id)
        #expect(detail.heldBack == .init(key: "a", count: 2, events: [ids[1], ids[2]]) && detail.id == letter.id)
        for id in ids[1...2] {
            let event = try await host.control.event(id: id)
            #expect(event.deliveries.map(\.state) == ["parked"] && event.id == id)
            #expect(event.deliveries.first?.parkedBehind == [letter.id], "\(event.deliveries)")
            let trace = try await host.control.trace(id: id)
            #expect(trace.root.deliveries.first?.delivery.parkedBehind == [letter.id])
        }
        let free = try await host.control.event(id: ids[3]).deliveries.first
        #expect(free?.state == "settled" && free?.parkedBehind == nil)
        _ = try await host.control.purge(.init(ids: [letter.id]))
        try await host.wait {
            try await host.control.event(id: ids[2]).deliveries.first?.state == "settled" ? () : nil
        }
        await host.stop()
    }
}
