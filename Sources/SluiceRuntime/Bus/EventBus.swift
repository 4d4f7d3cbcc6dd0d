import EventModel
import EventPatterns
import FunctionJSON
package import HostAPI
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
    private let clock: HostClock

    package init(journal: any JournalStore, router: EventRouter, clock: HostClock) {
        self.journal = journal
        self.router = router
        self.clock = clock
    }

    /// Entries that were put. The answers are made by who asks for them.
    package struct Put: Sendable {
        fileprivate var prepared: [Answer]
        fileprivate var appended: [Receipt.Appended]

        package var hasDuplicates: Bool {
            appended.contains { if case .duplicate = $0 { true } else { false } }
        }

        /// What producers get where there are no duplicates.
        package var receipt: EventReceipt { EventReceipt(results: prepared.map(\.result)) }

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
    package func put(_ submission: EventSubmission, done: @escaping @Sendable (Result<Put, JournalError>) -> Void) {
        let (answers, batch) =
            if let document = submission.document {
                document.withNodes { prepare(submission.entries, $0) }
            } else {
                prepare(submission.entries, nil)
            }
        guard !batch.appends.isEmpty else { return done(.success(Put(prepared: answers, appended: []))) }
        journal.submit(batch) { outcome in
            done(outcome.map { Put(prepared: answers, appended: $0.appended) })
        }
    }

    /// Checks and matches the entries. The batch has those that are accepted, in their order; their positions are not
    /// known. Each event passes here: no other entry is made of it, and nothing is asked twice that is the same for all
    /// events of a request.
    /// - Parameter nodes: of the document that the details are parts of.
    private func prepare(
        _ entries: [EventEntry], _ nodes: UnsafeBufferPointer<TapeNode>?
    ) -> (answers: [Answer], batch: Batch) {
        var answers: [Answer] = []
        answers.reserveCapacity(entries.count)
        var batch = Batch()
        batch.appends.reserveCapacity(entries.count)
        var ids = EventID.Generator()
        var envelopes = EventEnvelopeWriter(account: ObjectEvents.account, region: ObjectEvents.region)
        let wall = clock.wall
        let now = Timestamp(milliseconds: wall).wholeSeconds.description
        let session = router.session()
        defer { router.end(session) }
        var known = EventRouter.Route(ruleSet: session.rules.number)
        for index in entries.indices {
            let bus = entries[index].bus ?? "default"
            guard session.rules.buses.contains(bus) else {
                answers.append(.refused(code: "ResourceNotFoundException", message: "Event bus \(bus) does not exist."))
                continue
            }
            let detail = PutEventsEntry.ReadDetail(entries[index].detail, traits: entries[index].detailTraits)
            do throws(PutEventsEntry.Refusal) {
                let time = try PutEventsEntry.check(
                    source: entries[index].source, detailType: entries[index].detailType, detail: detail,
                    resources: entries[index].resources ?? [], time: entries[index].time)
                let id = ids.next()
                let payload = envelopes.bytes(
                    id: id, detailType: entries[index].detailType, source: entries[index].source,
                    time: time?.description ?? now, resources: entries[index].resources ?? [], detail: detail)
                router.match(payload, reading(of: payload, detail, nodes), bus, session, after: &known)
                answers.append(.accepted(id: id, position: 0, matched: known.wanting.count))
                batch.appends.append(
                    Append(
                        log: bus, eventID: id, ingested: wall, payload: payload, subscriptions: known.wanting,
                        ruleSet: known.ruleSet,
                        deduplicationID: entries[index].deduplicationID.map(HostDeduplication.producers),
                        lineage: Lineage.marking([], undecided: known.undecided)))
            } catch {
                answers.append(.refused(code: error.errorCode, message: error.errorMessage))
            }
        }
        return (answers, batch)
    }

    /// How an event is read whose detail has just been read to its end, with an envelope that is the host's own. Where
    /// everything in the detail stands need not be found out again, either.
    private func reading(
        of event: [UInt8], _ detail: PutEventsEntry.ReadDetail, _ nodes: UnsafeBufferPointer<TapeNode>?
    ) -> EventPatterns.EventReading {
        guard let traits = detail.traits, traits.hasPlainNames else { return .strict }
        guard let nodes else { return .validated }
        // The detail is the envelope's last member.
        return .validated(knowing: traits.place, of: nodes, at: event.count - 1 - detail.json.count)
    }
}
