import Journal
import UVLoop

/// What of a replay stands behind dead letters of its keys, where its target parks.
extension ReplayJobs {
    /// Letters that are named, and those that are looked at for it. While a replay runs it is asked again and again,
    /// and others follow.
    private nonisolated static let (namedLetters, seenLetters, seenMeanwhile) = (20, 1000, 50)

    /// Some of the dead letters that hold back something of a replay, and whether there may be more.
    func lettersThatPark(_ replay: ReplayRecord) async throws -> (ids: [Int64], areMore: Bool) {
        let journal = journal
        let seen = replay.ended == nil ? Self.seenMeanwhile : Self.seenLetters
        var (found, areMore): ([Int64], Bool) = ([], false)
        for id in replay.paths.map(\.settings.id) where dispatcher.core.parked(of: id).works > 0 {
            let (letters, areUnseen) = try await files.run {
                let filter = DeadLetterFilter(
                    states: [.dead], subscription: id, limit: seen, bytes: JournalPage.bytes)
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
    /// purges, which would let a key go on; while the journal refuses, everybody may. Throws where the host stops, or
    /// before it has begun.
    /// - Parameter note: what is told of a replay that has ended; durable before the first of it is dropped.
    func dropParked(
        _ name: String, noting note: (inout ReplayRecord) -> Void = { _ in }
    ) async throws -> Dropping {
        var hasBegun = false
        while true {
            do {
                return try await dropParkedNow(name, note, begun: &hasBegun)
            } catch {
                guard hasBegun, await goesOn(name, after: error) else { throw error }
            }
        }
    }

    private func dropParkedNow(
        _ name: String, _ note: (inout ReplayRecord) -> Void, begun: inout Bool
    ) async throws -> Dropping {
        await dispatcher.turns.acquire(Dispatcher.deadLetters)
        defer { dispatcher.turns.release(Dispatcher.deadLetters) }
        try await untilWritten()
        guard let replay = replays[name], replay.isOpen else { return begun ? .dropped : .nothing }
        let standing = try await standing(name)
        guard standing.open == 0, !isRedrivenElsewhere(replay) else {
            guard begun else { return .busy }
            // Redriven while the journal refused: the rest follows.
            if replay.ended != nil { Task { @LoopActor in await finishDropping(name) } }
            return .dropped
        }
        // What was dropped before the journal refused may have been all of it.
        guard standing.parked > 0 else { return begun ? .dropped : .nothing }
        if replay.ended != nil, replay.dropsParked != true { try await intend(name, note) }
        begun = true
        for id in replay.paths.map(\.settings.id) where dispatcher.core.parked(of: id).works > 0 {
            try await settleParked(of: id)
            dispatcher.core.dropParked(of: id)
        }
        replays[name]?.still = nil
        return .dropped
    }

    /// What a redrive to another function has settled counts as settled in the journal a moment before its key goes on:
    /// by then it is no lane's any more.
    private func isRedrivenElsewhere(_ replay: ReplayRecord) -> Bool {
        let own = Set(replay.paths.map(\.settings.id))
        return dispatcher.laneKeys.values.contains { own.contains($0.subscription) }
    }

    /// Writes that what is parked of an ended replay is dropped, before any of it is: pages of it go one by one,
    /// and a host that dies in between would leave the rest with nobody who wants it dropped.
    private func intend(_ name: String, _ note: (inout ReplayRecord) -> Void) async throws {
        await writes.acquire([name])
        defer { writes.release([name]) }
        guard var next = replays[name] else { return }
        note(&next)
        next.dropsParked = true
        var batch = Batch()
        batch.control.append(.putValue(name: next.name, body: JSONText.encode(next)))
        _ = try await journal.commit(batch)
        change(name) { replay in
            note(&replay)
            replay.dropsParked = true
        }
    }

    /// Goes on with what an earlier host has begun to drop, or this one before its journal refused.
    func finishDropping(_ name: String) async {
        var pause = 25
        while !isStopping, replays[name]?.isOpen == true {
            do {
                // After a start the log is still to be read: until then nothing of it is known to be parked.
                let standing = try await standing(name)
                if standing.open == 0 {
                    guard standing.parked > 0 else { break }
                    _ = try await dropParked(name)
                }
                await LoopPause.sleep(milliseconds: pause, while: { !isStopping })
                pause = min(3000, pause * 2)
            } catch {
                guard await goesOn(name, after: error) else { return }
            }
        }
        if !isStopping { await closeSettled() }
    }

    /// Waits for everything that is on its way, unless the journal refuses it.
    private func untilWritten() async throws {
        _ = try await committer.command(Batch())
    }

    /// Everything that waits for a subscription is dropped. Not by way of the committer, which waits for room on the
    /// disk. What is settled is forgotten page by page: its key may go on after a failure.
    private func settleParked(of id: SubscriptionID) async throws {
        var after: Position = 0
        while let page = try await waiting(for: id, after: after), let last = page.last {
            var batch = Batch()
            batch.settlements = page.map { Settlement($0.delivery, .dropped) }
            do {
                _ = try await journal.commit(batch)
                dispatcher.core.forgetParked(of: id, page)
            } catch {
                // Another commit may have settled some of it, which was refused for that.
                let left = Set(try await waiting(for: id, after: after)?.map(\.delivery) ?? [])
                dispatcher.core.forgetParked(of: id, page.filter { !left.contains($0.delivery) })
                throw error
            }
            after = last.delivery.position
        }
    }

    /// The next page of what waits, with its keys; nil at the end.
    private func waiting(for id: SubscriptionID, after: Position) async throws -> [ParkedDelivery]? {
        let (journal, path) = (journal, dispatcher.core.rules(of: id)?.keys?.path)
        let page = try await files.run {
            try journal.waiting(id, after: after, limit: Self.page, bytes: JournalPage.bytes).flatMap { record in
                record.deliveries.filter { $0.subscription == id }.map { delivery in
                    ParkedDelivery(
                        delivery: delivery, key: path.flatMap { EventReading.key(of: record.payload, path: $0) })
                }
            }
        }
        return page.isEmpty ? nil : page
    }
}
