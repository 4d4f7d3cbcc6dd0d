import ArgumentParser
import HostAPI

/// `sluice logs`.
struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "What functions, commands and the host wrote, the oldest line first.",
        discussion: "Kept for logs.retentionDays (sluice.yaml), in DATA/logs as JSON lines.")

    @Argument(
        help: ArgumentHelp(
            "Only this function, RULE/ID for a command, or _host for the host alone.", valueName: "function"))
    var name: String?
    @Option(name: .long, help: "The same, as other commands have it.")
    var function: String?
    @Flag(name: .shortAndLong, help: "Go on with new lines as they come.")
    var follow = false
    @Option(
        name: [.customLong("tail"), .customLong("limit")],
        help: ArgumentHelp("Begin with this many of the last lines.", valueName: "n"))
    var tail = 100
    @Option(
        name: [.customLong("attempt"), .customLong("request")],
        help: ArgumentHelp("Only this attempt, or this invocation with all its attempts.", valueName: "id"))
    var attempt: String?
    @OptionGroup var period: PeriodOption
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard name == nil || function == nil else {
            throw ValidationError("Say which function once: as NAME or by --function.")
        }
        guard (0...100_000).contains(tail) else { throw ValidationError("--tail must be from 0 to 100000.") }
        guard !follow || period.until == nil else { throw ValidationError("--until does not go with --follow.") }
    }

    func run() async throws {
        let output = common.output
        var meant = name ?? function
        if let given = meant { meant = try await TargetName.meant(by: given, common.host) }
        let lines = try await common.host.logs(
            LogQuery(
                function: meant, requestID: attempt, tail: tail, follow: follow, since: period.since?.time,
                until: period.until?.time))
        var isEmpty = true
        for try await line in lines {
            isEmpty = false
            if output.json {
                try output.object(line)
            } else {
                output.line(LogText.line(line, style: output.style))
            }
            if follow { output.flush() }
        }
        if isEmpty, !output.json, !follow { output.line("no log lines") }
    }
}

/// A log line for reading.
enum LogText {
    static func line(_ log: LogLine, style: Style, withSource: Bool = true) -> String {
        let level = log.level.uppercased()
        let padded = level + String(repeating: " ", count: max(0, 7 - level.count))
        let coloured =
            switch log.level {
            case "error", "critical": style.red(padded)
            case "warning": style.yellow(padded)
            default: style.dim(padded)
            }
        var text = style.dim(Human.clock(log.time)) + " " + coloured + " "
        if withSource {
            text += style.blue(log.function.map(TargetName.shown) ?? log.stream)
            if let request = log.requestID { text += style.dim(" [\(request)]") }
            text += " "
        }
        return text + log.message
    }
}
