import ArgumentParser
import HostAPI

/// `sluice alarms`.
struct Alarms: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alarms", abstract: "What is watched, and what is wrong at the moment.",
        discussion: """
            Alarms are files in Events/alarms: a metric beyond a threshold, or a file that has not come by a time. Each \
            change of an alarm is an event (source aws.cloudwatch), to which rules react.
            """,
        subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Alarms in force, their states, and why they are in them.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let alarms = try await common.host.listAlarms()
            let output = common.output
            if output.json { return try alarms.forEach(output.object) }
            guard !alarms.isEmpty else {
                return output.line("no alarms; write one into Events/alarms and `sluice deploy`")
            }
            output.table(AlarmTable.columns, alarms.map { AlarmTable.row($0, output.style) })
            for alarm in alarms {
                if let trouble = alarm.trouble {
                    output.line("\(output.style.red("error:")) alarm \(alarm.name) does not work: \(trouble)")
                }
            }
        }
    }
}

/// Alarms in lines.
enum AlarmTable {
    static let columns: [Table.Column] = [
        "NAME", .whole("STATE"), .whole("SINCE"), .whole("VALUE"), .below("WATCHES"), .prose("REASON"),
    ]

    static func row(_ alarm: AlarmInfo, _ style: Style) -> [String] {
        [
            alarm.name, alarm.state == "OK" ? style.green("OK") : style.red(alarm.state),
            Human.roughlyAgo(alarm.since),
            alarm.value.map { Human.decimal($0, $0 == $0.rounded() ? 0 : 2) }
                ?? alarm.lastArrival.map { Human.roughlyAgo($0) } ?? "-", alarm.condition, alarm.reason,
        ]
    }
}
