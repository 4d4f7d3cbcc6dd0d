import Foundation
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Deployments that take batches away", .timeLimit(.minutes(2)))
@LoopActor
struct BatchDeployTests {
    private static let window = "batchSize: 10, maximumBatchingWindowInSeconds: 300"

    @Test("a rule that is gone while its batch is put together: a handler of single events gets each of them")
    func drain() async throws {
        let batching = ["InC": "module: \(try FunctionInC.batching.get().path)"]
        let host = try await HostInProcess(
            functions: batching, rules: ["r": "pattern: {source: [shop]}\ntargets: [{function: InC, \(Self.window)}]"])
        _ = try await host.put(Array(repeating: "ok", count: 5))
        try await host.wait {
            try await host.control.status().subscriptions.first?.waiting == 5 ? () : nil
        }
        try await host.deploy(rules: [:])
        let status = try await host.wait {
            let status = try await host.control.status()
            return status.functions.first?.succeeded == 5 ? status : nil
        }
        #expect(status.functions.first?.failed == 0)
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("batchSize taken away from a command while its batch is put together: the program gets each event")
    func command() async throws {
        let folder = TemporaryFolder(name: "told")
        let file = "\(folder.path)/told"
        func rule(_ more: String) -> [String: String] {
            let run = "run: [/bin/sh, -c, 'cat >> \(file); echo >> \(file)']"
            return ["r": "pattern: {source: [shop]}\ntargets: [{command: {\(run)}\(more)}]"]
        }
        let host = try await HostInProcess(rules: rule(", " + Self.window))
        let ids = try await host.put(Array(repeating: "ok", count: 5))
        try await host.wait {
            try await host.control.status().subscriptions.first?.waiting == 5 ? () : nil
        }
        try await host.deploy(rules: rule(""))
        try await host.wait { try await host.control.status().subscriptions.first?.succeeded == 5 ? () : nil }
        let told = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        #expect(ids.count == 5 && ids.allSatisfy(told.contains), "\(told)")
        await host.stop()
    }
}
