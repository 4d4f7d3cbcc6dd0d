import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Work that others' work must not hold up", .timeLimit(.minutes(3)))
@LoopActor
struct HeldRedriveTests {
    @Test("A redrive that waits for a paused target holds no other back, however much it has sent")
    func paused() async throws {
        func rule(_ detail: String) -> String {
            """
            pattern: {source: [shop], detail: {c: [\(detail)]}}
            targets: [{function: InC, retryPolicy: {maximumRetryAttempts: 0}}]
            """
        }
        let host = try await HostInProcess(rules: ["a": rule("fail"), "b": rule("again")])
        for _ in 0..<3 { _ = try await host.put(Array(repeating: "fail", count: 300)) }
        _ = try await host.put(["again"])
        try await host.wait {
            try await host.control.status().subscriptions.reduce(0) { $0 + $1.dead } == 901 ? () : nil
        }
        _ = try await host.control.pauseRule(bus: "default", name: "a", request: PauseRequest(paused: true))
        let held = try await host.control.redrive(.init(selection: .init(code: "Deliberate")))
        try await host.wait { try await host.control.redriveJob(id: held.id).sent == 900 ? () : nil }
        let free = try await host.control.redrive(.init(selection: .init(code: "Again")))
        let over = try await host.wait {
            let job = try await host.control.redriveJob(id: free.id)
            return job.isOver ? job : nil
        }
        #expect(over.sent == 1 && over.failed == 1, "\(over)")
        #expect(try await host.control.redriveJob(id: held.id).isOver == false)
        await host.stop()
    }
}
