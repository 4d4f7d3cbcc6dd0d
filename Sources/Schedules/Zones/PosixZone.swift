import CivilCalendar

/// The rule that a time zone file gives for all times after its last transition: POSIX's TZ text, such as
/// `CET-1CEST,M3.5.0,M10.5.0/3` (RFC 9636, section 3.3.1).
struct PosixZone: Sendable, Hashable {
    /// Seconds east of Greenwich.
    let standard: Int64
    private let saving: Saving?

    private struct Saving: Sendable, Hashable {
        var offset: Int64
        var start: Change
        var end: Change
    }

    /// A day of the year, and seconds from its midnight, which may be negative or more than a day.
    private struct Change: Sendable, Hashable {
        enum Day: Sendable, Hashable {
            /// 1 to 365, without 29 February.
            case julian(Int)
            /// 0 to 365, with it.
            case ordinal(Int)
            /// The n-th (5: last) weekday (0: Sunday) of a month.
            case weekday(month: Int, week: Int, day: Int)
        }

        var day: Day
        var time: Int64

        /// On the clock's face.
        func seconds(in year: Int) -> Int64 {
            let first = daysSinceEpoch(year: year, month: 1, day: 1)
            let days: Int
            switch day {
            case .julian(let number):
                let isLeap = daysInMonth(year: year, month: 2) == 29
                days = first + number - 1 + (isLeap && number >= 60 ? 1 : 0)
            case .ordinal(let number):
                days = first + number
            case .weekday(let month, let week, let weekday):
                let start = daysSinceEpoch(year: year, month: month, day: 1)
                let shift = (weekday + 1 - CivilTime.weekday(days: start) + 7) % 7
                var number = shift + 7 * (week - 1)
                if number >= daysInMonth(year: year, month: month) { number -= 7 }
                days = start + number
            }
            return Int64(days) * 86400 + time
        }
    }

    /// Nil for a text that is no TZ rule.
    init?(_ text: String) {
        var reader = Reader(rest: Array(text.utf8)[...])
        guard reader.name(), let west = reader.time() else { return nil }
        standard = -west
        guard !reader.rest.isEmpty else {
            saving = nil
            return
        }
        guard reader.name() else { return nil }
        var offset = standard + 3600
        if reader.rest.first != UInt8(ascii: ",") {
            guard let west = reader.time() else { return nil }
            offset = -west
        }
        guard let start = Self.change(&reader), let end = Self.change(&reader), reader.rest.isEmpty else { return nil }
        saving = Saving(offset: offset, start: start, end: end)
    }

    /// When the clocks are set in a year: the moment in UTC, and the offset from then on.
    func transitions(in year: Int) -> [(at: Int64, offset: Int64)] {
        guard let saving else { return [] }
        return [
            (saving.start.seconds(in: year) - standard, saving.offset),
            (saving.end.seconds(in: year) - saving.offset, standard),
        ]
    }

    // MARK: Reading

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        /// `CET` or `<+03>`.
        mutating func name() -> Bool {
            if take("<") {
                guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
                rest = rest[(end + 1)...]
                return true
            }
            let letters = rest.prefix { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
            rest = rest.dropFirst(letters.count)
            return letters.count >= 3
        }

        mutating func number() -> Int? {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard (1...3).contains(digits.count) else { return nil }
            rest = rest.dropFirst(digits.count)
            return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time() -> Int64? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = number() else { return nil }
            var seconds = hours * 3600
            for unit in [60, 1] where take(":") {
                guard let number = number() else { return nil }
                seconds += number * unit
            }
            return Int64(isNegative ? -seconds : seconds)
        }
    }

    private static func change(_ reader: inout Reader) -> Change? {
        guard reader.take(",") else { return nil }
        let day: Change.Day
        if reader.take("M") {
            guard let month = reader.number(), (1...12).contains(month), reader.take("."), let week = reader.number(),
                (1...5).contains(week), reader.take("."), let weekday = reader.number(), weekday <= 6
            else { return nil }
            day = .weekday(month: month, week: week, day: weekday)
        } else if reader.take("J") {
            guard let number = reader.number(), (1...365).contains(number) else { return nil }
            day = .julian(number)
        } else {
            guard let number = reader.number(), number <= 365 else { return nil }
            day = .ordinal(number)
        }
        var time: Int64 = 7200
        if reader.take("/") {
            guard let given = reader.time() else { return nil }
            time = given
        }
        return Change(day: day, time: time)
    }
}
