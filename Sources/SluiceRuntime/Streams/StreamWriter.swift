package import EventModel
package import Journal

/// Where producers put records: given their shards and matched on the calling thread, answered when durable.
package final class StreamWriter: Sendable {
    /// A record's place.
    package struct Place: Sendable, Hashable {
        package var shard: Int
        package var position: Position
    }

    private let journal: any JournalStore
    private let router: EventRouter
    private let files: FileThreads
    private let clock: HostClock

    package init(journal: any JournalStore, router: EventRouter, files: FileThreads, clock: HostClock) {
        self.journal = journal
        self.router = router
        self.files = files
        self.clock = clock
    }

    /// Puts records that were found valid, all of them or none. Nil: there is no such stream.
    package func put(
        _ entries: [(entry: PutRecordsEntry, valid: PutRecordsEntry.Valid)], to stream: String
    ) async throws(JournalError) -> [Place]? {
        var batch = Batch()
        batch.appends.reserveCapacity(entries.count)
        var ids = EventID.Generator()
        for (entry, valid) in entries {
            let record = router.record(
                to: stream, id: ids.next(), entry, explicitHash: valid.explicitHash, arrived: clock.wall)
            guard let record else { return nil }
            batch.appends.append(record)
        }
        guard let ruleSet = batch.appends.first?.ruleSet else { return [] }
        let shards = batch.appends.map { StreamRecordText.shard(of: $0.payload) ?? 0 }
        let receipt = try await journal.commit(batch)
        let places = zip(receipt.appended, shards).map { appended, shard in
            switch appended {
            case .at(let position), .duplicate(let position): Place(shard: shard, position: position)
            }
        }
        return router.isSettled(on: ruleSet) ? places : await checked(places)
    }

    /// Where records are that a deployment may have put into other shards before they were committed. They are in the
    /// log in any case: what cannot be read now is answered as it was made.
    private func checked(_ places: [Place]) async -> [Place] {
        let journal = journal
        return await files.run {
            places.map { place in
                let record = try? journal.record(at: place.position)
                let shard = (record ?? nil).flatMap { StreamRecordText.shard(of: $0.payload) }
                return Place(shard: shard ?? place.shard, position: place.position)
            }
        }
    }
}
