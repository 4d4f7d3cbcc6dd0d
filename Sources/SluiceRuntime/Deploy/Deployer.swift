package import AppConfig
import EventModel
import EventPatterns
package import FunctionProtocol
package import HostAPI
package import Journal
package import Logging
import ObjectStore
package import UVLoop

/// Takes an app folder into force: all of it, or, when anything in it is wrong, none of it.
@LoopActor
package final class Deployer {
    /// What a deployment came to.
    package struct Outcome: Sendable {
        package var accepted: Bool
        package var deployment: Deployment
        package var changes: [DeployResult.Change]
        package var findings: [AppFinding]
    }

    private let journal: any JournalStore
    private let files: FileThreads
    private let router: EventRouter
    private let clock: HostClock
    private let modules: ModuleStore
    private let dataFolder: String
    private let log: Logger
    /// Opens the buckets of a deployment, and watches them; the findings say what could not be opened.
    private let openBuckets: @LoopActor (AppDefinition) async -> [AppFinding]
    /// What the journal is to know of buckets that it has not met before.
    private let bucketNotes: @LoopActor () async throws -> [ControlChange]
    /// Loads a version once, so that a module which cannot run is refused before it takes force.
    private let tryModule: @LoopActor (FunctionVersion) async throws(Failure) -> ModuleManifest
    /// Waits until no decided outcome puts anything into one of these logs, or into a bucket that is another one or
    /// none in the app; those where it still does after a while.
    private let waitUntilFilled: @LoopActor (Set<String>, AppDefinition) async -> [String]
    let awaitedManifests: @LoopActor () async -> AwaitedManifests
    /// What waits for targets that are paused by hand.
    let pausedBacklogs: @LoopActor () async -> [SubscriptionID: Int64]
    private var isBusy = false

    package init(
        journal: any JournalStore, files: FileThreads, router: EventRouter, clock: HostClock, dataFolder: String,
        log: Logger, openBuckets: @escaping @LoopActor (AppDefinition) async -> [AppFinding],
        bucketNotes: @escaping @LoopActor () async throws -> [ControlChange],
        tryModule: @escaping @LoopActor (FunctionVersion) async throws(Failure) -> ModuleManifest,
        waitUntilFilled: @escaping @LoopActor (Set<String>, AppDefinition) async -> [String],
        awaitedManifests: @escaping @LoopActor () async -> AwaitedManifests,
        pausedBacklogs: @escaping @LoopActor () async -> [SubscriptionID: Int64]
    ) {
        self.journal = journal
        self.files = files
        self.router = router
        self.clock = clock
        self.dataFolder = dataFolder
        self.log = log
        self.openBuckets = openBuckets
        self.bucketNotes = bucketNotes
        self.tryModule = tryModule
        self.waitUntilFilled = waitUntilFilled
        self.awaitedManifests = awaitedManifests
        self.pausedBacklogs = pausedBacklogs
        modules = ModuleStore(dataFolder: dataFolder)
    }

    /// Deploys `folder` over `before`. Nothing changes unless everything is right; `dryRun` never changes anything.
    package func deploy(folder: String, over before: Deployment, dryRun: Bool) async -> Outcome {
        guard !isBusy else {
            return refused(before, [AppFinding("DeployRunning", "another deployment is under way", file: folder)])
        }
        isBusy = true
        defer { isBusy = false }
        let loaded: LoadedApp
        do {
            loaded = try await files.run {
                try AppLoader.load(folder: folder, deployed: DeployedPatterns(before.app))
            }
        } catch let error as ConfigError {
            return refused(before, error.findings.map(AppFinding.init))
        } catch {
            return refused(before, [AppFinding("UnreadableFile", "\(error)", file: folder)])
        }
        var findings = loaded.warnings.map(AppFinding.init)
        var plan: VersionPlan
        do {
            let (journal, modules, clock) = (journal, modules, clock)
            plan = try await files.run {
                try VersionPlan(loaded, before: before, journal: journal, modules: modules, now: clock.wall)
            }
        } catch let refusal as VersionPlan.Refusal {
            return refused(before, findings + refusal.findings)
        } catch {
            return refused(before, findings + [AppFinding("DeployFailed", "\(error)", file: folder)])
        }
        if plan.digest == before.digest {
            return Outcome(accepted: true, deployment: before, changes: [], findings: findings)
        }
        let changes = DeploymentChanges.between(before, loaded.definition, plan.functions)
        findings += await leftFindings(loaded.definition, over: before)
        if dryRun { return Outcome(accepted: true, deployment: before, changes: changes, findings: findings) }
        for (index, version) in plan.new.enumerated() {
            do throws(Failure) {
                let manifest = try await tryModule(version)
                plan.new[index].isBatch = manifest.batch
                plan.functions[version.name]?.isBatch = manifest.batch
            } catch {
                findings.append(
                    AppFinding(
                        error.code, "function \(version.name): \(plan.inItsPlace(error.message, of: version))",
                        file: "Functions/\(version.name)"))
            }
        }
        findings += Self.batchFindings(loaded.definition, plan.functions)
        findings += await openBuckets(loaded.definition)
        guard !findings.contains(where: { $0.severity == "error" }) else { return refused(before, findings) }
        do {
            let deployment: Deployment
            do {
                deployment = try await commit(loaded, plan, before)
            } catch let error as JournalError {
                // Something arrived for a subscription that had nothing left to deliver when it was planned to go: once
                // more, with what there is now.
                guard error.code == .constraint else { throw error }
                deployment = try await commit(loaded, plan, before)
            }
            return Outcome(accepted: true, deployment: deployment, changes: changes, findings: findings)
        } catch {
            let text = (error as? Failure)?.message ?? "\(error)"
            return refused(before, findings + [AppFinding("DeployFailed", text, file: folder)])
        }
    }

    /// Puts the rules of a deployment that the journal already holds back into force after a start. The findings:
    /// patterns that would be refused now, by limits that were set since, which stay in force; and those that cannot be
    /// read any more, whose events are kept waiting.
    package func restore(_ deployment: Deployment) throws -> [AppFinding] {
        do throws(PatternError) {
            router.prepare(try RuleSet(deployment, isStored: true))
        } catch {
            throw HostStartError(message: "the rules that are deployed cannot be read: \(error)")
        }
        router.activate(deployment.ruleSet)
        return StoredPatterns.refused(in: deployment.app)
    }

    private func commit(_ loaded: LoadedApp, _ plan: VersionPlan, _ before: Deployment) async throws -> Deployment {
        let journal = journal
        // Before the backlogs are asked for: what a manifest's end puts into one is then in either.
        let awaited = await awaitedManifests()
        let (progress, next, running) = try await files.run {
            (
                try journal.progress(), try journal.recover().nextSubscription,
                try ReplayRecord.functions(in: journal).union(RedriveRecord.functions(in: journal))
            )
        }
        let busy = Set(
            progress.filter { $0.waiting + $0.retrying + $0.parked + $0.redriven + $0.dead > 0 }.map(\.subscription.id))
        let subscriptions = SubscriptionPlan(
            app: loaded.definition, before: before.subscriptions, known: progress.map(\.subscription), next: next,
            awaiting: awaited.rules, hasBacklog: busy.contains)
        var functions = plan.functions
        // Also what a replay or a redrive that is not over goes to: it was asked for that function and no other.
        for name in subscriptions.orphans(app: loaded.definition).union(running) where functions[name] == nil {
            functions[name] = before.functions[name]
        }
        let deployment = Deployment(
            ruleSet: before.ruleSet + 1, digest: plan.digest, appFolder: loaded.folder, deployed: clock.wall,
            app: loaded.definition, functions: functions, subscriptions: subscriptions.subscriptions,
            streams: StreamSettings.plan(
                loaded.definition.streams ?? [], over: before.streams, ruleSet: before.ruleSet + 1, now: clock.wall))
        let rules = try RuleSet(deployment)
        let notes = try await bucketNotes()
        router.prepare(rules)
        // From here on nothing is decided that would put something into them.
        let filling = await waitUntilFilled(before.logs.filter { !rules.has(log: $0) }, loaded.definition)
        guard filling.isEmpty else {
            router.abandon(deployment.ruleSet)
            throw Failure(
                code: "DeployFailed",
                message:
                    "\(filling.joined(separator: ", ")) cannot be taken away or moved yet: outcomes of functions that put "
                    + "something there are waiting for the disk; see to it, and deploy again")
        }
        var batch = Batch()
        for version in plan.new {
            batch.control.append(
                .putFunction(
                    FunctionRecord(
                        name: version.name, version: version.version, digest: version.digest, created: version.created,
                        body: JSONText.encode(version))))
        }
        for record in subscriptions.records { batch.control.append(.putSubscription(record)) }
        for id in subscriptions.removed { batch.control.append(.removeSubscription(id)) }
        batch.control += notes
        batch.control.append(.deploy(ruleSet: deployment.ruleSet, body: JSONText.encode(deployment)))
        do {
            _ = try await journal.commit(batch)
        } catch {
            router.abandon(deployment.ruleSet)
            throw error
        }
        router.activate(deployment.ruleSet)
        return deployment
    }

    /// Targets that would hand batches to handlers which take single events.
    private static func batchFindings(_ app: AppDefinition, _ functions: [String: FunctionVersion]) -> [AppFinding] {
        app.rules.flatMap { rule in
            rule.targets.filter { target in
                let format = target.inputFormat ?? app.function(named: target.function)?.inputFormat
                return target.batchSize > 1 && functions[target.function]?.isBatch == false
                    && !(format == .kinesis && target.input == nil)
            }.map { target in
                AppFinding(
                    "InvalidValue",
                    "rule \(rule.name) gives batches of \(target.batchSize) to \(target.function), whose handler takes one "
                        + "event at a time; make it a BatchHandler, or take batchSize away"
                        + (StreamLog.isStream(rule.bus)
                            ? ", or give it `inputFormat: kinesis`, all records of a batch as one input" : ""),
                    file: rule.file)
            }
        }
    }

    private func refused(_ before: Deployment, _ findings: [AppFinding]) -> Outcome {
        Outcome(accepted: false, deployment: before, changes: [], findings: findings)
    }
}

extension AppFinding {
    init(_ finding: ConfigFinding) {
        self.init(
            severity: finding.severity.rawValue, code: finding.code.rawValue, message: finding.message,
            hint: finding.hint, file: finding.file, line: finding.line, column: finding.column)
    }

    init(_ code: String, _ message: String, file: String) {
        self.init(severity: "error", code: code, message: message, file: file)
    }
}
