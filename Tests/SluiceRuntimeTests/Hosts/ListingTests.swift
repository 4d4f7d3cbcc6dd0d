import HostAPI
import SluiceRuntime
import Testing
import UVLoop

@LoopActor
@Suite("Listings of events", .timeLimit(.minutes(1)))
struct ListingTests {
    @Test("A page that begins far beyond the log begins at its end")
    func beyond() async throws {
        let host = try await HostInProcess(rules: [:])
        let ids = try await host.put(["a", "b", "c"])
        for after in [nil, "\(Int64.max)", "1000000000000", "\(Int64.min)", "x"] {
            let page = try await host.control.listEvents(EventQuery(), page: PageRequest(limit: 10, after: after))
            #expect(page.items.map(\.id) == (after == "\(Int64.min)" ? [] : ids.reversed()), "\(after ?? "")")
        }
        await host.stop()
    }
}
