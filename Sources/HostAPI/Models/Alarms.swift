/// `alarms list`: an alarm and where it stands.
package struct AlarmInfo: Codable, Sendable, Hashable {
    package var name: String
    package var description: String
    package var bus: String
    /// What it watches, for people.
    package var condition: String
    /// `OK` or `ALARM`
    package var state: String
    /// Since when it is in this state.
    package var since: APITime
    package var reason: String
    /// What was measured last; nil: nothing yet, or an expected file.
    package var value: Double?
    /// Of an expected file.
    package var lastArrival: APITime?
    /// Why it does not work.
    package var trouble: String?

    package init(
        name: String, description: String = "", bus: String, condition: String, state: String, since: APITime,
        reason: String, value: Double? = nil, lastArrival: APITime? = nil, trouble: String? = nil
    ) {
        self.name = name
        self.description = description
        self.bus = bus
        self.condition = condition
        self.state = state
        self.since = since
        self.reason = reason
        self.value = value
        self.lastArrival = lastArrival
        self.trouble = trouble
    }
}
