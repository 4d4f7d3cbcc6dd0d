import AppConfig
import HostAPI
import Journal
import Logging

/// Which app a host starts with.
extension HostRuntime {
    /// What the life before had in force.
    func storedDeployment() throws -> Deployment {
        guard let stored = state.deployment else { return .empty }
        // Taking it for an empty one would give its subscriptions up, and what waits for them.
        guard let known = JSONText.decode(Deployment.self, from: stored) else {
            throw HostStartError(
                message: "the deployment stored in \(options.dataFolder) cannot be read: another version of sluice "
                    + "wrote it; start that version, or use another data folder")
        }
        return known.rebased(to: options.dataFolder)
    }

    /// Deploys the app's folder where there is one to deploy.
    /// - Returns: what is in force.
    func deployAtStart(over deployment: Deployment) async throws -> Deployment {
        guard let folder = folderToDeploy(over: deployment) else {
            if let fallback = options.fallbackAppFolder, options.appFolder == nil {
                log.notice(
                    "the app deployed from \(deployment.appFolder) stays in force; to deploy \(fallback) instead: --app \(fallback)"
                )
            }
            return deployment
        }
        let outcome = await deployer.deploy(folder: folder, over: deployment, dryRun: false)
        if outcome.accepted {
            for finding in outcome.findings { log.warning("\(finding)") }
            if outcome.deployment.ruleSet != deployment.ruleSet { logDeployment(outcome.deployment, by: nil) }
            return outcome.deployment
        } else if options.appFolder == nil, deployment.ruleSet > 0 {
            // Nobody has asked for another app than the one in force: a slip in a file must not keep a host from coming
            // back.
            for finding in outcome.findings { log.error("\(finding)") }
            let first = outcome.findings.first { $0.severity == "error" }
            let text =
                "the app in \(folder) cannot be deployed (\(first.map { "\($0)" } ?? "?")); what was deployed before, "
                + "rule set \(deployment.ruleSet), stays in force: correct it and run `sluice deploy`"
            log.error("\(text)")
            notes[Self.appNote] = text
            await closeReopened(notIn: deployment)
            return deployment
        } else {
            throw HostStartError(
                message: "the app in \(folder) cannot be deployed:" + Self.hint(outcome.findings, deployment),
                findings: outcome.findings)
        }
    }

    /// What helps where a pattern is refused that is in force all the same: it was accepted before a limit was set, or
    /// while the system still had its time zone.
    private static func hint(_ findings: [AppFinding], _ deployment: Deployment) -> String {
        let known = StoredPatterns.refused(in: deployment.app).map(\.file)
        let isKnown = findings.contains { finding in
            // What is only warned of is not what the app is refused for.
            finding.severity == "error" && finding.code == "InvalidPattern" && !finding.file.isEmpty
                && known.contains(finding.file)
        }
        guard isKnown else { return "" }
        return
            " a pattern that is deployed already would not be accepted today. Without --app the host starts with what "
            + "is deployed (rule set \(deployment.ruleSet)) and this rule as it is; correct the pattern in the folder, "
            + "then `sluice deploy`:"
    }

    /// The folder to deploy at the start; nil to go on with what is deployed. Never another app than that unless it was
    /// asked for: its rules would end, and what waits for them would be drained.
    func folderToDeploy(over deployment: Deployment) -> String? {
        if let folder = options.appFolder { return folder }
        guard let folder = options.fallbackAppFolder else { return nil }
        return deployment.ruleSet > 0 && deployment.appFolder != folder ? nil : folder
    }
}
