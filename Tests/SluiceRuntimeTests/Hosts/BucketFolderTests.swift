import Foundation
import FunctionProtocol
import HostAPI
import Journal
import ObjectStore
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// A bucket's folder that is another one, goes, comes back or is moved; and first scans that the journal refuses.
@Suite("Folders of a host's buckets", .timeLimit(.minutes(5)))
@LoopActor
struct BucketFolderTests {
    private let folder = TemporaryFolder(name: "buckets")
    private var path: String { "\(folder.path)/archive" }

    private func declared(_ path: String? = nil, _ more: String = "existing: trigger") -> String {
        "buckets: {archive: {path: \(path ?? self.path), \(more)}}"
    }

    private func put(_ path: String, _ text: String = "x") throws {
        try FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    private func move(_ from: String, _ to: String) throws {
        try FileManager.default.moveItem(atPath: from, toPath: to)
    }

    /// What was told of each file, in order.
    private nonisolated static func told(_ journal: InMemoryJournal) throws -> [String] {
        try journal.records(log: "default", after: 0, limit: 100).map {
            let text = String(decoding: $0.payload, as: UTF8.self)
            let key = text.firstRange(of: #""key":""#).map { text[$0.upperBound...].prefix { $0 != "\"" } } ?? ""
            return (text.contains("Object Deleted") ? "- " : "+ ") + key
        }
    }

    /// As a journal whose disk is short of space.
    private nonisolated static func noProducers(_ batch: Batch) -> JournalError? {
        batch.isProducer ? JournalError(.diskFull, "short of space") : nil
    }

    // MARK: Another folder

    @Test("A folder that was empty when the bucket was first opened is not the disk that was mounted there later")
    func mountedLate() async throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let first = try await HostInProcess(rules: [:], more: declared())
        await first.stop()
        // The disk: nothing of the journal is there yet, so any folder will do.
        try move(path, path + ".point")
        try put("\(path)/one.csv")
        let second = try await HostInProcess(rules: [:], more: declared(), after: first)
        #expect(try Self.told(second.journal) == ["+ one.csv"])
        await second.stop()
        // Not mounted again.
        try move(path, path + ".disk")
        try move(path + ".point", path)
        await #expect {
            _ = try await HostInProcess(rules: [:], more: declared(), after: second)
        } throws: { error in
            (error as? HostStartError)?.findings.map(\.code) == ["BucketLost"]
        }
        try FileManager.default.removeItem(atPath: path)
        try move(path + ".disk", path)
        let third = try await HostInProcess(rules: [:], more: declared(), after: second)
        #expect(try Self.told(third.journal) == ["+ one.csv"])
        await third.stop()
    }

    @Test("A bucket without objects to which a decided outcome is on its way is not made anew")
    func decided() async throws {
        let first = try await HostInProcess(rules: [:], more: declared())
        await first.stop()
        var batch = Batch()
        batch.decisions.append(.decide(AttemptID(boot: 1, number: 1), body: Array("{}".utf8)))
        let journal = first.journal.restarted()
        _ = try journal.commitBlocking(batch)
        #expect(try journal.recover().decisions.count == 1)
        try FileManager.default.removeItem(atPath: path)
        await #expect {
            _ = try await HostInProcess(rules: [:], more: declared(), after: first, on: journal)
        } throws: { error in
            (error as? HostStartError)?.findings.map(\.code) == ["BucketLost"]
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A folder that is removed and made again while the host runs is noticed; the one that comes back is taken up")
    func removed() async throws {
        try put("\(path)/one.csv")
        let host = try await HostInProcess(rules: [:], more: declared())
        // The last object goes with it, so that the new folder will do.
        try FileManager.default.removeItem(atPath: path)
        try put("\(path)/two.csv")
        let _: Bool = try await host.wait { try Self.told(host.journal).contains("+ two.csv") ? true : nil }
        #expect(try Self.told(host.journal).filter { $0 != "- one.csv" } == ["+ one.csv", "+ two.csv"])

        // Moved away, with an empty one in its place: nothing is gone, and nothing is made there.
        try move(path, path + ".away")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let _: Bool = try await host.wait {
            try await host.control.status().warnings.contains { $0.contains("archive is lost") } ? true : nil
        }
        try put("\(path)/wrong.csv")
        #expect(!FileManager.default.fileExists(atPath: path + "/.sluice"))
        try FileManager.default.removeItem(atPath: path)
        try move(path + ".away", path)
        try put("\(path)/three.csv")
        let _: Bool = try await host.wait { try Self.told(host.journal).contains("+ three.csv") ? true : nil }
        #expect(try !Self.told(host.journal).contains("- two.csv"))
        #expect(try !Self.told(host.journal).contains("+ wrong.csv"))
        await host.stop()
    }

    // MARK: Changed definitions

    @Test("A bucket's folder can be moved, and what it ignores changed, by a deployment; another folder is refused")
    func changed() async throws {
        try put("\(path)/one.csv")
        let host = try await HostInProcess(rules: [:], more: declared())
        let other = "\(folder.path)/other"
        try put("\(other)/else.csv")
        try HostInProcess.write("\(host.folder.path)/app", ["InC": ""], [:], [:], ["orders"], declared(other))
        let refused = try await host.control.deploy(DeployRequest())
        #expect(!refused.accepted && refused.findings.map(\.code) == ["BucketLost"], "\(refused.findings)")
        #expect(refused.findings.first?.message.contains("move its whole folder") == true)
        #expect(host.runtime.publisher.leaving.isEmpty)

        let moved = "\(folder.path)/moved"
        try move(path, moved)
        try await host.deploy(rules: [:], more: declared(moved))
        try put("\(moved)/two.csv")
        let _: Bool = try await host.wait { try Self.told(host.journal).contains("+ two.csv") ? true : nil }
        try await host.deploy(rules: [:], more: declared(moved, "existing: trigger, ignore: ['*.skip']"))
        try put("\(moved)/not.skip")
        try put("\(moved)/three.csv")
        let _: Bool = try await host.wait { try Self.told(host.journal).contains("+ three.csv") ? true : nil }
        #expect(try Self.told(host.journal) == ["+ one.csv", "+ two.csv", "+ three.csv"])
        #expect(try await host.control.status().warnings == [])
        await host.stop()
    }

    @Test("A bucket is taken away when nothing that is decided puts anything there any more, and not before")
    func takenAway() async throws {
        let host = try await HostInProcess(rules: [:], more: declared())
        let (publisher, place) = (host.runtime.publisher, Publisher.place(ofBucket: "archive"))
        publisher.fill([place])
        async let deployed: Void = host.deploy(rules: [:])
        try await host.wait { publisher.awaited == [place] ? () : nil }
        // It may still be refused: nobody's delivery dies of it.
        let told = try #require(publisher.leaving["archive"])
        #expect(told.code == "BucketLeaving" && FailureClass(code: told.code, retry: told.retry) == .platform)
        publisher.filled([place])
        try await deployed
        #expect(publisher.leaving.isEmpty && publisher.awaited.isEmpty)
        #expect(try await host.control.listBuckets().map(\.name) == [])
        await host.stop()
    }

    @Test("What a deployment could not bring into force is brought in by the next one, though it changes nothing")
    func unfinished() async throws {
        let host = try await HostInProcess(rules: [:])
        let isBroken = Mutex(true)
        host.journal.injectFault { batch in
            let isManifests = batch.control.contains { change in
                if case .putValue(let name, _) = change { name.hasPrefix("manifest/") } else { false }
            }
            return isManifests && isBroken.withLock({ $0 }) ? JournalError(.constraint, "not now") : nil
        }
        let rules = [
            "nightly": "schedule: rate(1 day)\ntargets: [{function: InC}]",
            "lists": """
            pattern: {source: [aws.s3], detail: {object: {key: [{suffix: .manifest}]}}}
            manifest: {timeLimit: 60}
            targets: [{function: InC}]
            """,
        ]
        await #expect(throws: (any Error).self) { try await host.deploy(rules: rules) }
        // Manifests fail; schedules come into force all the same.
        #expect(try await host.control.listSchedules(count: 1).map(\.rule) == ["nightly"])
        #expect(try await host.control.status().warnings.contains { $0.contains("not wholly in force") })
        isBroken.withLock { $0 = false }
        try await host.deploy(rules: rules)
        #expect(try host.journal.value(name: "manifest/rules") != nil)
        #expect(try await host.control.status().warnings == [])
        await host.stop()
    }

    @Test("A deployment that the host could not take into force is taken by the next one; no event is lost meanwhile")
    func untaken() async throws {
        let host = try await HostInProcess(rules: [:])
        // From the deployment's own commit on: there is no way back from it.
        let isCommitted = Mutex(false)
        host.journal.injectFault { batch in
            let isDeployment = batch.control.contains { if case .deploy = $0 { true } else { false } }
            if isDeployment { isCommitted.withLock { $0 = true } }
            return nil
        }
        host.journal.injectReadFault { reading in
            reading == .progress && isCommitted.withLock({ $0 }) ? JournalError(.corrupt, "not readable") : nil
        }
        let rules = ["r": "pattern: {source: [shop]}\ntargets: [{function: InC}]"]
        await #expect(throws: (any Error).self) { try await host.deploy(rules: rules) }
        host.journal.injectReadFault(nil)
        #expect(try await host.control.status().warnings.contains { $0.contains("not wholly in force") })
        // The rule counts from its deployment on, whenever it is taken into force.
        _ = try await host.put(["fail"])
        try await host.deploy(rules: rules)
        #expect(try await host.control.status().warnings == [])
        #expect(host.runtime.deployment.subscriptions.map(\.rule) == ["r"])
        try await host.wait { try await host.letters().count == 1 ? () : nil }
        await host.stop()
    }

    // MARK: First scans

    @Test("Manifests are looked at once a bucket that could not be looked through is taken away")
    func withoutFirstScan() async throws {
        let lists = "\(folder.path)/lists"
        let rules = [
            "lists": """
            pattern: {source: [aws.s3], detail: {object: {key: [{suffix: .manifest}]}}}
            manifest: {timeLimit: 3600}
            targets: [{function: InC}]
            """
        ]
        let both = "buckets: {archive: {path: \(path), existing: trigger}, lists: {path: \(lists), existing: trigger}}"
        let first = try await HostInProcess(rules: rules, more: both)
        try put("\(path)/before.csv")
        try put("\(lists)/a.manifest", #"{"files": ["none.csv"]}"#)
        try await first.wait { try await first.control.listManifests().first?.missing == nil ? nil : () }
        await first.stop()
        try put("\(path)/meanwhile.csv")
        let host = try await HostInProcess(rules: rules, more: both, after: first, fault: Self.noProducers)
        #expect(try await host.control.listManifests().map(\.missing) == [nil])
        try await host.deploy(rules: rules, more: "buckets: {lists: {path: \(lists), existing: trigger}}")
        try await host.wait { try await host.control.listManifests().first?.missing == nil ? nil : () }
        #expect(try await !host.control.status().warnings.contains { $0.contains("what came or went") })
        await host.stop()
    }

    @Test("A host comes up whose journal has no room for what came meanwhile, and tells of it once there is room")
    func refused() async throws {
        let first = try await HostInProcess(rules: [:], more: declared())
        try put("\(path)/before.csv")
        let _: Bool = try await first.wait { try Self.told(first.journal).isEmpty ? nil : true }
        await first.stop()
        try put("\(path)/meanwhile.csv")
        let host = try await HostInProcess(rules: [:], more: declared(), after: first, fault: Self.noProducers)
        #expect(try Self.told(host.journal) == ["+ before.csv"])
        #expect(try await host.control.status().warnings.contains { $0.contains("archive: what came or went") })
        // A new bucket is deployed all the same.
        let more = "\(folder.path)/more"
        try put("\(more)/new.csv")
        try await host.deploy(
            rules: [:], more: "buckets: {archive: {path: \(path)}, more: {path: \(more), existing: trigger}}")
        host.journal.injectFault(nil)
        let _: Bool = try await host.wait {
            let told = try Self.told(host.journal)
            let warnings = try await host.control.status().warnings
            return told.contains("+ meanwhile.csv") && told.contains("+ new.csv") && warnings.isEmpty ? true : nil
        }
        #expect(try Self.told(host.journal).count == 3)
        await host.stop()
    }

    @Test("A deployment whose first scan does not end is ended by a host that stops")
    func stopping() async throws {
        let host = try await HostInProcess(rules: [:])
        try put("\(path)/one.csv")
        // What is only adopted is waited for.
        let refusals = Mutex(0)
        host.journal.injectFault { batch in
            guard !batch.objects.isEmpty else { return nil }
            refusals.withLock { $0 += 1 }
            return JournalError(.storage, "not now")
        }
        let more = declared(nil, "existing: ignore")
        let deploying = Task { @LoopActor in try? await host.deploy(rules: [:], more: more) }
        // By then somebody waits for it.
        let _: Bool = try await host.wait { refusals.withLock { $0 } > 5 ? true : nil }
        await host.runtime.drain()
        await deploying.value
        await host.stop()
    }
}
