import AppConfig
import HostAPI
import Journal
import UVLoop

/// What a deployment takes away while it still waits for something: nothing of it is lost, and whoever deploys is to
/// know.
extension Deployer {
    func leftFindings(_ app: AppDefinition, over before: Deployment) async -> [AppFinding] {
        await manifestFindings(app, over: before) + pausedFindings(app, over: before)
    }

    /// Targets that go while they are paused: nobody who looks at the rules sees them any more.
    private func pausedFindings(_ app: AppDefinition, over before: Deployment) async -> [AppFinding] {
        let backlogs = await pausedBacklogs()
        return before.subscriptions.compactMap { settings -> AppFinding? in
            let rule = app.rules.first { $0.bus == settings.bus && $0.name == settings.rule }
            guard !settings.draining, let count = backlogs[settings.id], count > 0,
                rule?.targets.contains(where: { $0.id == settings.target }) != true
            else { return nil }
            let bus = settings.bus == "default" ? "" : " --bus \(settings.bus)"
            return AppFinding(
                severity: "warning", code: "PausedBacklog",
                message:
                    "rule \(settings.rule), target \(settings.target) is gone while it is paused, and "
                    + "\(count == 1 ? "an event waits" : "\(count) events wait") for it: sluice rules resume "
                    + "\(settings.rule)\(bus) --target \(settings.target) has them delivered",
                file: rule?.file ?? before.app.rules.first { $0.bus == settings.bus && $0.name == settings.rule }?.file
                    ?? "")
        }
    }

    private func manifestFindings(_ app: AppDefinition, over before: Deployment) async -> [AppFinding] {
        await awaitedManifests().counts.sorted { $0.key < $1.key }.compactMap { name, count -> AppFinding? in
            let rule = app.rules.first { $0.bus == name.bus && $0.name == name.rule }
            let what: String
            switch rule {
            case nil: what = "is gone"
            case let rule? where rule.manifest == nil: what = "has no `manifest:` any more"
            case let rule? where !rule.enabled: what = "is disabled"
            default: return nil
            }
            let (verb, them) = count == 1 ? ("still waits", "its") : ("still wait", "their")
            return AppFinding(
                severity: "warning", code: "StillWaiting",
                message:
                    "rule \(name.rule) \(what), and \(count == 1 ? "a manifest" : "\(count) manifests") that it took "
                    + "\(verb) for \(them) files: when they are there, or \(them) time is over, the rule's targets hear "
                    + "of it (sluice manifests list)",
                file: rule?.file ?? before.app.rules.first { $0.bus == name.bus && $0.name == name.rule }?.file ?? "")
        }
    }
}
