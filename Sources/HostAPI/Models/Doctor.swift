/// `doctor`: what the host found when it checked itself.
package struct DoctorReport: Codable, Sendable, Hashable {
    /// One thing that was looked at.
    package struct Check: Codable, Sendable, Hashable {
        /// What came of it: only `failed` means that something is wrong.
        package enum State: String, Codable, Sendable {
            case ok, warning, failed
        }

        /// `conservation`, `journal`, `buckets`, …
        package var name: String
        package var state: State
        /// What was found, in one sentence.
        package var message: String
        package var details: [String]
        /// What to do next.
        package var hint: String?

        package init(name: String, state: State, message: String, details: [String] = [], hint: String? = nil) {
            self.name = name
            self.state = state
            self.message = message
            self.details = details
            self.hint = hint
        }
    }

    package var checks: [Check]

    package init(checks: [Check]) {
        self.checks = checks
    }

    package var isHealthy: Bool { checks.allSatisfy { $0.state != .failed } }
}
