/// An expression in a time zone: the moments at which it is due. Pure; moments are seconds since 1970, UTC.
///
/// Daylight saving time is treated as EventBridge Scheduler documents it
/// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html): a time that is skipped in spring is
/// not made up for; a time that comes twice in autumn counts once, the first time. A rate goes by elapsed time.
package struct Schedule: Sendable, Hashable {
    package let expression: ScheduleExpression
    package let zone: TimeZoneRules
    /// Nothing is due before; nil: from the beginning.
    package let start: Int64?
    /// Nothing is due after; nil: for ever.
    package let end: Int64?
    /// What a rate counts from: its `start`, where it has one (which is then its first moment), else when it was
    /// deployed.
    package let anchor: Int64

    /// `start` and `end` are times on the zone's clocks. Throws `invalidTime` for one that the zone skips.
    package init(
        _ expression: ScheduleExpression, zone: TimeZoneRules, start: CivilTime? = nil, end: CivilTime? = nil,
        deployed: Int64
    ) throws(ScheduleError) {
        self.expression = expression
        self.zone = zone
        self.start = try start.map { time throws(ScheduleError) in try Self.moment(of: time, in: zone) }
        self.end = try end.map { time throws(ScheduleError) in try Self.moment(of: time, in: zone) }
        anchor = self.start ?? deployed
        if case .at(let time) = expression { _ = try Self.moment(of: time, in: zone) }
        if let start = self.start, let end = self.end, end < start {
            throw ScheduleError(.invalidTime, "the end of the schedule is before its start")
        }
    }

    private static func moment(of time: CivilTime, in zone: TimeZoneRules) throws(ScheduleError) -> Int64 {
        guard let moment = zone.moments(of: time).first else {
            throw ScheduleError(
                .invalidTime, "\(time) does not exist in the time zone: the clocks are set forward over it")
        }
        return moment
    }

    /// The first moment after `moment`; nil if there is none.
    package func next(after moment: Int64) -> Int64? {
        var after = moment
        if let start { after = max(after, start - 1) }
        guard let next = unbounded(after: after), end.map({ next <= $0 }) ?? true else { return nil }
        return next
    }

    private func unbounded(after moment: Int64) -> Int64? {
        switch expression {
        case .rate(let seconds):
            // The start is a moment itself; a deployment is not.
            let first = start ?? (anchor + seconds)
            if moment < first { return first }
            return first + ((moment - first) / seconds + 1) * seconds
        case .at(let time):
            guard let due = zone.moments(of: time).first, due > moment else { return nil }
            return due
        case .cron(let cron):
            var time = zone.civil(at: moment)
            while let next = cron.next(after: time) {
                // None: skipped. Not after the moment: we are in the repeated hour, and it has been.
                if let due = zone.moments(of: next).first, due > moment { return due }
                time = next
            }
            return nil
        }
    }

    /// The latest moments after `low` up to and with `high`, ascending, at most `count`.
    package func latest(_ count: Int, after low: Int64, through high: Int64) -> [Int64] {
        var span: Int64 = 3600
        while true {
            let from = max(low, high - span)
            var found: [Int64] = []
            var cursor = from
            while let next = next(after: cursor), next <= high {
                found.append(next)
                cursor = next
            }
            if found.count >= count || from == low { return found.suffix(count) }
            // Short of the beginning, only a longer look tells: nothing is skipped between two looks.
            span *= 4
        }
    }
}
