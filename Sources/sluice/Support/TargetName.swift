import HostAPI

/// What a target that is no function is called. The host gives it a name of its own in the place of a function's,
/// `command:RULE:ID`; people know the rule and the target's id, which they wrote.
enum TargetName {
    private static let kinds: Set<Substring> = ["webhook", "command", "stream", "bus"]

    /// Where nothing else names the rule: `RULE/ID`, as `status` names subscriptions; a function's name as it is.
    static func shown(_ function: String) -> String {
        guard let parts = parts(function) else { return function }
        return (parts.bus.map { $0 + "/" } ?? "") + "\(parts.rule)/\(parts.id)"
    }

    /// Where the rule and the target's id stand beside it: what it is.
    static func kind(_ function: String) -> String { parts(function)?.kind ?? function }

    /// Where the rule alone stands beside it: `notify (command)`; `command` where it has no other id.
    static func beside(_ function: String) -> String {
        guard let parts = parts(function) else { return function }
        return parts.id == parts.kind ? parts.kind : "\(parts.id) (\(parts.kind))"
    }

    /// With the version that ran; a target that is no function has none.
    static func shown(_ function: String, version: Int, separator: String = " v") -> String {
        isFunction(function) ? "\(function)\(separator)\(version)" : shown(function)
    }

    static func isFunction(_ name: String) -> Bool { parts(name) == nil }

    /// The host's name for what was given as shown. Other names are left as they are. A target that is a function is
    /// refused: what is asked for by function's name is of all rules.
    static func meant(by given: String, _ host: any HostControl) async throws -> String {
        guard given.contains("/") else { return given }
        let rules = try await host.listRules(bus: nil)
        // As `status` names subscriptions, also those of functions.
        for rule in rules {
            let name = (rule.bus == "default" ? "" : rule.bus + "/") + rule.name
            guard let target = rule.targets.first(where: { "\(name)/\($0.id)" == given }) else { continue }
            guard !isFunction(target.function) else {
                throw Failure(
                    "\(given) is a target that runs the function \(target.function), as other rules' targets may",
                    hint: "say \(target.function) for what it does for all of them")
            }
            return target.function
        }
        if let known = rules.flatMap(\.targets).map(\.function).first(where: { shown($0) == given }) { return known }
        return try await host.deadLetterGroups().map(\.function).first { shown($0) == given } ?? given
    }

    private static func parts(_ name: String) -> (kind: String, bus: String?, rule: String, id: String)? {
        // No function's name has a colon.
        let parts = name.split(separator: ":")
        guard parts.count == 3 || parts.count == 4, kinds.contains(parts[0]) else { return nil }
        return (
            String(parts[0]), parts.count == 4 ? String(parts[1]) : nil, String(parts[parts.count - 2]),
            String(parts[parts.count - 1])
        )
    }
}
