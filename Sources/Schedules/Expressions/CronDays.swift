import CivilCalendar

/// Which days a cron expression means: by the day of the month or by the day of the week, never both.
enum CronDays: Sendable, Hashable {
    case ofMonth(DaysOfMonth)
    case ofWeek(DaysOfWeek)

    /// `text` of the two fields, of which one must be `?`.
    init(dayOfMonth: Substring, dayOfWeek: Substring) throws(ScheduleError) {
        switch (dayOfMonth == "?", dayOfWeek == "?") {
        case (false, true): self = .ofMonth(try DaysOfMonth(dayOfMonth))
        case (true, false): self = .ofWeek(try DaysOfWeek(dayOfWeek))
        case (true, true):
            throw ScheduleError(
                .invalidExpression, "day of month and day of week are both `?`; one of them must say which days")
        case (false, false):
            throw ScheduleError(
                .invalidExpression, "one of day of month and day of week must be `?`: the other one says which days")
        }
    }

    func contains(year: Int, month: Int, day: Int) -> Bool {
        switch self {
        case .ofMonth(let days): days.contains(year: year, month: month, day: day)
        case .ofWeek(let days): days.contains(year: year, month: month, day: day)
        }
    }
}

/// `1`, `1-15/2`, `L` (the last day), `15W` (the weekday nearest to the 15th, in the same month), `LW` (the last
/// weekday).
struct DaysOfMonth: Sendable, Hashable {
    private var days = NumberSet(CronField.dayOfMonth.range)
    private var last = false
    private var lastWeekday = false
    private var nearest: [Int] = []

    init(_ text: Substring) throws(ScheduleError) {
        let field = CronField.dayOfMonth
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            switch item.uppercased() {
            case "L": last = true
            case "LW": lastWeekday = true
            case let word where word.hasSuffix("W"):
                guard let day = field.number(item.dropLast()) else { throw field.invalid(item) }
                nearest.append(day)
            default: try field.add(item, to: &days)
            }
        }
    }

    func contains(year: Int, month: Int, day: Int) -> Bool {
        if days.contains(day) { return true }
        let length = daysInMonth(year: year, month: month)
        if last, day == length { return true }
        if lastWeekday, day == Self.weekday(nearest: length, year: year, month: month) { return true }
        // A month without that day has no weekday near it either.
        return nearest.contains { $0 <= length && day == Self.weekday(nearest: $0, year: year, month: month) }
    }

    /// Monday to Friday nearest to a day, never in another month.
    private static func weekday(nearest day: Int, year: Int, month: Int) -> Int {
        switch CivilTime(year, month, day).weekday {
        case 1: day == daysInMonth(year: year, month: month) ? day - 2 : day + 1
        case 7: day == 1 ? day + 2 : day - 1
        default: day
        }
    }
}

/// `1` (Sunday) to `7`, `MON-FRI`, `L` (Saturday, the week's last day), `6L` (the month's last Friday), `3#2` (its
/// second Tuesday).
struct DaysOfWeek: Sendable, Hashable {
    private struct Nth: Sendable, Hashable {
        var day: Int
        var count: Int
    }

    private var days = NumberSet(CronField.dayOfWeek.range)
    private var last: [Int] = []
    private var nth: [Nth] = []

    init(_ text: Substring) throws(ScheduleError) {
        let field = CronField.dayOfWeek
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = item.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 {
                guard let day = field.number(parts[0]), let count = Int(parts[1]), parts[1].utf8.count == 1,
                    (1...5).contains(count)
                else { throw field.invalid(item) }
                nth.append(Nth(day: day, count: count))
            } else if item.uppercased() == "L" {
                days.insert(7)
            } else if item.uppercased().hasSuffix("L"), let day = field.number(item.dropLast()) {
                last.append(day)
            } else {
                try field.add(item, to: &days)
            }
        }
    }

    func contains(year: Int, month: Int, day: Int) -> Bool {
        let weekday = CivilTime(year, month, day).weekday
        if days.contains(weekday) { return true }
        if last.contains(weekday), day + 7 > daysInMonth(year: year, month: month) { return true }
        return nth.contains { $0.day == weekday && $0.count == (day - 1) / 7 + 1 }
    }
}
