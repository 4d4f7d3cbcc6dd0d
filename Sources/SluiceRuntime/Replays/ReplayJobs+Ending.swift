import HostAPI
import Journal
import Logging
import UVLoop

/// The end of a replay, and how far it is.
extension ReplayJobs {
    /// Ends a replay; only a closing journal leaves that to the next host.
    func end(_ name: String, _ state: JobState, because reason: String? = nil) async {
        guard replays[name]?.ended == nil else { return }
        replays[name]?.state = state
        replays[name]?.reason = reason
        replays[name]?.ended = clock.wall
        while true {
            do {
                try await store(name)
                try await close(name)
                return
            } catch {
                guard await goesOn(name, after: error) else { return }
            }
        }
    }

    /// After a failure: false where the journal is closed, and the next host goes on. Everything else (a full or
    /// failing disk) is tried again, a little later.
    func goesOn(_ name: String, after error: any Error) async -> Bool {
        if isStopping || (error as? JournalError)?.code == .closed { return false }
        log.error("a replay cannot go on yet", metadata: ["replay": "\(name)", "error": "\(error)"])
        await LoopPause.sleep(milliseconds: 1000, while: { !isStopping })
        return true
    }

    /// Closes what has ended with dead letters that were redriven or purged since.
    package func closeSettled() async {
        for replay in replays.values where replay.ended != nil && replay.isOpen && !isStopping {
            do {
                try await close(replay.request.name)
            } catch {
                // The next one who asks, or the next host, does it.
                log.error(
                    "a replay cannot be closed yet",
                    metadata: ["replay": "\(replay.request.name)", "error": "\(error)"])
            }
        }
    }

    /// Takes the temporary subscriptions away, unless they have dead letters: those can be redriven.
    func close(_ name: String) async throws {
        await turn.acquire(Self.subscriptions)
        defer { turn.release(Self.subscriptions) }
        guard var replay = replays[name] else { return }
        guard replay.isOpen else {
            // The processes of a version that only it ran.
            if !replay.versions.isEmpty { try await apply() }
            return
        }
        let progress = try await progress()
        let own = replay.paths.compactMap { progress[$0.settings.id] }
        guard own.allSatisfy({ $0.dead == 0 && $0.unsettled == 0 }) else { return }
        replay.isOpen = false
        for one in own {
            replay.succeeded += one.succeeded
            replay.dropped += one.dropped
            replay.superseded += one.superseded
            replay.dead += one.purged
        }
        var batch = Batch()
        for one in own { batch.control.append(.removeSubscription(one.subscription.id)) }
        batch.control.append(.putValue(name: replay.name, body: JSONText.encode(replay)))
        closing.merge(own.map { ($0.subscription.id, $0) }) { $1 }
        defer { for one in own { closing[one.subscription.id] = nil } }
        _ = try await committer.commit(batch)
        replays[name] = replay
        try await apply()
    }

    func store(_ name: String) async throws {
        guard let replay = replays[name] else { return }
        var batch = Batch()
        batch.control.append(.putValue(name: replay.name, body: JSONText.encode(replay)))
        _ = try await committer.commit(batch)
    }

    func progress() async throws -> [SubscriptionID: SubscriptionProgress] {
        let journal = journal
        let all = try await files.run { try journal.progress() }
        return Dictionary(all.map { ($0.subscription.id, $0) }, uniquingKeysWith: { $1 })
    }

    func unsettled(_ name: String) async throws -> Int64 {
        guard let replay = replays[name], replay.isOpen else { return 0 }
        let progress = try await progress()
        return replay.paths.reduce(0) { $0 + (progress[$1.settings.id]?.unsettled ?? 0) }
    }
}

extension SubscriptionProgress {
    /// Everything that is not over: in the log, in flight, retrying, redriven or parked.
    var unsettled: Int64 { waiting + retrying + parked + redriven }
}
