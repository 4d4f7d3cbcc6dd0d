import CivilCalendar

/// A moment in UTC, to the nanosecond, from 1677 to 2262. Read and written as RFC 3339.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z; leap seconds are not counted.
    public var nanosecondsSinceEpoch: Int64

    public init(nanosecondsSinceEpoch: Int64) { self.nanosecondsSinceEpoch = nanosecondsSinceEpoch }

    /// Whole seconds since the epoch; nil beyond the range.
    public init?(secondsSinceEpoch: Int64) {
        let (value, overflow) = secondsSinceEpoch.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return nil }
        nanosecondsSinceEpoch = value
    }

    /// Milliseconds since the epoch; what is beyond the range becomes its end.
    public init(milliseconds: Int64) {
        let (value, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        nanosecondsSinceEpoch = overflow ? (milliseconds < 0 ? .min : .max) : value
    }

    /// Whole milliseconds since the epoch, rounded down.
    public var milliseconds: Int64 { floorDivide(nanosecondsSinceEpoch, 1_000_000) }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch
    }

    /// The whole second it falls into, as EventBridge's `time` has it; for the range's first moments, which begin
    /// within a second, the next one.
    public var wholeSeconds: Timestamp {
        Timestamp(secondsSinceEpoch: floorDivide(nanosecondsSinceEpoch, 1_000_000_000))
            ?? Timestamp(nanosecondsSinceEpoch: nanosecondsSinceEpoch - nanosecondsSinceEpoch % 1_000_000_000)
    }

    /// Year, month, day, hour, minute, second in UTC.
    public var components: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        let seconds = floorDivide(nanosecondsSinceEpoch, 1_000_000_000)
        let days = floorDivide(seconds, 86400)
        let rest = Int(seconds - days * 86400)
        let date = civilDate(daysSinceEpoch: Int(days))
        return (date.year, date.month, date.day, rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// Nanoseconds within the second.
    public var nanosecond: Int { Int(modulo(nanosecondsSinceEpoch, 1_000_000_000)) }

    /// The moment of a date and time in UTC; nil for what is no date, or is beyond the range.
    public init?(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, nanosecond: Int = 0
    ) {
        guard (1600...2300).contains(year), (1...12).contains(month), (0..<24).contains(hour),
            (0..<60).contains(minute),
            (0..<60).contains(second), (0..<1_000_000_000).contains(nanosecond), day >= 1,
            day <= daysInMonth(year: year, month: month)
        else { return nil }
        let days = daysSinceEpoch(year: year, month: month, day: day)
        let seconds = days * 86400 + hour * 3600 + minute * 60 + second
        let (scaled, overflow) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (total, carry) = scaled.addingReportingOverflow(Int64(nanosecond))
        guard !overflow, !carry else { return nil }
        nanosecondsSinceEpoch = total
    }
}

extension Timestamp {
    /// Reads RFC 3339: `2021-11-12T00:00:00Z`, with a fraction of any length (nanoseconds are kept) and any offset.
    /// Nil for anything else. A leap second (`:60`) is read as the second before it.
    public init?(rfc3339 text: some StringProtocol) {
        guard let read = RFC3339(text), let whole = Timestamp(secondsSinceEpoch: read.secondsSinceEpoch) else {
            return nil
        }
        let (moment, overflow) = whole.nanosecondsSinceEpoch.addingReportingOverflow(Int64(read.nanosecond))
        guard !overflow else { return nil }
        nanosecondsSinceEpoch = moment
    }

    /// RFC 3339 in UTC with exactly `fractionDigits` (0 to 9) digits after the point; the rest is cut off.
    public func rfc3339(fractionDigits: Int) -> String {
        let parts = components
        let count = max(0, min(9, fractionDigits))
        return String(unsafeUninitializedCapacity: 32) { output in
            var position = 0
            func put(_ byte: UInt8) {
                output[position] = byte
                position += 1
            }
            func number(_ value: Int, _ width: Int) {
                var divisor = 1
                for _ in 1..<width { divisor *= 10 }
                while divisor > 0 {
                    put(UInt8(ascii: "0") + UInt8(value / divisor % 10))
                    divisor /= 10
                }
            }
            number(parts.year, 4)
            put(UInt8(ascii: "-"))
            number(parts.month, 2)
            put(UInt8(ascii: "-"))
            number(parts.day, 2)
            put(UInt8(ascii: "T"))
            number(parts.hour, 2)
            put(UInt8(ascii: ":"))
            number(parts.minute, 2)
            put(UInt8(ascii: ":"))
            number(parts.second, 2)
            if count > 0 {
                put(UInt8(ascii: "."))
                var value = nanosecond
                for _ in count..<9 { value /= 10 }
                number(value, count)
            }
            put(UInt8(ascii: "Z"))
            return position
        }
    }
}

extension Timestamp: CustomStringConvertible, Codable {
    /// RFC 3339 in UTC with no more digits than needed: none, three, six or nine.
    public var description: String {
        let nanosecond = self.nanosecond
        if nanosecond == 0 { return rfc3339(fractionDigits: 0) }
        if nanosecond % 1_000_000 == 0 { return rfc3339(fractionDigits: 3) }
        return rfc3339(fractionDigits: nanosecond % 1000 == 0 ? 6 : 9)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Timestamp(rfc3339: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not a time such as 2021-11-12T00:00:00Z")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
