import EventPatterns

/// The patterns that are in force on a host: unchanged, they are taken again whatever limits of cost were set since, so
/// that a tighter budget does not hold up everything else of their app.
package struct DeployedPatterns: Sendable {
    private enum Owner: Hashable {
        case rule(bus: String, name: String)
        case alarm(String)

        /// What of it must not change.
        var identity: String {
            switch self {
            case .rule: "pattern, name or bus"
            case .alarm: "pattern or name"
            }
        }
    }

    /// A pattern that is taken although it is refused for what it costs.
    struct Excuse {
        var message: String
        var pattern: EventPattern
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

    /// For tools that look at an app folder and deploy nothing: what a pattern costs is no concern of theirs, and one
    /// that costs too much may be in force all the same.
    package static let all = {
        var all = DeployedPatterns()
        all.hasAll = true
        return all
    }()

    /// Why a rule's pattern is taken, that is refused for what it costs: nil where it is not.
    func excuse(_ error: PatternError, pattern: String, bus: String, rule: String) -> Excuse? {
        excuse(error, pattern, of: .rule(bus: bus, name: rule), called: "rule `\(rule)`")
    }

    /// The same for the pattern of an alarm's file.
    func excuse(_ error: PatternError, pattern: String, alarm: String) -> Excuse? {
        excuse(error, pattern, of: .alarm(alarm), called: "alarm `\(alarm)`")
    }

    private func excuse(_ error: PatternError, _ text: String, of owner: Owner, called name: String) -> Excuse? {
        // Byte by byte: two texts that are equal to Unicode need not match the same.
        let isDeployed = patterns[owner]?.utf8.elementsEqual(text.utf8) == true
        guard error.code == .limitExceeded, hasAll || isDeployed,
            let pattern = try? EventPattern(parsing: text, dialect: .extended, limits: .stored)
        else { return nil }
        return Excuse(
            message:
                "\(name) is taken because it is deployed already; once its \(owner.identity) is changed, it is "
                + "refused: \(error.message)",
            pattern: pattern)
    }
}
