import AppConfig
import EventModel
import Foundation
import FunctionJSON
import FunctionProtocol
import Journal
import Logging
import ObjectStore
import SluiceRuntime
import Synchronization
import UVLoop

/// Hosts one after another on one journal and one bucket, with manifest rules and nothing else.
@LoopActor
final class ManifestHarness {
    static let start: Int64 = 1_780_000_000

    let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-manifests-\(UUID().uuidString)").path
    private let files = FileThreads(count: 2)
    private let buckets = BucketSet()
    private let bucket: Bucket
    private let now = Moment(start)
    private(set) var journal = InMemoryJournal()
    private var announcer: ObjectAnnouncer!
    private(set) var runner: ManifestRunner!
    private var commits = AsyncStream<Void>.makeStream()
    private var deployed = Deployment.empty
    private var boot: Int64 = 0

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        bucket = try Bucket.open(name: "landing", path: folder)
        buckets.set(bucket)
        begin()
    }

    func stop() {
        runner.stop()
        files.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func begin() {
        boot += 1
        let clock = HostClock { [now] in (wall: now.value * 1_000_000_000, monotonic: 0) }
        let log = Logger(label: "test")
        announcer = ObjectAnnouncer(journal: journal, router: EventRouter(), clock: clock, boot: boot)
        journal.setRematch { append, ruleSet in
            var append = append
            append.ruleSet = ruleSet
            return append
        }
        runner = ManifestRunner(
            journal: journal, committer: Committer(journal: journal, log: log), files: files, clock: clock,
            announcer: announcer, buckets: buckets, log: log)
        let continuation = commits.continuation
        journal.observeAppends { [runner] records in
            runner?.recordsCommitted(records)
            continuation.yield()
        }
    }

    /// The host is lost, and starts again on what was committed. Nothing is in force before `apply`.
    func crash() {
        runner.stop()
        journal = journal.restarted()
        begin()
    }

    func wait(seconds: Int64) { now.value += seconds }

    // MARK: Rules

    /// Commits a deployment of rules (by name, with the suffix of the manifests they take); `apply` takes it into
    /// force.
    /// - Parameter off: those that are disabled.
    func deploy(_ rules: [String: String], limit: Int = 1000, off: Set<String> = []) throws {
        deployed.ruleSet += 1
        deployed.app.rules = rules.sorted { $0.key < $1.key }.map { name, suffix in
            var rule = RuleDefinition(name: name, pattern: #"{"source":["none"]}"#, targets: [])
            rule.enabled = !off.contains(name)
            rule.manifest = ManifestDefinition(
                pattern: #"{"detail-type":["Object Created"],"detail":{"object":{"key":[{"suffix":"\#(suffix)"}]}}}"#,
                timeLimitSeconds: limit)
            return rule
        }
        var batch = Batch()
        batch.control.append(.deploy(ruleSet: deployed.ruleSet, body: []))
        _ = try journal.commitBlocking(batch)
    }

    func apply() async throws { try await begin {} }

    /// As a host does it: into force, the buckets' first scan, looking.
    func begin(scan: () throws -> Void) async throws {
        try await runner.apply(deployed)
        try scan()
        runner.beginLooking()
    }

    // MARK: Files

    /// A file that the watcher has seen.
    @discardableResult
    func put(_ key: String, _ content: String) throws -> ObjectSighting {
        try Data(content.utf8).write(to: URL(filePath: "\(folder)/\(key)"))
        let version = try bucket.version(key)
        let sighting = ObjectSighting(bucket: "landing", key: key, stamp: version.stamp, sample: version.sample)
        try announcer.commit([.created(sighting)])
        return sighting
    }

    /// Takes a file away without anybody having seen it.
    func steal(_ key: String) throws { try FileManager.default.removeItem(atPath: "\(folder)/\(key)") }

    /// Puts a file that its bucket, which is lost, does not show; `found` brings the folder back with it.
    func putLost(_ key: String, _ content: String) throws {
        try Data(content.utf8).write(to: URL(filePath: "\(folder)/\(key)"))
        let version = try bucket.version(key)
        try FileManager.default.moveItem(atPath: "\(folder)/\(key)", toPath: "\(folder).file")
        try FileManager.default.moveItem(atPath: folder, toPath: "\(folder).away")
        try announcer.commit([
            .created(
                ObjectSighting(bucket: "landing", key: key, stamp: version.stamp, sample: version.sample))
        ])
    }

    func found(_ key: String) throws {
        try FileManager.default.moveItem(atPath: "\(folder).file", toPath: "\(folder).away/\(key)")
        try FileManager.default.moveItem(atPath: "\(folder).away", toPath: folder)
    }

    // MARK: What became of it

    struct Told: Hashable, Comparable {
        var rule: String
        var manifest: String
        var isComplete: Bool
        var missing: [String] = []

        static func < (left: Told, right: Told) -> Bool { (left.rule, left.manifest) < (right.rule, right.manifest) }
    }

    /// The events that were put, in order.
    func told() throws -> [Told] {
        try journal.records(log: nil, after: 0, limit: 100_000).compactMap { record in
            let event = try JSONDocument(parsing: record.payload).root
            guard event["source"]?.string == ManifestEvents.source else { return nil }
            let rule = event["resources"]?.elements.first { _ in true }?.string?.split(separator: "/").last ?? ""
            return Told(
                rule: String(rule), manifest: event["detail"]?["manifest"]?["key"]?.string ?? "",
                isComplete: event["detail-type"]?.string == ManifestEvents.complete,
                missing: event["detail"]?["missing"]?.elements.compactMap(\.string) ?? [])
        }
    }

    /// Waits until so many events were put.
    func told(_ count: Int) async throws -> [Told] {
        while true {
            let told = try told()
            if told.count >= count { return told }
            for await _ in commits.stream { break }
        }
    }

    /// Waits until `condition` holds of what is waited for.
    func until(_ condition: ([(manifest: OpenManifest, missing: [String]?)]) -> Bool) async {
        while !condition(runner.open) { await Task.yield() }
    }

    /// Waits until this is what is waited for, in the journal: rule and key.
    func stores(_ expected: String...) async throws {
        while try stored() != expected { await Task.yield() }
    }

    func stored() throws -> [String] {
        try journal.values(prefix: "manifest/open/").map {
            let id = try JSONDocument(parsing: $0.body).root["id"]
            return "\(id?["rule"]?.string ?? "") \(id?["key"]?.string ?? "")"
        }.sorted()
    }
}

/// A wall clock that stands where a test has set it.
private final class Moment: Sendable {
    private let seconds: Mutex<Int64>

    init(_ seconds: Int64) { self.seconds = Mutex(seconds) }

    var value: Int64 {
        get { seconds.withLock { $0 } }
        set { seconds.withLock { $0 = newValue } }
    }
}
