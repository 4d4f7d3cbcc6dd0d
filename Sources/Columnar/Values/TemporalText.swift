import CivilCalendar

/// Dates and timestamps in ISO 8601's extended form: `2024-05-31`, `2024-05-31 23:59`, `2024-05-31T23:59:59.123456Z`.
///
/// Days and hours are checked against the (proleptic Gregorian) calendar, years are 0001 to 9999, in UTC too. Fractions
/// count to the microsecond; finer digits must be zeros. Other orders of day, month and year are ambiguous and refused.
enum TemporalText {
    struct Timestamp {
        /// Since 1970-01-01 00:00, in UTC where there is a zone.
        var microseconds: Int64
        var hasZone: Bool
    }

    static let microsecondsPerDay: Int64 = 86_400_000_000

    /// Whether an instant is of the years 0001 to 9999 in UTC too: most readers have no others, and its text, which has
    /// them in its own zone, would not be read again.
    @inline(__always)
    static func isInCalendar(_ microseconds: Int64) -> Bool {
        (-719_162 * microsecondsPerDay..<2_932_897 * microsecondsPerDay).contains(microseconds)
    }

    /// Days since 1970-01-01. Sixteen bytes from `text` must be readable.
    @inline(__always)
    static func date(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        length == 10 ? days(text) : nil
    }

    /// The day in the first ten bytes.
    static func days(_ text: UnsafePointer<UInt8>) -> Int64? {
        guard let date = date(text) else { return nil }
        return Int64(daysSinceEpoch(year: date.year, month: date.month, day: date.day))
    }

    /// Year, month and day in the first ten bytes.
    static func date(_ text: UnsafePointer<UInt8>) -> (year: Int, month: Int, day: Int)? {
        let word = loadWord(text)  // YYYY-MM-
        let dashes: UInt64 = 0xFF00_00FF_0000_0000
        guard word & dashes == 0x2D00_002D_0000_0000 & dashes else { return nil }
        let values = (word ^ 0x0030_3000_3030_3030) & ~dashes
        guard IntegerText.isDigits(values), let day = twoDigits(text + 8) else { return nil }
        let year = (digit(text, 0) * 10 + digit(text, 1)) * 100 + digit(text, 2) * 10 + digit(text, 3)
        let month = digit(text, 5) * 10 + digit(text, 6)
        guard year >= 1, month >= 1, month <= 12, day >= 1, day <= daysInMonth(year: year, month: month) else {
            return nil
        }
        return (year, month, day)
    }

    /// A timestamp, or a date as its midnight. Sixteen bytes from `text` must be readable, and all of `length`.
    static func timestamp(_ text: UnsafePointer<UInt8>, _ length: Int) -> Timestamp? {
        guard length >= 10, let day = days(text) else { return nil }
        if length == 10 { return Timestamp(microseconds: day * microsecondsPerDay, hasZone: false) }
        guard let time = time(text, length) else { return nil }
        let microseconds = day * microsecondsPerDay + time.microseconds
        return isInCalendar(microseconds) ? Timestamp(microseconds: microseconds, hasZone: time.hasZone) : nil
    }

    /// What follows the date: separator, time, zone. Microseconds may be negative or exceed a day by the zone.
    static func time(_ text: UnsafePointer<UInt8>, _ length: Int) -> Timestamp? {
        guard length >= 16, text[10] == 0x20 || text[10] == 0x54, text[13] == 0x3A else { return nil }
        guard let hour = twoDigits(text + 11), let minute = twoDigits(text + 14), hour < 24, minute < 60 else {
            return nil
        }
        var microseconds = Int64(hour * 60 + minute) * 60_000_000
        var position = 16
        if position < length, text[position] == 0x3A {
            guard length >= 19, let second = twoDigits(text + 17), second < 60 else { return nil }
            microseconds += Int64(second) * 1_000_000
            position = 19
            if position < length, text[position] == 0x2E {
                position += 1
                var unit: Int64 = 100_000
                let start = position
                while position < length, text[position] &- 0x30 <= 9 {
                    let digit = Int64(text[position] &- 0x30)
                    if unit == 0 && digit != 0 { return nil }
                    microseconds += digit * unit
                    unit /= 10
                    position += 1
                }
                guard position > start, position - start <= 12 else { return nil }
            }
        }
        if position == length { return Timestamp(microseconds: microseconds, hasZone: false) }
        guard let offset = zone(text + position, length - position) else { return nil }
        return Timestamp(microseconds: microseconds - offset, hasZone: true)
    }

    /// The seconds since midnight of `23:59:59`, all of it in a word; nil where it is no time.
    @inline(__always)
    static func secondsOfDay(_ word: UInt64) -> Int64? {
        // Digits become their values and colons zero; each pair of digits is a number in the byte of the first.
        let values = word ^ 0x3030_3A30_303A_3030
        let pairs = values &* 10 &+ (values &>> 8)
        let (hour, minute, second) = (pairs & 0xFF, pairs &>> 24 & 0xFF, pairs &>> 48 & 0xFF)
        // A bit is set by a byte above nine, by what stands for a colon, and by an hour or minute beyond the last.
        let wrong =
            ((values &+ 0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080
            | values & 0x0000_FF00_00FF_0000
            | ((hour &+ (0x80 - 24)) | (minute &+ (0x80 - 60)) | (second &+ (0x80 - 60))) & 0x80
        guard wrong == 0 else { return nil }
        return Int64(truncatingIfNeeded: hour &* 3600 &+ minute &* 60 &+ second)
    }

    /// A time of day, `23:59:59` or with a fraction, as microseconds since midnight. Hours and minutes alone could as
    /// well be minutes and seconds; they are refused unless `allowsShort`.
    static func timeOfDay(_ text: UnsafePointer<UInt8>, _ length: Int, allowsShort: Bool = false) -> Int64? {
        guard length >= (allowsShort ? 5 : 8), text[2] == 0x3A, let hour = twoDigits(text),
            let minute = twoDigits(text + 3), hour < 24, minute < 60
        else { return nil }
        let minutes = Int64(hour &* 60 &+ minute) &* 60_000_000
        if length == 5 { return minutes }
        guard length >= 8, text[5] == 0x3A, let second = twoDigits(text + 6), second < 60 else { return nil }
        guard let fraction = fraction(text, from: 8, length) else { return nil }
        return minutes &+ Int64(second) &* 1_000_000 &+ fraction
    }

    /// The microseconds of `.123456` from `start` to the end; 0 for nothing, nil for anything else.
    private static func fraction(_ text: UnsafePointer<UInt8>, from start: Int, _ length: Int) -> Int64? {
        if start == length { return 0 }
        guard text[start] == 0x2E, length > start + 1, length <= start + 13 else { return nil }
        var (microseconds, unit): (Int64, Int64) = (0, 100_000)
        for position in start + 1..<length {
            guard text[position] &- 0x30 <= 9 else { return nil }
            let digit = Int64(text[position] &- 0x30)
            if unit == 0 && digit != 0 { return nil }
            microseconds += digit * unit
            unit /= 10
        }
        return microseconds
    }

    /// `Z`, `+01`, `+0100`, `+01:00` in microseconds.
    private static func zone(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        if length == 1 { return text[0] == 0x5A ? 0 : nil }
        guard text[0] == 0x2B || text[0] == 0x2D, length >= 3, let hour = twoDigits(text + 1), hour <= 18 else {
            return nil
        }
        var minute = 0
        switch length {
        case 3: break
        case 5:
            guard let value = twoDigits(text + 3) else { return nil }
            minute = value
        case 6:
            guard text[3] == 0x3A, let value = twoDigits(text + 4) else { return nil }
            minute = value
        default: return nil
        }
        guard minute < 60 else { return nil }
        let offset = Int64(hour * 60 + minute) * 60_000_000
        return text[0] == 0x2D ? -offset : offset
    }

    @inline(__always)
    static func twoDigits(_ text: UnsafePointer<UInt8>) -> Int? {
        let (high, low) = (text[0] &- 0x30, text[1] &- 0x30)
        return high <= 9 && low <= 9 ? Int(high) &* 10 &+ Int(low) : nil
    }

    @inline(__always)
    private static func digit(_ text: UnsafePointer<UInt8>, _ index: Int) -> Int {
        Int(text[index] &- 0x30)
    }
}
