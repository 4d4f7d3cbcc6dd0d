import ArgumentParser
import CLinux
import Glibc
import SluiceRuntime

/// The command line. Exit codes: 0 done, 1 failed, 2 usage.
@main
struct Sluice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Files and events in, functions run, nothing lost.",
        discussion: """
            Start a host with `sluice up`, then drop a file into DATA/buckets/BUCKET. What fails is kept: see \
            `sluice dlq list`.
            """,
        version: "sluice \(HostRuntime.version)",
        groupedSubcommands: [
            CommandGroup(
                name: "Host",
                subcommands: [
                    Up.self, Resume.self, Deploy.self, New.self, Invoke.self, Status.self, Doctor.self, Logs.self,
                    Backup.self,
                    Bench.self,
                ]),
            CommandGroup(
                name: "Work and Data",
                subcommands: [
                    Events.self, Streams.self, TraceCommand.self, Rules.self, SchedulesCommand.self, Manifests.self,
                    Alarms.self, Functions.self, Invocations.self, DeadLetters.self, Replay.self, Buckets.self,
                    Catalog.self,
                ]),
            CommandGroup(name: "File", subcommands: [Parquet.self, CSV.self, Diff.self]),
        ])

    /// Parses and runs, and maps every failure to its text and exit code.
    static func main() async {
        var command: any ParsableCommand
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "help" { refuseUnknownCommand(Array(arguments.dropFirst())) }
        do {
            command = try parse(arguments)
        } catch {
            leave(parsing: error)
        }
        do {
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as ExitCode {
            leave(error.rawValue)
        } catch  where exitCode(for: error) == .success {
            // `--help` of a group without a default verb.
            print(fullMessage(for: error))
        } catch  where error is ValidationError {
            leave(parsing: error)
        } catch {
            Failure.report(error)
            leave(1)
        }
        leave(0)
    }

    /// Every command may be given `--data`, so that scripts need not know which ones ask a host; also before the
    /// command's name, where git and docker have such options.
    private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
        do {
            return try parseAsRoot(arguments)
        } catch {
            var rest = arguments
            var option: [String] = []
            if let index = rest.firstIndex(of: "--data"), index + 1 < rest.count {
                option = Array(rest[index...(index + 1)])
                rest.removeSubrange(index...(index + 1))
            } else if let index = rest.firstIndex(where: { $0.hasPrefix("--data=") }) {
                option = [rest.remove(at: index)]
            }
            guard !option.isEmpty else { throw error }
            // Behind the name, where a command that asks a host looks for it; what follows `--` is no option.
            let end = rest.firstIndex(of: "--") ?? rest.endIndex
            if let command = try? parseAsRoot(rest[..<end] + option + rest[end...]) { return command }
            guard let command = try? parseAsRoot(rest) else { throw error }
            return command
        }
    }

    /// Output that could not be written was not given: then a command has not succeeded.
    private static func leave(_ code: CInt) -> Never {
        let failed = clinux_flush_output() != 0
        let reason = errno
        if failed, !hasReaderGone {
            Failure.report(Failure("cannot write the output: \(String(cString: strerror(reason)))"))
            Glibc.exit(max(code, 1))
        }
        Glibc.exit(code)
    }

    /// A reader that has closed its end, such as `head`, has seen what it wanted.
    private static var hasReaderGone: Bool {
        var output = pollfd(fd: 1, events: 0, revents: 0)
        return poll(&output, 1, 0) == 1 && output.revents & Int16(POLLERR) != 0
    }

    /// Help and version go to stdout with 0; everything else is a mistake in the arguments.
    private static func leave(parsing error: any Error) -> Never {
        let text = fullMessage(for: error)
        if exitCode(for: error) == .success {
            print(text)
            leave(0)
        }
        refuseUnknownCommand(Array(CommandLine.arguments.dropFirst()))
        StandardError.write(text.hasPrefix("Error: ") ? "error: " + text.dropFirst(7) : text)
        Glibc.exit(2)
    }

    /// Ends the program where a word stands in the place of a command and is none; the parser would call it an
    /// unexpected argument.
    private static func refuseUnknownCommand(_ arguments: [String]) {
        guard let trouble = CommandNames.trouble(in: arguments, from: Sluice.self) else { return }
        StandardError.write("error: \(Text.shown(trouble))")
        Glibc.exit(2)
    }
}
