import AppConfig
import Journal
import Logging
import UVLoop

/// What the core must be told of an event beside its record, and the reading of one key's records.
extension Dispatcher {
    /// Called back by the core while it changes: nothing here may look at the core.
    /// - Parameter moment: when it is told; the clocks are read once for many records.
    func traits(
        of record: CommittedRecord, for id: SubscriptionID, _ rules: DeliveryRules, at moment: HostClock.Moment
    ) -> DeliveryTraits {
        DeliveryTraits(
            expires: expiry(ingested: record.ingested, for: id, maximumAge: rules.retry.maximumAge, at: moment),
            key: rules.keys.flatMap { EventReading.key(of: record.payload, path: $0.path) },
            bytes: bytes(of: record.payload, for: id, rules),
            alone: hasLeftRetention(id, ingested: record.ingested, at: moment.wall))
    }

    /// Whether a record of a stream has waited for longer than the stream keeps its records; the time for which its
    /// subscription was paused does not count.
    func hasLeftRetention(_ id: SubscriptionID, ingested: Milliseconds, at now: Milliseconds) -> Bool {
        guard let retention = retentions[id] else { return false }
        guard now - ingested > retention else { return false }
        return now - ingested - (pauses[id]?.paused(since: ingested, until: now) ?? 0) > retention
    }

    func key(of payload: [UInt8], for id: SubscriptionID) -> String? {
        core.rules(of: id)?.keys.flatMap { EventReading.key(of: payload, path: $0.path) }
    }

    /// What an event counts against its target's `maximumBatchBytes`.
    func bytes(of payload: [UInt8], for id: SubscriptionID) -> Int64 {
        core.rules(of: id).map { bytes(of: payload, for: id, $0) } ?? 0
    }

    private func bytes(of payload: [UInt8], for id: SubscriptionID, _ rules: DeliveryRules) -> Int64 {
        guard rules.batch.bytes < .max else { return 0 }
        switch deployment.subscription(id)?.delivery?.batchBytesOf ?? .event {
        case .event: return Int64(payload.count)
        case .object: return max(0, EventReading.objectSize(of: payload) ?? Int64(payload.count))
        }
    }

    /// When something is too old to be tried again; the time for which its subscription was paused does not count.
    func expiry(
        ingested: Milliseconds, for id: SubscriptionID, maximumAge: Int64, at moment: HostClock.Moment
    ) -> Instant {
        let expiry = moment.expiry(ingested: ingested, maximumAge: maximumAge)
        guard let note = pauses[id] else { return expiry }
        let (sum, overflow) = expiry.addingReportingOverflow(note.paused(since: ingested, until: moment.wall))
        return overflow ? .max : sum
    }

    /// Reads records back for keys; on a file thread, in pages, so that no read is long. Behind everything that is on
    /// its way into the journal: what is over must not be found waiting.
    func refillKeys(_ id: SubscriptionID, _ refill: KeyRefill) {
        let (journal, bytes) = (journal, core.window.refillBytes)
        Task { @LoopActor in
            do {
                if !committer.isIdle { _ = try await committer.commit(Batch()) }
                let (records, end) = try await files.run { try Self.read(refill, of: id, bytes: bytes, journal) }
                let moment = clock.moment
                core.refilledKeys(id, refill, with: records, end: end, now: moment.now) { record, rules in
                    traits(of: record, for: id, rules, at: moment)
                }
            } catch {
                log.error("cannot read the log", metadata: ["subscription": "\(id.value)", "error": "\(error)"])
                core.refillKeysFailed(id, refill)
                _ = LoopTimer.after(.milliseconds(1000)) { [weak self] in self?.pump() }
                return
            }
            pump()
        }
    }

    /// The keys are found here: to parse what others' keys hold back is no work for the loop.
    private nonisolated static func read(
        _ refill: KeyRefill, of id: SubscriptionID, bytes: Int, _ journal: any JournalStore
    ) throws -> (records: [KeyedRecord], end: Position) {
        var found: [KeyedRecord] = []
        var (end, room) = (refill.after, bytes)
        while found.count < refill.limit, room > 0 {
            let page = try journal.waiting(
                id, after: end, limit: min(500, refill.limit - found.count), bytes: min(room, JournalPage.bytes))
            for record in page {
                guard record.position <= refill.through else { return (found, refill.through) }
                end = record.position
                found.append(KeyedRecord(record, key: EventReading.key(of: record.payload, path: refill.path)))
                room -= record.payload.count
            }
            if page.isEmpty { return (found, refill.through) }
        }
        return (found, end)
    }
}
