import AppConfig
import EventPatterns
import FunctionJSON
import HostAPI

/// Patterns that the journal holds. They were accepted by their deployment: a limit of cost that was set since must
/// neither keep a host from starting nor silence a rule, a manifest or an alarm.
enum StoredPatterns {
    static func parse(_ text: String) throws(PatternError) -> EventPattern {
        try EventPattern(parsing: text, dialect: .extended, limits: .stored)
    }

    /// A pattern that wants all that the one given may want, which cannot be read: without its times of day, whose zone
    /// the system has no more, or any event at all.
    static func widened(_ text: String) -> EventPattern? {
        if let root = try? JSONDocument(parsing: text).root {
            var wider: [UInt8] = []
            widen(root, into: &wider)
            if let pattern = try? parse(String(decoding: wider, as: UTF8.self)) { return pattern }
        }
        return try? parse(#"{"$or": [{"version": [{"exists": true}]}, {"version": [{"exists": false}]}]}"#)
    }

    private static func widen(_ node: JSONNode, into text: inout [UInt8]) {
        switch node.kind {
        case .object where node["time-of-day"] != nil:
            text += #"{"exists": true}"#.utf8
        case .object:
            text.append(UInt8(ascii: "{"))
            for (index, member) in node.members.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                JSONWriter.append(string: member.name, to: &text)
                text.append(UInt8(ascii: ":"))
                widen(member.value, into: &text)
            }
            text.append(UInt8(ascii: "}"))
        case .array:
            text.append(UInt8(ascii: "["))
            for (index, element) in node.elements.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                widen(element, into: &text)
            }
            text.append(UInt8(ascii: "]"))
        default:
            text += node.sourceBytes
        }
    }

    /// A warning for each pattern of an app in force that a deployment would not take now from anybody else.
    static func refused(in app: AppDefinition) -> [AppFinding] {
        let rules = app.rules.filter(\.enabled).flatMap { rule in
            let identity = "pattern, name or bus"
            return [("rule \(rule.name)", identity, rule.pattern, rule.file)]
                + (rule.manifest.map {
                    [("the manifests of rule \(rule.name)", identity, $0.pattern, rule.file)]
                } ?? [])
        }
        let alarms = (app.alarms ?? []).compactMap { alarm in
            alarm.expectedFile.map { ("alarm \(alarm.name)", "pattern or name", $0.pattern, alarm.file) }
        }
        return (rules + alarms).compactMap { what, identity, pattern, file in
            do throws(PatternError) {
                _ = try parse(pattern)
            } catch {
                return AppFinding(
                    severity: "warning", code: "InvalidPattern",
                    message:
                        "\(what) is not in force, for its pattern can be read no more: \(error); what a rule may want is "
                        + "kept waiting: put back what is missing and start again, or deploy another pattern",
                    file: file)
            }
            do throws(PatternError) {
                _ = try EventPattern(parsing: pattern, dialect: .extended)
                return nil
            } catch {
                return AppFinding(
                    severity: "warning", code: "InvalidPattern",
                    message:
                        "\(what) stays in force as it was deployed, and deployments take it unchanged; once its "
                        + "\(identity) is changed, it is refused: \(error)",
                    file: file)
            }
        }
    }
}
