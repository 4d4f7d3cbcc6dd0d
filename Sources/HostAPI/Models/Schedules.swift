/// `schedules list`: an enabled schedule and when it is due.
package struct ScheduleInfo: Codable, Sendable, Hashable {
    package var rule: String
    package var bus: String
    package var expression: String
    package var timezone: String
    /// `skip`, `last` or `all`.
    package var missed: String
    /// The next moments, as many as asked for and there are.
    package var next: [APITime]
    /// The newest moment that has an event.
    package var last: APITime?
    /// Why it does not run; nil as long as it does.
    package var trouble: String?

    package init(
        rule: String, bus: String, expression: String, timezone: String, missed: String, next: [APITime],
        last: APITime? = nil, trouble: String? = nil
    ) {
        self.rule = rule
        self.bus = bus
        self.expression = expression
        self.timezone = timezone
        self.missed = missed
        self.next = next
        self.last = last
        self.trouble = trouble
    }
}
