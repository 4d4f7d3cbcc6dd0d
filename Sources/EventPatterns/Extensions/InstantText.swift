import CivilCalendar

/// A point in time as the `date` extension compares it: whole microseconds since 1970, UTC.
enum InstantText {
    /// Reads an RFC 3339 timestamp (`2026-11-21T05:00:00.25+01:00`), or a date alone, which is its midnight in UTC; nil
    /// for other text. Digits after the microseconds are ignored. A leap second is the second before it.
    static func microseconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard text.count > 10 else { return text.count == 10 ? midnight(text) : nil }
        guard text.count <= 64, let read = RFC3339(text) else { return nil }
        return read.secondsSinceEpoch * 1_000_000 + Int64(read.nanosecond / 1000)
    }

    /// Of `2026-11-21`.
    private static func midnight(_ date: UnsafeBufferPointer<UInt8>) -> Int64? {
        func number(_ start: Int, _ width: Int) -> Int? {
            var value = 0
            for index in start..<(start + width) {
                guard date[index] &- 0x30 < 10 else { return nil }
                value = value * 10 + Int(date[index] - 0x30)
            }
            return value
        }
        guard let year = number(0, 4), date[4] == 0x2D, let month = number(5, 2), date[7] == 0x2D,
            let day = number(8, 2), (1...12).contains(month), day >= 1, day <= daysInMonth(year: year, month: month)
        else { return nil }
        return Int64(daysSinceEpoch(year: year, month: month, day: day)) * 86_400_000_000
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
