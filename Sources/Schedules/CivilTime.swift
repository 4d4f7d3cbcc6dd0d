import CivilCalendar

/// A date and time on some clock's face, in the proleptic Gregorian calendar: no time zone is implied.
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
        let days = floorDivide(seconds, 86400)
        let rest = Int(seconds - days * 86400)
        let (year, month, day) = civilDate(daysSinceEpoch: Int(days))
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
        guard (1...12).contains(month), (1...daysInMonth(year: year, month: month)).contains(day), hour < 24,
            minute < 60,
            second < 60
        else { return nil }
    }

    /// Seconds since 1970-01-01T00:00:00 on the same clock.
    package var seconds: Int64 {
        Int64(daysSinceEpoch(year: year, month: month, day: day)) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// 1 for Sunday to 7 for Saturday, as EventBridge counts.
    package var weekday: Int { Self.weekday(days: daysSinceEpoch(year: year, month: month, day: day)) }

    package static func < (left: CivilTime, right: CivilTime) -> Bool {
        (left.year, left.month, left.day, left.hour, left.minute, left.second)
            < (right.year, right.month, right.day, right.hour, right.minute, right.second)
    }

    /// 1970-01-01 was a Thursday.
    static func weekday(days: Int) -> Int {
        let index = (days + 4) % 7
        return (index < 0 ? index + 7 : index) + 1
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
