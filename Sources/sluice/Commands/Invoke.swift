import ArgumentParser
import FunctionJSON
import HostAPI

/// `sluice invoke`.
struct Invoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoke", abstract: "Run a function once with an event, and wait for its outcome.",
        discussion: """
            What it does counts: objects it puts are published, events it sends go to rules, tables it registers are in the \
            catalog. With --dry-run all that is only told. Prints the output; logs and effects go to stderr. Not retried, \
            not dead-lettered. Exit code 1 if it failed.

              sluice invoke CSVToParquet landing-zone/shop/orders/monday.csv --dry-run
            """)

    @Argument(help: "The function's name.")
    var function: String
    @Argument(
        help: ArgumentHelp(
            "The event as JSON in a file, or - for the standard input; or one of the log: its id, a record's sequence "
                + "number, or BUCKET/KEY of an object.", valueName: "event"))
    var given: String?
    @Option(name: .long, help: ArgumentHelp("The same as <event>.", valueName: "event"))
    var event: String?
    @Flag(name: .long, help: "Publish nothing: run it, and tell what it would do.")
    var dryRun = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard given == nil || event == nil else { throw ValidationError("Give one event.") }
        guard given != nil || event != nil else {
            throw ValidationError("Which event? Give a file, an event's id, or BUCKET/KEY.")
        }
    }

    func run() async throws {
        guard let event = given ?? event else { return }
        let payload = try await EventArgument.read(event, common.host).text
        let result = try await common.host.invoke(
            function: function, request: InvokeRequest(payload: payload, dryRun: dryRun ? true : nil))
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
                hint: Self.missingObject(summary, payload)
                    ?? (dryRun ? nil : "see `sluice invocations show \(summary.requestID)\(common.repeated)`"))
        }
        if let value = result.output { output.json(value, indent: 0) }
        for effect in result.effects {
            let words = dryRun ? "would \(effect.kind)" : effect.kind
            StandardError.write("\(words) \(effect.subject)" + (effect.note.map { " (\($0))" } ?? ""))
        }
        StandardError.write(success(result.summary))
    }

    private func success(_ summary: InvocationSummary) -> String {
        let style = Style(enabled: Style.wanted(descriptor: 2))
        return "\(summary.function) v\(summary.version) \(style.state(summary.outcome)) in "
            + Human.milliseconds(summary.durationMilliseconds)
            + (dryRun ? "; a dry run: nothing was published" : style.dim("  attempt \(summary.requestID)"))
    }

    /// A sample's event names an object that need not be there.
    private static func missingObject(_ summary: InvocationSummary, _ event: RawJSON) -> String? {
        let object = Events.Envelope(event).subject
        guard summary.code == "NoSuchKey", !object.isEmpty else { return nil }
        return "the event is about \(object): put that file into its bucket first, or name an object that is there, "
            + "BUCKET/KEY, instead of the event"
    }
}
