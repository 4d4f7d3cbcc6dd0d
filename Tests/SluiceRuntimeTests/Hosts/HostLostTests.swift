import AppConfig
import FunctionJSON
import Journal
import Logging
import SluiceRuntime
import Testing
import UVLoop

/// What a start makes of the notes of attempts that ran when the host was lost.
@Suite("Attempts of a host that was lost", .timeLimit(.minutes(1)))
@LoopActor
struct HostLostTests {
    private let subscription = SubscriptionID(1)

    private func event(_ id: String) -> [UInt8] {
        Array(
            (#"{"version":"0","id":"\#(id)","detail-type":"t","source":"s","account":"0","#
                + #""time":"2024-01-01T00:00:00Z","region":"local","resources":[],"detail":{}}"#).utf8)
    }

    private func delivery(_ number: Int64) -> Delivery {
        Delivery(subscription: subscription, position: number, ordinal: number)
    }

    /// Events 1 to 4: redriven, waiting, settled, waiting; all noted as running but the last.
    private func lostJournal() async throws -> InMemoryJournal {
        let journal = InMemoryJournal()
        var batch = Batch()
        batch.control.append(
            .putSubscription(SubscriptionRecord(id: subscription, log: "default", rule: "r", target: "f")))
        for number in 1...4 {
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(number)", ingested: 0, payload: event("e\(number)"),
                    subscriptions: [subscription], ruleSet: 0))
        }
        _ = try await journal.commit(batch)
        var dead = Batch()
        dead.settlements = [Settlement(delivery(1), .dead), Settlement(delivery(3), .succeeded)]
        dead.deadLetters.append(
            .insert(
                DeadLetter(
                    delivery: delivery(1), target: "f", rule: "r", eventID: "e1", ingested: 0, died: 0, code: "Boom",
                    message: "", condition: "PermanentError", fingerprint: "b", attempts: 1, history: [],
                    payload: event("e1"), lineage: [])))
        _ = try await journal.commit(dead)
        var redrive = Batch()
        redrive.deadLetters = [.setState(id: 1, .redriving)]
        redrive.pending = [
            .put(
                PendingEntry(
                    delivery: delivery(1), state: .redriven, eventID: "e1", ingested: 0, attempts: 0, due: 0,
                    history: [], payload: [], lineage: [], deadLetter: 1))
        ]
        func entry(_ number: Int64, pending: Bool) -> String {
            #"{"delivery":{"subscription":{"value":1},"position":\#(number),"ordinal":\#(number)},"isPending":\#(pending)}"#
        }
        let entries = [entry(1, pending: true), entry(2, pending: false), entry(3, pending: false)]
        redrive.control = [
            .putValue(
                name: "running/1-7",
                body: Array(
                    #"{"attempt":"1-7","started":5,"version":2,"entries":[\#(entries.joined(separator: ","))]}"#.utf8))
        ]
        _ = try await journal.commit(redrive)
        return journal.restarted()
    }

    private func recover(_ journal: InMemoryJournal) async throws {
        let log = Logger(label: "test")
        let files = FileThreads(count: 2)
        defer { files.stop() }
        let (clock, router, buckets) = (HostClock(), EventRouter(), BucketSet())
        let committer = Committer(journal: journal, log: log)
        let publisher = Publisher(
            buckets: buckets, journal: journal, committer: committer, files: files, clock: clock,
            announcer: ObjectAnnouncer(journal: journal, router: router, clock: clock, boot: 2), log: log)
        let inputs = InputKeeper(buckets: buckets, journal: journal, files: files)
        let dispatcher = Dispatcher(
            boot: 2, globalLimit: 4, journal: journal, committer: committer, files: files, clock: clock,
            effects: EffectCalls(buckets: buckets, journal: journal, files: files, inputs: inputs, router: router),
            publisher: publisher, logs: LogStore(dataFolder: "/nowhere", clock: clock), inputs: inputs, log: log)
        dispatcher.restore(
            Deployment(
                ruleSet: 0, digest: "", appFolder: "", deployed: 0, app: AppDefinition(), functions: [:],
                subscriptions: [
                    SubscriptionSettings(
                        id: subscription, bus: "default", rule: "r", target: "f", function: "f",
                        inputFormat: .eventBridge, batchSize: 1, retry: RetryPolicy())
                ]))
        let recovery = Recovery(
            state: try journal.recover(), journal: journal, buckets: buckets, committer: committer, files: files,
            clock: clock, publisher: publisher, dispatcher: dispatcher, log: log)
        try await recovery.countHostLost()
    }

    @Test("What ran is charged once and keeps what it was; what was settled is left alone; the note is gone")
    func charging() async throws {
        let journal = try await lostJournal()
        for _ in 0..<2 {
            try await recover(journal)
            let entries = try journal.pending(nil, after: 0, limit: 9)
            #expect(entries.map(\.eventID) == ["e1", "e2"])
            #expect(entries.map(\.deadLetter) == [1, nil])
            for entry in entries {
                let memo = try TapeDecoder().decode(DeliveryMemo.self, from: entry.history)
                #expect(memo.attempts.map(\.code) == ["HostLost"] && memo.alone == true)
                let isRedrive = entry.deadLetter != nil
                #expect(String(decoding: entry.payload, as: UTF8.self).contains("replayed-from") == isRedrive)
            }
            let lost = try #require(try journal.invocation(AttemptID(boot: 1, number: 7)))
            #expect(lost.code == "HostLost" && lost.outcome == "failed" && lost.function == "f" && lost.version == 2)
            #expect(lost.eventIDs == ["e1", "e2"] && lost.attemptNumber == 1)
            #expect(try journal.values(prefix: "running/").isEmpty)
            #expect(try journal.waiting(subscription, after: 0, limit: 9).map(\.eventID) == ["e4"])
            #expect(try journal.audit() == [])
        }
    }

    @Test("A note whose deliveries the journal does not know costs nothing but itself")
    func contradicting() async throws {
        let journal = try await lostJournal()
        let note =
            #"{"attempt":"1-9","started":5,"version":2,"entries":[{"delivery":{"subscription":{"value":9},"#
            + #""position":1,"ordinal":1},"isPending":false}]}"#
        var batch = Batch()
        batch.control = [
            .putValue(name: "running/1-8", body: Array("no note".utf8)),
            .putValue(name: "running/1-9", body: Array(note.utf8)),
        ]
        _ = try await journal.commit(batch)
        let lost = journal.restarted()
        try await recover(lost)
        #expect(try lost.values(prefix: "running/").isEmpty)
        #expect(try lost.pending(nil, after: 0, limit: 9).count == 2)
    }
}
