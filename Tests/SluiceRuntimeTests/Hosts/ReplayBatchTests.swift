import Foundation
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Replays of what was made of batches", .timeLimit(.minutes(3)))
@LoopActor
struct ReplayBatchTests {
    private nonisolated static let rule = "pattern: {source: [shop]}\ntargets: [{function: InC, batchSize: 2}]"

    /// Two events as a batch, of which the function has made `landing/out` as a whole.
    private func host() async throws -> HostInProcess {
        let copy =
            #"{"source":{"bucket":"landing","key":"in"},"destination":{"bucket":"landing","key":"out"},"overwrite":true}"#
        let host = try await HostInProcess(
            functions: [
                "InC": """
                module: \(try FunctionInC.batching.get().path)
                environment: {CALL: "7", PUT: '\(copy)', ANSWER: '{"results":[{"status":"Ok"},{"status":"Ok"}]}'}
                grants: {read: [landing], write: [landing]}
                """
            ], rules: ["r": Self.rule], more: "buckets: {landing: }")
        try Data("x".utf8).write(to: URL(filePath: "\(host.folder.path)/data/buckets/landing/in"))
        try await host.wait { try host.journal.object(bucket: "landing", key: "in").map { _ in () } }
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        _ = try await host.put(["x", "y"])
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        try await host.wait { try host.journal.object(bucket: "landing", key: "out").map { _ in () } }
        return host
    }

    private func over(_ host: HostInProcess, _ name: String) async throws -> ReplayInfo {
        try await host.wait {
            let replay = try await host.control.replay(name: name)
            return replay.isOver ? replay : nil
        }
    }

    @Test("What would be there twice is said before anything is replayed; a dry run says what it cannot compare")
    func doubled() async throws {
        let host = try await host()
        func request(_ name: String, _ change: (inout ReplayRequest) -> Void = { _ in }) -> ReplayRequest {
            HostInProcess.replay(name) {
                $0.rules = ["r"]
                change(&$0)
            }
        }
        let error = await #expect(throws: APIError.self) { try await host.control.startReplay(request("again")) }
        #expect(error?.status == 409, "\(error as Any)")
        let said = error?.message ?? ""
        #expect(
            said.contains("made of 2 events") && said.contains("landing/out") && said.contains("Nothing was replayed"))
        #expect(error?.hint?.contains("--add-again") == true)
        #expect(try await host.control.listReplays().isEmpty)
        _ = try await host.control.startReplay(request("dry") { $0.dryRun = true })
        let dry = try await over(host, "dry")
        #expect(dry.warnings?.count == 1 && dry.warnings?.first?.contains("rows twice") == true, "\(dry)")
        _ = try await host.control.startReplay(request("asked") { $0.addsAgain = true })
        let asked = try await over(host, "asked")
        #expect(asked.succeeded == 2 && asked.warnings?.count == 1, "\(asked)")
        // Now it is that replay's: one more would add it to that.
        let more = await #expect(throws: APIError.self) { try await host.control.startReplay(request("more")) }
        #expect(more?.message.contains("landing/out") == true, "\(more as Any)")
        // What the first runs have made is gone: nothing would be doubled.
        try FileManager.default.removeItem(atPath: "\(host.folder.path)/data/buckets/landing/out")
        try await host.wait { try host.journal.object(bucket: "landing", key: "out") == nil ? () : nil }
        let jobs = host.runtime.replays
        let most = jobs.leftoversLookedAt
        jobs.leftoversLookedAt = 1
        let unknown = await #expect(throws: APIError.self) { try await host.control.startReplay(request("after")) }
        #expect(unknown?.message.contains("could not be checked") == true, "\(unknown as Any)")
        #expect(unknown?.hint?.contains("--add-again") == true)
        jobs.leftoversLookedAt = most
        _ = try await host.control.startReplay(request("after"))
        #expect(try await over(host, "after").succeeded == 2)
        await host.stop()
    }

    @Test("What was made of other events than the replay's is no reason to refuse it")
    func others() async throws {
        let host = try await host()
        let earlier = HostInProcess.replay("earlier") { ($0.rules, $0.to) = (["r"], .init(milliseconds: 1000)) }
        _ = try await host.control.startReplay(earlier)
        #expect(try await over(host, "earlier").replayed == 0)
        let filtered = HostInProcess.replay("filtered") {
            ($0.rules, $0.eventPattern) = (["r"], #"{"detail": {"c": ["z"]}}"#)
        }
        _ = try await host.control.startReplay(filtered)
        #expect(try await over(host, "filtered").replayed == 0)
        // A batch that only one of its events is of all the same.
        let one = HostInProcess.replay("one") { ($0.rules, $0.eventPattern) = (["r"], #"{"detail": {"c": ["y"]}}"#) }
        let error = await #expect(throws: APIError.self) { try await host.control.startReplay(one) }
        #expect(error?.message.contains("landing/out") == true, "\(error as Any)")
        await host.stop()
    }

    @Test("Nothing is said of a function that takes events one by one")
    func single() async throws {
        let host = try await HostInProcess(rules: ["r": "pattern: {source: [shop]}\ntargets: [{function: InC}]"])
        _ = try await host.put(["ok", "ok"])
        _ = try await host.control.startReplay(HostInProcess.replay("again") { $0.rules = ["r"] })
        #expect(try await over(host, "again").warnings == nil)
        await host.stop()
    }
}
