/// `deploy`: publish what an app folder says.
package struct DeployRequest: Codable, Sendable, Hashable {
    /// An absolute path on the host's machine; nil: the folder that `up` was started with.
    package var app: String?
    /// Say what would change, and change nothing.
    package var dryRun: Bool
    /// Who asks, for the host's log.
    package var by: String?

    package init(app: String? = nil, dryRun: Bool = false, by: String? = nil) {
        self.by = by
        self.app = app
        self.dryRun = dryRun
    }
}

/// A finding in an app folder: AppConfig's `ConfigFinding` as it travels.
package struct AppFinding: Codable, Sendable, Hashable, CustomStringConvertible {
    /// `error`, `warning`
    package var severity: String
    package var code: String
    package var message: String
    package var hint: String?
    /// Beneath the app folder.
    package var file: String
    package var line: Int?
    package var column: Int?

    package init(
        severity: String, code: String, message: String, hint: String? = nil, file: String, line: Int? = nil,
        column: Int? = nil
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.hint = hint
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String {
        var place = file
        if let line { place += ":\(line)" }
        if let column { place += ":\(column)" }
        return "\(place): \(severity): \(message)" + (hint.map { " (\($0))" } ?? "")
    }
}

/// Answer to `deploy`.
package struct DeployResult: Codable, Sendable, Hashable {
    /// What differs from the deployment before.
    package struct Change: Codable, Sendable, Hashable {
        /// `function`, `rule`, `bucket`, `bus`, `limits`
        package var kind: String
        package var name: String
        /// `added`, `changed`, `removed`
        package var action: String
        /// What changed: `version 3`, `pattern`.
        package var note: String?

        package init(kind: String, name: String, action: String, note: String? = nil) {
            self.kind = kind
            self.name = name
            self.action = action
            self.note = note
        }
    }

    /// False: refused, see the findings; what was running goes on unchanged.
    package var accepted: Bool
    /// The rule set now in force.
    package var ruleSet: Int64
    /// Empty: the app is what was deployed already.
    package var changes: [Change]
    package var findings: [AppFinding]

    package init(accepted: Bool, ruleSet: Int64, changes: [Change] = [], findings: [AppFinding] = []) {
        self.accepted = accepted
        self.ruleSet = ruleSet
        self.changes = changes
        self.findings = findings
    }
}
