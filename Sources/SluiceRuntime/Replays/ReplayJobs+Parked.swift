import Journal
import UVLoop

/// What of a replay stands behind dead letters of its keys, where its target parks.
extension ReplayJobs {
    /// Letters that are named, and those that are looked at for it.
    private nonisolated static let (namedLetters, seenLetters) = (20, 1000)

    /// Some of the dead letters that hold back something of a replay, and whether there may be more.
    func lettersThatPark(_ replay: ReplayRecord) async throws -> (ids: [Int64], areMore: Bool) {
        let journal = journal
        var (found, areMore): ([Int64], Bool) = ([], false)
        for id in replay.paths.map(\.settings.id) where dispatcher.core.parked(of: id).works > 0 {
            let (letters, areUnseen) = try await files.run {
                let filter = DeadLetterFilter(
                    states: [.dead], subscription: id, limit: Self.seenLetters, bytes: JournalPage.bytes)
                let letters = try journal.deadLetters(filter)
                return (letters, try journal.deadLetterCount(filter).count > letters.count)
            }
            areMore = areMore || areUnseen
            found += letters.lazy.filter { [dispatcher] letter in
                guard let key = dispatcher.recoveredKeys[letter.id] ?? dispatcher.key(of: letter.payload, for: id)
                else { return false }
                return dispatcher.core.parked(of: id, behind: key) > 0
            }.map(\.id)
        }
        return (Array(found.sorted().prefix(Self.namedLetters)), areMore || found.count > Self.namedLetters)
    }

    /// What came of dropping what is parked.
    enum Dropping { case dropped, nothing, busy }

    /// Gives up what is parked, where nothing else is left; the dead letters stay. While it is done nobody redrives or
    /// purges, which would let a key go on. Throws before it has begun, or where the host stops.
    func dropParked(_ name: String) async throws -> Dropping {
        await dispatcher.turns.acquire(Dispatcher.deadLetters)
        defer { dispatcher.turns.release(Dispatcher.deadLetters) }
        // Behind everything that is on its way.
        _ = try await committer.commit(Batch())
        guard let replay = replays[name], replay.isOpen else { return .nothing }
        let standing = try await standing(name)
        guard standing.open == 0 else { return .busy }
        guard standing.parked > 0 else { return .nothing }
        for id in replay.paths.map(\.settings.id) where dispatcher.core.parked(of: id).works > 0 {
            // Not half of it: what is settled must be forgotten before its key goes on.
            while true {
                do {
                    try await settleParked(of: id)
                    break
                } catch {
                    guard await goesOn(name, after: error) else { throw error }
                }
            }
            dispatcher.core.dropParked(of: id)
        }
        return .dropped
    }

    /// Everything that waits for a subscription is dropped. What a failed commit leaves in doubt is read again.
    private func settleParked(of id: SubscriptionID) async throws {
        let journal = journal
        var after: Position = 0
        while true {
            let from = after
            let page = try await files.run {
                try journal.waiting(id, after: from, limit: Self.page, bytes: JournalPage.bytes)
            }
            guard let last = page.last else { return }
            var batch = Batch()
            for delivery in page.flatMap(\.deliveries) where delivery.subscription == id {
                batch.settlements.append(Settlement(delivery, .dropped))
            }
            _ = try await committer.commit(batch)
            after = last.position
        }
    }
}
