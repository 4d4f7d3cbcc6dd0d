import ArgumentParser
import FunctionJSON
import HostAPI

/// `sluice invoke`.
struct Invoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a function once with an event, and wait for its outcome.",
        discussion: "Prints the output; logs go to stderr. Not retried, not dead-lettered. Exit code 1 if it failed.")

    @Argument(help: "The function's name.")
    var function: String
    @Option(
        name: .long,
        help: ArgumentHelp("A file with the event as JSON, or - for the standard input.", valueName: "file"))
    var event: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let payload = try InputFile.json(of: event, hint: "the event must be one JSON value")
        let result = try await common.host.invoke(function: function, request: InvokeRequest(payload: payload))
        let output = common.output
        let failed = result.summary.outcome != "succeeded" && result.summary.outcome != "dropped"
        if output.json {
            try output.object(result)
            if failed { throw ExitCode(1) }
            return
        }
        for log in result.logs {
            StandardError.write(LogText.line(log, style: Style(enabled: Style.wanted(descriptor: 2))))
        }
        if failed {
            let summary = result.summary
            let code = summary.code.map { "\($0): " } ?? ""
            for frame in result.backtrace { StandardError.write("  " + frame) }
            throw Failure(
                "\(function) failed after \(Human.milliseconds(summary.durationMilliseconds)): \(code)\(summary.message ?? summary.outcome)",
                hint: "see `sluice invocations show \(summary.requestID)`")
        }
        if let value = result.output { output.json(value, indent: 0) }
        for effect in result.effects {
            StandardError.write("\(effect.kind) \(effect.subject)" + (effect.note.map { " (\($0))" } ?? ""))
        }
    }
}
