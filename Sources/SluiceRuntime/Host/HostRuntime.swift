import AppConfig
import FunctionProtocol
import Glibc
import HostAPI
package import Journal
package import Logging
import ObjectStore
package import UVLoop

/// The parts of a host, put together; starts them in order and stops them in reverse.
@LoopActor
package final class HostRuntime {
    package nonisolated static let version = "0.1.0"

    let options: HostOptions
    let journal: any JournalStore
    let state: RecoveredState
    let log: Logger
    let clock = HostClock()
    let files: FileThreads
    let buckets = BucketSet()
    let router: EventRouter
    let announcer: ObjectAnnouncer
    package let committer: Committer
    package let publisher: Publisher
    package let dispatcher: Dispatcher
    let redrives: RedriveJobs
    package let replays: ReplayJobs
    private(set) var schedules: ScheduleRunner!
    let manifests: ManifestRunner
    let triggers: TriggerJobs
    private(set) var alarms: AlarmRunner!
    let lifecycle: LifecycleRunner
    let logs: LogStore
    package let events = Feed<CommittedRecord> { $0.payload.count + 500 }
    let started: Milliseconds
    let cores: Int
    var deployer: Deployer!
    var pool: WorkerPool!
    var watchers: [String: BucketWatcher] = [:]
    /// Whether events are taken in: known without the loop.
    let admission: Admission
    let progress: StartProgress
    let backups = BackupTurn()
    var notes: [String: String] = [:]
    /// Whose turn it is to take an app into force.
    let deploying = NameLocks()
    /// A deployment that the journal has and the dispatcher not yet.
    var untaken: Deployment?
    /// What of the deployment in force is not in force yet.
    var missingParts: [DeploymentPart] = []
    /// Buckets as the deployment on its way wants them, until they take the place of those that are open.
    var reopened: [String: Bucket] = [:]
    /// Buckets that are in the data folder although the app names a path for them, with that path.
    var places: [String: String] = [:]
    /// Buckets whose first scan is not done.
    var unscanned: Set<String> = []
    /// Whether manifests may be looked at once all buckets have been looked through.
    var mayLook = false
    /// Buckets whose loss was logged.
    var lostBuckets: Set<String> = []
    var lossWatch: LoopTimer?
    var housekeeping: LoopTimer?
    var lastHousekeeping: Instant?
    private var draining: Task<Void, Never>?
    /// Whether what ran when the host before was lost has been charged: until then its loss must stay known.
    private var isLossCounted = false

    package init(
        options: HostOptions, journal: any JournalStore, state: RecoveredState, log: Logger,
        makeThreads: (_ count: Int) -> FileThreads = { FileThreads(count: $0) }
    ) {
        self.options = options
        self.journal = journal
        self.state = state
        self.log = log
        started = clock.wall
        admission = Admission(dataFolder: options.dataFolder)
        progress = options.progress ?? StartProgress(dataFolder: options.dataFolder)
        cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        files = makeThreads(max(4, cores * 2))
        router = EventRouter()
        announcer = ObjectAnnouncer(journal: journal, router: router, clock: clock, boot: state.boot)
        committer = Committer(journal: journal, log: log)
        logs = LogStore(dataFolder: options.dataFolder, clock: clock)
        publisher = Publisher(
            buckets: buckets, journal: journal, committer: committer, files: files, clock: clock, announcer: announcer,
            log: log)
        let inputs = InputKeeper(buckets: buckets, journal: journal, files: files)
        let effects = EffectCalls(buckets: buckets, journal: journal, files: files, inputs: inputs, router: router)
        dispatcher = Dispatcher(
            boot: state.boot, globalLimit: max(16, cores * 4), journal: journal, committer: committer, files: files,
            clock: clock, effects: effects, publisher: publisher, logs: logs, inputs: inputs, log: log)
        redrives = RedriveJobs(
            journal: journal, committer: committer, files: files, clock: clock, dispatcher: dispatcher,
            boot: state.boot)
        replays = ReplayJobs(
            journal: journal, committer: committer, files: files, clock: clock, dataFolder: options.dataFolder,
            buckets: buckets, dispatcher: dispatcher, log: log)
        manifests = ManifestRunner(
            journal: journal, committer: committer, files: files, clock: clock, announcer: announcer,
            buckets: buckets, log: log)
        dispatcher.lookAtManifest = { [manifests] event, settings in
            await manifests.lookAgain(at: event, bus: settings.bus, rule: settings.rule)
        }
        triggers = TriggerJobs(
            journal: journal, files: files, clock: clock, announcer: announcer, buckets: buckets, log: log,
            boot: state.boot)
        let ids = dispatcher
        lifecycle = LifecycleRunner(
            journal: journal, files: files, clock: clock, buckets: buckets, publisher: publisher, committer: committer,
            log: log, nextAttempt: { ids.core.takeAttemptID() })
        schedules = ScheduleRunner(
            journal: journal, committer: committer, files: files, clock: clock, announcer: announcer, log: log,
            isAccepting: { [admission, dispatcher] in admission.hasRoom && !dispatcher.isHeld })
        alarms = AlarmRunner(
            journal: journal, committer: committer, files: files, clock: clock, announcer: announcer, log: log,
            measure: { [unowned self] in self.alarmMeasures })
        let (router, dispatcher, events, manifests, alarms) = (router, dispatcher, events, manifests, alarms!)
        journal.setRematch { append, ruleSet in
            // A replay's paths are pinned at its start.
            ReplayLog.isReplay(append.log) ? append : router.rematch(append, ruleSet: ruleSet)
        }
        journal.observeAppends { records in
            dispatcher.recordsCommitted(records)
            manifests.recordsCommitted(records)
            alarms.recordsCommitted(records)
            if events.hasListeners { for record in records { events.send(record) } }
        }
    }

    /// Starts everything; when it returns the host accepts work. Recovery comes before dispatching and scanning.
    package func start() async throws {
        let data = options.dataFolder
        try checkThreads()
        logStart()
        // What runs so far ends; the next step then does not begin.
        progress.onInterrupt { [weak self] in
            Task { @LoopActor in if self?.phase == .starting { await self?.drain(grace: 0) } }
        }
        try begin("reading what is deployed")
        _ = await files.run { WorkerRoster.killLeftovers(dataFolder: data) }
        try makePool()
        deployer = Deployer(
            journal: journal, files: files, router: router, clock: clock, dataFolder: options.dataFolder, log: log,
            openBuckets: { [unowned self] app in await self.open(app) },
            bucketNotes: { [unowned self] in try await self.newNotes() },
            tryModule: { [unowned self] version throws(Failure) in
                try await self.pool.check(version.workerVersion)
            },
            waitUntilFilled: { [unowned self] logs, app in
                await self.publisher.waitUntilFilled(logs, buckets: self.leaving(app), milliseconds: 10_000)
            },
            awaitedManifests: { [unowned self] in await self.manifests.awaited() },
            pausedBacklogs: { [unowned self] in await self.pausedBacklogs() })
        var deployment = try storedDeployment()
        if deployment.ruleSet > 0 {
            let refused = try deployer.restore(deployment)
            deployment.unreadable = router.current.unreadable
            for finding in refused { log.warning("\(finding)") }
            notes[Self.limitsNote] = refused.isEmpty ? nil : refused.map(\.message).joined(separator: "; ")
            try await reopen(deployment)
        }
        try await replays.load()
        try await redrives.load()
        deployment.replays = pinned
        dispatcher.workers = pool
        dispatcher.restore(deployment)
        let recovery = Recovery(
            state: state, journal: journal, buckets: buckets, committer: committer, files: files, clock: clock,
            publisher: publisher, dispatcher: dispatcher, log: log)
        try begin("finishing what was under way")
        try await recovery.finishDecisions()
        try begin("reading the app")
        // The rules that were in force have what came before another deployment, and its targets hear of it.
        if deployment.ruleSet > 0 { try await manifests.apply(deployment) }
        deployment = try await deployAtStart(over: deployment)
        publisher.leaving = [:]
        // Before anything is put there: which folder it is must be known by then.
        try await changeBuckets()
        try begin("loading what waits")
        try await recovery.cleanStaging(keepsInputs: options.isHeld)
        try await recovery.countHostLost()
        isLossCounted = true
        try await take(deployment)
        await closeBuckets(notIn: deployment.app)
        try await recovery.loadPending()
        try await beginServices(deployment)
    }

    /// The next step of the start, which is not begun where the host is to end instead.
    func begin(_ step: String) throws(StartInterrupted) {
        try progress.begin(step)
        files.perform { [progress] in progress.keep() }
    }

    /// Everything that blocks needs threads of its own: without one nothing would ever be answered.
    private func checkThreads() throws(HostStartError) {
        let refusals = [files.refusal, logs.threadRefusal, manifests.threadRefusal, replays.comparisons.refusal]
        guard let refusal = (refusals + [pool?.threadRefusal]).lazy.compactMap(\.self).first else { return }
        throw .noThread(refusal)
    }

    /// From here on deliveries run, files are seen, and what the clock starts is due.
    private func beginServices(_ deployment: Deployment) async throws {
        if try await mustScanFirst() { try await startWatching() }
        if options.isHeld { hold() }
        dispatcher.release()
        // In turn with replays and deployments: two that take at once might put into force what was there before, or
        // forget what the other has pinned.
        redrives.apply = { [unowned self] in
            await self.replays.turn.acquire(ReplayJobs.subscriptions)
            defer { self.replays.turn.release(ReplayJobs.subscriptions) }
            try await self.take(self.untaken ?? self.dispatcher.deployment)
        }
        try await redrives.resume()
        replays.apply = { [unowned self] in try await self.take(self.untaken ?? self.dispatcher.deployment) }
        try await replays.resume()
        redrives.ended = { [replays] in Task { @LoopActor in await replays.closeSettled() } }
        // What the first scan finds may be a manifest; whether its files are there is known only after it.
        try await manifests.apply(deployment)
        try await startWatching()
        triggers.isKnown = { [unowned self] in
            !self.isHeld && !self.unscanned.contains($0) && !self.lostBuckets.contains($0)
        }
        try await triggers.resume()
        if !isHeld { lookAtManifests() }
        try await schedules.apply(deployment)
        try await alarms.apply(deployment)
        try begin("beginning to answer")
        admission.phase = .ready
        if !isHeld { keepHouse() }
        watchForLoss()
    }

    /// In `notes`: the app's folder is not what is in force.
    static let appNote = "app"
    /// In `notes`: patterns in force that would be refused now.
    static let limitsNote = "limits"

    /// What replays add to a deployment, and the versions that redrives go to.
    private var pinned: ReplayParts {
        var parts = replays.parts
        for (key, version) in redrives.versions { parts.functions[key] = version.moved(to: options.dataFolder) }
        return parts
    }

    /// Puts a deployment into force in the control plane.
    func take(_ deployment: Deployment) async throws {
        var deployment = deployment
        deployment.replays = pinned
        let journal = journal
        let minimumFree = Int64(deployment.app.limits.minFreeMegabytes) << 20
        admission.setMinimumFree(minimumFree)
        let (progress, head) = try await files.run {
            journal.setMinimumFree(minimumFree)
            return (try journal.progress(), try journal.lastRecords(log: nil, limit: 1).last?.position ?? 0)
        }
        dispatcher.apply(
            deployment, progress: Dictionary(uniqueKeysWithValues: progress.map { ($0.subscription.id, $0) }),
            head: head, cores: cores)
    }

    /// The first half of stopping: nothing new is seen or started, what runs may end within `grace` milliseconds, and
    /// callers that wait for an invocation have an answer. Everything can still be asked.
    package func drain(grace: Int = 5000) async {
        // Who comes second waits as well: what is stopped next must not be in use any more.
        if let draining { return await draining.value }
        let task = Task { @LoopActor in await endWork(grace: grace) }
        draining = task
        await task.value
    }

    private func endWork(grace: Int) async {
        log.notice("the host stops")
        admission.phase = .stopping
        // At once: a caller that sees the host stopping may rely on it while the watchers still end.
        dispatcher.startNothingMore()
        backups.stop()
        housekeeping?.cancel()
        lossWatch?.cancel()
        schedules.stop()
        manifests.stop()
        alarms.stop()
        lifecycle.stop()
        replays.stop()
        triggers.stop()
        let watchers = Array(watchers.values)
        await files.run { for watcher in watchers { watcher.stop() } }
        let running = dispatcher.attempts.count
        if running > 0, grace > 0 {
            log.notice("waiting for \(running == 1 ? "one attempt that runs" : "\(running) attempts that run")")
        }
        await dispatcher.stop(grace: grace)
    }

    /// Drains, and stops the rest; the journal closes last.
    package func stop(grace: Int = 5000) async {
        await drain(grace: grace)
        await committer.drain()
        await pool?.shutdown()
        events.close()
        logs.lines.close()
        // Nothing stages any more. Who waits for the journal's lock finds these free.
        for bucket in buckets.all { bucket.releaseLock() }
        let journal = journal
        if state.wasUnclean, !isLossCounted { journal.leaveUnclean() }
        await files.run { [progress] in
            progress.end()
            journal.close()
        }
        log.notice("the host has stopped")
        await logs.written()
        logs.stop()
        replays.stopComparing()
        files.stop()
    }

    private func makePool() throws {
        let worker = options.worker ?? ProgramFolder.path + "sluice-worker"
        guard access(worker, X_OK) == 0 else {
            throw HostStartError(message: "there is no worker at \(worker); build it with `make build`")
        }
        pool = WorkerPool(
            executable: worker, dataFolder: options.dataFolder, files: files, delegate: dispatcher, log: log)
        try checkThreads()
    }
}
