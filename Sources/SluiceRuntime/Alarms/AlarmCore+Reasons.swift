import AppConfig

/// Why an alarm is in its state, in words.
extension AlarmCore {
    static func reason(
        _ value: Double?, _ threshold: AlarmDefinition.Threshold, wrong: Int, of state: AlarmState
    ) -> String {
        let (metric, period) = (threshold.metric.rawValue, words(seconds: Int64(threshold.periodSeconds)))
        let isAlarm = state.value == .alarm
        let limit = isAlarm ? threshold.threshold : threshold.recoveryThreshold ?? threshold.threshold
        let beyond = "\(threshold.comparison.inWords) \(text(limit))"
        if threshold.evaluationPeriods == 1 {
            guard let value else { return "there was no \(metric) in the last \(period)" }
            return "\(metric) was \(text(value)) in the last \(period), \(isAlarm ? beyond : "no longer \(beyond)")"
        }
        return "\(wrong) of the last \(state.breaches.count) periods of \(period) had \(metric) \(beyond), the newest: "
            + (value.map(text) ?? "no value")
    }

    static let noPeriodYet = "no period has passed yet"

    /// `45 s`, `90 min`, `24 h`, `7 d`: in the largest unit that leaves nothing over.
    static func words(seconds: Int64) -> String {
        for (unit, length) in [("d", 86_400), ("h", 3600), ("min", 60)] as [(String, Int64)]
        where seconds > 2 * length - 1 && seconds % length == 0 { return "\(seconds / length) \(unit)" }
        return "\(seconds) s"
    }

    static func text(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return String((value * 100).rounded() / 100)
    }
}
