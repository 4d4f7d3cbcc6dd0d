import AppConfig
import Foundation
import FunctionJSON
import FunctionProtocol
import HostAPI
import Journal
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@Suite("Redrives of manifests that were incomplete", .timeLimit(.minutes(3)))
@LoopActor
struct ManifestRedriveTests {
    private nonisolated static let rule = """
        pattern: {source: [aws.s3], detail: {object: {key: [{suffix: .manifest}]}}}
        manifest: {timeLimit: 1}
        targets:
          - function: InC
            retryPolicy: {maximumRetryAttempts: 0}
        """

    private func put(_ key: String, _ text: String, in host: HostInProcess) throws {
        let file = URL(filePath: "\(host.folder.path)/data/buckets/landing/\(key)")
        try Data(text.utf8).write(to: file, options: .atomic)
    }

    private func redrive(_ id: Int64, of host: HostInProcess, to other: String? = nil) async throws -> RedriveJob {
        let job = try await host.control.redrive(.init(selection: .init(ids: [id]), to: other))
        return try await host.wait {
            let job = try await host.control.redriveJob(id: job.id)
            return job.isOver ? job : nil
        }
    }

    @Test("A redrive looks again: what is missing is told anew, and what is there by then is handed over as complete")
    func looksAgain() async throws {
        let host = try await HostInProcess(
            functions: ["InC": "", "Other": ""], rules: ["r": Self.rule], more: "buckets: {landing: }")
        try put("x.manifest", #"{"files": ["a", {"key": "b", "size": 2}]}"#, in: host)
        let letter = try await host.wait { try await host.letters().first }
        #expect(letter.message.contains("2 of 2 files"), "\(letter)")
        try put("a", "a", in: host)
        try put("b", "b", in: host)
        try await host.wait { try host.journal.object(bucket: "landing", key: "b").map { _ in () } }
        #expect(try await redrive(letter.id, of: host).failed == 1)
        let again = try #require(try await host.letters().first)
        #expect(again.code == "ManifestIncomplete" && again.id == letter.id, "\(again)")
        #expect(
            again.message.contains("1 of 2 files") && again.message.contains("1 bytes instead of 2")
                && !again.message.contains("landing/a:"), "\(again)")
        try put("b", "bb", in: host)
        try await host.wait { try host.journal.object(bucket: "landing", key: "b")?.size == 2 ? () : nil }
        #expect(try await redrive(letter.id, of: host).succeeded == 1)
        #expect(try await host.letters().isEmpty)
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("A newer version of the manifest has its own event; another function gets the event as it was")
    func newer() async throws {
        let host = try await HostInProcess(
            functions: ["InC": "", "Other": ""], rules: ["r": Self.rule], more: "buckets: {landing: }")
        try put("x.manifest", #"{"files": ["a"]}"#, in: host)
        let letter = try await host.wait { try await host.letters().first }
        try put("a", "a", in: host)
        try put("x.manifest", #"{"files": ["./a"]}"#, in: host)
        try await host.wait {
            try await host.control.status().subscriptions.first { $0.rule == "r" }?.succeeded == 1 ? () : nil
        }
        #expect(try await redrive(letter.id, of: host).failed == 1)
        #expect(try await host.letters().first?.message.contains("put again since") == true)
        #expect(try await redrive(letter.id, of: host, to: "Other").succeeded == 1)
        await host.stop()
    }

    @Test("What is handed over is the event of a manifest that is complete, with its id, time and lists of files")
    func event() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"], limit: 100)
        try await host.apply()
        try host.put("1.manifest", #"{"files": [{"key": "a", "size": 1}, "b"]}"#)
        await host.until { $0.first?.missing?.count == 2 }
        host.wait(seconds: 101)
        host.runner.beginLooking()
        _ = try await host.told(1)
        let stored = try host.journal.records(log: nil, after: 0, limit: 100)
            .first { String(decoding: $0.payload, as: UTF8.self).contains("Manifest Incomplete") }
        let event = try #require(stored).payload
        try host.put("a", "a")
        func again() async throws -> [UInt8] {
            try #require(await host.runner.lookAgain(at: event, bus: "default", rule: "r")).get()
        }
        let failure = await #expect(throws: Failure.self) { try await again() }
        let message = failure?.message ?? ""
        #expect(message.contains("1 of 2") && message.contains("landing/b: has not arrived"), "\(message)")
        try host.put("b", "b")
        let before = try JSONDocument(parsing: event).root
        let after = try JSONDocument(parsing: try await again()).root
        for name in ["id", "time", "source", "resources"] {
            #expect(after[name]?.sourceBytes.elementsEqual(before[name]?.sourceBytes ?? []) == true, "\(name)")
        }
        #expect(after["detail-type"]?.string == ManifestEvents.complete)
        #expect(after["detail"]?["missing"] == nil && after["detail"]?["waited-seconds"] == nil)
        #expect(after["detail"]?["files"]?.count == 2 && after["detail"]?["manifest"]?["key"]?.string == "1.manifest")
    }

    @Test("A disk that refuses the end of a wait: what came until it takes it counts")
    func refused() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"], limit: 100)
        try await host.apply()
        try host.put("1.manifest", #"{"files": ["a"]}"#)
        await host.until { $0.first?.missing?.count == 1 }
        let disk = RefusingDisk()
        host.journal.injectFault { disk.fault($0) }
        host.wait(seconds: 101)
        host.runner.beginLooking()
        await disk.refused()
        try host.put("a", "a")
        host.journal.injectFault(nil)
        #expect(try await host.told(1) == [.init(rule: "r", manifest: "1.manifest", isComplete: true)])
        await host.until(\.isEmpty)
        #expect(try host.stored().isEmpty)
    }
}

/// Takes no ends of waits.
private final class RefusingDisk: Sendable {
    private let isRefused = Mutex(false)

    func fault(_ batch: Batch) -> JournalError? {
        guard !batch.appends.isEmpty, !batch.control.isEmpty else { return nil }
        isRefused.withLock { $0 = true }
        return JournalError(.diskFull, "full")
    }

    func refused() async { while !isRefused.withLock({ $0 }) { await Task.yield() } }
}
