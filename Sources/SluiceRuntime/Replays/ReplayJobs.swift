import EventModel
import EventPatterns
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
    nonisolated static let page = 500
    nonisolated static let shadowPage = 32
    /// Bytes of events that are read at a time, about.
    nonisolated static let pageBytes = 8 << 20
    /// No more is replayed while so many deliveries wait: a cancelled replay has little left to do.
    static let window: Int64 = 20_000
    /// EventBridge allows as many at a time.
    private static let maximumAtOnce = 10
    /// Ended replays that are kept for `replay list`.
    private static let kept = 500

    let journal: any JournalStore
    let committer: Committer
    let files: FileThreads
    let clock: HostClock
    private let dataFolder: String
    let comparing: ShadowComparer
    /// Comparing reads whole files: one thread of its own, so that the host's others never wait for it.
    let comparisons = FileThreads(count: 1)
    /// How far the replays were at the last look (`noteStill`).
    var marks: [String: Mark] = [:]
    let log: Logger
    unowned let dispatcher: Dispatcher
    var replays: [String: ReplayRecord] = [:]
    /// Subscriptions being removed: meanwhile they may be neither in the journal nor in the record.
    var closing: [SubscriptionID: SubscriptionProgress] = [:]
    /// Those that have ended and get on again (`follow`).
    var following: Set<String> = []
    /// One at a time writes a replay, by its name: what was encoded later is in the journal later, by either way.
    let writes = NameLocks()
    private(set) var isStopping = false
    /// One at a time makes or removes subscriptions: their ids count up.
    package let turn = NameLocks()
    package static let subscriptions: Set<String> = ["subscriptions"]
    /// Runs that are looked at for what a replay would add once more (`refuseDoubling`).
    package var leftoversLookedAt = 20_000
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
            } else if replay.isOpen, replay.dropsParked == true {
                Task { @LoopActor in await finishDropping(replay.request.name) }
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

    /// Reads no more; a comparison that is under way is given up.
    package func stop() {
        isStopping = true
        comparing.rows.stop()
    }

    /// Nothing runs any more: what `stop` has given up needs its thread no longer.
    package func stopComparing() { comparisons.stop() }

    /// Starts a replay; durable when it returns.
    package func start(_ request: ReplayRequest) async throws -> ReplayInfo {
        await turn.acquire(Self.subscriptions)
        defer { turn.release(Self.subscriptions) }
        if let known = replays[request.name] {
            throw APIError(
                status: 409, code: "ResourceAlreadyExists",
                message: "there is a replay \(request.name) of \(APITime(known.started)) already",
                hint: "choose another name; `sluice replay list` shows them")
        }
        guard replays.values.count(where: { $0.ended == nil }) < Self.maximumAtOnce else {
            throw APIError(
                status: 429, code: "LimitExceeded", message: "\(Self.maximumAtOnce) replays are under way",
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
                // From the end: where the clock was ahead once, records of the range lie behind some that say later.
                min(state.head, try journal.position(ingestedBefore: to + Self.slack))
            )
        }
        let plan = try ReplayPlan(
            request, dispatcher.deployment, known: known, next: request.dryRun ? nil : next)
        _ = try ReplayMatcher(plan.paths, filter: request.eventPattern, limits: PatternLimits())
        let batched = plan.batched(dispatcher.deployment)
        var replay = ReplayRecord(
            request: request, started: clock.wall, paths: plan.paths, versions: plan.versions, first: first, last: last)
        try await refuseDoubling(replay, batched)
        let warnings = ReplayPlan.warnings(batched, dryRun: request.dryRun)
        replay.warnings = warnings.isEmpty ? nil : warnings
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
        do {
            // Not by way of the committer, which waits for room on the disk: who asks is told why nothing begins.
            _ = try await journal.commit(batch)
        } catch {
            throw APIError.unavailable(
                "the replay was not started, for the journal cannot write: \(error.message)",
                // What does not pass is not the disk's fault.
                hint: error.isPassing ? "make room on the data folder's disk, and start it again" : nil)
        }
        replays[request.name] = replay
        try await apply()
        Task { @LoopActor in await run(request.name) }
        return try await info(request.name) ?? report(replay, [:])
    }

    private nonisolated static let slack: Int64 = 60_000

    /// The first position that a replay has still to read; nil: none reads any more.
    package var unread: Position? {
        replays.values.filter { $0.state == .running && $0.ended == nil && !$0.isThrough }.map { $0.cursor + 1 }.min()
    }

    // MARK: Asking

    package func info(_ name: String) async throws -> ReplayInfo? {
        let progress = try await progress()
        // Looked at last: one that is closed meanwhile has its counts itself.
        guard let replay = replays[name] else { return nil }
        var info = report(replay, progress)
        if (info.parked ?? 0) > 0 {
            let (letters, areMore) = try await lettersThatPark(replay)
            info.parkedBehind = letters
            info.parkedBehindMore = areMore
        }
        return info
    }

    /// Newest first.
    package func list() async throws -> [ReplayInfo] {
        let progress = try await progress()
        return replays.values.sorted { ($0.started, $0.request.name) > ($1.started, $1.request.name) }
            .map { report($0, progress) }
    }

    /// The targets of replays by their temporary subscriptions, also of those that are over.
    package var targets: [SubscriptionID: (replay: String, settings: SubscriptionSettings)] {
        Dictionary(
            replays.values.filter { !$0.request.dryRun }.flatMap { replay in
                replay.paths.map { ($0.settings.id, (replay.request.name, $0.settings)) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Replays no more; what was replayed is delivered, but for what is parked, which is dropped, also of a replay that
    /// has ended with it. Nil where there is no such replay. Where the journal refuses, a running one replays nothing
    /// more all the same, that is written as soon as there is room, and this throws.
    package func cancel(_ name: String) async throws -> ReplayInfo? {
        guard let replay = replays[name] else { return nil }
        if replay.ended == nil {
            replays[name]?.state = .cancelling
            try await store(name, refusal: .tells)
        } else if replay.ended != nil, replay.isOpen, try await standing(name).parked > 0 {
            // One that has failed has its reason.
            switch try await dropParked(name, noting: { if $0.state != .failed { $0.state = .cancelled } }) {
            case .dropped, .nothing: break
            case .busy:
                throw APIError.conflict(
                    "a dead letter of replay \(name) is being redriven, or its key goes on after it: nothing was "
                        + "dropped",
                    hint: "cancel again when that is over: `sluice replay show \(name)`")
            }
        }
        return try await info(name)
    }

    private func report(_ replay: ReplayRecord, _ progress: [SubscriptionID: SubscriptionProgress]) -> ReplayInfo {
        let own = replay.isOpen ? replay.paths.compactMap { progress[$0.settings.id] ?? closing[$0.settings.id] } : []
        let standing = replay.isOpen ? standing(of: replay, progress) : Standing()
        func sum(_ count: (SubscriptionProgress) -> Int64) -> Int64 { own.reduce(0) { $0 + count($1) } }
        return ReplayInfo(
            request: replay.request, state: replay.state, reason: replay.reason, started: .init(replay.started),
            ended: replay.ended.map { .init($0) }, lastReplayed: replay.lastReplayed.map { .init($0) },
            scanned: replay.cursor - replay.first, total: replay.last - replay.first, replayed: replay.replayed,
            deliveries: replay.deliveries, succeeded: replay.succeeded + sum(\.succeeded),
            dropped: replay.dropped + sum(\.dropped), superseded: replay.superseded + sum(\.superseded),
            waiting: standing.open, parked: standing.parked,
            // Nothing dies in the shadow.
            dead: replay.request.dryRun ? 0 : replay.dead + sum { $0.dead + $0.purged },
            failed: replay.request.dryRun ? replay.dead : nil, shadow: replay.shadow, warnings: replay.warnings)
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

extension FunctionVersion {
    /// The same with its module in `dataFolder`: the folder may have been moved, or be a backup.
    func moved(to dataFolder: String) -> FunctionVersion {
        var moved = self
        let file = modulePath.split(separator: "/").last.map(String.init) ?? ""
        moved.modulePath = "\(ModuleStore.folder(of: name, version: version, in: dataFolder))/\(file)"
        return moved
    }
}
