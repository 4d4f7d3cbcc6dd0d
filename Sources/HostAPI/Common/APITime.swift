import CivilCalendar

/// A moment in what the host and its clients say to each other, to the millisecond. In JSON a text of RFC 3339 in UTC,
/// always with milliseconds, so that texts sort as the moments do: `2026-11-21T04:05:06.789Z`. The time of an event is
/// a `Timestamp`; this one reaches every year from 0000 to 9999, which `--until 9999-12-31` needs.
package struct APITime: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    /// Since 1970, UTC.
    package var milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Reads RFC 3339 with any offset; digits after the milliseconds are cut off. Nil for anything else.
    package init?(rfc3339 text: some StringProtocol) {
        guard let read = RFC3339(text) else { return nil }
        milliseconds = read.secondsSinceEpoch * 1000 + Int64(read.nanosecond / 1_000_000)
    }

    package static func < (left: APITime, right: APITime) -> Bool {
        left.milliseconds < right.milliseconds
    }

    package var description: String {
        let days = floorDivide(milliseconds, 86_400_000)
        let inDay = modulo(milliseconds, 86_400_000)
        let date = civilDate(daysSinceEpoch: Int(days))
        let second = Int(inDay / 1000)
        return Self.pad(date.year, 4) + "-" + Self.pad(date.month, 2) + "-" + Self.pad(date.day, 2) + "T"
            + Self.pad(second / 3600, 2) + ":" + Self.pad(second / 60 % 60, 2) + ":" + Self.pad(second % 60, 2) + "."
            + Self.pad(Int(inDay % 1000), 3) + "Z"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let time = APITime(rfc3339: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "`\(text)` is no RFC 3339 time")
        }
        self = time
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
