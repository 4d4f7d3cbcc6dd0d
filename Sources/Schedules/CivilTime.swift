/// A date and time on some clock's face, in the proleptic Gregorian calendar: no time zone is implied.
///
/// The arithmetic is Howard Hinnant's (https://howardhinnant.github.io/date_algorithms.html).
package struct CivilTime: Sendable, Hashable, Comparable {
    package var year: Int
    /// 1 to 12.
    package var month: Int
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int

    package init(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// What a clock shows that many seconds after 1970-01-01T00:00:00 on the same clock.
    package init(seconds: Int64) {
        let days = Self.floorDivide(seconds, 86400)
        let rest = Int(seconds - days * 86400)
        let (year, month, day) = Self.date(days: Int(days))
        self.init(year, month, day, rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// Reads `yyyy-mm-ddThh:mm:ss`; nil for anything else, and for dates that do not exist.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        let shape = Array("dddd-dd-ddTdd:dd:dd".utf8)
        guard bytes.count == shape.count else { return nil }
        for (byte, mark) in zip(bytes, shape) {
            let isDigit = (0x30...0x39).contains(byte)
            guard mark == UInt8(ascii: "d") ? isDigit : byte == mark else { return nil }
        }
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) } }
        self.init(number(0..<4), number(5..<7), number(8..<10), number(11..<13), number(14..<16), number(17..<19))
        guard (1...12).contains(month), (1...Self.days(inMonth: month, of: year)).contains(day), hour < 24, minute < 60,
            second < 60
        else { return nil }
    }

    /// Seconds since 1970-01-01T00:00:00 on the same clock.
    package var seconds: Int64 {
        Int64(Self.days(year: year, month: month, day: day)) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// 1 for Sunday to 7 for Saturday, as EventBridge counts.
    package var weekday: Int { Self.weekday(days: Self.days(year: year, month: month, day: day)) }

    package static func < (left: CivilTime, right: CivilTime) -> Bool {
        (left.year, left.month, left.day, left.hour, left.minute, left.second)
            < (right.year, right.month, right.day, right.hour, right.minute, right.second)
    }

    // MARK: The calendar

    package static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }

    /// 1970-01-01 was a Thursday.
    static func weekday(days: Int) -> Int {
        let index = (days + 4) % 7
        return (index < 0 ? index + 7 : index) + 1
    }

    static func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
        let quotient = value / by
        return value % by < 0 ? quotient - 1 : quotient
    }
}

extension CivilTime: CustomStringConvertible {
    /// `yyyy-mm-ddThh:mm:ss`
    package var description: String {
        func pad(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + "T" + pad(hour, 2) + ":" + pad(minute, 2) + ":"
            + pad(second, 2)
    }
}
