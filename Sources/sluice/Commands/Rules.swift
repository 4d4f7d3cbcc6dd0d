import AppConfig
import ArgumentParser
import EventModel
import EventPatterns
import HostAPI

/// `sluice rules`.
struct Rules: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "Which events go to which functions.",
        subcommands: [
            List.self, Show.self, Test.self, Input.self, Why.self, Backtest.self, PauseRule.self, ResumeRule.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Rules in force.")
        @Option(name: .long, help: "Only of this bus.") var bus: String?
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let rules = try await common.host.listRules(bus: bus)
            let output = common.output
            let warnings = RuleWarnings(areDeployed: true)
            if output.json {
                return try rules.forEach { try output.object(Warned($0, warnings.lines($0))) }
            }
            guard !rules.isEmpty else { return output.line("no rules") }
            output.table(
                ["BUS", .whole("NAME"), "STATE", .number("MATCHED"), .number("DEAD"), "TARGETS", .path("FILE")],
                rules.map { rule in
                    [
                        rule.bus, rule.name, Self.state(of: rule, output.style),
                        Human.grouped(rule.subscriptions.map(\.matched).max() ?? 0),
                        Human.grouped(rule.subscriptions.reduce(0) { $0 + $1.dead }),
                        rule.targets.map(Self.words).joined(separator: ", "), rule.file,
                    ]
                })
            for item in rules.flatMap(\.subscriptions) {
                guard let reason = item.pauseReason else { continue }
                output.sentence("\(output.style.yellow("paused:")) \(item.rule)/\(item.target): \(reason)")
            }
            warnings.write(rules, to: output)
        }

        /// The id, which pause and resume want, and the function where it has another name.
        private static func words(_ target: RuleInfo.Target) -> String {
            let name = TargetName.kind(target.function)
            return target.id == name ? target.id : "\(target.id) → \(name)"
        }

        fileprivate static func state(of rule: RuleInfo, _ style: Style) -> String {
            guard rule.enabled else { return style.state("disabled") }
            return style.state(rule.subscriptions.contains { $0.pauseReason != nil } ? "paused" : "active")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A rule: pattern, targets and figures.")
        @Argument(help: "The rule's name.") var name: String
        @Option(name: .long, help: "The bus it is on.") var bus = "default"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let rule = try await common.host.rule(bus: bus, name: name)
            let output = common.output
            let warnings = RuleWarnings(areDeployed: true)
            if output.json { return try output.object(Warned(rule, warnings.lines(rule))) }
            let style = output.style
            output.fields([
                ("rule", style.bold(rule.name)), ("bus", rule.bus),
                ("state", List.state(of: rule, style)),
                (
                    "manifests",
                    rule.manifest.map {
                        "their files are waited for, \(Human.seconds(Int64($0.timeLimitInSeconds))) at most; the targets hear "
                            + "what came of it"
                    }
                ),
                ("schedule", rule.schedule), ("description", rule.description.isEmpty ? nil : rule.description),
                ("file", rule.file),
            ])
            output.heading("Pattern")
            output.json(rule.manifest?.pattern ?? rule.pattern)
            warnings.write([rule], to: output)
            output.heading("Targets")
            output.table(
                ["ID", "FUNCTION", "INPUT", .number("BATCH"), .number("RETRIES"), .number("MAXIMUM AGE")],
                rule.targets.map {
                    [
                        $0.id, TargetName.kind($0.function), $0.input == nil ? $0.inputFormat : "transformed",
                        "\($0.batchSize)",
                        "\($0.maximumRetryAttempts)",
                        Human.seconds(Int64($0.maximumEventAgeInSeconds)),
                    ]
                }, indent: 2)
            for target in rule.targets where target.onSuccess != nil || target.onFailure != nil {
                output.heading("Where the outcomes of \(target.id) go")
                output.fields(
                    [
                        ("on success", target.onSuccess.map { "bus \($0)" }),
                        ("on failure", target.onFailure.map { "bus \($0)" }),
                    ], indent: 2)
            }
            for target in rule.targets {
                guard let phrases = target.retry else { continue }
                output.heading("How \(target.id) is tried again")
                for phrase in phrases { output.line("  \(phrase)") }
            }
            for target in rule.targets {
                guard let phrases = target.delivery else { continue }
                output.heading("How \(target.id) is delivered")
                for phrase in phrases { output.line("  \(phrase)") }
            }
            for item in rule.subscriptions {
                guard let reason = item.pauseReason else { continue }
                output.sentence("\(style.yellow("paused:")) \(item.target): \(reason)")
            }
            for target in rule.targets {
                guard let input = target.input else { continue }
                output.heading("What the handler of \(target.id) gets")
                output.json(input)
            }
            if !rule.subscriptions.isEmpty {
                output.heading("Subscriptions")
                SubscriptionTable.write(rule.subscriptions, to: output, indent: 2)
            }
        }
    }
}
