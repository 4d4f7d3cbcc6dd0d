import CivilCalendar
import Schedules
import Testing

private func next(_ expression: String, after time: String, count: Int = 1) throws -> [String] {
    let schedule = try Schedule(ScheduleExpression(expression), zone: .utc, deployed: 0)
    var moment = try #require(CivilTime(time)).seconds
    var found: [String] = []
    for _ in 0..<count {
        guard let due = schedule.next(after: moment) else { break }
        found.append(CivilTime(seconds: due).description)
        moment = due
    }
    return found
}

@Suite("Schedule expressions")
struct ExpressionTests {
    @Test(
        "cron in UTC",
        arguments: [
            ("cron(0 12 * * ? *)", "2026-11-21T12:00:00", ["2026-11-22T12:00:00"]),
            ("cron(0 12 * * ? *)", "2026-11-21T11:59:59", ["2026-11-21T12:00:00"]),
            ("cron(0/15 * * * ? *)", "2026-12-31T23:45:00", ["2027-01-01T00:00:00", "2027-01-01T00:15:00"]),
            ("cron(*/15 * * * ? *)", "2026-12-31T23:45:30", ["2027-01-01T00:00:00"]),
            (
                "cron(5/20 8-10/2 * * ? *)", "2026-01-01T00:00:00",
                ["2026-01-01T08:05:00", "2026-01-01T08:25:00", "2026-01-01T08:45:00", "2026-01-01T10:05:00"]
            ),
            ("cron(0 18 ? * MON-FRI *)", "2026-11-20T18:00:00", ["2026-11-23T18:00:00"]),
            ("cron(0 18 ? * mon-fri *)", "2026-11-20T18:00:00", ["2026-11-23T18:00:00"]),
            ("cron(0 8 1 * ? *)", "2026-11-21T00:00:00", ["2026-12-01T08:00:00", "2027-01-01T08:00:00"]),
            ("cron(0 0 L * ? *)", "2028-01-31T00:00:00", ["2028-02-29T00:00:00", "2028-03-31T00:00:00"]),
            ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00", ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]),
            ("cron(0 0 29 2 ? *)", "2096-03-01T00:00:00", ["2104-02-29T00:00:00"]),
            // The weekday nearest to the 15th: 2026-08-15 is a Saturday, 2026-11-15 a Sunday.
            ("cron(0 0 15W 8,11 ? 2026)", "2026-01-01T00:00:00", ["2026-08-14T00:00:00", "2026-11-16T00:00:00"]),
            // Never in another month: 2026-08-01 is a Saturday, 2026-05-31 a Sunday.
            ("cron(0 0 1W 8 ? 2026)", "2026-01-01T00:00:00", ["2026-08-03T00:00:00"]),
            ("cron(0 0 31W 5 ? 2026)", "2026-01-01T00:00:00", ["2026-05-29T00:00:00"]),
            ("cron(0 0 31W 4 ? *)", "2026-01-01T00:00:00", []),
            ("cron(0 0 LW * ? *)", "2026-01-31T00:00:00", ["2026-02-27T00:00:00", "2026-03-31T00:00:00"]),
            ("cron(0 0 ? * 6L *)", "2026-11-01T00:00:00", ["2026-11-27T00:00:00", "2026-12-25T00:00:00"]),
            ("cron(0 0 ? * FRIL *)", "2026-11-01T00:00:00", ["2026-11-27T00:00:00"]),
            ("cron(0 0 ? * L *)", "2026-11-21T00:00:00", ["2026-11-28T00:00:00"]),
            ("cron(0 0 ? * 3#2 *)", "2026-11-01T00:00:00", ["2026-11-10T00:00:00", "2026-12-08T00:00:00"]),
            ("cron(0 0 ? * MON#5 *)", "2026-11-01T00:00:00", ["2026-11-30T00:00:00", "2027-03-29T00:00:00"]),
            (
                "cron(0 0 1,15,L * ? *)", "2026-02-01T00:00:00",
                ["2026-02-15T00:00:00", "2026-02-28T00:00:00", "2026-03-01T00:00:00"]
            ),
            (
                "cron(0 0 1 JAN,JUL ? 2027-2028)", "2026-01-01T00:00:00",
                ["2027-01-01T00:00:00", "2027-07-01T00:00:00", "2028-01-01T00:00:00", "2028-07-01T00:00:00"]
            ),
            ("cron(0 0 1 1 ? 2020)", "2026-01-01T00:00:00", []),
            ("cron(0 0 30 2 ? *)", "2026-01-01T00:00:00", []),
            ("cron(59 23 31 12 ? 2199)", "2026-01-01T00:00:00", ["2199-12-31T23:59:00"]),
            ("at(2026-12-24T18:00:30)", "2026-01-01T00:00:00", ["2026-12-24T18:00:30"]),
            ("at(2026-12-24T18:00:30)", "2026-12-24T18:00:30", []),
            ("rate(90 minutes)", "1970-01-01T00:00:00", ["1970-01-01T01:30:00", "1970-01-01T03:00:00"]),
            ("rate(1 hour)", "1970-01-02T00:30:00", ["1970-01-02T01:00:00"]),
            ("rate(2 days)", "1970-01-03T00:00:00", ["1970-01-05T00:00:00"]),
        ])
    func next(_ expression: String, _ after: String, _ expected: [String]) throws {
        #expect(try Self.find(expression, after, max(1, expected.count)) == expected)
    }

    private static func find(_ expression: String, _ after: String, _ count: Int) throws -> [String] {
        try SchedulesTests.next(expression, after: after, count: count)
    }

    // The first eleven were recorded from AWS.
    @Test(
        "what AWS refuses is refused",
        arguments: [
            "rate(10 seconds)", "rate(1 minutes)", "rate(10 minute)", "rate(0 minutes)", "rate(-10 minutes)",
            "rate(10 MINUTES)", "rate( 10 minutes )", " rate(10 minutes)", "rate(10 minutes) ", "rate(10 years)", "",
            "rate(10)", "rate(10  minutes)", "rate(1.5 hours)", "rate(9999999999999999999 minutes)", "every(5 minutes)",
            "5 minutes", "cron(* * * * *)", "cron(* * * * * *)", "cron(* * ? * ? *)", "cron(60 * * * ? *)",
            "cron(* 24 * * ? *)", "cron(* * 0 * ? *)", "cron(* * 32 * ? *)", "cron(* * * 13 ? *)", "cron(* * ? * 8 *)",
            "cron(* * ? * 0 *)", "cron(* * * * ? 1969)", "cron(* * * * ? 2200)", "cron(5-1 * * * ? *)",
            "cron(*/0 * * * ? *)", "cron(*/x * * * ? *)", "cron(1, * * * ? *)", "cron(,1 * * * ? *)",
            "cron(1-2-3 * * * ? *)",
            "cron(? * * * ? *)", "cron(L * * * ? *)", "cron(* * W * ? *)", "cron(* * 32W * ? *)", "cron(* * ? * 3#6 *)",
            "cron(* * ? * 3#0 *)", "cron(* * ? * #2 *)", "cron(* * ? * MONDAY *)", "cron(* * * FEBRUARY ? *)",
            "cron(-1 * * * ? *)", "cron(+1 * * * ? *)", "cron(1/60 * * * ? *)", "at(2026-12-24)",
            "at(2026-12-24T18:00)",
            "at(2026-02-29T18:00:00)", "at(2026-12-24T24:00:00)", "at(2026-12-24 18:00:00)", "at(2026-12-24T18:00:00Z)",
            "cron(0 0 1 1 ? \(String(repeating: "2026,", count: 60))2026)",
        ])
    func refused(_ expression: String) {
        #expect(throws: ScheduleError.self) { try ScheduleExpression(expression) }
    }

    @Test("a start is a rate's first moment, and an end its last")
    func bounds() throws {
        let schedule = try Schedule(
            ScheduleExpression("rate(10 minutes)"), zone: .utc, start: CivilTime(2026, 1, 1, 0, 5),
            end: CivilTime(2026, 1, 1, 0, 25), deployed: 12345)
        #expect(
            schedule.latest(10, after: 0, through: 4_000_000_000).map { CivilTime(seconds: $0).minute } == [5, 15, 25])
        #expect(throws: ScheduleError.self) {
            try Schedule(
                ScheduleExpression("rate(10 minutes)"), zone: .utc, start: CivilTime(2026, 1, 2),
                end: CivilTime(2026, 1, 1), deployed: 0)
        }
    }

    /// Every minute of some days, by the definition of the fields.
    @Test("agrees with trying every minute", arguments: 0..<60)
    func everyMinute(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed &* 7919 + 1)
        func pick(_ choices: [String]) -> String { choices[Int(random.next() % UInt64(choices.count))] }
        let minute = pick(["0", "*/7", "13,14", "50-59/3", "*", "30"])
        let hour = pick(["*", "0", "23", "1-5", "*/6", "2,3"])
        let month = pick(["*", "2", "FEB-MAR", "1,12", "*/5"])
        let isMonth = random.next() % 2 == 0
        let day = isMonth ? pick(["*", "1", "L", "15W", "1W", "LW", "29-31", "28,L"]) : "?"
        let weekday = isMonth ? "?" : pick(["*", "MON-FRI", "1", "7L", "2#1", "6#5", "L", "SUN,3L"])
        let expression = "cron(\(minute) \(hour) \(day) \(month) \(weekday) *)"
        let schedule = try Schedule(ScheduleExpression(expression), zone: .utc, deployed: 0)
        let from = CivilTime(2027 + Int(random.next() % 2), 1 + Int(random.next() % 3), 20).seconds
        var naive = NaiveCron(minute, hour, day, month, weekday)
        var expected: [Int64] = []
        for moment in stride(from: from + 60, through: from + 40 * 86400, by: 60)
        where naive.matches(CivilTime(seconds: moment)) {
            expected.append(moment)
        }
        let found = schedule.latest(1_000_000, after: from, through: from + 40 * 86400)
        #expect(found == expected, "\(expression)")
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// The fields' definition, word for word and slowly.
struct NaiveCron {
    private let fields: [String]
    private var minutes: [Bool] = []
    private var hours: [Bool] = []
    private var day: (date: CivilTime, matches: Bool)?

    init(_ fields: String...) {
        self.fields = fields
        minutes = (0...59).map { plain(fields[0], $0, 0...59, [:]) }
        hours = (0...23).map { plain(fields[1], $0, 0...23, [:]) }
    }

    private static let months = ["JAN": 1, "FEB": 2, "MAR": 3, "DEC": 12]
    private static let days = ["SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7]

    mutating func matches(_ time: CivilTime) -> Bool {
        guard minutes[time.minute], hours[time.hour] else { return false }
        let date = CivilTime(time.year, time.month, time.day)
        if let day, day.date == date { return day.matches }
        let matches = plain(fields[3], time.month, 1...12, Self.months) && isDay(date)
        day = (date, matches)
        return matches
    }

    private func plain(_ field: String, _ value: Int, _ range: ClosedRange<Int>, _ names: [String: Int]) -> Bool {
        field.split(separator: ",").contains { item in
            let parts = item.split(separator: "/")
            let step = parts.count == 2 ? Int(parts[1])! : 1
            var low = range.lowerBound
            var high = range.upperBound
            if parts[0] != "*" {
                let ends = parts[0].split(separator: "-").map { names[String($0)] ?? Int($0)! }
                low = ends[0]
                high = ends.count == 2 ? ends[1] : parts.count == 2 ? range.upperBound : low
            }
            return (low...high).contains(value) && (value - low) % step == 0
        }
    }

    private func isDay(_ time: CivilTime) -> Bool {
        let length = daysInMonth(year: time.year, month: time.month)
        func weekday(_ day: Int) -> Int { CivilTime(time.year, time.month, day).weekday }
        func isWorking(_ day: Int) -> Bool { (2...6).contains(weekday(day)) }
        if fields[2] != "?" {
            return fields[2].split(separator: ",").contains { item in
                switch item {
                case "L": return time.day == length
                case "LW": return time.day == (1...length).last { isWorking($0) }
                case let item where item.hasSuffix("W"):
                    let wanted = Int(item.dropLast())!
                    let nearest = (1...length).filter(isWorking).min {
                        (abs($0 - wanted), $0) < (abs($1 - wanted), $1)
                    }
                    return time.day == nearest
                default: return plain(String(item), time.day, 1...31, [:])
                }
            }
        }
        return fields[4].split(separator: ",").contains { item in
            if item == "L" { return time.weekday == 7 }
            if item.hasSuffix("L") {
                let wanted = Self.days[String(item.dropLast())] ?? Int(item.dropLast())!
                return time.day == (1...length).last { weekday($0) == wanted }
            }
            let parts = item.split(separator: "#")
            if parts.count == 2 {
                let wanted = Self.days[String(parts[0])] ?? Int(parts[0])!
                let matching = (1...length).filter { weekday($0) == wanted }
                let index = Int(parts[1])! - 1
                return index < matching.count && time.day == matching[index]
            }
            return plain(String(item), time.weekday, 1...7, Self.days)
        }
    }
}
