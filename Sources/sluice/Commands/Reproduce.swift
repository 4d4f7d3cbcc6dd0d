import ArgumentParser
import FunctionJSON
import HostAPI

extension DeadLetters {
    struct Reproduce: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reproduce",
            abstract: "Run a dead letter's function again with what it got, and publish nothing.",
            discussion: """
                The function that is deployed now (of one that failed where `redrive --to` had sent it, that function), with the dead letter's event and kept input, under its limits. What it \
                would put, delete, send or register is listed and not done; the dead letter stays as it is. Exit code 1 if \
                it fails.
                """)
        @Argument(help: "The dead letter's id.") var id: Int64
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let result = try await common.host.reproduce(deadLetter: id)
            let (output, summary) = (common.output, result.summary)
            if output.json {
                try output.object(result)
            } else {
                for log in result.logs { output.line(LogText.line(log, style: output.style, withSource: false)) }
                for effect in result.effects {
                    output.line("would \(effect.kind) \(effect.subject)" + (effect.note.map { " (\($0))" } ?? ""))
                }
                for frame in result.backtrace { output.line("  " + frame) }
                output.line(
                    "\(TargetName.shown(summary.function, version: summary.version)) \(output.style.state(summary.outcome)) after "
                        + Human.milliseconds(summary.durationMilliseconds)
                        + (summary.code.map { ": \($0): \(summary.message ?? "")" } ?? ""))
            }
            if summary.outcome == "failed" { throw ExitCode(1) }
        }
    }
}
