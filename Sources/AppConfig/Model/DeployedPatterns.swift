import EventPatterns

/// The patterns that are in force on a host: unchanged, they are taken again whatever limits of cost were set since, so
/// that a tighter budget does not hold up everything else of their app.
package struct DeployedPatterns: Sendable {
    private enum Owner: Hashable {
        case rule(bus: String, name: String)
        case alarm(String)
    }

    private var patterns: [Owner: String] = [:]
    private var hasAll = false

    /// None: everything is new.
    package init() {}

    /// Those of an app that was deployed.
    package init(_ app: AppDefinition) {
        for rule in app.rules {
            patterns[.rule(bus: rule.bus, name: rule.name)] = rule.manifest?.pattern ?? rule.pattern
        }
        for alarm in app.alarms ?? [] {
            guard let file = alarm.expectedFile else { continue }
            patterns[.alarm(alarm.name)] = file.pattern
        }
    }

    /// For tools that look at an app folder and deploy nothing: what a pattern costs the others of a host is no concern
    /// of theirs, and EventBridge's limits are all.
    package static let all = {
        var all = DeployedPatterns()
        all.hasAll = true
        return all
    }()

    /// Why a rule's pattern is taken, that is refused for what it costs: nil where it is not.
    func excuse(_ error: PatternError, pattern: String, bus: String, rule: String) -> String? {
        excuse(error, pattern, of: .rule(bus: bus, name: rule)).map { "rule `\(rule)` \($0)" }
    }

    /// The same for the pattern of an alarm's file.
    func excuse(_ error: PatternError, pattern: String, alarm: String) -> String? {
        excuse(error, pattern, of: .alarm(alarm)).map { "alarm `\(alarm)` \($0)" }
    }

    private func excuse(_ error: PatternError, _ pattern: String, of owner: Owner) -> String? {
        // Byte by byte: two texts that are equal to Unicode need not match the same.
        let isDeployed = patterns[owner]?.utf8.elementsEqual(pattern.utf8) == true
        guard error.code == .limitExceeded, hasAll || isDeployed,
            (try? EventPattern(parsing: pattern, dialect: .extended, limits: isDeployed ? .stored : .language)) != nil
        else { return nil }
        return "is taken because it is deployed already; once its pattern or its name is changed, it is refused: "
            + error.message
    }
}
