import AppConfig
import EventModel
import EventPatterns
import FunctionJSON
import HostAPI

/// What is said of rules that are valid, below a list of them: that one can never match, or costs more than a
/// deployment takes today.
struct RuleWarnings {
    /// Whether the rules are in force on a host; else they are those of a folder.
    let areDeployed: Bool

    /// One line each.
    func lines(_ rules: [RuleInfo]) -> [String] { rules.flatMap(lines) }

    private func lines(_ rule: RuleInfo) -> [String] {
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
        for line in lines(rules) { output.line("\(output.style.yellow("warning:")) \(line)") }
    }
}
