import AppConfig
import Schedules
import Testing

@Suite("Rules with a schedule")
struct ScheduleTests {
    private static let targets = "targets: [{function: CSVToParquet}]\n"

    @Test("an expression alone, and with its time zone, its dates and what is done about missed moments")
    func reading() throws {
        let app = try TestApp.load(
            TestApp.files([
                "Events/schedules/often.yaml": "schedule: rate(5 minutes)\n" + Self.targets,
                "Events/rules/nightly.yaml": """
                schedule:
                  expression: cron(0 2 ? * MON-FRI *)
                  timezone: Europe/Berlin
                  missed: all
                  startDate: 2026-01-01T00:00:00
                  endDate: 2199-01-01T00:00:00
                bus: orders
                targets: [{function: CSVToParquet}]
                """,
            ]))
        let rules = Dictionary(uniqueKeysWithValues: app.definition.rules.map { ($0.name, $0) })
        #expect(rules["often"]?.schedule == ScheduleDefinition(expression: "rate(5 minutes)"))
        #expect(rules["often"]?.schedule?.missed == .last)
        #expect(
            rules["often"]?.pattern
                == #"{"source":["aws.events"],"detail-type":["Scheduled Event"],"resources":["arn:aws:events:local:000000000000:rule/often"]}"#
        )
        #expect(
            rules["nightly"]?.schedule
                == ScheduleDefinition(
                    expression: "cron(0 2 ? * MON-FRI *)", timezone: "Europe/Berlin", missed: .all,
                    startDate: "2026-01-01T00:00:00", endDate: "2199-01-01T00:00:00"))
        #expect(rules["nightly"]?.pattern.contains("rule/orders/nightly") == true)
        #expect(rules["csv-landed"]?.schedule == nil)
        #expect(app.warnings.isEmpty)
    }

    @Test("what is never due again is warned of", arguments: ["at(2020-01-01T00:00:00)", "cron(0 0 30 2 ? *)"])
    func never(_ expression: String) throws {
        let app = try TestApp.load(
            TestApp.files(["Events/schedules/x.yaml": "schedule: \(expression)\n" + Self.targets]))
        #expect(app.warnings.map(\.code) == [.suspicious])
        #expect(app.warnings.first?.message.contains("never due again") == true)
    }

    @Test(
        "each mistake is named with file, line and column",
        arguments: [
            ("schedule: rate(1 minutes)", ConfigFinding.Code.invalidSchedule, 1, 11, "written `minute`"),
            ("schedule: cron(0 2 * * *)", .invalidSchedule, 1, 11, "six fields"),
            ("schedule: 5", .invalidValue, 1, 11, "a mapping"),
            ("schedule: {timezone: UTC}", .missingKey, 1, 11, "no `expression`"),
            (
                "schedule:\n  expression: rate(1 hour)\n  timezone: Europe/Berln", .invalidSchedule, 3, 13,
                "no time zone `Europe/Berln`"
            ),
            (
                "schedule:\n  expression: rate(1 hour)\n  timezone: ../../etc/passwd", .invalidSchedule, 3, 13,
                "no time zone"
            ),
            ("schedule:\n  expression: rate(1 hour)\n  timezone: Europe", .invalidSchedule, 3, 13, "no time zone"),
            (
                "schedule:\n  expression: at(2026-03-29T02:30:00)\n  timezone: Europe/Berlin", .invalidSchedule, 2, 15,
                "does not exist"
            ),
            ("schedule:\n  expression: rate(1 hour)\n  missed: never", .invalidValue, 3, 11, "skip, last, all"),
            (
                "schedule:\n  expression: rate(1 hour)\n  startDate: tomorrow", .invalidSchedule, 3, 14,
                "no date and time"
            ),
            (
                "schedule:\n  expression: rate(1 hour)\n  endDate: 2026-01-01", .invalidSchedule, 3, 12,
                "no date and time"
            ),
            ("schedule:\n  cron: 0 2 * * ? *\n  expression: rate(1 hour)", .unknownKey, 2, 3, "called `expression`"),
            ("schedule: rate(1 hour)\npattern: {source: [a]}", .invalidValue, 2, 10, "either `pattern` or `schedule`"),
        ])
    func mistakes(
        _ text: String, _ code: ConfigFinding.Code, _ line: Int, _ column: Int, _ says: String
    ) throws {
        let findings = try TestApp.findings(
            TestApp.files(["Events/schedules/x.yaml": text + "\n" + Self.targets]))
        let all = findings.map(\.description).joined(separator: "\n")
        #expect(findings.first?.code == code && findings.first?.line == line, "\(all)")
        #expect(findings.first?.column == column && findings.first?.file == "Events/schedules/x.yaml", "\(all)")
        #expect(all.contains(says), "\(all)")
    }
}
