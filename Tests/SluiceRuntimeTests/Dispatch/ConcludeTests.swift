import AppConfig
import Dispatch
import FunctionJSON
import FunctionProtocol
import Journal
import Logging
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// A dispatcher with a real worker and a journal in memory.
@LoopActor
private final class DispatchHarness {
    let folder = TemporaryFolder(name: "dispatch")
    let journal = InMemoryJournal()
    /// One thread, so that a test can hold up everything that needs one.
    let files = FileThreads(count: 1)
    private let poolFiles = FileThreads(count: 1)
    let dispatcher: Dispatcher
    let committer: Committer
    private let pool: WorkerPool
    let subscription = SubscriptionID(1)

    /// `answer`: what the batch handler answers, whatever it gets.
    /// `put`: a PUT_EVENTS request that it makes first, whose refusal is its failure; `parking`: the path of keys that
    /// dead letters hold back.
    init(answer: String, put: String? = nil, retry: RetryPolicy, parking: String? = nil) throws {
        let log = Logger(label: "test")
        let (clock, router, buckets) = (HostClock(), EventRouter(), BucketSet())
        committer = Committer(journal: journal, log: log)
        let publisher = Publisher(
            buckets: buckets, journal: journal, committer: committer, files: files, clock: clock,
            announcer: ObjectAnnouncer(journal: journal, router: router, clock: clock, boot: 1), log: log)
        let inputs = InputKeeper(buckets: buckets, journal: journal, files: files)
        dispatcher = Dispatcher(
            boot: 1, globalLimit: 4, journal: journal, committer: committer, files: files, clock: clock,
            effects: EffectCalls(buckets: buckets, journal: journal, files: files, inputs: inputs, router: router),
            publisher: publisher, logs: LogStore(dataFolder: folder.path, clock: clock), inputs: inputs, log: log)
        pool = WorkerPool(
            executable: PoolHarness.worker, dataFolder: folder.path, files: poolFiles, delegate: dispatcher, log: log)
        dispatcher.workers = pool
        var batch = Batch()
        batch.control.append(
            .putSubscription(SubscriptionRecord(id: subscription, log: "default", rule: "r", target: "t")))
        _ = try journal.commitBlocking(batch)
        var version = FunctionVersion(
            name: "f", version: 1, digest: "", modulePath: try FunctionInC.ordinary.get().path,
            definition: FunctionDefinition(
                name: "f", memoryMegabytes: 256,
                environment: ["ANSWER": answer].merging(put.map { ["PUT": $0, "HEED": ""] } ?? [:]) { $1 },
                grants: Grants(events: ["default"])),
            created: 0)
        version.isBatch = true
        let deployment = Deployment(
            ruleSet: 0, digest: "", appFolder: "", deployed: 0, app: AppDefinition(), functions: ["f": version],
            subscriptions: [
                SubscriptionSettings(
                    id: subscription, bus: "default", rule: "r", target: "t", function: "f",
                    inputFormat: .eventBridge, batchSize: 10, retry: retry,
                    delivery: parking.map(Self.parking))
            ])
        let dispatcher = dispatcher
        journal.observeAppends { dispatcher.recordsCommitted($0) }
        dispatcher.apply(deployment, progress: [:], head: 0, cores: 2)
        dispatcher.release()
    }

    private static func parking(_ path: String) -> DeliveryOptions {
        var options = DeliveryOptions()
        options.keys = .init(path: path, parks: true)
        return options
    }

    /// Takes a deployment into force that finds keys elsewhere.
    func deploy(parking path: String) {
        var deployment = dispatcher.deployment
        deployment.subscriptions[0].delivery = Self.parking(path)
        dispatcher.apply(deployment, progress: [:], head: 0, cores: 2)
    }

    /// `hops`: how many each has behind it; none where it is shorter.
    func put(_ payloads: [String], hops: [Int] = [], alarm: String? = nil) throws {
        var batch = Batch()
        for (index, payload) in payloads.enumerated() {
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(index + 1)", ingested: HostClock().wall, payload: Array(payload.utf8),
                    subscriptions: [subscription], ruleSet: 0,
                    lineage: hops.indices.contains(index) ? try Self.lineage(hops[index], alarm) : []))
        }
        _ = try journal.commitBlocking(batch)
    }

    private static func lineage(_ hops: Int, _ alarm: String?) throws -> [UInt8] {
        let hop = Lineage.Hop(event: "e", rule: "r", function: "f", subject: "s")
        return try TapeEncoder().encode(Lineage(hops: Array(repeating: hop, count: hops), alarm: alarm))
    }

    /// The lineages of what was produced, in the order of the log.
    func produced(after position: Position) throws -> [Lineage] {
        try journal.records(log: nil, after: position, limit: 20).compactMap { Lineage(text: $0.lineage) }
    }

    /// Waits for a state of the journal; between two looks the loop does what it has to do.
    func wait(until isReached: () throws -> Bool) async throws {
        while try !isReached() {
            try Task.checkCancellation()
            await turn()
        }
    }

    private func turn() async {
        await withCheckedContinuation { continuation in
            _ = LoopTimer.after(.milliseconds(1)) { continuation.resume() }
        }
    }

    /// The log has been read to its end: from now on records come as they are committed, and no thread is needed for
    /// them.
    func settle() async {
        await turn()
        await files.run {}
        await turn()
    }

    func close() async {
        await dispatcher.stop(grace: 0)
        await committer.drain()
        await pool.shutdown()
        files.stop()
        poolFiles.stop()
    }
}

@Suite("From a report to the commit", .timeLimit(.minutes(1)))
@LoopActor
struct ConcludeTests {
    private static func created(_ key: String) -> String {
        #"{"version":"0","id":"1","detail-type":"Object Created","source":"aws.s3","account":"0","#
            + #""time":"2024-01-01T00:00:00Z","region":"local","resources":[],"detail":{"version":"0","bucket":"#
            + #"{"name":"b"},"object":{"key":"\#(key)","size":1,"etag":"e","sequencer":"1"}}}"#
    }

    /// Long after a test.
    private static var later: RetryPolicy {
        var retry = RetryPolicy()
        retry.maximumRetryAttempts = 5
        retry.intervalSeconds = 3600
        retry.maxDelaySeconds = 3600
        retry.jitter = .none
        return retry
    }

    @Test("A record's event has an id of that record, and an invocation that failed for its neighbour is no success")
    func eventOfOneRecord() async throws {
        let answer =
            #"{"results":[{"status":"Failed","failure":{"code":"TimedOut","message":"again"}},{"status":"Ok"}]}"#
        let put = #"{"entries":[{"source":"s","detailType":"d","detail":"{}","resources":[]}],"record":1}"#
        let harness = try DispatchHarness(answer: answer, put: put, retry: Self.later)
        await harness.settle()
        try harness.put([#"{"a":1}"#, #"{"a":2}"#])
        let journal = harness.journal
        try await harness.wait { try !journal.pending(nil, after: 0, limit: 9).isEmpty }
        let events = try journal.records(log: nil, after: 2, limit: 9).map(\.eventID)
        #expect(events == [EventIdentity.derived(from: "event", "e2-1", "1")])
        let rows = try journal.invocations(eventID: "e1")
        #expect(rows.map(\.outcome) == ["partial"] && rows.map(\.code) == ["TimedOut"])
        #expect(rows.map(\.message) == ["1 of 2 records failed: again"])
        #expect(rows.first?.invocationID.hasPrefix("batch-") == true)
        let progress = try #require(try journal.progress().first)
        #expect((progress.retrying, progress.succeeded) == (1, 1))
        await harness.close()
    }

    @Test("A retry is on its way into the journal before the inputs of dead neighbours are kept")
    func retryBesideDeadLetter() async throws {
        let answer =
            #"{"results":[{"status":"Failed","failure":{"code":"InvalidKey","message":"no"}},"#
            + #"{"status":"Failed","failure":{"code":"TimedOut","message":"again"}},{"status":"Ok"}]}"#
        let harness = try DispatchHarness(answer: answer, retry: Self.later)
        await harness.settle()
        // Keeping an input needs the thread.
        let gate = DispatchSemaphore(value: 0)
        harness.files.perform { gate.wait() }
        try harness.put([Self.created("dead"), Self.created("again"), Self.created("good")])
        let journal = harness.journal
        try await harness.wait { try !journal.pending(nil, after: 0, limit: 9).isEmpty }
        var progress = try #require(try journal.progress().first)
        #expect(try journal.pending(nil, after: 0, limit: 9).map(\.eventID) == ["e2"])
        // Without its letter the dead one is where it was: a crash now would deliver it again.
        #expect((progress.retrying, progress.succeeded, progress.waiting, progress.dead) == (1, 1, 1, 0))
        gate.signal()
        try await harness.wait { try journal.progress().first?.dead == 1 }
        progress = try #require(try journal.progress().first)
        #expect((progress.retrying, progress.succeeded, progress.waiting, progress.dead) == (1, 1, 0, 1))
        #expect(try journal.deadLetters(DeadLetterFilter()).map(\.eventID) == ["e1"])
        try await harness.wait { try !journal.invocations(eventID: "e3").isEmpty }
        let row = try #require(try journal.invocations(eventID: "e3").first)
        #expect(row.outcome == "partial" && row.code == "InvalidKey")
        #expect(row.message == "2 of 3 records failed; the first: no")
        #expect(try journal.audit() == [])
        await harness.close()
    }

    @Test("A deployment with other keys counts a dead letter that is still being written, and its key is held back")
    func keysBesideDeadLetter() async throws {
        let answer = #"{"results":[{"status":"Failed","failure":{"code":"InvalidKey","message":"no"}}]}"#
        let harness = try DispatchHarness(answer: answer, retry: Self.later, parking: "detail.object.key")
        await harness.settle()
        let (journal, dispatcher) = (harness.journal, harness.dispatcher)
        // Keeping an input needs the thread.
        let gate = DispatchSemaphore(value: 0)
        harness.files.perform { gate.wait() }
        try harness.put([Self.created("dead")])
        try await harness.wait { dispatcher.core.parked(of: harness.subscription).keys == 1 }
        harness.deploy(parking: "detail.bucket.name")
        try harness.put([Self.created("next")])
        gate.signal()
        try await harness.wait { dispatcher.parking.isEmpty }
        #expect(try journal.deadLetters(DeadLetterFilter()).map(\.eventID) == ["e1"])
        #expect(dispatcher.core.parked(of: harness.subscription).keys == 1)
        await harness.settle()
        let progress = try #require(try journal.progress().first)
        #expect((progress.dead, progress.waiting) == (1, 1), "the second event's key is held back")
        dispatcher.purged(try journal.deadLetters(DeadLetterFilter()))
        try await harness.wait { try journal.progress().first?.dead == 2 }
        await harness.close()
    }

    @Test("An event that EventBridge would refuse is a permanent failure of the handler that puts it")
    func refusedEvent() async throws {
        let put = #"{"entries":[{"source":"s","detailType":"d","detail":"[]","resources":[]}],"record":0}"#
        let harness = try DispatchHarness(answer: #"{"results":[{"status":"Ok"}]}"#, put: put, retry: Self.later)
        await harness.settle()
        try harness.put([#"{"a":1}"#])
        let journal = harness.journal
        try await harness.wait { try journal.progress().first.map { $0.dead + $0.retrying > 0 } ?? false }
        let letter = try #require(try journal.deadLetters(DeadLetterFilter()).first)
        #expect(letter.code == "InvalidEvent" && letter.condition == "PermanentError" && letter.attempts == 1)
        #expect(letter.message.hasPrefix("MalformedDetail: "), "\(letter.message)")
        await harness.close()
    }

    @Test("Every event of a batch has its own hops: what it produces has one more, and what has none left dies alone")
    func hops() async throws {
        let answer = #"{"results":[{"status":"Ok"},{"status":"Ok"}]}"#
        let put = #"{"entries":[{"source":"s","detailType":"d","detail":"{}","resources":[]}],"record":1}"#
        let harness = try DispatchHarness(answer: answer, put: put, retry: Self.later)
        let journal = harness.journal
        await harness.settle()
        // The fresh one leads; the event is the second one's.
        try harness.put([#"{"a":1}"#, #"{"a":2}"#], hops: [0, 15], alarm: "busy")
        try await harness.wait { try journal.progress().first?.succeeded == 2 }
        var produced = try harness.produced(after: 2)
        #expect(produced.map(\.hops.count) == [16] && produced.first?.hops.last?.event == "e2")
        #expect(produced.first?.alarm == "busy")
        // The deep one leads; the event is the fresh one's.
        try harness.put([#"{"a":3}"#, #"{"a":4}"#], hops: [15])
        try await harness.wait { try journal.progress().first?.succeeded == 4 }
        produced = try harness.produced(after: 5)
        #expect(produced.map(\.hops.count) == [1] && produced.first?.alarm == nil)
        await harness.close()
    }

    @Test("What a batch as a whole produces has come the longest of its ways, and one without hops left dies alone")
    func hopsOfAll() async throws {
        let answer = #"{"results":[{"status":"Ok"},{"status":"Ok"}]}"#
        let put = #"{"entries":[{"source":"s","detailType":"d","detail":"{}","resources":[]}]}"#
        let harness = try DispatchHarness(answer: answer, put: put, retry: Self.later)
        let journal = harness.journal
        await harness.settle()
        try harness.put([#"{"a":1}"#, #"{"a":2}"#], hops: [0, 7], alarm: "busy")
        try await harness.wait { try journal.progress().first?.succeeded == 2 }
        let produced = try harness.produced(after: 2)
        #expect(produced.map(\.hops.count) == [8] && produced.first?.hops.last?.event == "e2")
        #expect(produced.first?.alarm == "busy")
        try harness.put([#"{"a":3}"#, #"{"a":4}"#, #"{"a":5}"#, #"{"a":6}"#], hops: [0, 0, 0, 16])
        try await harness.wait { try journal.progress().first?.dead == 1 }
        let letters = try journal.deadLetters(DeadLetterFilter())
        #expect(letters.map(\.code) == ["HopBudgetExceeded"] && letters.map(\.eventID) == ["e4"])
        try await harness.wait { try journal.progress().first?.succeeded ?? 0 >= 4 }
        await harness.close()
    }

    @Test("A batch that has asked for effects as a whole is not settled in part, which would lose them")
    func effectsOfAll() async throws {
        let answer =
            #"{"results":[{"status":"Failed","failure":{"code":"TimedOut","message":"again"}},{"status":"Ok"}]}"#
        let put = #"{"entries":[{"source":"s","detailType":"d","detail":"{}","resources":[]}]}"#
        let harness = try DispatchHarness(answer: answer, put: put, retry: Self.later)
        await harness.settle()
        try harness.put([#"{"a":1}"#, #"{"a":2}"#])
        let journal = harness.journal
        // Halved at once; of one record alone the answer has too many results, so both are tried again later.
        try await harness.wait { try journal.pending(nil, after: 0, limit: 9).count == 2 }
        #expect(try journal.records(log: nil, after: 2, limit: 9).isEmpty)
        #expect(try journal.progress().map(\.succeeded) == [0])
    }
}
