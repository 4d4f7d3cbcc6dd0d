import AppConfig
import EventPatterns
import HostAPI

/// Patterns that the journal holds. They were accepted by their deployment: a limit of cost that was set since must
/// neither keep a host from starting nor silence a rule, a manifest or an alarm.
enum StoredPatterns {
    static func parse(_ text: String) throws(PatternError) -> EventPattern {
        try EventPattern(parsing: text, dialect: .extended, limits: .stored)
    }

    /// A warning for each pattern of an app in force that a deployment would refuse now.
    static func refused(in app: AppDefinition) -> [AppFinding] {
        let rules = app.rules.filter(\.enabled).flatMap { rule in
            [("rule \(rule.name)", rule.pattern, rule.file)]
                + (rule.manifest.map { [("the manifests of rule \(rule.name)", $0.pattern, rule.file)] } ?? [])
        }
        let alarms = (app.alarms ?? []).compactMap { alarm in
            alarm.expectedFile.map { ("alarm \(alarm.name)", $0.pattern, alarm.file) }
        }
        return (rules + alarms).compactMap { what, pattern, file in
            do throws(PatternError) {
                _ = try EventPattern(parsing: pattern, dialect: .extended)
                return nil
            } catch {
                return AppFinding(
                    severity: "warning", code: "InvalidPattern",
                    message:
                        "\(what) stays in force as it was deployed, but the next deployment that has it is refused: "
                        + "\(error)", file: file)
            }
        }
    }
}
