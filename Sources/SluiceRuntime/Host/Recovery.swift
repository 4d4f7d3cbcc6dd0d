import AppConfig
import FunctionProtocol
package import Journal
package import Logging
import ObjectStore
package import UVLoop

/// What a start does before anything is dispatched or scanned: finishes decided outcomes, clears away what undecided
/// attempts staged, and takes up the pending set.
@LoopActor
package struct Recovery {
    let state: RecoveredState
    let journal: any JournalStore
    let buckets: BucketSet
    let committer: Committer
    let files: FileThreads
    let clock: HostClock
    let publisher: Publisher
    let dispatcher: Dispatcher
    let log: Logger

    package init(
        state: RecoveredState, journal: any JournalStore, buckets: BucketSet, committer: Committer, files: FileThreads,
        clock: HostClock, publisher: Publisher, dispatcher: Dispatcher, log: Logger
    ) {
        self.state = state
        self.journal = journal
        self.buckets = buckets
        self.committer = committer
        self.files = files
        self.clock = clock
        self.publisher = publisher
        self.dispatcher = dispatcher
        self.log = log
    }

    /// Finishes every decided outcome: its files are all in place afterwards and announced, or it is a dead letter.
    package func finishDecisions() async throws {
        CrashPoint.hit(.runtimeRecovering)
        for (attempt, body) in state.decisions {
            guard let decision = JSONText.decode(Decision.self, from: body) else {
                log.critical(
                    "a decided outcome cannot be read; it stays for `sluice doctor`",
                    metadata: ["attempt": "\(attempt)"])
                continue
            }
            switch await publisher.recover(decision) {
            case .committed, .nothing, .superseded:
                log.info("finished a decided outcome", metadata: ["attempt": "\(attempt)"])
            case .closed:
                throw JournalError(.closed, "the journal closed during recovery")
            case .refused(let reason):
                log.critical(
                    "a decided outcome contradicts the journal; it stays for `sluice doctor`",
                    metadata: ["attempt": "\(attempt)", "reason": "\(reason)"])
            case .failed(let failure):
                try await bury(decision, failure, Batch(), parked: nil)
            case .withdrawn(let failure, let withdrawal):
                try await bury(decision, failure, withdrawal.changes, parked: withdrawal.keptAs)
                publisher.finish(withdrawal)
            }
        }
        CrashPoint.hit(.runtimeRecovered)
    }

    /// Removes what attempts of earlier lives have staged, but for outcomes that are still to be published.
    /// - Parameter keepsInputs: also kept inputs that no dead letter names any more stay.
    package func cleanStaging(keepsInputs: Bool = false) async throws {
        let journal = journal
        let kept = try await files.run { () throws -> Set<StagingAttempt> in
            var kept: Set<StagingAttempt> = []
            for (name, _) in try journal.values(prefix: Decision.parkedPrefix) {
                if let attempt = AttemptID(String(name.dropFirst(Decision.parkedPrefix.count))) {
                    kept.insert(attempt.staging)
                }
            }
            return kept
        }
        // A row that cannot be read keeps its staging all the same.
        let open = Set(
            state.decisions.map { JSONText.decode(Decision.self, from: $0.body)?.staging ?? $0.attempt.staging })
        let (buckets, inputs) = (buckets, dispatcher.inputs)
        let limit = dispatcher.deployment.app.retention.keptInputLimit(at: clock.wall)
        try await files.run {
            for bucket in buckets.all { bucket.cleanStaging(keeping: kept.union(open)) }
            if !keepsInputs { try inputs.clean(changedBefore: limit) }
        }
    }

    /// Counts one attempt `HostLost` for what was running for long when the last host was lost.
    package func countHostLost() async throws {
        let journal = journal
        let notes = try await files.run { try journal.values(prefix: RunningNote.prefix).map { ($0.name, $0.body) } }
        for (name, body) in notes {
            var rest = RunningNote(attempt: "", started: 0, version: 0, entries: [])
            if state.wasUnclean, let note = JSONText.decode(RunningNote.self, from: body) { rest = note }
            var charged: [Work] = []
            // The note loses an entry in the commit that charges it: a host that is lost meanwhile charges none twice.
            repeat {
                var batch = Batch()
                for entry in rest.entries.prefix(Self.charged) {
                    if let work = try await charge(entry, rest, into: &batch) { charged.append(work) }
                }
                rest.entries.removeFirst(min(Self.charged, rest.entries.count))
                if rest.entries.isEmpty, let record = try await record(of: rest, charged) {
                    batch.invocations.append(record)
                }
                batch.control.append(
                    rest.entries.isEmpty
                        ? .removeValue(name: name) : .putValue(name: name, body: JSONText.encode(rest)))
                do throws(JournalError) {
                    _ = try await committer.commit(batch)
                } catch {
                    // The deliveries come again all the same; a note that cannot be right must not keep the host from
                    // starting.
                    guard error.code == .constraint else { throw error }
                    log.error(
                        "a note of an attempt that ran when the host was lost contradicts the journal; it is not charged",
                        metadata: ["note": "\(name)", "error": "\(error)"])
                    var removal = Batch()
                    removal.control.append(.removeValue(name: name))
                    _ = try await committer.commit(removal)
                    break
                }
            } while !rest.entries.isEmpty
            AttemptID(rest.attempt).map(dispatcher.inputs.written)
        }
    }

    /// Entries of a note that are charged in one commit.
    private static let charged = 500

    /// Hands the pauses, the parked keys and the pending set to the dispatcher.
    package func loadPending() async throws {
        let journal = journal
        try await dispatcher.loadPauses()
        // In a new data folder nothing has been spent yet.
        if state.boot > 1 { try await dispatcher.loadRates() }
        for progress in state.subscriptions {
            try await dispatcher.loadParked(progress.subscription.id)
            var after: Int64 = 0
            while true {
                let from = after
                let page = try await files.run { try Self.page(of: progress.subscription.id, after: from, journal) }
                for (entry, damage) in page where entry.state != .parked {
                    if let damage { try await dispatcher.leave(entry, because: damage) } else { dispatcher.load(entry) }
                }
                guard let (last, _) = page.last else { break }
                after = last.delivery.ordinal
            }
        }
    }

    /// A page of the pending set, whole: one that is redriven has its event with its dead letter. `damage`: why that
    /// cannot be read. Blocking.
    private nonisolated static func page(
        of id: SubscriptionID, after ordinal: Int64, _ journal: any JournalStore
    ) throws(JournalError) -> [(entry: PendingEntry, damage: String?)] {
        var (page, bytes): ([(entry: PendingEntry, damage: String?)], Int) = ([], 0)
        for entry in try journal.pending(id, after: ordinal, limit: 500, bytes: JournalPage.bytes)
        where bytes < JournalPage.bytes {
            do throws(JournalError) {
                page.append((try journal.whole(entry), nil))
            } catch {
                if error.code == .closed { throw error }
                page.append((entry, "\(error)"))
            }
            bytes += page.last?.entry.payload.count ?? 0
        }
        return page
    }

    /// What is said of an attempt that ended with its host.
    private static let lostMessage = "the host was lost while this attempt was running"

    /// The row of an attempt whose host was lost, for those who ask what became of its events. How long it ran nobody
    /// knows: what it wrote is lost with the host.
    private func record(of note: RunningNote, _ works: [Work]) async throws -> InvocationRecord? {
        guard let attempt = AttemptID(note.attempt), let first = works.first else { return nil }
        // An outcome that was decided has told of itself.
        let journal = journal
        guard try await files.run({ try journal.invocation(attempt) == nil }) else { return nil }
        let settings = dispatcher.deployment.subscription(first.delivery.subscription)
        return InvocationRecord(
            attempt: attempt, invocationID: InvocationIDs.own(of: works), subscription: first.delivery.subscription,
            function: first.note?.function ?? settings?.function ?? "", version: note.version,
            eventIDs: works.map(\.eventID),
            attemptNumber: first.history.count, started: note.started, durationMicroseconds: 0, outcome: "failed",
            code: "HostLost", message: Self.lostMessage, coldStart: false,
            details: JSONText.encode(
                InvocationDetails(output: "", effects: [], backtrace: [], rule: settings?.rule ?? "")))
    }

    /// Nothing where the delivery was settled before the host was lost, and only the note was left.
    /// - Returns: what was charged.
    private func charge(
        _ entry: RunningNote.Entry, _ note: RunningNote, into batch: inout Batch
    ) async throws -> Work? {
        guard var work = try await work(entry.delivery, isPending: entry.isPending) else { return nil }
        let lost = AttemptSummary(
            attempt: note.attempt,
            function: work.note?.function ?? dispatcher.deployment.subscription(work.delivery.subscription)?.function,
            version: note.version, started: note.started,
            // Nobody knows.
            durationMilliseconds: 0, code: "HostLost", message: Self.lostMessage, platform: true)
        work.history.append(lost)
        work.alone = true
        let writer = ResolutionWriter(clock: clock)
        if work.history.count(where: { $0.code == "HostLost" }) >= RunningNote.limit {
            let settings = dispatcher.deployment.subscription(work.delivery.subscription)
            let death = Death(
                condition: "HostLost", code: "HostLost",
                message: "the host was lost \(RunningNote.limit) times while this event was being handled")
            writer.dead(
                work, death, target: settings?.function ?? "", rule: settings?.rule ?? "",
                input: await input(of: work, note.attempt), before: await dispatcher.letter(of: work),
                into: &batch)
            tell(of: work, death, settings, attempt: note.attempt, version: note.version, into: &batch)
        } else {
            let from = work.source
            work.source = .pending(deadLetter: work.deadLetter)
            writer.retry(work, due: clock.now, from: from, into: &batch)
        }
        return work
    }

    /// A decided outcome that cannot be published: its deliveries become dead letters, in one commit with `changes`.
    private func bury(_ decision: Decision, _ failure: Failure, _ changes: Batch, parked: String?) async throws {
        var batch = changes
        for (ordinal, settled) in decision.settled.enumerated() {
            guard var work = try await work(settled.delivery, isPending: settled.isPending) else { continue }
            work.history.append(
                AttemptSummary(
                    attempt: "\(decision.attempt)", function: decision.function, version: decision.version,
                    started: decision.started,
                    durationMilliseconds: Double(decision.durationMicroseconds) / 1000, code: failure.code,
                    message: failure.message))
            work.parked = decision.settled.count == 1 ? parked : nil
            let death = Death(condition: "PermanentError", code: failure.code, message: failure.message)
            ResolutionWriter(clock: clock).dead(
                work, death, target: dispatcher.target(of: work, ranBy: decision.function), rule: decision.rule,
                input: await input(of: work, "\(decision.attempt)", ordinal: ordinal),
                before: await dispatcher.letter(of: work), into: &batch)
            tell(
                of: work, death, dispatcher.deployment.subscription(settled.delivery.subscription),
                attempt: "\(decision.attempt)", version: decision.version, into: &batch)
        }
        _ = try await committer.commit(batch)
        dispatcher.inputs.written(decision.attempt)
    }

    /// The event for those who want to hear of the failure, in the commit that makes it a dead letter.
    private func tell(
        of work: Work, _ death: Death, _ settings: SubscriptionSettings?, attempt: String, version: Int,
        into batch: inout Batch
    ) {
        guard let attempt = AttemptID(attempt) else { return }
        let before = Lineage(text: work.lineage) ?? Lineage()
        let hop = Lineage.Hop(
            event: work.eventID, rule: settings?.rule ?? "", function: settings?.function ?? "",
            subject: EventReading.subject(of: work.payload))
        let told = dispatcher.failure(
            of: work, death, settings, attempt: attempt, version: version, lineage: before.adding(hop))
        if let told { batch.appends.append(told) }
    }

    private func input(of work: Work, _ attempt: String, ordinal: Int = 0) async -> [UInt8] {
        let parts = attempt.split(separator: "-").compactMap { Int64($0) }
        guard parts.count == 2 else { return [] }
        return await dispatcher.keepInput(
            of: work, EventReading.objectInput(of: work.payload),
            attempt: AttemptID(boot: parts[0], number: parts[1]), ordinal: ordinal)
    }

    /// A delivery that is not settled, as the dispatcher would have it.
    private func work(_ delivery: Delivery, isPending: Bool) async throws -> Work? {
        let journal = journal
        if isPending {
            let entries = try await files.run {
                try journal.pending(delivery.subscription, after: delivery.ordinal - 1, limit: 1)
                    .map { try journal.whole($0) }
            }
            guard let entry = entries.first, entry.delivery == delivery else { return nil }
            return dispatcher.work(pending: entry)
        }
        let waiting = try await files.run {
            try journal.waiting(delivery.subscription, after: delivery.position - 1, limit: 1)
        }
        guard let record = waiting.first, record.deliveries == [delivery] else { return nil }
        return Work(
            delivery: delivery, source: .log, eventID: record.eventID, ingested: record.ingested, expires: .max,
            payload: record.payload, lineage: record.lineage)
    }
}
