package import AppConfig
package import Journal

/// Where an alarm stands: what the journal keeps of it.
package struct AlarmState: Codable, Sendable, Hashable {
    /// CloudWatch's words.
    package enum Value: String, Codable, Sendable {
        case ok = "OK"
        case alarm = "ALARM"
    }

    package var value: Value = .ok
    /// Wall clock of the last change, or of its deployment.
    package var since: Milliseconds
    package var reason: String
    /// The latest periods, newest last: wrong or not.
    package var breaches: [Bool] = []
    /// An expected file's last arrival, wall clock.
    package var arrived: Milliseconds?
    /// The last deadline that was decided about, wall-clock seconds; the deployment before the first.
    package var decided: Int64
    /// From when on the file had to come for it.
    package var windowStart: Int64?

    package init(since: Milliseconds, reason: String, decided: Int64) {
        self.since = since
        self.reason = reason
        self.decided = decided
    }
}

/// A change of an alarm's state: one event.
package struct AlarmChange: Sendable, Hashable {
    package var alarm: AlarmDefinition
    package var before: AlarmState
    package var after: AlarmState
    /// What was measured; nil where there was nothing to measure.
    package var value: Double?

    package init(alarm: AlarmDefinition, before: AlarmState, after: AlarmState, value: Double? = nil) {
        self.alarm = alarm
        self.before = before
        self.after = after
        self.value = value
    }
}

/// How often a subscription's attempts ended, and how often they failed, since the host started; without what alarms
/// have caused.
package struct AttemptCounts: Sendable, Hashable {
    package var attempts: Int64 = 0
    package var errors: Int64 = 0

    package init(attempts: Int64 = 0, errors: Int64 = 0) {
        self.attempts = attempts
        self.errors = errors
    }
}

/// The host as alarms look at it, at one moment.
package struct AlarmSample: Sendable {
    /// One subscription.
    package struct Target: Sendable {
        package var bus: String
        package var rule: String
        package var target: String
        package var function: String
        package var dead: Int64 = 0
        package var waiting: Int64 = 0
        package var oldestAgeSeconds: Double = 0
        package var isPaused = false
        package var unaccounted: Int64 = 0
        package var counts = AttemptCounts()

        package init(bus: String, rule: String, target: String, function: String) {
            self.bus = bus
            self.rule = rule
            self.target = target
            self.function = function
        }
    }

    package var targets: [Target]
    /// Nil where the disk could not be asked.
    package var freeMegabytes: Double?

    package init(targets: [Target], freeMegabytes: Double? = nil) {
        self.targets = targets
        self.freeMegabytes = freeMegabytes
    }

    /// The value of a metric; `since` are the counts of the period's beginning. Nil where there is none.
    package func value(_ threshold: AlarmDefinition.Threshold, since: AttemptCounts) -> Double? {
        let chosen = targets.filter { $0.isWithin(threshold.dimensions) }
        func sum(_ part: (Target) -> Int64) -> Double { Double(chosen.reduce(0) { $0 + part($1) }) }
        let now = counts(threshold.dimensions)
        // A subscription that was taken away takes its counts with it.
        let attempts = max(0, now.attempts - since.attempts)
        let errors = max(0, now.errors - since.errors)
        switch threshold.metric {
        case .deadLetters: return sum(\.dead)
        case .waitingEvents: return sum(\.waiting)
        case .oldestEventAge: return chosen.map(\.oldestAgeSeconds).max() ?? 0
        case .pausedTargets: return Double(chosen.count(where: \.isPaused))
        case .unaccountedDeliveries: return sum { abs($0.unaccounted) }
        case .freeDiskSpace: return freeMegabytes
        case .invocations: return Double(attempts)
        case .errors: return Double(errors)
        case .errorRate: return attempts == 0 ? nil : Double(errors) * 100 / Double(attempts)
        }
    }

    package func counts(_ dimensions: AlarmDefinition.Dimensions) -> AttemptCounts {
        targets.reduce(into: AttemptCounts()) { sum, target in
            guard target.isWithin(dimensions) else { return }
            sum.attempts += target.counts.attempts
            sum.errors += target.counts.errors
        }
    }
}

extension AlarmSample.Target {
    func isWithin(_ dimensions: AlarmDefinition.Dimensions) -> Bool {
        (dimensions.function == nil || dimensions.function == function)
            && (dimensions.bus == nil || dimensions.bus == bus)
            && (dimensions.rule == nil || dimensions.rule == rule)
            && (dimensions.target == nil || dimensions.target == target)
    }
}
