import EventModel
import Foundation
import HostAPI
import Journal
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@Suite("Manifest rules that a deployment takes away", .timeLimit(.minutes(5)))
@LoopActor
struct ManifestTakenAwayTests {
    private nonisolated static let pattern =
        "pattern: {source: [aws.s3], detail: {object: {key: [{suffix: .manifest.json}]}}}\n"
    private nonisolated static let targets = "targets: [{function: InC, input: {c: echo}}]"
    private nonisolated static let rule = pattern + "manifest: {timeLimit: 600}\n" + targets
    private nonisolated static let other = "pattern: {source: [never]}\n" + targets

    @Test(
        "What such a rule waits for goes on being waited for, over a lost host, and its targets hear of it",
        arguments: [
            ["man": rule + "\nstate: DISABLED"], ["other": other], ["renamed": rule], ["man": pattern + targets],
        ])
    func takenAway(_ rules: [String: String]) async throws {
        var host = try await HostInProcess(rules: ["man": Self.rule], more: "buckets: {landing: }")
        try Self.put("x.manifest.json", #"{"files": ["a", "b"]}"#, in: host)
        try await host.wait { try await host.control.listManifests().first?.missing?.count == 2 ? () : nil }
        let left = try await Self.deploy(rules, on: host)
        #expect(left.map(\.code) == ["StillWaiting"], "\(left)")
        #expect(left.first?.message.contains("a manifest that it took still waits for its files") == true, "\(left)")
        // Nothing new is taken but by a rule of another name.
        try Self.put("y.manifest.json", #"{"files": ["never"]}"#, in: host)
        try Self.put("a", "a", in: host)
        let waiting =
            rules["renamed"] == nil ? ["man x.manifest.json"] : ["man x.manifest.json", "renamed y.manifest.json"]
        try await host.wait {
            let open = try await host.control.listManifests()
            let isSeen = open.first?.missing == ["landing/b: has not arrived"]
            return isSeen && open.map({ "\($0.rule) \($0.key)" }) == waiting ? () : nil
        }
        await host.stop()
        host = try await HostInProcess(
            rules: rules, more: "buckets: {landing: }", after: host, isAsked: false)
        #expect(try await host.control.listManifests().count == waiting.count)
        try Self.put("b", "b", in: host)
        try await host.wait {
            let target = try await host.control.status().subscriptions.first { $0.rule == "man" }
            // A rule without `manifest:` takes the objects themselves.
            let isPlain = rules["man"]?.contains("manifest: {") == false
            return target?.succeeded == (isPlain ? 2 : 1) ? () : nil
        }
        #expect(try await host.control.listManifests().count == waiting.count - 1)
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    @Test("What had arrived and was not read is still the rule's that the start of the next host takes away")
    func unread() async throws {
        var host = try await HostInProcess(rules: ["man": Self.rule], more: "buckets: {landing: }")
        try Self.put("x.manifest.json", #"{"files": ["a"]}"#, in: host)
        try await host.wait { try await host.control.listManifests().first?.missing?.count == 1 ? () : nil }
        await host.stop()
        // As a host leaves it that is lost before it has read its log.
        let journal = host.journal.restarted()
        var batch = Batch()
        batch.control = try journal.values(prefix: "manifest/open/").map { .removeValue(name: $0.name) }
        batch.control.append(.putValue(name: "manifest/cursor", body: Array("0".utf8)))
        _ = try journal.commitBlocking(batch)
        host = try await HostInProcess(
            rules: ["other": Self.other], more: "buckets: {landing: }", after: host, on: journal.restarted())
        #expect(try await host.control.listManifests().map(\.rule) == ["man"])
        try Self.put("a", "a", in: host)
        try await host.wait {
            try await host.control.status().subscriptions.first { $0.rule == "man" }?.succeeded == 1 ? () : nil
        }
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    @Test("While a deployment cannot take force, the rules that it leaves as they are go on")
    func retrying() async throws {
        let host = try await HostInProcess(rules: ["man": Self.rule], more: "buckets: {landing: }")
        let isCommitted = Mutex(false)
        host.journal.injectFault { batch in
            if batch.control.contains(where: { "\($0)".hasPrefix("deploy") }) { isCommitted.withLock { $0 = true } }
            return nil
        }
        host.journal.injectReadFault { reading in
            reading == .progress && isCommitted.withLock { $0 } ? JournalError(.inputOutput, "on purpose") : nil
        }
        let isOver = Mutex(false)
        let deploying = Task { @LoopActor in
            let left = try await Self.deploy(["man": Self.rule, "other": Self.other], on: host)
            isOver.withLock { $0 = true }
            return left
        }
        while !isCommitted.withLock({ $0 }) { await Task.yield() }
        try Self.put("x.manifest.json", #"{"files": ["a"]}"#, in: host)
        try Self.put("a", "a", in: host)
        // By the log: `status` cannot be asked.
        try await host.wait {
            try host.journal.records(log: "default", after: 0, limit: 100).contains {
                String(decoding: $0.payload, as: UTF8.self).contains("Manifest Complete")
            } ? () : nil
        }
        #expect(!isOver.withLock { $0 })
        host.journal.injectReadFault(nil)
        _ = try await deploying.value
        try await host.wait {
            try await host.control.status().subscriptions.first { $0.rule == "man" }?.succeeded == 1 ? () : nil
        }
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    private static func put(_ key: String, _ text: String, in host: HostInProcess) throws {
        let file = URL(filePath: "\(host.folder.path)/data/buckets/landing/\(key)")
        try Data(text.utf8).write(to: file, options: .atomic)
    }

    private static func deploy(_ rules: [String: String], on host: HostInProcess) async throws -> [AppFinding] {
        try HostInProcess.write(
            "\(host.folder.path)/app", ["InC": ""], rules, [:], ["orders"], "buckets: {landing: }")
        let result = try await host.control.deploy(DeployRequest())
        #expect(result.accepted, "\(result.findings)")
        return result.findings.filter { $0.code == "StillWaiting" }
    }
}
