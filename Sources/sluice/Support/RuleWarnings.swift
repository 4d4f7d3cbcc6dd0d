import AppConfig
import EventModel
import EventPatterns
import FunctionJSON
import HostAPI

/// What is said of rules that are valid, below a list of them or as `warnings` in JSON: that one can never match, or
/// costs more than a deployment takes today.
struct RuleWarnings {
    /// Whether the rules are in force on a host; else they are those of a folder.
    let areDeployed: Bool

    /// One line each.
    func lines(_ rules: [RuleInfo]) -> [String] { rules.flatMap(lines) }

    /// Those of one rule.
    func lines(_ rule: RuleInfo) -> [String] {
        var lines: [String] = []
        if let pattern = try? rule.parsedPattern,
            let reason = PatternWarnings.impossibility(pattern, isOnStream: StreamLog.isStream(rule.bus))
        {
            lines.append("rule \(rule.name) can never match: \(reason)")
        }
        if let reason = PatternWarnings.refusalOfCost((rule.manifest?.pattern ?? rule.pattern).text) {
            lines.append(
                areDeployed
                    ? "rule \(rule.name) costs more than a rule may today; once its pattern, name or bus is changed, "
                        + "deploy refuses it: \(reason)"
                    : "rule \(rule.name) is refused by deploy, unless it is in force as it is: \(reason)")
        }
        return lines
    }

    /// Writes them below what was written.
    func write(_ rules: [RuleInfo], to output: Output) {
        for line in lines(rules) { output.sentence("\(output.style.yellow("warning:")) \(line)") }
    }
}

/// A rule, or what is told of one, with a member `warnings` where there are any.
struct Warned<Item: Encodable>: Encodable {
    private enum CodingKeys: String, CodingKey { case warnings }

    private let item: Item
    private let warnings: [String]

    init(_ item: Item, _ warnings: [String]) {
        self.item = item
        self.warnings = warnings
    }

    func encode(to encoder: any Encoder) throws {
        try item.encode(to: encoder)
        guard !warnings.isEmpty else { return }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(warnings, forKey: .warnings)
    }
}
