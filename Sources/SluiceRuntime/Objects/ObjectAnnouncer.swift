import EventModel
package import EventPatterns
import FunctionProtocol
package import Journal
package import ObjectStore
import Synchronization

/// Makes events of what happens to objects: from the watcher what people and tools did, from commit 2 what handlers
/// published. Each version is announced once, together with its index row.
package final class ObjectAnnouncer: Sendable {
    private let journal: any JournalStore
    let router: EventRouter
    private let clock: HostClock
    private let sequencers: Mutex<UInt64>

    package init(journal: any JournalStore, router: EventRouter, clock: HostClock, boot: Int64) {
        self.journal = journal
        self.router = router
        self.clock = clock
        // The boot counter in the upper half: sequencers rise over restarts without being stored.
        sequencers = Mutex(UInt64(boot) << 36)
    }

    // MARK: What handlers published

    /// Commit 2 of a decision: its events and their index rows, the outbox, the catalog, and the settlement itself.
    func settlement(of decision: Decision, published: [PublishedObject], catalog: [CatalogChange]) -> Batch {
        var batch = Batch()
        var texts: [Int?: [UInt8]] = [:]
        func lineage(of record: Int?) -> [UInt8] {
            if let text = texts[record] { return text }
            let text = JSONText.encode(decision.lineage(of: record))
            texts[record] = text
            return text
        }
        var told: [ObjectAddress: String] = [:]
        for (index, object) in published.enumerated() {
            let owner = decision.owners.flatMap { $0.indices.contains(index) ? $0[index] : nil }
            if let sighting = object.sighting {
                // Somebody else has taken the key meanwhile: the watcher tells of what is there now.
                if sighting.stamp.changed == 0 { continue }
                let (record, append) = created(
                    bucket: object.bucket, key: object.key, stamp: sighting.stamp, sample: sighting.sample,
                    reason: "PutObject", lineage: lineage(of: owner))
                told[ObjectAddress(bucket: object.bucket, key: object.key)] = append.eventID
                batch.objects.append(.put(record))
                batch.appends.append(append)
            } else {
                batch.objects.append(.remove(bucket: object.bucket, key: object.key))
                batch.catalog.append(.removeFile(bucket: object.bucket, key: object.key))
                let append = deleted(
                    bucket: object.bucket, key: object.key, lineage: lineage(of: owner),
                    reason: decision.deletionReason ?? "DeleteObject")
                told[ObjectAddress(bucket: object.bucket, key: object.key)] = append.eventID
                batch.appends.append(append)
            }
        }
        for event in decision.outbox {
            batch.appends.append(
                StreamLog.isStream(event.bus)
                    ? router.record(
                        Array(event.payload.utf8), to: event.bus, id: event.id, ingested: clock.wall,
                        lineage: lineage(of: event.record))
                    : append(
                        bus: event.bus, id: event.id, payload: Array(event.payload.utf8), reading: .strict,
                        lineage: lineage(of: event.record)))
        }
        batch.catalog += catalog
        let writer = ResolutionWriter(clock: clock)
        for settled in decision.settled {
            writer.finish(
                settled.delivery, source: settled.isPending ? .pending(deadLetter: settled.deadLetter) : .log,
                settled.dropped ? .dropped : .succeeded, into: &batch)
        }
        if !decision.publications.isEmpty { batch.decisions.append(.clear(decision.attempt)) }
        if let parked = decision.parked { batch.control.append(.removeValue(name: parked)) }
        batch.invocations.append(decision.record(telling: told))
        return batch
    }

    // MARK: Building

    private func created(
        bucket: String, key: String, stamp: ObjectStamp, sample: UInt64, reason: String, lineage: [UInt8]
    ) -> (ObjectRecord, Append) {
        let etag = stamp.etag
        let sequencer = nextSequencer()
        let id = EventIdentity.derived(from: "created", bucket, key, etag)
        let payload = ObjectEvents.created(
            id: id, time: Timestamp(milliseconds: clock.wall), bucket: bucket, key: key, size: stamp.size, etag: etag,
            sequencer: sequencer, reason: reason)
        let append = append(bus: "default", id: id, payload: payload, reading: .validated, lineage: lineage)
        let record = ObjectRecord(
            bucket: bucket, key: key, device: stamp.device, inode: stamp.inode, size: stamp.size,
            modified: stamp.modified, changed: stamp.changed, sample: sample, etag: etag, sequencer: sequencer,
            eventID: id, arrived: append.ingested)
        return (record, append)
    }

    private func deleted(bucket: String, key: String, lineage: [UInt8], reason: String = "DeleteObject") -> Append {
        let sequencer = nextSequencer()
        let id = EventIdentity.derived(from: "deleted", bucket, key, sequencer)
        let payload = ObjectEvents.deleted(
            id: id, time: Timestamp(milliseconds: clock.wall), bucket: bucket, key: key, sequencer: sequencer,
            reason: reason)
        return append(bus: "default", id: id, payload: payload, reading: .validated, lineage: lineage)
    }

    /// A record for a bus, with the subscriptions that want it and those whose rule could not decide, which the lineage
    /// names.
    ///
    /// - Parameter reading: what is known of the payload; see `EventRouter.route`.
    package func append(
        bus: String, id: String, payload: [UInt8], reading: EventPatterns.EventReading = .strict, lineage: [UInt8],
        deduplication: String? = nil
    ) -> Append {
        let session = router.session()
        defer { router.end(session) }
        let route = router.match(payload, reading, bus, session)
        return Append(
            log: bus, eventID: id, ingested: clock.wall, payload: payload, subscriptions: route.wanting,
            ruleSet: route.ruleSet, deduplicationID: deduplication,
            lineage: Lineage.marking(lineage, undecided: route.undecided))
    }

    private func nextSequencer() -> String {
        let value = sequencers.withLock { value in
            value += 1
            return value
        }
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

// MARK: - What people and tools did

extension ObjectAnnouncer: ChangeSink {
    /// Events and index rows of the watcher's changes in one transaction. Blocking, on the watcher's thread.
    package func commit(_ changes: [ObjectChange]) throws {
        var batch = Batch()
        for change in changes {
            switch change {
            case .created(let sighting):
                let (record, append) = created(
                    bucket: sighting.bucket, key: sighting.key, stamp: sighting.stamp, sample: sighting.sample,
                    reason: "PutObject", lineage: [])
                batch.objects.append(.put(record))
                batch.appends.append(append)
            case .deleted(let known):
                batch.objects.append(.removeVersion(bucket: known.bucket, key: known.key, etag: known.etag))
                batch.catalog.append(.removeFile(bucket: known.bucket, key: known.key))
                batch.appends.append(deleted(bucket: known.bucket, key: known.key, lineage: []))
            case .adopted(let sighting):
                batch.objects.append(.put(ObjectRecord(sighting, sequencer: nextSequencer())))
            case .refreshed(let known):
                batch.objects.append(.refresh(ObjectRecord(known)))
            }
        }
        _ = try journal.commitBlocking(batch)
    }

    /// Announces again what is there (backfill): a new event for a version that is known already. The id has the
    /// sequencer in it, because the version's own id has been used. Of a version that was replaced since it was read
    /// only the event comes, which is superseded: the newer one's stays the one that counts.
    ///
    /// `progress` is committed with them: how far who asked has come.
    package func announceAgain(_ records: [ObjectRecord], with progress: ControlChange? = nil) throws {
        var batch = Batch()
        if let progress { batch.control.append(progress) }
        for record in records {
            let sequencer = nextSequencer()
            let id = EventIdentity.derived(from: "backfill", record.bucket, record.key, sequencer)
            let payload = ObjectEvents.created(
                id: id, time: Timestamp(milliseconds: clock.wall), bucket: record.bucket, key: record.key,
                size: record.size, etag: record.etag, sequencer: sequencer, reason: "PutObject")
            batch.appends.append(append(bus: "default", id: id, payload: payload, reading: .validated, lineage: []))
            batch.objects.append(
                .announce(
                    bucket: record.bucket, key: record.key, of: record.sequencer, sequencer: sequencer, eventID: id))
        }
        _ = try journal.commitBlocking(batch)
    }
}

/// The journal's object index for the watcher.
package struct JournalObjectIndex: ObjectIndexReading {
    let journal: any JournalStore

    package init(journal: any JournalStore) {
        self.journal = journal
    }

    package func known(bucket: String, key: String) throws -> KnownObject? {
        try journal.object(bucket: bucket, key: key).map(KnownObject.init)
    }

    package func page(bucket: String, after: String, limit: Int) throws -> [KnownObject] {
        try journal.objects(bucket: bucket, prefix: "", after: after.isEmpty ? nil : after, limit: limit)
            .map(KnownObject.init)
    }
}

extension KnownObject {
    init(_ record: ObjectRecord) {
        self.init(
            bucket: record.bucket, key: record.key, stamp: record.stamp, sample: record.sample, etag: record.etag,
            sequencer: record.sequencer, eventID: record.eventID)
    }
}

extension ObjectRecord {
    package var stamp: ObjectStamp {
        ObjectStamp(device: device, inode: inode, size: size, modified: modified, changed: changed)
    }

    init(_ known: KnownObject) {
        self.init(
            bucket: known.bucket, key: known.key, device: known.stamp.device, inode: known.stamp.inode,
            size: known.stamp.size, modified: known.stamp.modified, changed: known.stamp.changed, sample: known.sample,
            etag: known.etag, sequencer: known.sequencer, eventID: known.eventID)
    }

    init(_ sighting: ObjectSighting, sequencer: String) {
        self.init(
            bucket: sighting.bucket, key: sighting.key, device: sighting.stamp.device, inode: sighting.stamp.inode,
            size: sighting.stamp.size, modified: sighting.stamp.modified, changed: sighting.stamp.changed,
            sample: sighting.sample, etag: sighting.etag, sequencer: sequencer, eventID: "",
            arrived: sighting.stamp.changed / 1_000_000)
    }
}
