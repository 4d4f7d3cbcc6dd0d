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
                    text: manifest.pattern,
                    limit: Int64(manifest.timeLimitSeconds)))
        }
        for settings in deployment.subscriptions where settings.hearsOfManifests {
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

/// What a deployment must know of manifests before it takes a rule away.
package struct AwaitedManifests: Sendable {
    /// How many each rule waits for.
    package var counts: [ManifestRuleName: Int] = [:]
    /// The rules whose targets may still have to hear of one: those that wait, and those that take what nobody has read
    /// yet. A rule in force is always one of them: what comes until the deployment is in the journal is still its.
    package var rules: Set<ManifestRuleName> = []

    package init() {}
}

extension ManifestRunner {
    /// What is waited for, after everything was read that has arrived so far. Where the log cannot be read now, its
    /// rules are named all the same.
    package func awaited() async -> AwaitedManifests {
        await catchUp()
        // No step in between in which something that arrives or ends would be in none of them.
        var awaited = AwaitedManifests()
        for (manifest, _) in core.open {
            awaited.counts[ManifestRuleName(bus: manifest.id.bus, rule: manifest.id.rule), default: 0] += 1
        }
        awaited.rules = rules.taking.union(awaited.counts.keys).union(arriving)
        return awaited
    }
}
