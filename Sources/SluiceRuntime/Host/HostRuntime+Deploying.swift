package import HostAPI
import Journal
import Logging
import UVLoop

/// How a running host takes another app into force.
extension HostRuntime {
    /// What a deployment that is committed still has to change, in this order. Each can fail on its own, and is made up
    /// for by the next deployment, also by one that changes nothing.
    enum DeploymentPart: String, CaseIterable {
        case manifests, buckets, schedules, alarms
    }

    package func deploy(folder: String?, dryRun: Bool, by who: String? = nil) async throws -> DeployResult {
        // One after another, each to its end: an older one must not put its schedules, manifests and buckets back into
        // force after a newer one's. Saying what would change changes nothing.
        let turn: Set<String> = dryRun ? [] : ["deployment"]
        await deploying.acquire(turn)
        defer { deploying.release(turn) }
        guard phase == .ready else { throw APIError.unavailable("the host is \(phase.rawValue)") }
        let known = deployment.appFolder.isEmpty ? options.appFolder : deployment.appFolder
        guard let folder = folder ?? known else {
            throw APIError.invalidRequest("no app folder is known", hint: "name one: `sluice deploy --app DIR`")
        }
        let outcome = try await deployed(folder: folder, dryRun: dryRun, by: who)
        if !dryRun { try await finishDeployment() }
        return DeployResult(
            accepted: outcome.accepted, ruleSet: deployment.ruleSet, changes: outcome.changes,
            findings: outcome.findings)
    }

    /// Deploys and puts into force, while no replay begins or ends: it would take the ids of new subscriptions, and put
    /// what was in force before into force again.
    private func deployed(folder: String, dryRun: Bool, by who: String?) async throws -> Deployer.Outcome {
        await replays.turn.acquire(ReplayJobs.subscriptions)
        defer { replays.turn.release(ReplayJobs.subscriptions) }
        if !dryRun, let untaken { try await takeCommitted(untaken) }
        // Each deployment's rules take the manifests from its position on: none may be passed over.
        if !dryRun, missingParts.contains(.manifests) { try await manifests.apply(deployment) }
        let outcome = await deployer.deploy(folder: folder, over: untaken ?? deployment, dryRun: dryRun)
        guard !dryRun else { return outcome }
        defer { publisher.leaving = [:] }
        guard outcome.accepted else {
            await closeReopened(notIn: deployment)
            return outcome
        }
        notes[Self.appNote] = nil
        notes[Self.limitsNote] = nil
        if outcome.deployment.ruleSet != deployment.ruleSet {
            // It is in the journal, and this was who has asked for it; who takes it into force may be somebody else.
            logDeployment(outcome.deployment, by: who ?? "somebody unnamed")
            try await takeCommitted(outcome.deployment)
        }
        return outcome
    }

    /// Takes what the journal has as its deployment: there is no way back, so what passes is waited for.
    private func takeCommitted(_ deployment: Deployment) async throws {
        untaken = deployment
        missingParts = DeploymentPart.allCases
        for left in stride(from: 9, through: 0, by: -1) {
            do {
                try await changeBuckets()
                try await take(deployment)
                break
            } catch {
                guard left > 0, (error as? JournalError)?.isPassing == true, phase == .ready else {
                    noteUnfinished("\(error)")
                    throw error
                }
                log.error("a deployment cannot take force yet", metadata: ["error": "\(error)"])
                await takeManifests(of: deployment)
                await LoopPause.sleep(milliseconds: 1000, while: { phase == .ready })
            }
        }
        untaken = nil
        await closeBuckets(notIn: deployment.app)
    }

    /// Manifest rules read the log up to the deployment that is not theirs yet. Those that it leaves as they are need
    /// not wait for what is not about manifests; where this fails, too, they are taken with the rest.
    private func takeManifests(of deployment: Deployment) async {
        guard missingParts.contains(.manifests) else { return }
        do {
            // A bucket that does not answer must not keep the rest from being tried again.
            try await manifests.apply(deployment, waits: false)
            missingParts.removeAll { $0 == .manifests }
        } catch {
            log.error("its manifest rules cannot take force yet, either", metadata: ["error": "\(error)"])
        }
    }

    /// Brings into force what is left of the deployment in force, and throws the first error; the rest is done all the
    /// same.
    private func finishDeployment() async throws {
        guard !missingParts.isEmpty else { return }
        let inForce = deployment
        var failure: (part: DeploymentPart, error: any Error)?
        for part in missingParts {
            do {
                switch part {
                case .manifests: try await manifests.apply(inForce)
                case .buckets:
                    try await changeBuckets()
                    try await startWatching()
                case .schedules: try await schedules.apply(inForce)
                case .alarms: try await alarms.apply(inForce)
                }
                missingParts.removeAll { $0 == part }
            } catch {
                log.error(
                    "a part of a deployment is not in force", metadata: ["part": "\(part)", "error": "\(error)"])
                failure = failure ?? (part, error)
            }
        }
        guard let failure else { return notes[Self.deploymentNote] = nil }
        noteUnfinished("its \(failure.part.rawValue): \(failure.error)")
        throw failure.error
    }

    /// What waits for targets that somebody has paused.
    func pausedBacklogs() async -> [SubscriptionID: Int64] {
        let journal = journal
        let progress = (try? await files.run { try journal.progress() }) ?? []
        var backlogs: [SubscriptionID: Int64] = [:]
        for each in progress {
            guard case .paused = dispatcher.core.flow(of: each.subscription.id) else { continue }
            backlogs[each.subscription.id] = each.waiting + each.retrying + each.parked + each.redriven
        }
        return backlogs
    }

    private func noteUnfinished(_ reason: String) {
        let number = (untaken ?? deployment).ruleSet
        notes[Self.deploymentNote] =
            "the deployment \(number) was accepted and is not wholly in force; `sluice deploy` brings in what is missing: \(reason)"
    }

    /// In `notes`: a deployment is only partly in force.
    private static let deploymentNote = "deployment"
}
