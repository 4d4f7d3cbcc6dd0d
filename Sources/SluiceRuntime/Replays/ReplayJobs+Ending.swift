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
        // From here on it counts for how long what is parked stays so.
        replays[name]?.still = nil
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
        guard let replay = replays[name] else { return }
        if replay.isOpen {
            guard try await removeSubscriptions(of: name) else { return }
        } else if replay.versions.isEmpty {
            return
        }
        // The processes of a version that only it ran go, too.
        try await apply()
    }

    /// False where there is something left of them.
    private func removeSubscriptions(of name: String) async throws -> Bool {
        await writes.acquire([name])
        defer { writes.release([name]) }
        let progress = try await progress()
        guard let replay = replays[name], replay.isOpen else { return false }
        let own = replay.paths.compactMap { progress[$0.settings.id] }
        guard own.allSatisfy({ $0.dead == 0 && $0.unsettled == 0 }) else {
            if replay.ended != nil { follow(name, standing(of: replay, progress)) }
            return false
        }
        func close(_ replay: inout ReplayRecord) {
            replay.isOpen = false
            replay.still = nil
            for one in own {
                replay.succeeded += one.succeeded
                replay.dropped += one.dropped
                replay.superseded += one.superseded
                replay.dead += one.purged
            }
        }
        var closed = replay
        close(&closed)
        var batch = Batch()
        for one in own { batch.control.append(.removeSubscription(one.subscription.id)) }
        batch.control.append(.putValue(name: closed.name, body: JSONText.encode(closed)))
        closing.merge(own.map { ($0.subscription.id, $0) }) { $1 }
        defer { for one in own { closing[one.subscription.id] = nil } }
        _ = try await committer.command(batch)
        change(name, close)
        return true
    }

    /// Writes a replay as it is. A journal that refuses is not waited for: others want to write it, too.
    func store(_ name: String, refusal: Committer.Refusal = .withdraws) async throws {
        await writes.acquire([name])
        defer { writes.release([name]) }
        guard let replay = replays[name] else { return }
        var batch = Batch()
        batch.control.append(.putValue(name: replay.name, body: JSONText.encode(replay)))
        _ = try await committer.command(batch, refusal: refusal)
    }

    /// Changes what is known of a replay that is still there: while something was awaited it may have gone.
    func change(_ name: String, _ body: (inout ReplayRecord) -> Void) {
        guard var replay = replays[name] else { return }
        body(&replay)
        replays[name] = replay
    }

    func progress() async throws -> [SubscriptionID: SubscriptionProgress] {
        let journal = journal
        let all = try await files.run { try journal.progress() }
        return Dictionary(all.map { ($0.subscription.id, $0) }, uniquingKeysWith: { $1 })
    }

    /// What of a replay's deliveries is not over: `open` are those that get on by themselves, `parked` those that a
    /// dead letter of their key holds back.
    struct Standing: Hashable {
        var open: Int64 = 0
        var parked: Int64 = 0
    }

    func standing(_ name: String) async throws -> Standing {
        guard let replay = replays[name], replay.isOpen else { return Standing() }
        return standing(of: replay, try await progress())
    }

    /// `progress` was read before: what was parked since is counted as open, and never the other way round, for nothing
    /// that is parked gets on but by a redrive, a purge or a cancellation.
    func standing(of replay: ReplayRecord, _ progress: [SubscriptionID: SubscriptionProgress]) -> Standing {
        var standing = Standing()
        for path in replay.paths {
            guard let one = progress[path.settings.id] ?? closing[path.settings.id] else { continue }
            let parked = min(Int64(dispatcher.core.parked(of: path.settings.id).works), one.waiting)
            standing.parked += parked
            standing.open += one.unsettled - parked
        }
        return standing
    }

    /// What has ended has something to do again: a dead letter was redriven or purged, and its key goes on. When that
    /// is done it may be closed.
    private func follow(_ name: String, _ standing: Standing) {
        guard standing.open > 0, following.insert(name).inserted else { return }
        Task { @LoopActor in
            // It may be paused for days.
            var pause = 100
            while !isStopping, replays[name]?.isOpen == true {
                do {
                    if try await self.standing(name).open == 0 { break }
                    await LoopPause.sleep(milliseconds: pause, while: { !isStopping })
                    pause = min(3000, pause * 2)
                } catch {
                    guard await goesOn(name, after: error) else { break }
                }
            }
            following.remove(name)
            if !isStopping { await closeSettled() }
        }
    }
}

extension SubscriptionProgress {
    /// Everything that is not over: in the log, in flight, retrying, redriven or parked.
    var unsettled: Int64 { waiting + retrying + parked + redriven }
}
