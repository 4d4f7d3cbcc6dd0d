import CivilCalendar

/// The six fields of EventBridge's `cron(minutes hours day-of-month month day-of-week year)`
/// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html).
package struct CronExpression: Sendable, Hashable {
    private let minutes: NumberSet
    private let hours: NumberSet
    private let days: CronDays
    private let months: NumberSet
    private let years: NumberSet

    /// Reads the text between the parentheses.
    init(fields text: Substring) throws(ScheduleError) {
        let fields = text.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count == 6 else {
            throw ScheduleError(
                .invalidExpression,
                "cron takes six fields (minutes, hours, day of month, month, day of week, year), not \(fields.count)")
        }
        minutes = try CronField.minute.read(fields[0])
        hours = try CronField.hour.read(fields[1])
        months = try CronField.month.read(fields[3])
        years = try CronField.year.read(fields[5])
        days = try CronDays(dayOfMonth: fields[2], dayOfWeek: fields[4])
    }

    /// The first time after `time` on the same clock; nil if there is none up to the year 2199.
    package func next(after time: CivilTime) -> CivilTime? {
        // The minute after the one it falls into; seconds are always zero.
        let start = CivilTime(seconds: floorDivide(time.seconds, 60) * 60 + 60)
        var year = start.year
        var month = start.month
        var day = start.day
        // Until a later day is reached, hours and minutes count from the start.
        var isFirstDay = true
        while let found = years.first(from: year) {
            if found > year { (year, month, day, isFirstDay) = (found, 1, 1, false) }
            while let inYear = months.first(from: month) {
                if inYear > month { (month, day, isFirstDay) = (inYear, 1, false) }
                while day <= daysInMonth(year: year, month: month) {
                    if days.contains(year: year, month: month, day: day),
                        let (hour, minute) = isFirstDay
                            ? timeOfDay(from: start.hour, start.minute) : timeOfDay(from: 0, 0)
                    {
                        return CivilTime(year, month, day, hour, minute)
                    }
                    day += 1
                    isFirstDay = false
                }
                (month, day, isFirstDay) = (month + 1, 1, false)
            }
            (year, month, day, isFirstDay) = (year + 1, 1, 1, false)
        }
        return nil
    }

    private func timeOfDay(from hour: Int, _ minute: Int) -> (hour: Int, minute: Int)? {
        if hours.contains(hour), let minute = minutes.first(from: minute) { return (hour, minute) }
        guard let next = hours.first(from: hour + 1), let first = minutes.first(from: 0) else { return nil }
        return (next, first)
    }
}
