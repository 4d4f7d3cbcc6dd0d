import Foundation
import HostAPI
import Journal
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// Buckets of a whole host: over restarts, and over deployments.
@Suite("Buckets of a host", .timeLimit(.minutes(5)))
@LoopActor
struct BucketHostTests {
    private static func archive(_ folder: TemporaryFolder) -> String { "\(folder.path)/archive" }

    private static func declared(_ folder: TemporaryFolder) -> String {
        "buckets: {archive: {path: \(archive(folder)), existing: trigger}}"
    }

    private static func put(_ path: String, _ text: String = "x") throws {
        try FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    private static func types(_ journal: InMemoryJournal) throws -> [String] {
        try journal.records(log: "default", after: 0, limit: 100).map {
            String(decoding: $0.payload, as: UTF8.self).contains("Object Deleted") ? "deleted" : "created"
        }
    }

    @Test("Asked for again, objects are announced each once, over a journal that refuses and a restart")
    func trigger() async throws {
        let folder = TemporaryFolder(name: "buckets")
        for name in ["a", "b", "c"] { try Self.put("\(Self.archive(folder))/\(name).csv") }
        let first = try await HostInProcess(rules: [:], more: Self.declared(folder))
        let _: Bool = try await first.wait { try Self.types(first.journal).count == 3 ? true : nil }
        // One a second; the first page is committed, the second is refused.
        let pages = Mutex(0)
        let refuse: @Sendable (Batch) -> JournalError? = { batch in
            guard batch.objects.contains(where: { if case .announce = $0 { true } else { false } }) else { return nil }
            return pages.withLock {
                $0 += 1; return $0
            } > 1 ? JournalError(.diskFull, "not now") : nil
        }
        first.journal.injectFault(refuse)
        let answer = try await first.control.trigger(bucket: "archive", request: TriggerRequest(prefix: "", rate: 1))
        #expect(answer.objects == 3 && answer.job?.id == "trigger-1-1")
        let _: Bool = try await first.wait { pages.withLock { $0 } > 1 ? true : nil }
        #expect(try Self.types(first.journal).count == 4)
        await first.stop()
        first.journal.injectFault(nil)
        let second = try await HostInProcess(rules: [:], more: Self.declared(folder), after: first)
        let job: TriggerJob = try await second.wait {
            try await second.control.listTriggers().first { $0.isOver }
        }
        #expect(job.state == .completed && job.id == answer.job?.id && (job.selected, job.sent) == (3, 3))
        let keys = try second.journal.records(log: "default", after: 0, limit: 100).map { record in
            ["a.csv", "b.csv", "c.csv"].first { String(decoding: record.payload, as: UTF8.self).contains($0) }
        }
        #expect(keys.count == 6 && Array(keys.suffix(3)) == ["a.csv", "b.csv", "c.csv"])
        await second.stop()
    }

    @Test("A trigger can be asked after and cancelled; one that runs for the same objects is all there is")
    func triggerJobs() async throws {
        let folder = TemporaryFolder(name: "buckets")
        for name in ["a", "b", "c"] { try Self.put("\(Self.archive(folder))/in/\(name).csv") }
        let host = try await HostInProcess(rules: [:], more: Self.declared(folder))
        let _: Bool = try await host.wait { try Self.types(host.journal).count == 3 ? true : nil }
        let slow = TriggerRequest(prefix: "in/", rate: 0.001, by: "me")
        let begun = try #require(try await host.control.trigger(bucket: "archive", request: slow).job)
        let _: Bool = try await host.wait { try await host.control.triggerJob(id: begun.id).sent == 1 ? true : nil }
        let again = try await host.control.trigger(bucket: "archive", request: slow)
        #expect(again.isRunning == true && again.job?.id == begun.id && again.objects == 3)
        await #expect(throws: APIError.self) {
            try await host.control.trigger(bucket: "archive", request: TriggerRequest(prefix: "in/"))
        }
        #expect(try await host.control.status().triggers?.map(\.id) == [begun.id])
        let cancelled = try await host.control.cancelTrigger(id: begun.id)
        #expect(cancelled.state == .cancelled && (cancelled.selected, cancelled.sent, cancelled.by) == (3, 1, "me"))
        #expect(try await host.control.cancelTrigger(id: begun.id) == cancelled)
        #expect(try await host.control.status().triggers == [])
        await #expect(throws: APIError.self) { try await host.control.cancelTrigger(id: "none") }
        // What is over stands in nobody's way, here and after a restart.
        await host.stop()
        let next = try await HostInProcess(rules: [:], more: Self.declared(folder), after: host)
        #expect(try await next.control.listTriggers() == [cancelled])
        let whole = try await next.control.trigger(bucket: "archive", request: TriggerRequest(prefix: "in/"))
        #expect(whole.isRunning == nil)
        let _: Bool = try await next.wait {
            try await next.control.listTriggers().first?.state == .completed ? true : nil
        }
        #expect(try Self.types(next.journal).count == 3 + 1 + 3)
        await next.stop()
    }

    @Test("A folder is one host's: a second one that has it as its bucket does not start, and says whose it is")
    func inUse() async throws {
        let folder = TemporaryFolder(name: "buckets")
        let more = Self.declared(folder)
        let first = try await HostInProcess(rules: [:], more: more)
        try Self.put("\(Self.archive(folder))/.sluice/9-9/0", "staged by the first")
        await #expect {
            _ = try await HostInProcess(rules: [:], more: more)
        } throws: { error in
            let findings = (error as? HostStartError)?.findings ?? []
            return findings.map(\.code) == ["BucketInUse"]
                && findings[0].message.contains("the data folder \(first.folder.path)/data, process \(getpid())")
        }
        #expect(FileManager.default.fileExists(atPath: "\(Self.archive(folder))/.sluice/9-9/0"))
        // A deployment that changes the bucket goes on with what the host has.
        try await first.deploy(
            rules: [:], more: more.replacingOccurrences(of: "existing:", with: "quiet: 1, existing:"))
        await first.stop()
        let second = try await HostInProcess(rules: [:], more: more)
        #expect(try await second.control.status().warnings.allSatisfy { !$0.contains("locked") })
        await second.stop()
    }

    @Test("A bucket whose disk is not mounted has lost no objects: the host does not start before the folder is back")
    func unmounted() async throws {
        let folder = TemporaryFolder(name: "buckets")
        let (path, more) = (Self.archive(folder), Self.declared(folder))
        try Self.put("\(path)/a/one.csv")
        let first = try await HostInProcess(rules: [:], more: more)
        #expect(
            try first.journal.objects(bucket: "archive", prefix: "", after: nil, limit: 10).map(\.key) == ["a/one.csv"])
        await first.stop()
        try FileManager.default.moveItem(atPath: path, toPath: path + ".disk")
        // Not there, and an empty mount point.
        for isThere in [false, true] {
            if isThere { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
            await #expect {
                _ = try await HostInProcess(rules: [:], more: more, after: first)
            } throws: { error in
                (error as? HostStartError)?.findings.map(\.code) == ["BucketLost"]
            }
            #expect(!FileManager.default.fileExists(atPath: path + "/.sluice"))
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: path + ".disk", toPath: path)
        let second = try await HostInProcess(rules: [:], more: more, after: first)
        #expect(try Self.types(second.journal) == ["created"])
        await second.stop()
        // Gone for good, and somebody says so: a folder alone does not.
        let id = try String(contentsOfFile: path + "/.sluice/id", encoding: .utf8)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path + "/.sluice", withIntermediateDirectories: true)
        await #expect(throws: HostStartError.self) {
            _ = try await HostInProcess(rules: [:], more: more, after: second)
        }
        try Self.put(path + "/.sluice/id", id)
        let third = try await HostInProcess(rules: [:], more: more, after: second)
        #expect(try Self.types(third.journal) == ["created", "deleted"])
        await third.stop()
    }

    @Test("Deployments that overlap take force one after another: the older one takes nothing of the newer one back")
    func overlapping() async throws {
        let host = try await HostInProcess(rules: [:])
        let folder = TemporaryFolder(name: "buckets")
        try Self.put("\(Self.archive(folder))/one.csv")
        let (older, newer) = ("\(folder.path)/older", "\(folder.path)/newer")
        try HostInProcess.write(older, ["InC": ""], [:], [:], [], Self.declared(folder))
        try HostInProcess.write(
            newer, ["InC": ""], ["nightly": "schedule: rate(1 day)\ntargets: [{function: InC}]"], [:], [],
            Self.declared(folder))
        // The older one's first scan of the bucket takes a second: its commit is refused a few times.
        let refusals = Mutex(7)
        host.journal.injectFault { batch in
            let isRefused =
                !batch.objects.isEmpty
                && refusals.withLock { left in
                    left -= 1
                    return left >= 0
                }
            guard isRefused else { return nil }
            return JournalError(.storage, "not now")
        }
        let control = host.control
        let first = Task { @LoopActor in try await control.deploy(DeployRequest(app: older)) }
        let before = host.runtime.deployment.ruleSet
        let _: Bool = try await host.wait { host.runtime.deployment.ruleSet > before ? true : nil }
        let second = try await control.deploy(DeployRequest(app: newer))
        #expect(second.accepted && second.ruleSet == before + 2, "\(second.findings)")
        #expect(try await first.value.accepted)
        #expect(try await control.listSchedules(count: 1).map(\.rule) == ["nightly"])
        #expect(try host.journal.values(prefix: "schedule/").count == 1)
        #expect(try Self.types(host.journal) == ["created"])
        await host.stop()
    }
}
