import AppConfig
import HostAPI
import Journal
import UVLoop

/// What a deployment takes away while it still waits for something: nothing of it is lost, and whoever deploys is to
/// know.
extension Deployer {
    func leftFindings(_ app: AppDefinition, over before: Deployment) async -> [AppFinding] {
        let waiting = (try? await waitingManifests()) ?? [:]
        return waiting.sorted { $0.key < $1.key }.compactMap { name, count -> AppFinding? in
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
