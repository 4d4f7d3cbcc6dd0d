import ArgumentParser
import HostAPI

/// `sluice invocations`.
struct Invocations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invocations", abstract: "What ran, and what it did.", subcommands: [List.self, Show.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Attempts, newest first.")
        @Option(name: .long, help: "Only of this function, or of RULE/ID for a command, webhook, bus or stream.")
        var function: String?
        @Option(name: .long, help: ArgumentHelp("Only for this event.", valueName: "id")) var event: String?
        @Option(
            name: .long, help: "Only with this outcome: \(InvocationSummary.outcomes.joined(separator: ", ")).")
        var outcome: String?
        @OptionGroup var period: PeriodOption
        @OptionGroup var limit: LimitOption
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard outcome.map(InvocationSummary.outcomes.contains) ?? true else {
                throw ValidationError(
                    "There is no outcome `\(outcome ?? "")`; an attempt has \(InvocationSummary.outcomes.joined(separator: ", "))."
                )
            }
        }

        func run() async throws {
            let (host, output) = (common.host, common.output)
            var name = function
            if let function { name = try await TargetName.meant(by: function, host) }
            let query = InvocationQuery(
                function: name, eventID: event, outcome: outcome, since: period.since?.time,
                until: period.until?.time)
            var rows: [[String]] = []
            let more = try await limit.each({ try await host.listInvocations(query, page: $0) }) { item in
                if output.json { return try output.object(item) }
                rows.append(InvocationTable.row(item, output.style))
            }
            defer { limit.tell(more) }
            if output.json { return }
            guard !rows.isEmpty else { return output.line("no invocations") }
            InvocationTable.write(rows, to: output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "An attempt: output, effects, log lines, backtrace, and its siblings.")
        @Argument(help: "The id of an attempt, or of an invocation for its last attempt.") var id: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let detail = try await common.host.invocation(requestID: id)
            let output = common.output
            if output.json { return try output.object(detail) }
            let (style, summary) = (output.style, detail.summary)
            output.fields([
                ("attempt", style.bold(summary.requestID) + "  (number \(summary.attempt) of its invocation)"),
                ("invocation", summary.invocationID),
                ("function", TargetName.shown(summary.function, version: summary.version, separator: " version ")),
                ("rule", summary.rule ?? "none: invoked by hand"),
                ("outcome", style.state(summary.outcome)), ("code", summary.code), ("message", summary.message),
                ("started", "\(Human.moment(summary.started))  (\(Human.ago(summary.started)))"),
                (
                    "duration",
                    Human.duration(summary) + (summary.coldStart ? ", cold start" : "")
                ),
                ("events", summary.eventIDs.isEmpty ? nil : summary.eventIDs.joined(separator: ", ")),
            ])
            if !detail.effects.isEmpty {
                output.heading("Effects")
                output.table(
                    ["KIND", .path("SUBJECT"), "NOTE"], detail.effects.map { [$0.kind, $0.subject, $0.note ?? ""] },
                    indent: 2)
            }
            if let value = detail.output {
                output.heading("Output")
                output.json(value)
            }
            if !detail.logs.isEmpty {
                output.heading("Log")
                for line in detail.logs { output.line("  " + LogText.line(line, style: style, withSource: false)) }
            }
            if !detail.backtrace.isEmpty {
                output.heading("Backtrace")
                for frame in detail.backtrace { output.line("  " + frame) }
            }
            if detail.attempts.count > 1 {
                output.heading("Attempts of this invocation")
                InvocationTable.write(detail.attempts.map { InvocationTable.row($0, style) }, to: output, indent: 2)
            }
        }
    }
}

/// Attempts in lines.
enum InvocationTable {
    static let columns: [Table.Column] = [
        .whole("STARTED"), .whole("ATTEMPT"), "FUNCTION", .number("TRY"), .whole("OUTCOME"), .number("DURATION"),
        "REASON",
    ]

    /// The table, and what its star means where there is one.
    static func write(_ rows: [[String]], to output: Output, indent: Int = 0) {
        output.table(columns, rows, indent: indent)
        guard rows.contains(where: { $0[5].hasSuffix("*") }) else { return }
        output.line(String(repeating: " ", count: indent) + output.style.dim("* with a worker started for it"))
    }

    static func row(_ item: InvocationSummary, _ style: Style) -> [String] {
        let reason = [item.code, item.message].compactMap { $0 }.joined(separator: ": ")
        return [
            Human.moment(item.started), item.requestID, TargetName.shown(item.function), "\(item.attempt)",
            style.state(item.outcome),
            Human.duration(item) + (item.coldStart ? "*" : ""), Text.firstLine(reason),
        ]
    }
}
