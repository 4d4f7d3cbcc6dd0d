import ArgumentParser
import FunctionJSON
import HostAPI

/// `sluice functions`.
struct Functions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "functions", abstract: "What can run.", subcommands: [List.self, Show.self, Versions.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Functions in force.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let functions = try await common.host.listFunctions()
            let output = common.output
            if output.json { return try functions.forEach(output.object) }
            guard !functions.isEmpty else {
                return output.line("no functions; write one into the app folder and `sluice deploy`")
            }
            FunctionTable.write(functions.map(\.status), to: output)
        }
    }

    struct Versions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "versions", abstract: "Every version of a function, the newest first.",
            discussion: "A replay runs one of them: sluice replay start … --function NAME@VERSION.")
        @Argument(help: "The function's name.") var name: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let versions = try await common.host.function(name: name).versions ?? []
            let output = common.output
            if output.json { return try versions.forEach(output.object) }
            output.table(
                [.number("VERSION"), .whole("DEPLOYED"), "STATE", .whole("DIGEST")],
                versions.map { version in
                    [
                        "\(version.version)", Human.moment(version.deployed),
                        version.inForce ? output.style.green("in force") : version.hasModule ? "kept" : "module gone",
                        String(version.digest.prefix(16)),
                    ]
                })
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A function with its configuration.")
        @Argument(help: "The function's name.") var name: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let function = try await common.host.function(name: name)
            let output = common.output
            if output.json { return try output.object(function) }
            let (style, status) = (output.style, function.status)
            func list(_ items: [String]) -> String { items.isEmpty ? "none" : items.joined(separator: ", ") }
            output.fields([
                ("function", style.bold(status.name)),
                ("description", function.description.isEmpty ? nil : function.description),
                ("version", "\(status.version)  (deployed \(Human.moment(function.deployed)))"),
                ("state", style.state(status.state)),
                ("module", function.module),
                ("digest", String(function.digest.prefix(16))),
                ("timeout", Human.milliseconds(function.timeoutSeconds * 1000)),
                ("memory", "\(function.memoryMegabytes) MB"),
                ("staging", "\(function.stagingMegabytes) MB"),
                ("workers", "\(status.busyWorkers) busy, \(status.idleWorkers) idle, at most \(status.concurrency)"),
                ("input", function.inputFormat + (function.batch ? ", batches" : "")),
                ("log level", function.logLevel),
                ("reads", list(function.readGrants)), ("writes", list(function.writeGrants)),
                ("puts events on", list(function.eventGrants)), ("puts records on", function.streamGrants.map(list)),
                ("rules", list(function.rules)),
                ("succeeded", Human.grouped(status.succeeded)), ("failed", Human.grouped(status.failed)),
                ("partial", status.partial.flatMap { $0 == 0 ? nil : Human.grouped($0) }),
                (
                    "p50, p99",
                    status.medianMilliseconds.map { median in
                        Human.milliseconds(median) + ", " + (status.p99Milliseconds.map(Human.milliseconds) ?? "-")
                    }
                ),
            ])
            if !function.environment.isEmpty {
                output.heading("Environment")
                output.fields(function.environment.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, indent: 2)
            }
            if function.configuration.text != "{}" && function.configuration.text != "null" {
                output.heading("Configuration")
                output.json(function.configuration)
            }
        }
    }
}
