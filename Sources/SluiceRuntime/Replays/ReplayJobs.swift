import EventModel
package import HostAPI
package import Journal
package import Logging
package import UVLoop

/// Delivers archived events again: a job of the host. What is replayed becomes a record of the replay's own log with
/// temporary subscriptions that want it, committed together with the cursor; from there it is delivered like anything
/// else, and survives what anything else survives.
@LoopActor
package final class ReplayJobs {
    /// Records read at a time, and those of a dry run, which runs and compares them before it goes on.
    private nonisolated static let page = 500
    private nonisolated static let shadowPage = 32
    /// No more is replayed while so many deliveries wait: a cancelled replay has little left to do.
    private static let window: Int64 = 20_000
    /// EventBridge allows as many at a time.
    private static let mostAtOnce = 10
    /// Ended replays that are kept for `replay list`.
    private static let kept = 500

    private let journal: any JournalStore
    private let committer: Committer
    private let files: FileThreads
    private let clock: HostClock
    private let dataFolder: String
    private let comparing: ShadowComparer
    private let log: Logger
    private unowned let dispatcher: Dispatcher
    private var replays: [String: ReplayRecord] = [:]
    /// Subscriptions being removed: whoever asks meanwhile may find them neither in the journal nor in the record.
    private var closing: [SubscriptionID: SubscriptionProgress] = [:]
    private var isStopping = false
    /// One at a time makes or removes subscriptions: their ids count up.
    package let turn = NameLocks()
    package static let subscriptions: Set<String> = ["subscriptions"]
    /// Puts what `parts` says into force.
    package var apply: @LoopActor () async throws -> Void = {}

    package init(
        journal: any JournalStore, committer: Committer, files: FileThreads, clock: HostClock, dataFolder: String,
        buckets: BucketSet, dispatcher: Dispatcher, log: Logger
    ) {
        self.journal = journal
        self.committer = committer
        self.files = files
        self.clock = clock
        self.dataFolder = dataFolder
        self.dispatcher = dispatcher
        self.log = log
        comparing = ShadowComparer(journal: journal, buckets: buckets)
    }

    // MARK: Starting

    /// Reads the replays of earlier lives, before anything is recovered.
    package func load() async throws {
        let journal = journal
        let stored = try await files.run {
            try journal.values(prefix: ReplayRecord.prefix).compactMap {
                JSONText.decode(ReplayRecord.self, from: $0.body)
            }
        }
        for replay in stored { replays[replay.request.name] = replay }
    }

    /// What replays add to the deployment.
    package var parts: ReplayParts {
        var parts = ReplayParts()
        for replay in replays.values.sorted(by: { $0.started < $1.started }) {
            if replay.isOpen { parts.subscriptions += replay.paths.map(\.settings) }
            if replay.isOpen || replay.ended == nil {
                for (key, version) in replay.versions { parts.functions[key] = version.moved(to: dataFolder) }
            }
        }
        return parts
    }

    /// Goes on with what is not through; deliveries may start now.
    package func resume() async throws {
        for replay in replays.values {
            if replay.ended == nil {
                Task { @LoopActor in await run(replay.request.name) }
            } else if replay.isOpen {
                // It ended with dead letters, which may have been redriven or purged since.
                try await close(replay.request.name)
            }
        }
        let ended = replays.values.filter { $0.ended != nil && !$0.isOpen }.sorted { $0.started < $1.started }
        guard ended.count > Self.kept else { return }
        var batch = Batch()
        for replay in ended.prefix(ended.count - Self.kept) {
            replays[replay.request.name] = nil
            batch.control.append(.removeValue(name: replay.name))
        }
        _ = try await committer.commit(batch)
    }

    package func stop() { isStopping = true }

    /// Starts a replay; durable when it returns.
    package func start(_ request: ReplayRequest) async throws -> ReplayInfo {
        await turn.acquire(Self.subscriptions)
        defer { turn.release(Self.subscriptions) }
        if let known = replays[request.name] {
            throw APIError(
                status: 409, code: "ResourceAlreadyExists",
                message: "there is a replay \(request.name) of \(HostAPI.Timestamp(known.started)) already",
                hint: "choose another name; `sluice replay list` shows them")
        }
        guard replays.values.count(where: { $0.ended == nil }) < Self.mostAtOnce else {
            throw APIError(
                status: 429, code: "LimitExceeded", message: "\(Self.mostAtOnce) replays are under way",
                hint: "wait for one, or cancel one: `sluice replay list`")
        }
        let (journal, folder) = (journal, dataFolder)
        let (from, to) = (request.from.milliseconds, request.to.milliseconds)
        let (known, next, first, last) = try await files.run {
            let known = try journal.functions().compactMap { JSONText.decode(FunctionVersion.self, from: $0.body) }
            let state = try journal.recover()
            // What was accepted at the same time on several threads may be a little out of order.
            return (
                known.map { $0.moved(to: folder) }, state.nextSubscription,
                try journal.position(ingestedFrom: from - Self.slack) - 1,
                min(state.head, try journal.position(ingestedFrom: to + Self.slack))
            )
        }
        let plan = try ReplayPlan(
            request, dispatcher.deployment, known: known, next: request.dryRun ? nil : next)
        _ = try ReplayMatcher(plan.paths, filter: request.eventPattern)
        let replay = ReplayRecord(
            request: request, started: clock.wall, paths: plan.paths, versions: plan.versions, first: first, last: last)
        var batch = Batch()
        if !request.dryRun {
            for settings in plan.paths.map(\.settings) {
                batch.control.append(
                    .putSubscription(
                        SubscriptionRecord(
                            id: settings.id, log: ReplayLog.name(of: request.name), rule: settings.rule,
                            target: settings.target)))
            }
        }
        batch.control.append(.putValue(name: replay.name, body: JSONText.encode(replay)))
        _ = try await committer.commit(batch)
        replays[request.name] = replay
        try await apply()
        Task { @LoopActor in await run(request.name) }
        return try await info(request.name) ?? report(replay, [:])
    }

    private nonisolated static let slack: Int64 = 60_000

    // MARK: Asking

    package func info(_ name: String) async throws -> ReplayInfo? {
        guard let replay = replays[name] else { return nil }
        return report(replay, try await progress())
    }

    /// Newest first.
    package func list() async throws -> [ReplayInfo] {
        let progress = try await progress()
        return replays.values.sorted { ($0.started, $0.request.name) > ($1.started, $1.request.name) }
            .map { report($0, progress) }
    }

    /// Replays no more; what was replayed is delivered. Nil where there is no such replay.
    package func cancel(_ name: String) async throws -> ReplayInfo? {
        guard let replay = replays[name] else { return nil }
        if replay.state == .running {
            replays[name]?.state = .cancelling
            try await store(name)
        }
        return try await info(name)
    }

    // MARK: Running

    private func run(_ name: String) async {
        guard let replay = replays[name] else { return }
        let matcher: ReplayMatcher
        do {
            matcher = try ReplayMatcher(replay.paths, filter: replay.request.eventPattern)
        } catch {
            return await end(name, .failed, because: error.message)
        }
        while let replay = replays[name], replay.state == .running, !replay.isThrough, !isStopping {
            do {
                if replay.request.dryRun {
                    try await shadow(replay, matcher)
                } else {
                    try await forward(replay, matcher)
                }
            } catch let error as JournalError where error.code != .closed {
                // A full or failing disk: tried again, from the cursor on.
                log.error("a replay cannot go on", metadata: ["replay": "\(name)", "error": "\(error)"])
                await pause(milliseconds: 1000)
            } catch let error as APIError {
                return await end(name, .failed, because: error.message)
            } catch {
                // The journal closes: the next host goes on.
                return
            }
        }
        while !isStopping, replays[name]?.isOpen == true {
            guard let left = try? await unsettled(name) else { return }
            if left == 0 { break }
            await pause(milliseconds: 25)
        }
        guard !isStopping, let state = replays[name]?.state else { return }
        await end(name, state == .cancelling ? .cancelled : .completed)
    }

    /// The next page of the log into the replay's own.
    private func forward(_ replay: ReplayRecord, _ matcher: ReplayMatcher) async throws {
        let name = replay.request.name
        while try await unsettled(name) >= Self.window, !isStopping, replays[name]?.state == .running {
            await pause(milliseconds: 10)
        }
        let limit = replay.request.rate.map { max(1, min(Self.page, Int($0 / 4))) } ?? Self.page
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
        var next = replays[name] ?? replay
        next.count(wanted.map { ($0.record, $0.paths.count) }, upTo: cursor)
        batch.control.append(.putValue(name: replay.name, body: JSONText.encode(next)))
        // Not by way of the committer: what is settled must not wait behind a disk that takes no new work.
        _ = try await journal.commit(batch)
        let state = replays[name]?.state ?? next.state
        next.state = state
        replays[name] = next
        if let rate = replay.request.rate, !wanted.isEmpty {
            await pause(milliseconds: Int(Double(wanted.count) / rate * 1000))
        }
    }

    private typealias Wanted = (record: StoredRecord, payload: [UInt8], paths: [Int])

    /// Up to `limit` events that somebody wants, marked as replayed; and how far the log has been read.
    private func read(
        _ replay: ReplayRecord, _ matcher: ReplayMatcher, limit: Int
    ) async throws -> (wanted: [(record: StoredRecord, payload: [UInt8], paths: [Int])], cursor: Position) {
        let journal = journal
        return try await files.run {
            let records = try journal.records(log: replay.request.bus, after: replay.cursor, limit: Self.page)
            var wanted: [Wanted] = []
            var cursor = replay.cursor
            for record in records where record.position <= replay.last {
                cursor = record.position
                guard replay.admits(record) else { continue }
                let paths = matcher.paths(for: record.payload)
                guard !paths.isEmpty else { continue }
                let payload = (try? EventEnvelope.marked(record.payload, replayName: replay.request.name))
                wanted.append((record, payload ?? record.payload, paths))
                if wanted.count == limit { return (wanted, cursor) }
            }
            // Nothing more of this bus before the end.
            if records.count < Self.page || records.last.map({ $0.position > replay.last }) == true {
                cursor = replay.last
            }
            return (wanted, cursor)
        }
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
        var next = replays[name] ?? replay
        for finding in findings { if let finding { next.take(finding) } }
        next.count(wanted.map { ($0.record, $0.paths.count) }, upTo: cursor)
        var batch = Batch()
        batch.control.append(.putValue(name: replay.name, body: JSONText.encode(next)))
        _ = try await committer.commit(batch)
        next.state = replays[name]?.state ?? next.state
        replays[name] = next
        if let rate = replay.request.rate, !wanted.isEmpty {
            await pause(milliseconds: Int(Double(wanted.count) / rate * 1000))
        }
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
        let comparing = comparing
        return await files.run { comparing.compare(run, record, path, request) }
    }

    // MARK: Ending

    private func end(_ name: String, _ state: ReplayInfo.State, because reason: String? = nil) async {
        guard replays[name]?.ended == nil else { return }
        replays[name]?.state = state
        replays[name]?.reason = reason
        replays[name]?.ended = clock.wall
        do {
            try await store(name)
            try await close(name)
        } catch {
            log.error("a replay cannot be ended", metadata: ["replay": "\(name)", "error": "\(error)"])
        }
    }

    /// Takes the temporary subscriptions away, unless they have dead letters: those can be redriven.
    private func close(_ name: String) async throws {
        await turn.acquire(Self.subscriptions)
        defer { turn.release(Self.subscriptions) }
        guard var replay = replays[name], replay.isOpen else { return }
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

    private func store(_ name: String) async throws {
        guard let replay = replays[name] else { return }
        var batch = Batch()
        batch.control.append(.putValue(name: replay.name, body: JSONText.encode(replay)))
        _ = try await committer.commit(batch)
    }

    private func progress() async throws -> [SubscriptionID: SubscriptionProgress] {
        let journal = journal
        let all = try await files.run { try journal.progress() }
        return Dictionary(all.map { ($0.subscription.id, $0) }, uniquingKeysWith: { $1 })
    }

    private func unsettled(_ name: String) async throws -> Int64 {
        guard let replay = replays[name], replay.isOpen else { return 0 }
        let progress = try await progress()
        return replay.paths.reduce(0) { $0 + (progress[$1.settings.id]?.unsettled ?? 0) }
    }

    private func report(_ replay: ReplayRecord, _ progress: [SubscriptionID: SubscriptionProgress]) -> ReplayInfo {
        let own = replay.isOpen ? replay.paths.compactMap { progress[$0.settings.id] ?? closing[$0.settings.id] } : []
        func sum(_ count: (SubscriptionProgress) -> Int64) -> Int64 { own.reduce(0) { $0 + count($1) } }
        return ReplayInfo(
            request: replay.request, state: replay.state, reason: replay.reason, started: .init(replay.started),
            ended: replay.ended.map { .init($0) }, lastReplayed: replay.lastReplayed.map { .init($0) },
            scanned: replay.cursor - replay.first, total: replay.last - replay.first, replayed: replay.replayed,
            deliveries: replay.deliveries, succeeded: replay.succeeded + sum(\.succeeded),
            dropped: replay.dropped + sum(\.dropped), superseded: replay.superseded + sum(\.superseded),
            waiting: sum(\.unsettled), dead: replay.dead + sum { $0.dead + $0.purged }, shadow: replay.shadow)
    }

    private func pause(milliseconds: Int) async {
        await withCheckedContinuation { continuation in
            _ = LoopTimer.after(.milliseconds(max(1, milliseconds))) { continuation.resume() }
        }
    }
}

extension ReplayRecord {
    /// Events that were replayed, with their deliveries, and how far the log has been read.
    package mutating func count(_ events: [(record: StoredRecord, deliveries: Int)], upTo cursor: Position) {
        replayed += Int64(events.count)
        for (record, deliveries) in events {
            self.deliveries += Int64(deliveries)
            lastReplayed = max(lastReplayed ?? record.ingested, record.ingested)
        }
        self.cursor = max(self.cursor, cursor)
    }

    /// What one run in the shadow showed.
    package mutating func take(_ finding: ShadowFinding) {
        if finding.hasFailed { dead += 1 } else if finding.isSuperseded { superseded += 1 } else { succeeded += 1 }
        var report = shadow ?? ShadowReport()
        report.add(finding, examples: request.examples)
        shadow = report
    }
}

extension SubscriptionProgress {
    /// Everything that is not over: in the log, in flight, retrying, redriven or parked.
    fileprivate var unsettled: Int64 { waiting + retrying + parked + redriven }
}

extension FunctionVersion {
    /// The same with its module in `dataFolder`: the folder may have been moved, or be a backup.
    func moved(to dataFolder: String) -> FunctionVersion {
        var moved = self
        let file = modulePath.split(separator: "/").last.map(String.init) ?? ""
        moved.modulePath = "\(ModuleStore.folder(of: name, version: version, in: dataFolder))/\(file)"
        return moved
    }
}
