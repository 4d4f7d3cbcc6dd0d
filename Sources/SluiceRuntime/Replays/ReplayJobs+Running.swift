import EventModel
import HostAPI
package import Journal
import Logging
import UVLoop

/// Reading the archive, and delivering it again or trying it in the shadow.
extension ReplayJobs {
    func run(_ name: String) async {
        guard await dispatcher.mayGoOn(), let replay = replays[name] else { return }
        let matcher: ReplayMatcher
        do {
            matcher = try ReplayMatcher(replay.paths, filter: replay.request.eventPattern)
        } catch {
            return await end(name, .failed, because: error.message)
        }
        while !isStopping {
            do {
                try await hold(replay)
                break
            } catch {
                guard await goesOn(name, after: error) else { return }
            }
        }
        while let replay = replays[name], replay.state == .running, !replay.isThrough, !isStopping {
            do {
                if replay.request.dryRun {
                    try await shadow(replay, matcher)
                } else {
                    try await forward(replay, matcher)
                }
            } catch let error as APIError {
                return await end(name, .failed, because: error.message)
            } catch {
                guard await goesOn(name, after: error) else { return }
            }
        }
        while !isStopping, replays[name]?.isOpen == true {
            do {
                let standing = try await standing(name)
                if standing.open == 0 {
                    // What is parked is kept for a redrive, unless nobody wants it any more.
                    guard replays[name]?.state == .cancelling, standing.parked > 0 else { break }
                    _ = try await dropParked(name)
                }
                await LoopPause.sleep(milliseconds: 25)
            } catch {
                guard await goesOn(name, after: error) else { return }
            }
        }
        guard !isStopping, let state = replays[name]?.state else { return }
        // It has ended on the way, and what it had replayed is over now.
        if replays[name]?.ended != nil { return await closeSettled() }
        await end(name, state == .cancelling ? .cancelled : .completed)
    }

    /// The next page of the log into the replay's own.
    private func forward(_ replay: ReplayRecord, _ matcher: ReplayMatcher) async throws {
        let name = replay.request.name
        while try await standing(name).open >= Self.window, !isStopping, replays[name]?.state == .running {
            await LoopPause.sleep(milliseconds: 10)
        }
        let limit = RequestedRate.page(at: replay.request.rate, most: Self.page)
        let (wanted, cursor) = try await read(replay, matcher, limit: limit)
        var batch = Batch()
        let ruleSet = dispatcher.deployment.ruleSet
        for (record, payload, paths) in wanted {
            batch.appends.append(
                Append(
                    log: ReplayLog.name(of: name), eventID: record.eventID, ingested: clock.wall, payload: payload,
                    subscriptions: paths.map { replay.paths[$0].settings.id }, ruleSet: ruleSet,
                    lineage: record.lineage))
        }
        let events = wanted.map { ($0.record, $0.paths.count) }
        // Not by way of the committer: what is settled must not wait behind a disk that takes no new work.
        let isDone = try await advance(name, batch, { $0.count(events, upTo: cursor) }) { [journal] batch in
            _ = try await journal.commit(batch)
        }
        guard isDone else { return }
        await keepRate(of: replay, after: wanted.count)
    }

    typealias Wanted = (record: StoredRecord, payload: [UInt8], paths: [Int])

    /// Up to `limit` events that somebody wants, marked as replayed; and how far the log has been read.
    private func read(
        _ replay: ReplayRecord, _ matcher: ReplayMatcher, limit: Int
    ) async throws -> (wanted: [(record: StoredRecord, payload: [UInt8], paths: [Int])], cursor: Position) {
        let journal = journal
        return try await files.run {
            let page = try Self.page(of: replay, matcher, limit: limit, journal)
            // Looked at last: what was dropped before is not in the page.
            let oldest = try journal.position(ingestedFrom: .min)
            guard oldest <= replay.cursor + 1 else {
                throw APIError.unavailable(
                    "the archive does not have all of it any more: events before position \(oldest) were dropped before "
                        + "they were replayed, for their `archive: {retentionDays}` were over")
            }
            return page
        }
    }

    nonisolated static func page(
        of replay: ReplayRecord, _ matcher: ReplayMatcher, limit: Int, _ journal: any JournalStore
    ) throws -> (wanted: [Wanted], cursor: Position) {
        var wanted: [Wanted] = []
        var (cursor, read, bytes) = (replay.cursor, 0, 0)
        while read < page, bytes < pageBytes {
            let records = try journal.records(
                log: replay.request.bus, after: cursor, limit: page - read, bytes: pageBytes - bytes)
            for record in records where record.position <= replay.last {
                cursor = record.position
                bytes += record.payload.count
                guard replay.admits(record) else { continue }
                let paths = matcher.paths(for: record.payload)
                guard !paths.isEmpty else { continue }
                let payload = (try? EventEnvelope.marked(record.payload, replayName: replay.request.name))
                wanted.append((record, payload ?? record.payload, paths))
                if wanted.count == limit { return (wanted, cursor) }
            }
            // Nothing more of this bus before the end.
            if records.last.map({ $0.position > replay.last }) ?? true {
                return (wanted, replay.last)
            }
            read += records.count
        }
        return (wanted, cursor)
    }

    /// The next page through the shadow, with the report of it.
    private func shadow(_ replay: ReplayRecord, _ matcher: ReplayMatcher) async throws {
        let name = replay.request.name
        let (wanted, cursor) = try await read(replay, matcher, limit: Self.shadowPage)
        let runs = wanted.flatMap { item in item.paths.map { (item.record, item.payload, replay.paths[$0]) } }
        let running = runs.map { (record, payload, path) in
            Task { @LoopActor in await self.compare(record, payload, path, replay.request) }
        }
        var findings: [ShadowFinding?] = []
        for run in running { findings.append(await run.value) }
        // The host stops: this page is run again by the next one.
        guard findings.allSatisfy({ $0 != nil }) else {
            if isStopping { return }
            throw APIError.unavailable("the function is no longer deployed")
        }
        let events = wanted.map { ($0.record, $0.paths.count) }
        let count = { (replay: inout ReplayRecord) in
            for finding in findings { if let finding { replay.take(finding) } }
            replay.count(events, upTo: cursor)
        }
        while true {
            do {
                _ = try await advance(name, Batch(), count) { [committer] in _ = try await committer.command($0) }
                break
            } catch {
                guard await goesOn(name, after: error) else { return }
            }
        }
        await keepRate(of: replay, after: wanted.count)
    }

    private func compare(
        _ record: StoredRecord, _ payload: [UInt8], _ path: ReplayRecord.Path, _ request: ReplayRequest
    ) async -> ShadowFinding? {
        let settings = path.settings
        guard
            let run = await dispatcher.shadow(
                settings.function, payload: payload, eventID: record.eventID, ingested: record.ingested,
                lineage: record.lineage, settings: settings)
        else { return nil }
        defer { dispatcher.release(run) }
        guard !isStopping else { return nil }
        let comparing = comparing
        // What there is no room for in the report is counted only: to show it costs the most.
        var request = request
        request.examples = max(0, request.examples - (replays[request.name]?.shadow?.differences.count ?? 0))
        let finding = await comparisons.run { [request] in comparing.compare(run, record, path, request) }
        // Where the host stops it may have been given up half-way: the next one does it again.
        return isStopping ? nil : finding
    }

    /// Writes how far a replay has got, with what it has made of it. In memory that counts once it is durable: what the
    /// journal refuses never was, and whatever has become of the replay meanwhile stays.
    /// - Returns: false where it was cancelled or has ended while it read: nothing of it is delivered.
    private func advance(
        _ name: String, _ batch: Batch, _ count: (inout ReplayRecord) -> Void,
        commit: @LoopActor (Batch) async throws -> Void
    ) async throws -> Bool {
        await writes.acquire([name])
        defer { writes.release([name]) }
        // What has run in the shadow is reported all the same.
        guard var next = replays[name], next.ended == nil, next.state == .running || next.request.dryRun else {
            return false
        }
        count(&next)
        var batch = batch
        batch.control.append(.putValue(name: next.name, body: JSONText.encode(next)))
        try await commit(batch)
        change(name, count)
        return true
    }

    /// Waits as the rate says, but no longer than the replay runs.
    private func keepRate(of replay: ReplayRecord, after count: Int) async {
        guard let rate = replay.request.rate, count > 0 else { return }
        await LoopPause.sleep(
            milliseconds: RequestedRate.milliseconds(of: count, at: rate),
            while: { !isStopping && replays[replay.request.name]?.state == .running })
    }

    /// A target that is paused by hand holds its replay back, too: it goes on when the target does.
    func hold(_ replay: ReplayRecord) async throws {
        for path in replay.paths where replay.isOpen {
            guard let original = path.original, case .paused(let pause) = dispatcher.core.flow(of: original) else {
                continue
            }
            try await dispatcher.setPaused([path.settings.id], true, reason: pause.reason)
        }
    }

    /// The temporary subscriptions that stand for these: what is done to a target is done to its replays.
    package func copies(of originals: [SubscriptionID]) -> [SubscriptionID] {
        replays.values.filter(\.isOpen).flatMap(\.paths)
            .filter { path in path.original.map(originals.contains) == true }.map(\.settings.id)
    }
}
