package import EventModel
import EventPatterns
import FunctionJSON
package import Journal

/// Where producers put events: validated and matched on the calling thread, answered when durable.
package final class EventBus: Sendable {
    /// What became of one entry.
    package enum Answer: Sendable {
        /// Durable. `matched`: how many subscriptions want it.
        case accepted(id: String, position: Position, matched: Int)
        /// Its deduplication id was known; the event named is the first one.
        case duplicate(of: Position)
        case refused(code: String, message: String)
    }

    private let journal: any JournalStore
    private let router: EventRouter
    private let announcer: ObjectAnnouncer
    private let clock: HostClock

    package init(journal: any JournalStore, router: EventRouter, announcer: ObjectAnnouncer, clock: HostClock) {
        self.journal = journal
        self.router = router
        self.announcer = announcer
        self.clock = clock
    }

    /// Entries that were put. The answers are made by who asks for them.
    package struct Put: Sendable {
        fileprivate var prepared: [Answer]
        fileprivate var appended: [Receipt.Appended]

        package var hasDuplicates: Bool {
            appended.contains { if case .duplicate = $0 { true } else { false } }
        }

        /// What became of each entry, in their order.
        package var answers: [Answer] {
            var (answers, appended) = (prepared, appended[...])
            for index in answers.indices {
                guard case .accepted(let id, _, let matched) = answers[index], let outcome = appended.popFirst() else {
                    continue
                }
                switch outcome {
                case .at(let position): answers[index] = .accepted(id: id, position: position, matched: matched)
                case .duplicate(let position): answers[index] = .duplicate(of: position)
                }
            }
            return answers
        }
    }

    /// Puts entries: each is accepted or refused by itself, what is accepted is one transaction. `done` is called once,
    /// on the journal's thread or at once.
    package func put(_ entries: [PutEventsEntry], done: @escaping @Sendable (Result<Put, JournalError>) -> Void) {
        let (answers, batch) = prepare(entries)
        guard !batch.appends.isEmpty else { return done(.success(Put(prepared: answers, appended: []))) }
        journal.submit(batch) { outcome in
            done(outcome.map { Put(prepared: answers, appended: $0.appended) })
        }
    }

    package func put(_ entries: [PutEventsEntry]) async throws(JournalError) -> [Answer] {
        let outcome = await withCheckedContinuation { continuation in
            put(entries) { continuation.resume(returning: $0) }
        }
        return try outcome.get().answers
    }

    /// Checks and matches the entries. The batch has those that are accepted, in their order; their positions are not
    /// known.
    private func prepare(_ entries: [PutEventsEntry]) -> (answers: [Answer], batch: Batch) {
        var answers: [Answer] = []
        var batch = Batch()
        var ids = EventID.Generator()
        let now = Timestamp(milliseconds: clock.wall).wholeSeconds.description
        let session = router.session()
        defer { router.end(session) }
        for entry in entries {
            let bus = entry.eventBusName ?? "default"
            guard session.rules.buses.contains(bus) else {
                answers.append(.refused(code: "ResourceNotFoundException", message: "Event bus \(bus) does not exist."))
                continue
            }
            do throws(PutEventsEntry.Refusal) {
                let valid = try entry.validate()
                let id = ids.next()
                let payload = EventEnvelope.bytes(
                    of: valid, id: id, account: ObjectEvents.account, now: now, region: ObjectEvents.region)
                // The detail has just been read to its end, and the envelope around it is the host's own.
                let append = announcer.append(
                    bus: bus, id: id, payload: payload, reading: valid.detail.hasPlainNames ? .validated : .strict,
                    lineage: [], deduplication: entry.deduplicationID, in: session)
                answers.append(.accepted(id: id, position: 0, matched: append.subscriptions.count))
                batch.appends.append(append)
            } catch {
                answers.append(.refused(code: error.errorCode, message: error.errorMessage))
            }
        }
        return (answers, batch)
    }
}
