/// A point in time as the `date` extension compares it: whole microseconds since 1970, UTC.
enum Timestamp {
    /// Reads an RFC 3339 timestamp (`2026-11-21T05:00:00.25+01:00`), or a date alone, which is its midnight in UTC; nil for
    /// other text. Digits after the microseconds are ignored. A leap second is the second after it.
    static func microseconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        let count = text.count
        guard count >= 10, count <= 64 else { return nil }
        func number(_ start: Int, _ width: Int) -> Int64? {
            var value: Int64 = 0
            for index in start..<(start + width) {
                guard index < count, text[index] &- 0x30 < 10 else { return nil }
                value = value * 10 + Int64(text[index] - 0x30)
            }
            return value
        }
        func has(_ index: Int, _ byte: UInt8) -> Bool { index < count && text[index] == byte }
        guard let year = number(0, 4), has(4, 0x2D), let month = number(5, 2), has(7, 0x2D), let day = number(8, 2),
            month >= 1, month <= 12, day >= 1, day <= daysOf(month, year)
        else { return nil }
        let days = daysSince1970(year, month, day)
        if count == 10 { return days * 86_400_000_000 }
        guard text[10] | 0x20 == 0x74 || text[10] == 0x20, let hour = number(11, 2), has(13, 0x3A),
            let minute = number(14, 2), has(16, 0x3A), let second = number(17, 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        var index = 19
        var micros: Int64 = 0
        if has(index, 0x2E) {
            index += 1
            let start = index
            var scale: Int64 = 100_000
            while index < count, text[index] &- 0x30 < 10 {
                micros += Int64(text[index] - 0x30) * scale
                scale /= 10
                index += 1
            }
            if index == start { return nil }
        }
        guard index < count else { return nil }
        var offset: Int64 = 0
        if text[index] | 0x20 == 0x7A {
            guard index + 1 == count else { return nil }
        } else {
            guard text[index] == 0x2B || text[index] == 0x2D, let hours = number(index + 1, 2), has(index + 3, 0x3A),
                let minutes = number(index + 4, 2), hours < 24, minutes < 60, index + 6 == count
            else { return nil }
            offset = (hours * 60 + minutes) * (text[index] == 0x2D ? -60 : 60)
        }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        return seconds * 1_000_000 + micros
    }

    private static func daysOf(_ month: Int64, _ year: Int64) -> Int64 {
        if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
    }

    /// Days from 1970-01-01 in the proleptic Gregorian calendar (Hinnant's `days_from_civil`).
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// An interval of timestamps with the texts it was written with.
struct DateRange: Sendable, Hashable {
    var low: Int64?
    var includesLow: Bool
    var high: Int64?
    var includesHigh: Bool
    /// The operands as written: operator, timestamp, and so on.
    var written: [String]

    /// The first and last microsecond that belong to the range.
    var first: Int64 { low.map { includesLow ? $0 : $0 + 1 } ?? .min }
    var last: Int64 { high.map { includesHigh ? $0 : $0 - 1 } ?? .max }
}
