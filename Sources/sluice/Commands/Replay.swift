import ArgumentParser
import HostAPI

/// `sluice replay`.
struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Deliver archived events again, or try what that would change without publishing anything.",
        subcommands: [Start.self, List.self, Show.self, Cancel.self])

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "start",
            abstract: "Replay the events of a time range through rules, or to one function or version.",
            discussion: """
                Events keep their id and time and carry `replay-name`. They go to the targets of the rules named (default: \
                all enabled rules of the bus) and to nobody else; those deliveries are retried and dead-lettered like any \
                other. A job of the host: it goes on across restarts.

                With --dry-run the functions run in the shadow, where nothing is published: what they put, delete, send and register is compared with \
                what the original run did and then thrown away. Exit code 1 if something differs.

                  sluice replay start --from 2h --rule csv-landed
                  sluice replay start --from 7d --function EnrichOrders@4 --dry-run
                """)
        @Argument(help: "A name of its own. Default: made from the time.") var name: String?
        @Option(
            name: [.customLong("from"), .customLong("since")],
            help: ArgumentHelp("Ingested at or after: \(MomentArgument.words).", valueName: "time"))
        var from: MomentArgument
        @Option(
            name: [.customLong("to"), .customLong("until")],
            help: ArgumentHelp("Ingested before this time. Default: now.", valueName: "time"))
        var to: MomentArgument?
        @Option(name: .long, help: "The bus whose events are replayed.") var bus = "default"
        @Option(name: .long, help: "Through this rule; repeat it for several.") var rule: [String] = []
        @Option(
            name: .long,
            help: ArgumentHelp(
                "To this function, or version of it, or to a target that is not a function, RULE/ID.",
                valueName: "name[@version] or rule/id"))
        var function: String?
        @OptionGroup var pattern: PatternOption
        @Option(name: .long, help: ArgumentHelp("At most this many events a second.", valueName: "n"))
        var rate: Double?
        @Flag(name: .long, help: "Publish nothing, and tell what would differ from the original run.")
        var dryRun = false
        @Flag(
            name: .long,
            help: "Also where a function that takes batches would add once more what it has made the first time.")
        var addAgain = false
        @Option(name: .long, help: ArgumentHelp("Of a dry run: tell this many differences.", valueName: "n"))
        var examples = 20
        @Option(name: .long, help: "Of a dry run: a column that tells which row is which; repeat it for several.")
        var key: [String] = []
        @Flag(name: .long, inversion: .prefixedNo, help: "Wait for the end.") var wait = true
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if let problem = RequestedRate.problem(rate) { throw ValidationError("--rate \(problem).") }
            guard ReplayRequest.exampleRange.contains(examples) else {
                throw ValidationError("--examples goes from 0 to 10000.")
            }
        }

        func run() async throws {
            let (host, output, now) = (common.host, common.output, MomentArgument.now)
            let stamp = now.description.filter { $0.isNumber }.prefix(17)
            var target = function
            if let function { target = try await TargetName.meant(by: function, host) }
            var replay = try await host.startReplay(
                ReplayRequest(
                    name: name ?? "replay-\(stamp)", bus: bus, from: from.time, to: to?.time ?? now, rules: rule,
                    function: target, eventPattern: try pattern.text(), rate: rate, dryRun: dryRun,
                    examples: examples, keys: key, by: Requester.name, addsAgain: addAgain ? true : nil))
            if wait {
                var bar = ProgressBar(dryRun ? "shadow" : "replaying")
                var pause = 20
                while !replay.isOver {
                    bar.show(
                        Int(replay.scanned), of: Int(replay.total),
                        note: "\(Human.count(replay.deliveries, "delivery", "deliveries"))"
                            + (replay.waiting > 0 ? ", \(Human.grouped(replay.waiting)) to go" : ""))
                    try await Task.sleep(for: .milliseconds(pause))
                    pause = min(250, pause * 2)
                    let name = replay.request.name
                    replay = try await Waiting.asking(
                        { try await host.replay(name: name) }, then: "sluice replay show \(name)\(common.repeated)")
                }
                bar.finish()
            }
            if output.json {
                try output.object(replay)
            } else {
                try await ReplayText(output: output, data: common.repeated).show(replay, host)
            }
            if replay.state == .failed || replay.shadow?.isEqual == false || (!dryRun && replay.dead > 0) {
                throw ExitCode(1)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Replays, newest first.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let replays = try await common.host.listReplays()
            let output = common.output
            if output.json { return try replays.forEach(output.object) }
            guard !replays.isEmpty else { return output.line("nothing was replayed yet") }
            output.table(
                [
                    .whole("NAME"), .whole("STATE"), .whole("BEGAN"), "BY",
                    .number("EVENTS"), .number("DELIVERIES"),
                    .number("DEAD"), .number("FAILED"), .prose("WHAT"),
                ],
                replays.map { replay in
                    [
                        replay.request.name, output.style.state(replay.state.rawValue),
                        Human.roughlyAgo(replay.started), replay.request.by ?? "",
                        Human.grouped(replay.replayed), Human.grouped(replay.deliveries),
                        replay.request.dryRun ? "-" : Human.grouped(replay.dead),
                        replay.failed.map(Human.grouped) ?? "-",
                        "\(Human.moment(replay.request.from)) to \(Human.moment(replay.request.to))  "
                            + ReplayText.words(replay.request),
                    ]
                })
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A replay: how far it is, and what came of it; of a dry run, what differs.")
        @Argument(help: "The replay's name.") var name: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let replay = try await common.host.replay(name: name)
            if common.output.json { return try common.output.object(replay) }
            try await ReplayText(output: common.output, data: common.repeated).show(replay, common.host)
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Replay no more events; what was replayed is delivered, and what is parked is dropped.")
        @Argument(help: "The replay's name.") var name: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let replay = try await common.host.cancelReplay(name: name)
            if common.output.json { return try common.output.object(replay) }
            common.output.line("\(replay.request.name)  \(common.output.style.state(replay.state.rawValue))")
        }
    }
}
