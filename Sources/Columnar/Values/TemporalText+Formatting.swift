import CivilCalendar

extension TemporalText {
    /// `2024-05-31`.
    static func text(days: Int64) -> String {
        let date = civilDate(daysSinceEpoch: Int(days))
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
    }

    /// `2024-05-31 23:59:59`, with six digits of fraction where there is one.
    static func text(microseconds: Int64) -> String {
        var days = microseconds / microsecondsPerDay
        var rest = microseconds % microsecondsPerDay
        if rest < 0 { (days, rest) = (days - 1, rest + microsecondsPerDay) }
        return "\(text(days: days)) \(text(timeOfDay: rest))"
    }

    /// `23:59:59`, with six digits of fraction where there is one.
    static func text(timeOfDay microseconds: Int64) -> String {
        let seconds = Int(microseconds / 1_000_000)
        let fraction = Int(microseconds % 1_000_000)
        let time = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        return time + (fraction == 0 ? "" : ".\(padded(fraction, 6))")
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
