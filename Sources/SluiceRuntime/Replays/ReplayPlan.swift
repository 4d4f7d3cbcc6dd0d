import EventModel
import AppConfig
package import HostAPI
package import Journal

/// From a request to the paths that its events go: a pure step of a replay's start.
package struct ReplayPlan: Sendable {
    package private(set) var paths: [ReplayRecord.Path] = []
    package private(set) var versions: [String: FunctionVersion] = [:]

    /// - Parameters:
    ///   - known: every version of the functions, with its module in the data folder.
    ///   - next: the lowest subscription id never used; nil for a dry run, which makes none.
    package init(
        _ request: ReplayRequest, _ deployment: Deployment, known: [FunctionVersion], next: SubscriptionID?
    ) throws(APIError) {
        try Self.check(request, deployment)
        // A target that is no function is named as it is among them.
        let outside = deployment.subscriptions.first {
            $0.isOutside && !$0.draining && $0.bus == request.bus && $0.function == request.function
        }
        try Self.check(request, outside: outside, deployment)
        let chosen = outside == nil ? try Self.version(request.function, deployment, known) : nil
        let rules = deployment.app.rules.filter { rule in
            guard rule.bus == request.bus else { return false }
            if !request.rules.isEmpty { return request.rules.contains(rule.name) }
            if let outside { return rule.enabled && rule.name == outside.rule }
            // A function alone: what its own rules match.
            guard let chosen else { return rule.enabled }
            return rule.enabled && rule.targets.contains { $0.function == chosen.name }
        }
        for rule in rules {
            for settings in deployment.subscriptions
            where settings.bus == rule.bus && settings.rule == rule.name && !settings.draining {
                if let outside, settings.id != outside.id { continue }
                guard let chosen else {
                    paths.append(.init(pattern: rule.pattern, settings: settings, original: settings.id))
                    continue
                }
                if settings.function == chosen.name {
                    var pinned = settings
                    pinned.function = chosen.key
                    paths.append(.init(pattern: rule.pattern, settings: pinned, original: settings.id))
                } else if !request.rules.isEmpty, !rule.targets.contains(where: { $0.function == chosen.name }),
                    !paths.contains(where: { $0.settings.rule == rule.name })
                {
                    // Another function in the place of the rule's first target.
                    paths.append(
                        .init(
                            pattern: rule.pattern,
                            settings: settings.redirected(to: chosen.key, chosen.version.definition),
                            original: settings.id))
                }
            }
        }
        if paths.isEmpty, let chosen, request.rules.isEmpty {
            guard let pattern = request.eventPattern else {
                throw .invalidRequest(
                    "no rule of bus \(request.bus) has the function \(chosen.name) as a target",
                    hint: "name --rule, or say which events with --event-pattern")
            }
            var settings = SubscriptionSettings(
                id: SubscriptionID(0), bus: request.bus, rule: "replay", target: chosen.name, function: chosen.key,
                inputFormat: chosen.version.definition.inputFormat, batchSize: 1, retry: RetryPolicy())
            if StreamLog.isStream(request.bus) {
                // As for a rule on the stream that says nothing else.
                settings.delivery = DeliveryOptions()
                settings.delivery?.keys = DeliveryOptions.Keys(path: StreamFilter.partitionKeyPath)
            }
            paths.append(.init(pattern: pattern, settings: settings, original: nil))
        }
        // What happens outside cannot be collected: a dry run asks nobody there.
        let leftOut = Set(paths.lazy.filter(\.settings.isOutside).map(\.settings.rule))
        if request.dryRun { paths.removeAll { $0.settings.isOutside } }
        guard !paths.isEmpty else { throw Self.nothing(of: rules, outside: leftOut, request, chosen?.name) }
        for index in paths.indices {
            if !request.dryRun, let next { paths[index].settings.id = SubscriptionID(next.value + Int64(index)) }
            // The original outcomes had their events; a replay's outcomes are in `replay show`.
            paths[index].settings.destinations = nil
            if let chosen {
                // A handler of single events gets no batches.
                if !chosen.version.isBatch { paths[index].settings.batchSize = 1 }
            }
        }
        if let chosen, chosen.key != chosen.name { versions[chosen.key] = chosen.version }
    }

    /// Why there is nobody to replay to. `outside`: the rules whose targets a dry run leaves out.
    private static func nothing(
        of rules: [RuleDefinition], outside: Set<String>, _ request: ReplayRequest, _ function: String?
    ) -> APIError {
        var reasons = rules.map { rule in
            if !rule.enabled { return "rule \(rule.name) is disabled" }
            if request.dryRun, outside.contains(rule.name) {
                return "rule \(rule.name) has no function among its targets, and a dry run asks no commands, webhooks, "
                    + "buses and streams"
            }
            return "rule \(rule.name) has no target" + (function.map { " that is \($0)" } ?? "") + " in force"
        }
        if reasons.isEmpty { reasons = ["bus \(request.bus) has no enabled rule with a target"] }
        let told = 5
        if reasons.count > told { reasons = reasons.prefix(told) + ["so it is with \(reasons.count - told) more"] }
        return .invalidRequest(
            "there is nothing to replay to: \(reasons.joined(separator: "; "))",
            hint: rules.contains { !$0.enabled }
                ? "enable the rule, deploy and try again, or name a function and the events: --function, --event-pattern"
                : "`sluice rules list` shows them")
    }

    private static func check(_ request: ReplayRequest, _ deployment: Deployment) throws(APIError) {
        let name = Array(request.name.utf8)
        let isName = name.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isName, (1...64).contains(name.count) else {
            throw .invalidRequest("a replay's name has 1 to 64 letters, digits, `.`, `-` or `_`")
        }
        guard request.from < request.to else {
            throw .invalidRequest("the range ends (\(request.to)) before it begins (\(request.from))")
        }
        if let stream = StreamLog.stream(of: request.bus) {
            guard deployment.stream(stream) != nil else {
                throw .notFound("stream", stream, hint: "sluice.yaml declares them")
            }
        } else if !deployment.app.buses.contains(where: { $0.name == request.bus }) {
            throw .notFound("event bus", request.bus, hint: "sluice.yaml declares them")
        }
        for rule in request.rules
        where !deployment.app.rules.contains(where: { $0.bus == request.bus && $0.name == rule }) {
            let names = deployment.app.rules.filter { $0.bus == request.bus }.map(\.name)
            throw .notFound(
                "rule", rule, hint: NearestName.hint(for: rule, among: names, known: "the rules on bus \(request.bus)"))
        }
        try RequestedRate.check(request.rate)
        guard ReplayRequest.exampleRange.contains(request.examples) else {
            throw .invalidRequest("a dry run tells 0 to 10000 differences, not \(request.examples)")
        }
    }

    /// Whether a target that is no function, named by itself, can be replayed to. It is named here as commands do, not
    /// by the name that stands in the place of a function's.
    private static func check(
        _ request: ReplayRequest, outside: SubscriptionSettings?, _ deployment: Deployment
    ) throws(APIError) {
        guard let name = request.function else { return }
        guard let outside else {
            for rule in deployment.app.rules {
                guard let target = rule.targets.first(where: { $0.isOutside && $0.function == name }) else { continue }
                let shown = "\(rule.name)/\(target.id)"
                if rule.bus != request.bus {
                    throw .invalidRequest(
                        "\(shown) is a target on bus \(rule.bus), not on \(request.bus)", hint: "say --bus \(rule.bus)")
                }
                throw .invalidRequest(
                    rule.enabled
                        ? "\(shown) is not in force yet"
                        : "\(shown) has nobody to go to: rule \(rule.name) is disabled",
                    hint: rule.enabled ? "try again in a moment" : "enable the rule, deploy and try again")
            }
            return
        }
        let shown = "\(outside.rule)/\(outside.target)"
        guard request.rules.isEmpty || request.rules.contains(outside.rule) else {
            throw .invalidRequest(
                "\(shown) is a target of rule \(outside.rule), which --rule leaves out", hint: "leave out --rule")
        }
        guard !request.dryRun else {
            throw .invalidRequest(
                "\(shown) is no function, and a dry run asks nobody outside",
                hint: "without --dry-run it gets the events again")
        }
    }

    private struct Chosen {
        var name: String
        var version: FunctionVersion
        /// `NAME`, or `NAME@VERSION` where that is not the version in force.
        var key: String
    }

    private static func version(
        _ text: String?, _ deployment: Deployment, _ known: [FunctionVersion]
    ) throws(APIError) -> Chosen? {
        guard let text else { return nil }
        let wanted = VersionName(text)
        let current = deployment.functions[wanted.name]
        guard let version = try wanted.found(among: known) ?? current else {
            throw .notFound("function", wanted.name, hint: "`sluice functions list` shows what is deployed")
        }
        return Chosen(
            name: wanted.name, version: version, key: VersionName.key(of: version, inForce: current?.version))
    }
}
