import AppConfig
import FunctionJSON
import HostAPI
import Journal
import Logging
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// Redrive jobs on a journal in memory, with a dispatcher that never starts anything.
@Suite("Redrive jobs", .timeLimit(.minutes(5)))
@LoopActor
struct RedriveJobsTests {
    let journal = InMemoryJournal()
    let files = FileThreads(count: 2)
    let dispatcher: Dispatcher
    let committer: Committer
    let jobs: RedriveJobs
    let subscription = SubscriptionID(1)
    /// Jobs may still be under way when their test is over.
    private static var kept: [Dispatcher] = []

    init() throws {
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
            publisher: publisher, logs: LogStore(dataFolder: "/nowhere", clock: clock), inputs: inputs, log: log)
        let settings = SubscriptionSettings(
            id: subscription, bus: "default", rule: "r", target: "f", function: "f", inputFormat: .eventBridge,
            batchSize: 1, retry: RetryPolicy(), delivery: Self.parking)
        var app = AppDefinition()
        app.functions = [FunctionDefinition(name: "g")]
        // Nothing is released: the dispatcher lines up, and starts nothing.
        dispatcher.apply(
            Deployment(
                ruleSet: 0, digest: "", appFolder: "", deployed: 0, app: app, functions: [:],
                subscriptions: [settings]), progress: [:], head: 0, cores: 1)
        Self.kept.append(dispatcher)
        jobs = RedriveJobs(
            journal: journal, committer: committer, files: files, clock: clock, dispatcher: dispatcher, boot: 1)
    }

    static var parking: DeliveryOptions {
        var options = DeliveryOptions()
        options.keys = .init(path: "detail.k", parks: true)
        return options
    }

    /// Dead letters of `count` events; `damaged`: what the letters have instead.
    func letters(_ count: Int64, payload: String = "{}", damaged: String? = nil, input: String = "") async throws {
        var batch = Batch()
        batch.control.append(
            .putSubscription(SubscriptionRecord(id: subscription, log: "default", rule: "r", target: "f")))
        for number in 1...count {
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(number)", ingested: 0, payload: Array(payload.utf8),
                    subscriptions: [subscription], ruleSet: 0))
        }
        _ = try await journal.commit(batch)
        var dead = Batch()
        for number in 1...count {
            let delivery = Delivery(subscription: subscription, position: number, ordinal: number)
            dead.settlements.append(Settlement(delivery, .dead))
            dead.deadLetters.append(
                .insert(
                    DeadLetter(
                        delivery: delivery, target: "f", rule: "r", eventID: "e\(number)", ingested: 0, died: 0,
                        code: "Boom", message: "it broke", condition: "PermanentError", fingerprint: "b", attempts: 1,
                        history: [], payload: Array((damaged ?? payload).utf8), lineage: [],
                        input: Array(input.utf8))))
        }
        _ = try await journal.commit(dead)
    }

    /// Starts jobs at once, waits until each has sent all it will send, and tells how many that were.
    func sent(_ selections: [DeadLetterSelection]) async throws -> [Int] {
        let jobs = jobs
        let starting = selections.map { selection in
            Task { @LoopActor in try await jobs.start(RedriveRequest(selection: selection)).id }
        }
        var ids: [String] = []
        for start in starting { ids.append(try await start.value) }
        // A job's row says how many it has sent, and when it has been through all of its letters.
        struct Row: Decodable {
            var id: String
            var sent: Int
            var finished: Bool
        }
        while true {
            let journal = journal
            let rows = try await files.run {
                try journal.values(prefix: "redrive/").map { try TapeDecoder().decode(Row.self, from: $0.body) }
            }
            if rows.allSatisfy(\.finished) { return ids.map { id in rows.first { $0.id == id }?.sent ?? 0 } }
        }
    }

    func pending() async throws -> [Int64] {
        let journal = journal
        return try await files.run { try journal.pending(nil, after: 0, limit: 1000).map(\.delivery.ordinal) }
    }

    @Test("Jobs that overlap send each letter once")
    func overlapping() async throws {
        try await letters(40)
        let sent = try await sent([
            .init(all: true), .init(function: "f"), .init(ids: Array(1...40)), .init(code: "Boom"),
        ])
        #expect(sent.reduce(0, +) == 40, "\(sent)")
        #expect(try await pending() == Array(1...40))
        #expect(try journal.audit() == [])
        files.stop()
    }

    @Test("A letter that is named twice is sent once")
    func twice() async throws {
        try await letters(3)
        #expect(try await sent([.init(ids: [2, 3, 2, 2])]) == [2])
        #expect(try await pending() == [2, 3])
        files.stop()
    }

    @Test("What a newer version has replaced is left alone, and told; who asks for it gets it")
    func olderVersions() async throws {
        try await letters(3, input: #"{"object":{"bucket":"b","key":"k","size":1,"etag":"e","sequencer":"1"}}"#)
        var batch = Batch()
        batch.objects.append(
            .put(
                ObjectRecord(
                    bucket: "b", key: "k", device: 1, inode: 1, size: 1, modified: 0, changed: 5_000_000, sample: 0,
                    etag: "f", sequencer: "2", eventID: "e3")))
        _ = try await committer.commit(batch)
        // The third one's version is what is there.
        let started = try await jobs.start(.init(selection: .init(all: true)))
        while try await pending() != [3] || jobs.job(started.id)?.older != 2 { _ = try await stored(started.id) }
        let job = try #require(jobs.job(started.id))
        #expect(job.sent == 1 && job.failed == 2 && !job.isOver, "\(job)")
        let told = try #require(try await jobs.outcomes(of: started.id, page: 1))
        #expect(told.map(\.state) == ["failed", "failed", "under way"], "\(told)")
        #expect(told.map(\.code) == ["NewerVersion", "NewerVersion", nil], "\(told)")
        batch = Batch()
        let journal = journal
        let entry = try #require(try await files.run { try journal.pending(nil, after: 0, limit: 1) }.first)
        batch.pending.append(.finish(entry.delivery, .succeeded))
        batch.deadLetters.append(.setState(id: 3, .redriven))
        _ = try await committer.commit(batch)
        #expect(jobs.job(started.id)?.isOver == true && jobs.job(started.id)?.failed == 2)

        let none = try await jobs.start(.init(selection: .init(ids: [1])))
        while jobs.job(none.id)?.isOver != true { _ = try await stored(none.id) }
        #expect(jobs.job(none.id)?.failed == 1 && jobs.job(none.id)?.sent == 0)
        try await send(.init(selection: .init(ids: [1]), olderVersions: true))
        #expect(try await pending() == [1])
        try await send(.init(selection: .init(ids: [2]), to: "g"))
        #expect(try await pending() == [1, 2])
        files.stop()
    }

    @Test("A job says which paused target holds it back")
    func paused() async throws {
        try await letters(1)
        try await dispatcher.setPaused([subscription], true, reason: nil)
        let started = try await jobs.start(.init(selection: .init(all: true)))
        while jobs.job(started.id)?.sent != 1 { _ = try await stored(started.id) }
        #expect(
            jobs.job(started.id)?.held == [.init(bus: "default", rule: "r", target: "f", reason: "by hand")])
        files.stop()
    }

    /// A job as the journal has it.
    func stored(_ id: String) async throws -> RedriveRecord? {
        let journal = journal
        return try await files.run {
            try journal.value(name: "redrive/\(id)").flatMap { try TapeDecoder().decode(RedriveRecord.self, from: $0) }
        }
    }

    @Test("A job whose function is gone, or whose pattern no longer parses, ends with a reason")
    func reasons() async throws {
        try await letters(2)
        let gone = try await jobs.start(.init(selection: .init(all: true), to: "h"))
        while jobs.job(gone.id)?.isOver == false { _ = try await stored(gone.id) }
        #expect(jobs.job(gone.id)?.state == .failed)
        #expect(jobs.job(gone.id)?.reason?.contains("function h is no longer deployed") == true)
        var batch = Batch()
        let broken = RedriveRecord(
            id: "redrive-1-99", selection: .init(eventPattern: "{"), created: 0, lastID: 2, selected: 2, rate: 1e-300)
        let slow = RedriveRecord(
            id: "redrive-1-98", selection: .init(ids: [1]), created: 0, lastID: 2, selected: 1, rate: -4)
        for job in [broken, slow] {
            batch.control.append(.putValue(name: "redrive/\(job.id)", body: try TapeEncoder().encode(job)))
        }
        _ = try await committer.commit(batch)
        // The next host finds them: neither ends it.
        try await jobs.resume()
        while jobs.job(broken.id)?.isOver == false { _ = try await stored(broken.id) }
        #expect(jobs.job(broken.id)?.reason?.contains("not valid") == true)
        while jobs.job(slow.id)?.sent == 0 { _ = try await stored(slow.id) }
        files.stop()
    }

    @Test("Companions are those of every batch that a dead letter was in, and go with it while they are dead")
    func companions() async throws {
        try await letters(6)
        var batch = Batch()
        func row(_ number: Int64, _ events: [String], of subscription: SubscriptionID) {
            batch.invocations.append(
                InvocationRecord(
                    attempt: AttemptID(boot: 1, number: number), invocationID: "i", subscription: subscription,
                    function: "f", version: 1, eventIDs: events, attemptNumber: 1, started: 0,
                    durationMicroseconds: 1, outcome: "failed", coldStart: false))
        }
        row(1, ["e1", "e2", "e3", "e4"], of: subscription)
        row(2, ["e1", "e2"], of: subscription)
        row(3, ["e1"], of: subscription)
        // Another target's batch is none of its own.
        row(4, ["e1", "e6"], of: SubscriptionID(2))
        batch.deadLetters.append(.setState(id: 4, .purged))
        _ = try await journal.commit(batch)
        let first = try #require(try journal.deadLetter(id: 1))
        #expect(try BatchCompanions.events(of: first, journal) == ["e2", "e3", "e4"])
        #expect(try BatchCompanions.adding(to: [1], journal) == [1, 2, 3])
        #expect(try BatchCompanions.adding(to: [5, 5, 99], journal) == [5, 99])
        files.stop()
    }

    @Test("What jobs that are not over send to is known to deployments")
    func functions() async throws {
        try await letters(1)
        _ = try await jobs.start(.init(selection: .init(all: true), to: "g"))
        #expect(try RedriveRecord.functions(in: journal) == ["g"])
        files.stop()
    }
}
