import AppConfig
import EventPatterns
import Journal

extension ManifestRule {
    /// The rules of a deployment that wait for files: those that take manifests, and those that take none any more
    /// (disabled, without `manifest:`, or gone) and whose targets are still to hear of what came before.
    static func all(in deployment: Deployment) -> [ManifestRule] {
        var rules: [ManifestRule] = []
        for rule in deployment.app.rules {
            guard let manifest = rule.manifest else { continue }
            let pattern = rule.enabled ? try? StoredPatterns.parse(manifest.pattern) : nil
            rules.append(
                ManifestRule(
                    bus: rule.bus, name: rule.name,
                    fingerprint: pattern == nil ? closed : EventIdentity.hash(manifest.pattern), pattern: pattern,
                    limit: Int64(manifest.timeLimitSeconds)))
        }
        for settings in deployment.subscriptions where settings.awaitsManifest == true {
            guard !rules.contains(where: { $0.bus == settings.bus && $0.name == settings.rule }) else { continue }
            rules.append(
                ManifestRule(bus: settings.bus, name: settings.rule, fingerprint: closed, pattern: nil, limit: nil))
        }
        return rules
    }
}

/// A rule by its bus, as manifests name it.
package struct ManifestRuleName: Sendable, Hashable, Comparable {
    package var bus: String
    package var rule: String

    package init(bus: String, rule: String) {
        self.bus = bus
        self.rule = rule
    }

    package static func < (left: ManifestRuleName, right: ManifestRuleName) -> Bool {
        (left.bus, left.rule) < (right.bus, right.rule)
    }
}

extension ManifestRunner {
    /// How many manifests each rule waits for, those included that have arrived and were not read yet.
    package func waiting() async throws -> [ManifestRuleName: Int] {
        await read()
        let journal = journal
        return try await files.run {
            var counts: [ManifestRuleName: Int] = [:]
            for (_, body) in try journal.values(prefix: Self.prefix) {
                guard let id = JSONText.decode(OpenManifest.self, from: body)?.id else { continue }
                counts[ManifestRuleName(bus: id.bus, rule: id.rule), default: 0] += 1
            }
            return counts
        }
    }
}
