import ArgumentParser
import EventModel
import FunctionJSON
import HostAPI

/// `sluice events`.
struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Put events on a bus, watch them, look back.",
        subcommands: [Put.self, Tail.self, List.self, Show.self])

    /// Which events.
    struct Choice: ParsableArguments {
        @Option(name: .long, help: "Only of this bus.") var bus: String?
        @Option(name: .long, help: "Only from this source.") var source: String?
        @Option(name: .long, help: "Only of this detail-type.") var detailType: String?
        @Option(name: .long, help: "Only what this rule matched.") var rule: String?
        @Option(
            name: .long,
            help: ArgumentHelp(
                "Only about this object; 'BUCKET/PREFIX*' for all whose keys begin so.", valueName: "BUCKET/KEY"))
        var object: String?

        func query(_ period: PeriodOption? = nil) -> EventQuery {
            EventQuery(
                bus: bus, source: source, detailType: detailType, rule: rule, object: object,
                since: period?.since?.time,
                until: period?.until?.time)
        }
    }

    /// What a line of a table says of an event.
    struct Envelope {
        let source: String?
        let detailType: String?
        let bucket: String?
        let key: String?

        init(_ event: RawJSON) {
            if let record = StreamRecordText.Parts(event.bytes) {
                (source, detailType) = ("aws:kinesis", "aws:kinesis:record")
                (bucket, key) = (record.stream, record.partitionKey)
                return
            }
            let value = try? JSONValue(parsing: event.bytes)
            source = value?["source"]?.string
            detailType = value?["detail-type"]?.string
            bucket = value?["detail"]?["bucket"]?["name"]?.string
            key = value?["detail"]?["object"]?["key"]?.string
        }

        /// `bucket/key` where it is about an object; of a stream's record stream and partition key.
        var subject: String { bucket.flatMap { bucket in key.map { "\(bucket)/\($0)" } } ?? "" }
    }

    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "tail", abstract: "New events as they are committed.")
        @OptionGroup var choice: Choice
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let output = common.output
            for try await record in try await common.host.tailEvents(choice.query()) {
                if output.json {
                    try output.object(record)
                } else {
                    let event = Envelope(record.event)
                    let style = output.style
                    let wanted = record.subscriptions.isEmpty ? "no rule" : record.subscriptions.joined(separator: ", ")
                    output.line(
                        "\(style.dim(Human.clock(record.ingested)))  \(record.id)  \(event.source ?? "?")  "
                            + "\(style.bold(event.detailType ?? "?"))  \(event.subject)  \(style.dim("-> " + wanted))")
                }
                output.flush()
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Events of the log, newest first.")
        @OptionGroup var choice: Choice
        @OptionGroup var period: PeriodOption
        @OptionGroup var limit: LimitOption
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let (host, output) = (common.host, common.output)
            var rows: [[String]] = []
            let query = choice.query(period)
            let more = try await limit.each({ try await host.listEvents(query, page: $0) }) { record in
                if output.json { return try output.object(record) }
                let event = Envelope(record.event)
                rows.append([
                    Human.moment(record.ingested), record.id, record.bus, event.source ?? "?", event.detailType ?? "?",
                    "\(record.subscriptions.count)", event.subject,
                ])
            }
            defer { limit.tell(more) }
            if output.json { return }
            guard !rows.isEmpty else { return output.line("no events") }
            output.table(
                [.whole("TIME"), .whole("ID"), "BUS", "SOURCE", "DETAIL-TYPE", .number("MATCHES"), .object("OBJECT")],
                rows)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "An event and what became of it.")
        @Argument(help: "The event's id.") var id: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let detail = try await common.host.event(id: id)
            let output = common.output
            if output.json { return try output.object(detail) }
            let style = output.style
            output.fields([
                ("event", style.bold(detail.record.id)), ("bus", detail.record.bus),
                ("position", "\(detail.record.position)"),
                ("ingested", "\(Human.moment(detail.record.ingested))  (\(Human.ago(detail.record.ingested)))"),
            ])
            output.heading("Event")
            output.json(detail.record.event)
            output.data(of: detail.record.event)
            output.heading("Deliveries")
            if detail.deliveries.isEmpty {
                output.line("  no rule matched it; see `sluice rules why \(detail.record.id)\(common.repeated)`")
            } else {
                output.table(
                    ["RULE", "TARGET", "FUNCTION", "STATE", .whole("DEAD LETTER")],
                    detail.deliveries.map {
                        [
                            $0.rule, $0.target, TargetName.kind($0.function), style.state($0.state),
                            $0.deadLetter.map { "sluice dlq show \($0)" } ?? "",
                        ]
                    }, indent: 2)
            }
            if !detail.invocations.isEmpty {
                output.heading("Invocations")
                InvocationTable.write(detail.invocations.map { InvocationTable.row($0, style) }, to: output, indent: 2)
            }
        }
    }
}
