import AppConfig
import FunctionJSON
import HostAPI
import Journal
import Logging
import SluiceRuntime
import Testing
import UVLoop

/// Redrive jobs on a journal in memory, with a dispatcher that never starts anything.
@Suite("Redrive jobs", .timeLimit(.minutes(5)))
@LoopActor
struct RedriveJobsTests {
    private let journal = InMemoryJournal()
    private let files = FileThreads(count: 2)
    private let dispatcher: Dispatcher
    private let jobs: RedriveJobs
    private let subscription = SubscriptionID(1)

    init() throws {
        let log = Logger(label: "test")
        let (clock, router, buckets) = (HostClock(), EventRouter(), BucketSet())
        let committer = Committer(journal: journal, log: log)
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
            batchSize: 1, retry: RetryPolicy())
        dispatcher.restore(
            Deployment(
                ruleSet: 0, digest: "", appFolder: "", deployed: 0, app: AppDefinition(), functions: [:],
                subscriptions: [settings]))
        jobs = RedriveJobs(
            journal: journal, committer: committer, files: files, clock: clock, dispatcher: dispatcher, boot: 1)
    }

    /// Dead letters of `count` events.
    private func letters(_ count: Int64) async throws {
        var batch = Batch()
        batch.control.append(
            .putSubscription(SubscriptionRecord(id: subscription, log: "default", rule: "r", target: "f")))
        for number in 1...count {
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(number)", ingested: 0, payload: Array("{}".utf8),
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
                        history: [], payload: Array("{}".utf8), lineage: [])))
        }
        _ = try await journal.commit(dead)
    }

    /// Starts jobs at once, waits until each has sent all it will send, and tells how many that were.
    private func sent(_ selections: [DeadLetterSelection]) async throws -> [Int] {
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

    private func pending() async throws -> [Int64] {
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
}
