package import AppConfig
import EventModel
package import Journal

/// Which subscriptions a new app definition has, given those of the deployment before: a pure step of a deployment.
///
/// A subscription is (bus, rule, target id) and survives every edit of its rule: pattern, policy and function may all
/// change while its position stays.
package struct SubscriptionPlan: Sendable {
    package var subscriptions: [SubscriptionSettings] = []
    /// Rows to write before the deployment takes force.
    package var records: [SubscriptionRecord] = []
    /// Gone, and with nothing unsettled.
    package var removed: [SubscriptionID] = []

    private struct Key: Hashable {
        var bus: String
        var rule: String
        var target: String
    }

    /// `next` is the lowest id never used; `hasBacklog` says whether a subscription has anything unsettled;
    /// `awaiting`: the rules whose targets may still have to hear of a manifest (`AwaitedManifests.rules`).
    package init(
        app: AppDefinition, before: [SubscriptionSettings], known: [SubscriptionRecord],
        next: SubscriptionID, awaiting: Set<ManifestRuleName> = [], hasBacklog: (SubscriptionID) -> Bool
    ) {
        let awaiting = Self.released(awaiting, by: app)
        var ids: [Key: SubscriptionID] = [:]
        for record in known { ids[Key(bus: record.log, rule: record.rule, target: record.target)] = record.id }
        var last = next.value - 1
        var kept: Set<SubscriptionID> = []
        for rule in app.rules {
            for target in rule.targets {
                let key = Key(bus: rule.bus, rule: rule.name, target: target.id)
                let isNew = ids[key] == nil
                if isNew {
                    last += 1
                    ids[key] = SubscriptionID(last)
                }
                let id = ids[key]!
                kept.insert(id)
                let isAwaiting = awaiting.contains(ManifestRuleName(bus: rule.bus, rule: rule.name))
                let isReleased = before.contains { $0.id == id && $0.awaitsManifest == true }
                let format =
                    target.inputFormat ?? app.function(named: target.function)?.inputFormat ?? InputFormat.eventBridge
                subscriptions.append(
                    SubscriptionSettings(
                        id: id, bus: rule.bus, rule: rule.name, target: target.id, function: target.function,
                        inputFormat: format, input: target.input,
                        destinations: Self.destinations(of: target, app.function(named: target.function)),
                        awaitsManifest: rule.manifest != nil || isReleased && (isAwaiting || hasBacklog(id))
                            ? true : nil,
                        batchSize: target.batchSize,
                        retry: target.retry, draining: !rule.enabled, delivery: target.delivery,
                        webhook: target.webhook, command: target.command, forward: target.forward,
                        retentionHours: StreamLog.stream(of: rule.bus).flatMap { name in
                            app.streams?.first { $0.name == name }?.retentionHours
                        }))
                records.append(
                    SubscriptionRecord(
                        id: id, log: rule.bus, rule: rule.name, target: target.id,
                        state: rule.enabled ? "active" : "disabled"))
            }
        }
        for old in before where !kept.contains(old.id) {
            var draining = old
            draining.draining = true
            // The rule's other targets are told.
            if old.awaitsManifest == true,
                app.rules.contains(where: { $0.bus == old.bus && $0.name == old.rule && $0.manifest != nil })
            {
                draining.hasLostRule = true
            }
            let isAwaiting =
                draining.hearsOfManifests && awaiting.contains(ManifestRuleName(bus: old.bus, rule: old.rule))
            if hasBacklog(old.id) || isAwaiting {
                subscriptions.append(draining)
                records.append(
                    SubscriptionRecord(
                        id: old.id, log: old.bus, rule: old.rule, target: old.target, state: "draining"))
            } else {
                removed.append(old.id)
            }
        }
    }

    /// Those of the rules that wait for manifests which the app has no more, or not as such rules.
    package static func released(_ awaiting: Set<ManifestRuleName>, by app: AppDefinition) -> Set<ManifestRuleName> {
        awaiting.filter { name in
            !app.rules.contains { $0.bus == name.bus && $0.name == name.rule && $0.manifest != nil }
        }
    }

    private static func destinations(of target: TargetDefinition, _ function: FunctionDefinition?) -> Destinations? {
        let destinations = (target.destinations ?? Destinations()).filled(
            from: function?.destinations ?? Destinations())
        return destinations.isEmpty ? nil : destinations
    }

    /// Functions that draining subscriptions need although the app no longer has them.
    package func orphans(app: AppDefinition) -> Set<String> {
        Set(subscriptions.filter { !$0.isOutside }.map(\.function)).subtracting(app.functions.map(\.name))
    }
}
