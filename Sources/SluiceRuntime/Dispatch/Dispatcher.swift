import AppConfig
import FunctionProtocol
package import Journal
package import Logging
package import UVLoop

/// The control plane of delivery: feeds the delivery core with what happens and performs what it answers.
///
/// Lives on the loop. Everything that blocks goes to the file threads; everything durable goes through the committer.
@LoopActor
package final class Dispatcher {
    let journal: any JournalStore
    let committer: Committer
    let files: FileThreads
    let clock: HostClock
    let effects: EffectCalls
    let publisher: Publisher
    let logs: LogStore
    let inputs: InputKeeper
    let log: Logger
    let writer: ResolutionWriter
    package var workers: WorkerPool!
    /// Webhooks and commands.
    private(set) lazy var outside = OutsideTargets(files: files, clock: clock, roster: workers.roster, delegate: self)
    package internal(set) var core: DeliveryCore
    package private(set) var deployment: Deployment = .empty {
        didSet {
            let all = deployment.subscriptions + deployment.replays.subscriptions
            retentions = Dictionary(
                all.compactMap { settings in settings.retention.map { (settings.id, $0) } },
                uniquingKeysWith: { first, _ in first })
        }
    }
    /// How long the streams of subscriptions to streams keep their records: asked for each record.
    private(set) var retentions: [SubscriptionID: Int64] = [:]
    var attempts: [Int64: AttemptContext] = [:]
    var directWaiters: [Int64: (DirectResult) -> Void] = [:]
    var lastDirect: Int64 = 0
    /// Direct invocations whose effects are collected and not published.
    var shadows: [Int64: Shadow] = [:]
    /// Where redrives to another function are queued.
    var lanes: [String: SubscriptionID] = [:]
    /// What those redrives hold back, by dead letter.
    var laneKeys: [Int64: HeldKey] = [:]
    var tallies: [String: FunctionTally] = [:]
    /// Of the subscriptions that the app's rules have; direct invocations and dry runs have none.
    var deliveryTallies: [SubscriptionID: AttemptTally] = [:]
    var directSubscriptions: [String: SubscriptionID] = [:]
    /// The patterns of subscriptions that have had undecided events, by the deployment in force.
    var deciders: [SubscriptionID: RuleDecider] = [:]
    /// What handlers get, by the deployment in force.
    private(set) var handlerInputs = HandlerInputs()
    /// Looks again at what a redriven event says is missing; nil: the host stops.
    var lookAtManifest: @LoopActor ([UInt8], SubscriptionSettings) async -> Result<[UInt8], Failure>? = { event, _ in
        .success(event)
    }
    private var timer: LoopTimer?
    private var timerDue: Instant = 0
    var sweeper: LoopTimer?
    /// Subscriptions whose parked keys are being told again, and the number of the task that does it: of several, by
    /// deployments close together, only the newest one's reading counts.
    package internal(set) var parking: [SubscriptionID: Int] = [:]
    var parkings = 0
    /// Why that cannot be done yet.
    var parkingTroubles: [SubscriptionID: String] = [:]
    /// Dead letters whose keys cannot be read, of subscriptions that start nothing as long as there are any.
    var damagedLetters: [SubscriptionID: Set<Int64>] = [:]
    /// Of dead letters whose events cannot be read, the keys of the records that they came from.
    var recoveredKeys: [Int64: String] = [:]
    /// Entries of the pending set that could not be read when the host started.
    var unloaded: [Delivery: String] = [:]
    /// Continuations that wait for an attempt to end.
    var endWaiters: [() -> Void] = []
    /// One at a time takes dead letters away, or counts them (`deadLetters`).
    package let turns = NameLocks()
    static let deadLetters: Set<String> = ["dead letters"]
    private(set) var isStopping = false
    /// Until the pending set is loaded nothing starts: what it holds would be loaded twice.
    private var isLoading = true
    /// The host was started to be looked at: nothing starts before somebody lets it go (`sluice resume`).
    package private(set) var isHeld = false
    /// What an earlier life has begun and goes on then.
    private var heldTasks: [CheckedContinuation<Bool, Never>] = []
    private var stopped: (() -> Void)?
    private nonisolated let mailbox = BoundedMailbox()
    /// The newest record that has come from the journal.
    private var newest: Position = 0
    /// Tells `sluice status` and the drop benchmark when an attempt began.
    var observers: [@LoopActor (AttemptContext) -> Void] = []
    /// Notes the steps of a benchmark's events.
    var watch: LatencyWatch?
    /// Pauses in force and past ones, as the journal has them.
    var pauses: [SubscriptionID: PauseNote] = [:]
    /// Kinds of dead letters that the host's log has named since the host started.
    var knownDeaths: Set<String> = []
    /// How attempts ended since the host started, as alarms count them.
    var alarmCounts: [SubscriptionID: AttemptCounts] = [:]

    package init(
        boot: Int64, globalLimit: Int, journal: any JournalStore, committer: Committer, files: FileThreads,
        clock: HostClock, effects: EffectCalls, publisher: Publisher, logs: LogStore, inputs: InputKeeper, log: Logger
    ) {
        self.journal = journal
        self.committer = committer
        self.files = files
        self.clock = clock
        self.effects = effects
        self.publisher = publisher
        self.logs = logs
        self.inputs = inputs
        self.log = log
        writer = ResolutionWriter(clock: clock)
        core = DeliveryCore(
            boot: boot, globalLimit: globalLimit, seed: UInt64(bitPattern: clock.nanoseconds) ^ UInt64(boot))
    }

    /// What an earlier life had in force: known to recovery, not yet running.
    package func restore(_ deployment: Deployment) {
        self.deployment = deployment
        handlerInputs = HandlerInputs(deployment)
    }

    /// Takes a deployment into force: functions, limits, subscriptions. `progress` tells where the log of a
    /// subscription that is new to this life is read from.
    package func apply(
        _ deployment: Deployment, progress: [SubscriptionID: SubscriptionProgress], head: Position, cores: Int
    ) {
        let before = self.deployment
        self.deployment = deployment
        handlerInputs = HandlerInputs(deployment)
        deciders = [:]
        core.setGlobalLimit(deployment.app.limits.concurrency ?? max(16, cores * 4))
        // What was removed gives back what it had reserved before anybody else reserves.
        core.keepReservations(of: Set(deployment.functions.keys))
        for (name, function) in deployment.functions.merging(deployment.replays.functions, uniquingKeysWith: { $1 }) {
            core.setFunction(
                name, limit: function.definition.reservedConcurrency ?? cores,
                // A version that runs only for a replay is no second claim on the same reservation.
                reserved: function.definition.reservedConcurrency != nil && deployment.functions[name] != nil)
            workers.prepare(function.workerVersion)
        }
        core.setDownstreams(
            Dictionary(
                (deployment.app.downstreams ?? []).map { downstream in
                    (
                        downstream.name,
                        DownstreamLimits(
                            rate: downstream.rateLimit.map { Rate(count: $0.count, per: $0.per) },
                            concurrency: downstream.concurrency)
                    )
                }, uniquingKeysWith: { first, _ in first }))
        // The same version may run under another name: a replay's, or a redrive's.
        let running = Set(
            deployment.functions.merging(deployment.replays.functions, uniquingKeysWith: { $1 }).values.map(
                \.workerVersion))
        for (name, function) in before.functions.merging(before.replays.functions, uniquingKeysWith: { $1 })
        where deployment.function(name) != function && !running.contains(function.workerVersion) {
            workers.retire(function.workerVersion)
        }
        for settings in deployment.subscriptions + deployment.replays.subscriptions {
            // The log is read once in any case: what was committed while the deployment was, may not be in `progress`.
            let floor = progress[settings.id]?.floorPosition ?? head
            core.setSubscription(
                settings.id, function: settings.function, rules: deployment.rules(of: settings), loaded: floor,
                // `head` was read a while ago; what has come since went by a core that did not know the subscription.
                newest: max(head, newest, floor + 1)
            ) { work, policy in policy.flatMap { EventReading.key(of: work.payload, path: $0.path) } }
            if settings.isOutside { core.setFunction(settings.function, limit: settings.outsideConcurrency) }
            core.setStranded(settings.id, deployment.unreadable[settings.id] != nil)
            let old = before.subscription(settings.id)
            if let old, old.rules.keys != settings.rules.keys { parking[settings.id] = nil }
            // At a start they are told before anything can start.
            if !isLoading, core.isUntold(settings.id), parking[settings.id] == nil { tellParkedAgain(settings.id) }
        }
        strandLanes()
        for name in Array(deployment.functions.keys) + Array(deployment.replays.functions.keys) {
            let id = directSubscription(of: name)
            core.setSubscription(
                id, function: name, rules: DeliveryRules(retry: DeliveryPolicy(maximumAttempts: 1)), loaded: head,
                newest: head)
            core.setStranded(id, false)
        }
        forgetGone()
        pump()
    }

    /// Replays come and go: what the core knows of ended ones would only ever grow.
    private func forgetGone() {
        var known = Set((deployment.subscriptions + deployment.replays.subscriptions).map(\.id)).union(lanes.values)
        for (name, id) in directSubscriptions where deployment.function(name) != nil { known.insert(id) }
        core.forget { !known.contains($0) }
    }

    // MARK: Records from the journal

    /// Called on the journal's thread after each transaction.
    package nonisolated func recordsCommitted(_ records: [CommittedRecord]) {
        guard mailbox.put(records) else { return }
        LoopActor.submit { self.drainMailbox() }
    }

    private func drainMailbox() {
        let contents = mailbox.take()
        watch?.note(.taken, contents.records.lazy.map(\.position))
        let moment = clock.moment
        newest = max(newest, contents.records.last?.position ?? 0, contents.noted.values.max() ?? 0)
        core.accept(contents.records, now: moment.now) { record, id, rules in
            traits(of: record, for: id, rules, at: moment)
        }
        core.note(contents.noted)
        pump()
    }

    /// Recovery is through: deliveries may start.
    package func release() {
        isLoading = false
        pump()
    }

    /// Nothing starts from here on.
    func hold() { isHeld = true }

    /// What was held back goes on.
    func letGo() {
        isHeld = false
        resumeHeld(true)
        pump()
    }

    private func resumeHeld(_ goesOn: Bool) {
        let tasks = heldTasks
        heldTasks = []
        for task in tasks { task.resume(returning: goesOn) }
    }

    /// Answers at once, or when what is held goes on; false: the host stops before.
    func mayGoOn() async -> Bool {
        guard isHeld else { return true }
        guard !isStopping else { return false }
        return await withCheckedContinuation { heldTasks.append($0) }
    }

    // MARK: The pump

    /// Performs what the core wants done now, and sets the timer for what it wants later.
    package func pump() {
        guard !isLoading, !isHeld, !isStopping, workers != nil else { return }
        for action in core.pump(now: clock.now) {
            switch action {
            case .start(let attempt): start(attempt)
            case .refill(let subscription, let after, let limit): refill(subscription, after: after, limit: limit)
            case .refillKeys(let subscription, let request): refillKeys(subscription, request)
            case .reload(let subscription, let deliveries): reload(subscription, deliveries)
            }
        }
        storeRates()
        setTimer()
    }

    private func setTimer() {
        guard let due = core.nextDue else {
            timer?.cancel()
            timer = nil
            return
        }
        if timer != nil, timerDue == due { return }
        timer?.cancel()
        timerDue = due
        timer = LoopTimer.after(.milliseconds(max(1, due - clock.now))) { [weak self] in
            self?.timer = nil
            self?.pump()
        }
    }

    private func refill(_ subscription: SubscriptionID, after position: Position, limit: Int) {
        let (journal, bytes) = (journal, core.window.refillBytes)
        Task { @LoopActor in
            do {
                let records = try await files.run {
                    try journal.waiting(subscription, after: position, limit: limit, bytes: bytes)
                }
                let moment = clock.moment
                core.refilled(subscription, with: records, limit: limit, now: moment.now) { record, rules in
                    traits(of: record, for: subscription, rules, at: moment)
                }
            } catch {
                log.error(
                    "cannot read the log", metadata: ["subscription": "\(subscription.value)", "error": "\(error)"])
                core.refillFailed(subscription)
                // No pump at once: a broken disk must not be asked in a hot loop.
                _ = LoopTimer.after(.milliseconds(1000)) { [weak self] in self?.pump() }
                return
            }
            pump()
        }
    }

    // MARK: Stopping

    /// From now on nothing more is started; what runs goes on.
    func startNothingMore() {
        isStopping = true
        resumeHeld(false)
        tellOfEnd()
    }

    private func tellOfEnd() {
        let waiters = endWaiters
        endWaiters = []
        for waiter in waiters { waiter() }
    }

    /// Starts nothing more and waits until nothing runs, at most `grace` milliseconds; what runs longer is killed and
    /// will be delivered again by the next host.
    package func stop(grace: Int) async {
        startNothingMore()
        timer?.cancel()
        sweeper?.cancel()
        if !attempts.isEmpty {
            let deadline = LoopTimer.after(.milliseconds(grace)) { [weak self] in
                guard let self else { return }
                for context in self.attempts.values where !self.outside.cancel(id: UInt64(context.id.number)) {
                    self.workers.cancel(id: UInt64(context.id.number), reason: "HostStopping")
                }
                self.stopped?()
                self.stopped = nil
            }
            await withCheckedContinuation { continuation in
                stopped = { continuation.resume() }
            }
            deadline.cancel()
        }
        if workers != nil { outside.stop() }
        // What was still queued never ran; its callers hear so.
        let waiters = directWaiters
        directWaiters = [:]
        for waiter in waiters.values { waiter(.refused("HostStopping", "the host is stopping")) }
        endShadows()
    }

    func forget(_ context: AttemptContext) {
        attempts[context.id.number] = nil
        tellOfEnd()
        if isStopping, attempts.isEmpty {
            stopped?()
            stopped = nil
        }
    }
}
