import AppConfig
import EventModel
import Foundation
import FunctionJSON
import FunctionProtocol
import HostAPI
import Journal
import Logging
import ObjectStore
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@Suite("What has expired")
struct LifecyclePlanTests {
    private func object(_ key: String, changed: Int64) -> ObjectRecord {
        ObjectRecord(
            bucket: "b", key: key, device: 0, inode: 1, size: 1, modified: 0, changed: changed * 1_000_000_000,
            sample: 0, etag: "", sequencer: "", eventID: "")
    }

    @Test("the first enabled rule whose prefix it has, counted from its arrival, to the second")
    func rules() {
        let rules = [
            LifecycleRule(id: "off", expirationSeconds: 1, enabled: false),
            LifecycleRule(id: "short", prefix: "tmp/", expirationSeconds: 3600),
            LifecycleRule(id: "long", expirationSeconds: 86_400),
        ]
        func rule(_ key: String, age: Int64) -> String? {
            LifecyclePlan.expired(object(key, changed: 1000), by: rules, now: (1000 + age) * 1000)?.id
        }
        #expect(rule("tmp/a", age: 3599) == nil)
        #expect(rule("tmp/a", age: 3600) == "short")
        #expect(rule("a", age: 86_399) == nil)
        #expect(rule("a", age: 86_400) == "long")
        // `é` as one character in the rule, and as two in the key of another folder.
        let accented = [LifecycleRule(id: "accented", prefix: "\u{e9}/", expirationSeconds: 3600)]
        let (same, alike) = (object("\u{e9}/a", changed: 0), object("e\u{301}/a", changed: 0))
        #expect(LifecyclePlan.expired(same, by: accented, now: 3_600_000)?.id == "accented")
        #expect(LifecyclePlan.expired(alike, by: accented, now: 3_600_000) == nil)
        // A clock that was set back makes nothing expire.
        #expect(rule("tmp/a", age: -100_000) == nil)
        #expect(LifecycleRule(id: "a", expirationSeconds: 86_400).inWords == "1 day")
        #expect(LifecycleRule(id: "a", expirationSeconds: 6 * 3600).inWords == "6 hours")
    }
}

@Suite("What keeps an object")
struct NeededObjectsTests {
    @Test("names that only look alike are two objects")
    func addresses() {
        let composed = ObjectAddress(bucket: "b", key: "caf\u{e9}.csv")
        let decomposed = ObjectAddress(bucket: "b", key: "cafe\u{301}.csv")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, composed]).count == 2)
        let manifests = [composed, decomposed].map { ManifestID(bus: "", rule: "r", bucket: $0.bucket, key: $0.key) }
        #expect(Set(manifests).count == 2)
    }

    @Test("an event about it, or a manifest's, as it is and as the data of a stream's record")
    func events() {
        let object = #"{"source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"k 1"}}}"#
        let manifest =
            #"{"source":"\#(ManifestEvents.source)","detail":{"files":[{"bucket":"b","key":"one"}],"manifest":{"bucket":"b","key":"m"}}}"#
        let wanted = ["k 1", "one", "m"].map { ObjectAddress(bucket: "b", key: $0) }
        var plain = NeededObjects()
        var carried = NeededObjects()
        for text in [object, manifest] {
            plain.note(Array(text.utf8))
            carried.note(
                StreamRecordText.bytes(
                    stream: "s", shard: 0, partitionKey: "p", data: Base64.encode(Array(text.utf8)), arrived: 0))
        }
        #expect(plain.addresses == Set(wanted))
        #expect(carried.addresses == Set(wanted))
    }
}

/// A bucket, a journal and a clock.
@LoopActor
private final class LifecycleHarness {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-lifecycle-\(UUID().uuidString)").path
    let files = FileThreads(count: 2)
    private(set) var journal = InMemoryJournal()
    let clock: HostClock
    private(set) var announcer: ObjectAnnouncer
    let buckets = BucketSet()
    let bucket: Bucket
    private(set) var runner: LifecycleRunner
    private(set) var publisher: Publisher
    /// Hours from the real time, so that files made now expire.
    let shift = Shift()
    private let counter = Counter()

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        bucket = try Bucket.open(name: "landing", path: folder, configuration: BucketConfiguration())
        buckets.set(bucket)
        clock = HostClock { [shift] in
            let now = Int64(Date().timeIntervalSince1970 * 1_000_000_000)
            return (wall: now + shift.hours * 3_600_000_000_000, monotonic: now)
        }
        (announcer, publisher, runner) = Self.make(journal, files, clock, buckets, counter)
    }

    private static func make(
        _ journal: InMemoryJournal, _ files: FileThreads, _ clock: HostClock, _ buckets: BucketSet, _ counter: Counter
    ) -> (ObjectAnnouncer, Publisher, LifecycleRunner) {
        let log = Logger(label: "test")
        let announcer = ObjectAnnouncer(journal: journal, router: EventRouter(), clock: clock, boot: 1)
        let committer = Committer(journal: journal, log: log)
        let publisher = Publisher(
            buckets: buckets, journal: journal, committer: committer, files: files, clock: clock, announcer: announcer,
            log: log)
        let runner = LifecycleRunner(
            journal: journal, files: files, clock: clock, buckets: buckets, publisher: publisher, committer: committer,
            log: log, nextAttempt: { AttemptID(boot: 1, number: counter.next()) })
        return (announcer, publisher, runner)
    }

    /// The host is lost, and starts again on what was committed and on the disk.
    func crash() {
        journal = journal.restarted()
        (announcer, publisher, runner) = Self.make(journal, files, clock, buckets, counter)
    }

    /// The details of the events of deletions.
    func deletions() throws -> [JSONNode] {
        try journal.records(log: "default", after: 0, limit: 1000).compactMap { record in
            let root = try JSONDocument(parsing: record.payload).root
            return root["detail-type"]?.string == "Object Deleted" ? root["detail"] : nil
        }
    }

    final class Shift: Sendable {
        private let value = Mutex<Int64>(0)
        var hours: Int64 { value.withLock { $0 } }
        func set(_ hours: Int64) { value.withLock { $0 = hours } }
    }

    final class Counter: Sendable {
        private let value = Mutex<Int64>(0)
        func next() -> Int64 {
            value.withLock { value in
                value += 1
                return value
            }
        }
    }

    func remove() {
        files.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Puts a file, and announces it as the watcher does.
    func put(_ key: String, _ text: String = "x") async throws {
        let file = URL(filePath: folder).appending(path: key)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        let (bucket, announcer) = (bucket, announcer)
        try await files.run {
            let version = try bucket.version(key)
            try announcer.commit([
                .created(ObjectSighting(bucket: "landing", key: key, stamp: version.stamp, sample: version.sample))
            ])
        }
    }

    /// Other stamps of what is known, as the watcher tells it.
    func refresh(_ key: String) async throws {
        let (journal, bucket, announcer) = (journal, bucket, announcer)
        try await files.run {
            let known = try #require(try journal.object(bucket: "landing", key: key))
            var stamp = try bucket.version(key).stamp
            stamp.changed += 3 * 3_600_000_000_000
            try announcer.commit([
                .refreshed(
                    KnownObject(
                        bucket: "landing", key: key, stamp: stamp, sample: known.sample, etag: known.etag,
                        sequencer: known.sequencer, eventID: known.eventID))
            ])
        }
    }

    func run(_ rules: [LifecycleRule], dryRun: Bool = false) async throws -> [LifecycleRunner.Report] {
        let app = AppDefinition(buckets: [BucketDefinition(name: "landing", lifecycle: rules)])
        return try #require(try await runner.run(app, dryRun: dryRun))
    }

    var keys: [String] {
        get throws { try journal.objects(bucket: "landing", prefix: "", after: nil, limit: 1000).map(\.key) }
    }

    func isThere(_ key: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + key) }
}

@LoopActor
@Suite("Object lifecycle", .timeLimit(.minutes(5)))
struct LifecycleRunnerTests {
    private let rules = [
        LifecycleRule(id: "tmp", prefix: "tmp/", expirationSeconds: 3600),
        LifecycleRule(id: "rest", expirationSeconds: 86_400),
    ]

    @Test("a dry run tells and removes nothing; then what has expired goes, with S3's event, and nothing else")
    func expires() async throws {
        let host = try LifecycleHarness()
        defer { host.remove() }
        for number in 0..<60 { try await host.put("tmp/\(number)") }
        try await host.put("keep.csv")
        #expect(try await host.run(rules).map(\.expired) == [0, 0])
        host.shift.set(2)
        let dry = try await host.run(rules, dryRun: true)
        #expect(dry.map(\.expired) == [60, 0] && dry.map(\.removed) == [0, 0] && dry[0].keys.count == 20)
        #expect(try host.keys.count == 61)
        let done = try await host.run(rules)
        #expect(done.map(\.removed) == [60, 0] && done[0].bytes == 60)
        #expect(try host.keys == ["keep.csv"])
        #expect(host.isThere("keep.csv") && !host.isThere("tmp/7"))
        let deleted = try host.deletions()
        #expect(deleted.count == 60)
        #expect(deleted.allSatisfy { $0["reason"]?.string == "Lifecycle Expiration" })
        #expect(deleted.allSatisfy { $0["deletion-type"]?.string == "Permanently Deleted" })
        #expect(host.runner.removed == ["landing": 60])
        // Nothing of it is left behind, and nothing is decided any more.
        #expect(try host.journal.recover().decisions.isEmpty)
    }

    @Test("a journal that takes nothing is not waited for: who asks is told, and the next pass does it")
    func refused() async throws {
        let host = try LifecycleHarness()
        defer { host.remove() }
        try await host.put("tmp/a")
        host.shift.set(2)
        host.journal.injectFault { _ in JournalError(.diskFull, "full") }
        let error = await #expect(throws: LifecycleRunner.Refused.self) { try await host.run(rules) }
        #expect(error?.message.contains("full") == true, "\(error as Any)")
        #expect(host.isThere("tmp/a"))
        host.journal.injectFault(nil)
        // One that has changed without a word is left alone, and that is no refusal.
        let file = URL(filePath: host.folder + "/tmp/a")
        try Data("newer".utf8).write(to: file)
        #expect(try await host.run(rules).map(\.removed) == [0, 0])
        try await host.put("tmp/a")
        host.shift.set(4)
        #expect(try await host.run(rules).map(\.removed) == [1, 0])
        #expect(!host.isThere("tmp/a"))
    }

    @Test(
        "a chmod, a restored copy and a backfill do not renew an age; a new version does, and a silent one has its ctime"
    )
    func ages() async throws {
        let host = try LifecycleHarness()
        defer { host.remove() }
        for key in ["tmp/refreshed", "tmp/backfilled", "tmp/renewed"] { try await host.put(key) }
        host.shift.set(2)
        try await host.refresh("tmp/refreshed")
        let (journal, announcer, bucket) = (host.journal, host.announcer, host.bucket)
        try await host.files.run {
            let known = try #require(try journal.object(bucket: "landing", key: "tmp/backfilled"))
            try announcer.announceAgain([known])
            try Data("silent".utf8).write(to: URL(filePath: host.folder + "/tmp/silent"))
            let version = try bucket.version("tmp/silent")
            try announcer.commit([
                .adopted(
                    ObjectSighting(
                        bucket: "landing", key: "tmp/silent", stamp: version.stamp, sample: version.sample))
            ])
        }
        try await host.put("tmp/renewed", "another")
        let due = try await host.run(rules, dryRun: true)
        #expect(due[0].keys == ["tmp/backfilled", "tmp/refreshed", "tmp/silent"])
    }

    @Test("a host that is lost between the removal and its commit finishes it at the next start, with the same event")
    func crash() async throws {
        let host = try LifecycleHarness()
        defer { host.remove() }
        for number in 0..<3 { try await host.put("tmp/\(number)") }
        host.shift.set(2)
        // The commit that settles is the one that fails: everything is moved away by then.
        host.journal.injectFault { batch in
            batch.decisions.contains { if case .clear = $0 { true } else { false } }
                ? JournalError(.closed, "lost") : nil
        }
        #expect(try await host.run(rules)[0].removed == 0)
        #expect(!host.isThere("tmp/0") && !host.isThere("tmp/2"))
        host.crash()
        #expect(try host.keys.count == 3 && host.deletions().isEmpty)
        let decisions = try host.journal.recover().decisions
        #expect(decisions.count == 1)
        for (_, body) in decisions {
            let decision = try TapeDecoder().decode(Decision.self, from: body)
            guard case .committed = await host.publisher.recover(decision) else {
                Issue.record("not finished")
                return
            }
        }
        #expect(try host.keys.isEmpty)
        #expect(try host.deletions().map { $0["reason"]?.string } == Array(repeating: "Lifecycle Expiration", count: 3))
        #expect(try await host.run(rules)[0].expired == 0)
    }

    @Test("what a dead letter, a waiting manifest or a replaced file is about stays")
    func needed() async throws {
        let host = try LifecycleHarness()
        defer { host.remove() }
        for name in ["dead", "manifest", "replaced", "goes"] { try await host.put("tmp/\(name)") }
        let created = try #require(
            try host.journal.records(log: "default", after: 0, limit: 10).first { record in
                String(decoding: record.payload, as: UTF8.self).contains("tmp/dead")
            })
        var batch = Batch()
        batch.control.append(
            .putSubscription(
                SubscriptionRecord(
                    id: SubscriptionID(1), log: "default", rule: "r", target: "t", state: "active")))
        _ = try await host.journal.commit(batch)
        var append = host.announcer.append(
            bus: "default", id: "another", payload: created.payload, lineage: [])
        append.subscriptions = [SubscriptionID(1)]
        append.ruleSet = 0
        batch = Batch()
        batch.appends = [append]
        let open = OpenManifest(
            id: ManifestID(bus: "default", rule: "m", bucket: "landing", key: "x.manifest"), eventID: "e",
            files: [.init(bucket: "landing", key: "tmp/manifest")], arrived: 0, deadline: 1, lineage: "")
        batch.control.append(.putValue(name: "manifest/open/1", body: try TapeEncoder().encode(open)))
        _ = try await host.journal.commit(batch)
        host.shift.set(2)
        // A user's newer file, of which nothing is known yet.
        try Data("newer".utf8).write(to: URL(filePath: host.folder + "/tmp/replaced"))
        let reports = try await host.run(rules)
        #expect(reports[0].expired == 4 && reports[0].needed == 2 && reports[0].removed == 1)
        #expect(host.isThere("tmp/dead") && host.isThere("tmp/manifest") && host.isThere("tmp/replaced"))
        #expect(!host.isThere("tmp/goes"))
        #expect(try String(contentsOfFile: host.folder + "/tmp/replaced", encoding: .utf8) == "newer")
    }
}
