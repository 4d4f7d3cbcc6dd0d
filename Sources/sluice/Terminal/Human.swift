import CLinux
import Glibc
import HostAPI

/// Figures for people.
enum Human {
    /// `1.2 kB`; powers of 1000.
    static func bytes(_ count: Int64) -> String {
        guard count >= 1000 else { return "\(count) B" }
        var value = Double(count)
        var unit = 0
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        while value >= 999.95, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return decimal(value, 1) + " " + units[unit]
    }

    /// `0.42 ms`, `12 ms`, `3.4 s`, `2 min 5 s`.
    static func milliseconds(_ value: Double) -> String {
        switch value {
        case ..<10: decimal(value, 2) + " ms"
        case ..<1000: decimal(value, 0) + " ms"
        case ..<60_000: decimal(value / 1000, 1) + " s"
        default: seconds(Int64(value / 1000))
        }
    }

    /// How long an attempt ran; of one that was lost with its host nobody knows.
    static func duration(_ summary: InvocationSummary) -> String {
        summary.code == "HostLost" && summary.durationMilliseconds == 0
            ? "–" : milliseconds(summary.durationMilliseconds)
    }

    /// `5 s`, `2 min 5 s`, `3 h 2 min`, `4 d 3 h`.
    static func seconds(_ count: Int64) -> String {
        switch count {
        case ..<60: "\(max(0, count)) s"
        case ..<3600: "\(count / 60) min" + (count % 60 == 0 ? "" : " \(count % 60) s")
        case ..<86_400: "\(count / 3600) h" + (count / 60 % 60 == 0 ? "" : " \(count / 60 % 60) min")
        default: "\(count / 86_400) d" + (count / 3600 % 24 == 0 ? "" : " \(count / 3600 % 24) h")
        }
    }

    /// `2026-11-21T04:05:06Z`: the form that commands take, too.
    static func moment(_ time: APITime) -> String { time.description.prefix(19) + "Z" }

    /// `04:05:06.789Z` today, else `2026-11-21T04:05:06.789Z`.
    static func clock(_ time: APITime, now: APITime = APITime(milliseconds: Human.now())) -> String {
        let text = time.description
        return text.prefix(10) == now.description.prefix(10) ? String(text.dropFirst(11)) : text
    }

    /// `12 s ago`.
    static func ago(_ time: APITime) -> String { seconds((now() - time.milliseconds) / 1000) + " ago" }

    /// `10 min ago`, for columns: in the largest unit alone.
    static func roughlyAgo(_ time: APITime) -> String {
        let count = (now() - time.milliseconds) / 1000
        let unit: Int64 =
            switch count {
            case ..<60: 1
            case ..<3600: 60
            case ..<86_400: 3600
            default: 86_400
            }
        return seconds(max(0, count) / unit * unit) + " ago"
    }

    /// `1 file`, `2 files`; the plural by an `s` unless given.
    static func count(_ number: some BinaryInteger, _ noun: String, _ plural: String? = nil) -> String {
        "\(grouped(number)) \(number == 1 ? noun : plural ?? noun + "s")"
    }

    /// `1,234,567`.
    static func grouped(_ number: some BinaryInteger) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + text
    }

    /// With a fixed count of decimals, rounded.
    static func decimal(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        var power = 1.0
        for _ in 0..<places { power *= 10 }
        let scaled = Int64((value.magnitude * power).rounded())
        let sign = value < 0 && scaled != 0 ? "-" : ""
        guard places > 0 else { return sign + String(scaled) }
        let fraction = String(scaled % Int64(power))
        return sign + "\(scaled / Int64(power))." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// Milliseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
