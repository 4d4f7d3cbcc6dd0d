package import Schedules

/// `schedule:` of a rule: when its `Scheduled Event` comes.
package struct ScheduleDefinition: Codable, Sendable, Hashable {
    /// `rate(…)`, `cron(…)` or `at(…)`; valid.
    package var expression: String
    /// In which time zone the expression and the dates are meant: a name of the time zone database.
    package var timezone: String
    /// What is done about moments that passed while the host was down.
    package var missed: MissedPolicy
    /// `yyyy-mm-ddThh:mm:ss` in the time zone; a rate counts from it.
    package var startDate: String?
    package var endDate: String?

    package init(
        expression: String, timezone: String = "UTC", missed: MissedPolicy = .last, startDate: String? = nil,
        endDate: String? = nil
    ) {
        self.expression = expression
        self.timezone = timezone
        self.missed = missed
        self.startDate = startDate
        self.endDate = endDate
    }

    /// What makes it another schedule, which begins anew, when it changes.
    package var identity: String {
        "\(expression) \(timezone) \(startDate ?? "") \(endDate ?? "")"
    }

    /// The moments it stands for. Blocking: reads the time zone's file. Throws where the expression, a date or the time
    /// zone is not valid, or the system does not know the zone.
    package func schedule(deployed: Int64) throws(ScheduleError) -> Schedule {
        try Schedule(
            ScheduleExpression(expression), zone: TimeZoneFiles.load(timezone), start: Self.date(startDate),
            end: Self.date(endDate), deployed: deployed)
    }

    /// Throws `invalidTime`; nil for nil.
    package static func date(_ text: String?) throws(ScheduleError) -> CivilTime? {
        guard let text else { return nil }
        guard let time = CivilTime(text) else {
            throw ScheduleError(
                .invalidTime,
                "`\(text)` is no date and time, yyyy-mm-ddThh:mm:ss; it is meant in the schedule's time zone")
        }
        return time
    }
}

/// Names of rules as AWS writes them.
package enum RuleARN {
    /// `arn:aws:events:local:000000000000:rule/NAME`, with the bus before the name where it is not `default`.
    package static func of(rule: String, bus: String) -> String {
        "arn:aws:events:local:000000000000:rule/" + (bus == "default" ? rule : "\(bus)/\(rule)")
    }
}

/// The events of schedules, as EventBridge has them.
package enum ScheduledEvents {
    package static let source = "aws.events"
    package static let detailType = "Scheduled Event"

    /// What a schedule's rule matches: its own events. The names need no escaping: see `Names.isRule`.
    package static func pattern(rule: String, bus: String) -> String {
        """
        {"source":["\(source)"],"detail-type":["\(detailType)"],"resources":["\(RuleARN.of(rule: rule, bus: bus))"]}
        """
    }
}
