import EventModel
import Foundation
import FunctionJSON
import FunctionProtocol
import Journal
import ObjectStore
import SluiceRuntime
import Testing
import UVLoop

/// A bucket with one object and a journal that knows it.
@LoopActor
private final class KeeperHarness {
    let folder = TemporaryFolder(name: "keeper")
    let journal = InMemoryJournal()
    let files = FileThreads(count: 1)
    let bucket: Bucket
    let keeper: InputKeeper
    static let attempt = AttemptID(boot: 1, number: 7)

    init() async throws {
        bucket = try Bucket.open(name: "b", path: folder.path, configuration: BucketConfiguration())
        try Data("content".utf8).write(to: URL(filePath: "\(folder.path)/k"))
        let buckets = BucketSet()
        buckets.set(bucket)
        keeper = InputKeeper(buckets: buckets, journal: journal, files: files)
        let version = try bucket.version("k")
        var batch = Batch()
        batch.control.append(
            .putSubscription(SubscriptionRecord(id: SubscriptionID(1), log: "default", rule: "r", target: "t")))
        batch.appends.append(
            Append(
                log: "default", eventID: "e", ingested: 0, payload: Array(Self.event.utf8),
                subscriptions: [SubscriptionID(1)], ruleSet: 0))
        batch.objects.append(
            .put(
                ObjectRecord(
                    bucket: "b", key: "k", device: version.stamp.device, inode: version.stamp.inode,
                    size: version.stamp.size, modified: version.stamp.modified, changed: version.stamp.changed,
                    sample: version.sample, etag: version.stamp.etag, sequencer: "1", eventID: "e")))
        _ = try await journal.commit(batch)
    }

    static let event = #"""
        {"version":"0","id":"e","detail-type":"Object Created","source":"aws.s3","account":"0",\#
        "time":"2024-01-01T00:00:00Z","region":"local","resources":[],\#
        "detail":{"version":"0","bucket":{"name":"b"},"object":{"key":"k","size":7,"etag":"e","sequencer":"1"}}}
        """#

    var delivery: Delivery { Delivery(subscription: SubscriptionID(1), position: 1, ordinal: 1) }

    func work(deadLetter: Int64? = nil, _ payload: [UInt8] = Array(KeeperHarness.event.utf8)) -> Work {
        Work(
            delivery: delivery, source: deadLetter.map { .pending(deadLetter: $0) } ?? .log, eventID: "e", ingested: 0,
            expires: .max, payload: payload, lineage: [])
    }

    func keep(_ work: Work) async -> [UInt8] {
        await keeper.keep(
            EventReading.objectInput(of: work.payload), for: work, attempt: Self.attempt, ordinal: 0, copyLimit: 1000)
    }

    func letter(_ input: [UInt8]) -> Batch {
        var batch = Batch()
        batch.settlements.append(Settlement(delivery, .dead))
        batch.deadLetters.append(
            .insert(
                DeadLetter(
                    delivery: delivery, target: "f", rule: "r", eventID: "e", ingested: 0, died: 0, code: "c",
                    message: "m", condition: "", fingerprint: "p", attempts: 1, history: [],
                    payload: Array(Self.event.utf8), lineage: [], input: input)))
        return batch
    }

    /// A newer version, with an event of its own.
    func replace() async throws {
        try Data("newer content".utf8).write(to: URL(filePath: "\(folder.path)/k"), options: .atomic)
        let version = try bucket.version("k")
        var batch = Batch()
        batch.objects.append(
            .put(
                ObjectRecord(
                    bucket: "b", key: "k", device: version.stamp.device, inode: version.stamp.inode,
                    size: version.stamp.size, modified: version.stamp.modified, changed: version.stamp.changed,
                    sample: version.sample, etag: version.stamp.etag, sequencer: "2", eventID: "e2")))
        _ = try await journal.commit(batch)
    }

    func clean() async throws {
        let keeper = keeper
        try await files.run { try keeper.clean(changedBefore: .max) }
    }
}

@Suite("Inputs that dead letters keep", .timeLimit(.minutes(1)))
@LoopActor
struct InputKeeperTests {
    @Test("No cleaning takes what was kept for a letter that the journal does not have yet, however late it comes")
    func unwritten() async throws {
        let harness = try await KeeperHarness()
        let input = await harness.keep(harness.work())
        #expect(harness.bucket.keptNames() == ["1-7-0"])
        try await harness.clean()
        #expect(harness.bucket.keptNames() == ["1-7-0"])
        // An attempt whose number begins like that one's is another.
        harness.keeper.written(AttemptID(boot: 1, number: 70))
        try await harness.clean()
        #expect(harness.bucket.keptNames() == ["1-7-0"])
        _ = try await harness.journal.commit(harness.letter(input))
        harness.keeper.written(KeeperHarness.attempt)
        try await harness.clean()
        #expect(harness.bucket.keptNames() == ["1-7-0"])
        var purge = Batch()
        purge.deadLetters.append(.setState(id: 1, .purged))
        _ = try await harness.journal.commit(purge)
        try await harness.clean()
        #expect(harness.bucket.keptNames() == [])
        harness.files.stop()
    }

    @Test("A letter that dies again keeps what it has, also where it was sent with another event")
    func diesAgain() async throws {
        let harness = try await KeeperHarness()
        let input = await harness.keep(harness.work())
        _ = try await harness.journal.commit(harness.letter(input))
        #expect(await harness.keep(harness.work(deadLetter: 1)) == input)
        let edited = Array(#"{"version":"0","id":"e","source":"shop","detail":{}}"#.utf8)
        #expect(await harness.keep(harness.work(deadLetter: 1, edited)) == input)
        harness.files.stop()
    }

    @Test(
        "An object that is replaced while it is worked on supersedes no work that has a copy of its own, or no version")
    func replaced() async throws {
        let harness = try await KeeperHarness()
        let input = await harness.keep(harness.work())
        _ = try await harness.journal.commit(harness.letter(input))
        let address = ObjectAddress(bucket: "b", key: "k")
        var effects = EffectSet()
        effects.reads[address] = try harness.bucket.version("k")
        try await harness.replace()
        let buckets = BucketSet()
        buckets.set(harness.bucket)
        let object = try #require(EventReading.objectInput(of: harness.work().payload))
        var nameless = object
        nameless.sequencer = ""
        func error(_ inputs: [PublicationPlan.Input]) -> (any Error)? {
            PublicationPlan(
                effects, [], inputs: inputs, attempt: KeeperHarness.attempt.staging, quota: 1
            ).check(buckets: buckets, journal: harness.journal).other
        }
        let works = [
            PublicationPlan.Input(object: object, letter: nil), .init(object: object, letter: 1),
            .init(object: nameless, letter: nil), .init(object: nil, letter: nil),
        ]
        #expect((error(works) as? PublicationPlan.Replaced)?.works == [0])
        // What it read is another version all the same.
        #expect((error(Array(works.dropFirst())) as? CallRefusal)?.failure.code == "ObjectChanged")
        harness.files.stop()
    }

    @Test("What publishing asks behind a key that is taken is asked without publishing, too, and in that order")
    func refusals() async throws {
        let harness = try await KeeperHarness()
        let buckets = BucketSet()
        buckets.set(harness.bucket)
        var effects = EffectSet()
        let (staged, descriptor) = try harness.bucket.createStage(KeeperHarness.attempt.staging)
        close(descriptor)
        let stage = effects.stage(staged, in: harness.bucket)
        let taken = ObjectAddress(bucket: "b", key: "k")
        let dropped = RegisterFileRequest(
            database: "d", table: "t", baseVersion: 1, columns: [], location: "b/", properties: [:], file: taken,
            rows: 1)
        let operations = [
            EffectSet.Effect(record: nil, operation: .put(stage: stage, to: taken, overwrite: false)),
            EffectSet.Effect(record: nil, operation: .register(dropped)),
        ]
        let found = PublicationPlan(
            effects, operations, inputs: [], attempt: KeeperHarness.attempt.staging, quota: 1000
        ).check(buckets: buckets, journal: harness.journal)
        #expect(found.taken.map(\.key) == [taken] && found.taken.map(\.failure.code) == ["KeyExists"])
        let other = try #require(found.other as? CallRefusal)
        #expect(other.failure.message.contains("was dropped after"), "\(other)")
        harness.files.stop()
    }

    @Test("One that is damaged holds nothing up: what it keeps is told by itself, and what else it says is lost")
    func damaged() async throws {
        let harness = try await KeeperHarness()
        let input = await harness.keep(harness.work())
        _ = try await harness.journal.commit(harness.letter(input))
        harness.journal.injectReadFault { reading in
            if case .deadLetter = reading { JournalError(.corrupt, "a page is damaged") } else { nil }
        }
        #expect(await harness.keep(harness.work(deadLetter: 1)) == input)
        #expect(await harness.keeper.letter(1) == nil)
        harness.files.stop()
    }

    @Test("The object that a stream's record carries an event about")
    func carried() {
        func record(_ data: String) -> [UInt8] {
            StreamRecordText.bytes(
                stream: "s", shard: 0, partitionKey: "p", data: Base64.encode(Array(data.utf8)), arrived: 0)
        }
        #expect(
            EventReading.carriedObject(of: record(KeeperHarness.event))
                == EventReading.objectInput(of: Array(KeeperHarness.event.utf8)))
        #expect(EventReading.carriedObject(of: record("no JSON")) == nil)
        #expect(EventReading.carriedObject(of: record(#"{"detail":{"bucket":{"name":"b"}}}"#)) == nil)
        #expect(EventReading.carriedObject(of: Array(KeeperHarness.event.utf8)) == nil)
    }
}
