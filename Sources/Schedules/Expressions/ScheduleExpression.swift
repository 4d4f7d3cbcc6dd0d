/// `rate(…)`, `cron(…)` or `at(…)`, as EventBridge has them.
package enum ScheduleExpression: Sendable, Hashable {
    /// As EventBridge limits it, in characters.
    package static let longest = 256

    /// Every so many seconds.
    case rate(seconds: Int64)
    case cron(CronExpression)
    /// Once.
    case at(CivilTime)

    /// Reads an expression, as strictly as EventBridge does: no spaces around it, lower-case units, `minute` only
    /// after 1. Throws `invalidExpression` or `invalidTime`.
    package init(_ text: String) throws(ScheduleError) {
        func fail(_ reason: String) -> ScheduleError {
            ScheduleError(.invalidExpression, "`\(text)` is no schedule: \(reason)")
        }
        guard text.unicodeScalars.count <= Self.longest else {
            throw fail("it is longer than \(Self.longest) characters")
        }
        guard let open = text.firstIndex(of: "("), text.last == ")" else {
            throw fail("write rate(5 minutes), cron(0 2 * * ? *) or at(2026-12-24T18:00:00)")
        }
        let inside = text[text.index(after: open)...].dropLast()
        switch text[..<open] {
        case "rate": self = .rate(seconds: try Self.rate(inside, fail))
        case "cron":
            do throws(ScheduleError) {
                self = .cron(try CronExpression(fields: inside))
            } catch {
                throw fail(error.message)
            }
        case "at":
            guard let time = CivilTime(inside) else {
                throw ScheduleError(
                    .invalidTime, "`\(text)` is no schedule: at takes a date and time, yyyy-mm-ddThh:mm:ss")
            }
            self = .at(time)
        default: throw fail("it begins with neither `rate(`, `cron(` nor `at(`")
        }
    }

    private static func rate(
        _ text: Substring, _ fail: (String) -> ScheduleError
    ) throws(ScheduleError) -> Int64 {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(parts[0]),
            value >= 1, value <= 1_000_000
        else { throw fail("rate takes a whole number from 1 and a unit, rate(5 minutes)") }
        let units: [(one: Substring, many: Substring, seconds: Int64)] = [
            ("minute", "minutes", 60), ("hour", "hours", 3600), ("day", "days", 86400),
        ]
        guard let unit = units.first(where: { parts[1] == $0.one || parts[1] == $0.many }) else {
            throw fail("`\(parts[1])` is no unit; there are minutes, hours and days")
        }
        guard parts[1] == (value == 1 ? unit.one : unit.many) else {
            throw fail("the unit after \(value) is written `\(value == 1 ? unit.one : unit.many)`")
        }
        return value * unit.seconds
    }
}
