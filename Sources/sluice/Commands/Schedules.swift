import AppConfig
import ArgumentParser
import Glibc
import HostAPI
import Schedules

/// `sluice schedules`.
struct SchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedules", abstract: "Rules that run at set times.", subcommands: [List.self, Next.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Schedules in force, and when they are due next.")
        @Option(name: .long, help: ArgumentHelp("How many moments to tell for each.", valueName: "n")) var count = 3
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard (1...100).contains(count) else { throw ValidationError("--count must be between 1 and 100.") }
        }

        func run() async throws {
            let schedules = try await common.host.listSchedules(count: count)
            let output = common.output
            if output.json { return try schedules.forEach(output.object) }
            guard !schedules.isEmpty else {
                return output.line("no schedules; write `schedule: rate(5 minutes)` in a rule and `sluice deploy`")
            }
            output.table(
                ["RULE", "BUS", "SCHEDULE", "TIME ZONE", "MISSED", .whole("LAST"), .wholes("NEXT")],
                schedules.map { schedule in
                    [
                        schedule.rule, schedule.bus, schedule.expression, schedule.timezone, schedule.missed,
                        schedule.last.map { Human.moment($0) } ?? "-",
                        schedule.next.map { Human.moment($0) }.joined(separator: "  "),
                    ]
                })
            for schedule in schedules {
                if let trouble = schedule.trouble {
                    output.line("\(output.style.red("error:")) rule \(schedule.rule) does not run: \(trouble)")
                } else if schedule.next.isEmpty {
                    output.line("\(output.style.yellow("!")) rule \(schedule.rule) is never due again")
                }
            }
        }
    }

    struct Next: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "next",
            abstract: "When an expression would be due: rate(5 minutes), cron(0 2 * * ? *), at(2026-12-24T18:00:00).",
            discussion: """
                Needs no host. Each moment is given in UTC and on the time zone's clocks.

                  sluice schedules next 'cron(0 2 * * ? *)' --timezone Europe/Berlin
                """)
        @Argument(help: "The expression.") var expression: String
        @Option(name: .long, help: ArgumentHelp("A time zone, such as Europe/Berlin.", valueName: "name"))
        var timezone = "UTC"
        @Option(name: .long, help: ArgumentHelp("How many moments.", valueName: "n")) var count = 5
        @Option(
            name: .long, help: ArgumentHelp("From this moment on: RFC 3339. Default: now.", valueName: "time"))
        var after: String?
        @OptionGroup var outputOption: OutputOption

        func validate() throws {
            guard (1...10_000).contains(count) else {
                throw ValidationError("--count must be between 1 and 10000.")
            }
        }

        private struct Line: Codable {
            var utc: APITime
            var local: String
        }

        func run() throws {
            let output = outputOption.output
            var moment = Int64(time(nil))
            if let after {
                guard let given = APITime(rfc3339: after) else {
                    throw ValidationError("--after takes a time such as 2026-11-21T04:05:06Z, not \(after).")
                }
                moment = given.milliseconds / 1000
            }
            let schedule: Schedule
            do {
                schedule = try ScheduleDefinition(expression: expression, timezone: timezone)
                    .schedule(deployed: moment)
            } catch {
                throw Failure("\(error)")
            }
            var found = 0
            while found < count, let next = schedule.next(after: moment) {
                let line = Line(
                    utc: APITime(milliseconds: next * 1000), local: schedule.zone.civil(at: next).description)
                if output.json {
                    try output.object(line)
                } else {
                    output.line(
                        line.utc.description.prefix(19) + "Z" + (timezone == "UTC" ? "" : "  \(line.local) \(timezone)")
                    )
                }
                moment = next
                found += 1
            }
            if found == 0, !output.json { output.line("never") }
        }
    }
}
