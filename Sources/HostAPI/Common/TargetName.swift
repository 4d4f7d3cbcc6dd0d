/// What a target that is no function is called. The host gives it a name of its own in the place of a function's,
/// `command:RULE:ID`; people know the rule and the target's id, which they wrote.
package enum TargetName {
    private static let kinds: Set<Substring> = ["webhook", "command", "stream", "bus"]

    /// Where nothing else names the rule: `RULE/ID`, as `status` names subscriptions; a function's name as it is.
    package static func shown(_ function: String) -> String {
        guard let parts = parts(function) else { return function }
        return (parts.bus.map { $0 + "/" } ?? "") + "\(parts.rule)/\(parts.id)"
    }

    /// With the function that ran instead, where a redrive had sent it to another.
    package static func shown(_ function: String, ranBy other: String?) -> String {
        shown(function) + (other.map { " (in \($0))" } ?? "")
    }

    /// Where the rule and the target's id stand beside it: what it is.
    package static func kind(_ function: String) -> String { parts(function)?.kind ?? function }

    /// Where the rule alone stands beside it: `notify (command)`; `command` where it has no other id.
    package static func beside(_ function: String) -> String {
        guard let parts = parts(function) else { return function }
        return parts.id == parts.kind ? parts.kind : "\(parts.id) (\(parts.kind))"
    }

    /// With the version that ran; a target that is no function has none.
    package static func shown(_ function: String, version: Int, separator: String = " v") -> String {
        isFunction(function) ? "\(function)\(separator)\(version)" : shown(function)
    }

    package static func isFunction(_ name: String) -> Bool { parts(name) == nil }

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
