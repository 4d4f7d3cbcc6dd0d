import AppConfig
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

    @Test("A subscription that takes force late has what was committed for it meanwhile, also more than a page of it")
    func lateSubscription() async throws {
        let host = try await HostInProcess(rules: [:])
        let id = SubscriptionID(500)
        var batch = Batch()
        batch.control.append(
            .putSubscription(SubscriptionRecord(id: id, log: "default", rule: "late", target: "InC")))
        _ = try await host.journal.commit(batch)
        let count = host.runtime.dispatcher.core.window.refill + 50
        let head = try host.journal.lastRecords(log: nil, limit: 1).last?.position ?? 0
        batch = Batch()
        for number in 0..<count {
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(number)", ingested: HostClock().wall,
                    payload: Array(#"{"source":"shop","detail":{"c":"ok"}}"#.utf8), subscriptions: [id],
                    ruleSet: host.runtime.deployment.ruleSet))
        }
        _ = try await host.journal.commit(batch)
        // They have gone by when the deployment takes force, which was read when the log was shorter.
        for _ in 0..<100 { await Task.yield() }
        var deployment = host.runtime.deployment
        deployment.subscriptions.append(
            SubscriptionSettings(
                id: id, bus: "default", rule: "late", target: "InC", function: "InC", inputFormat: .eventBridge,
                batchSize: 1, retry: RetryPolicy()))
        host.runtime.dispatcher.apply(deployment, progress: [:], head: head, cores: 2)
        try await host.wait {
            try host.journal.progress().first { $0.subscription.id == id }?.succeeded == Int64(count) ? () : nil
        }
        await host.stop()
    }

    @Test("A deployment that takes a paused target away says what waits for it, and how it gets it")
    func pausedAndGone() async throws {
        let rule = "pattern: {source: [shop]}\ntargets: [{function: InC}]"
        let host = try await HostInProcess(rules: ["r": rule])
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        _ = try await host.put(["x", "y"])
        try HostInProcess.write("\(host.folder.path)/app", ["InC": ""], [:], [:], ["orders"])
        let result = try await host.control.deploy(DeployRequest())
        let finding = try #require(result.findings.first { $0.code == "PausedBacklog" })
        #expect(
            finding.message.contains("2 events wait for it: sluice rules resume r --target InC has them"), "\(finding)")
        _ = try await host.control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        try await host.wait { try host.journal.progress().allSatisfy { $0.waiting == 0 } ? () : nil }
        await host.stop()
    }
}
