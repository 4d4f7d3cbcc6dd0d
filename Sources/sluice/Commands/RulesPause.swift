import ArgumentParser
import HostAPI

extension Rules {
    struct PauseRule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause", abstract: "Hold a rule's deliveries back until `rules resume`.",
            discussion: """
                What runs, ends. Events are matched as before and wait; while they wait they do not age, so none of them \
                is given up for its maximumEventAgeInSeconds. A pause survives a restart of the host.
                """)

        @Argument(help: "The rule's name.") var name: String
        @Option(name: .long, help: "Only this target, by its id; default: all of the rule.") var target: String?
        @Option(name: .long, help: "Shown by status while the pause lasts.") var reason: String?
        @Option(name: .long, help: "The bus the rule is on.") var bus = "default"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let rule = try await common.host.pauseRule(
                bus: bus, name: name, request: PauseRequest(paused: true, target: target, reason: reason))
            try PauseText.show(rule, common.output)
        }
    }

    struct ResumeRule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Let a rule's deliveries go on that were paused by hand or by a circuit breaker.")

        @Argument(help: "The rule's name.") var name: String
        @Option(name: .long, help: "Only this target, by its id; default: all of the rule.") var target: String?
        @Option(name: .long, help: "The bus the rule is on.") var bus = "default"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let rule = try await common.host.pauseRule(
                bus: bus, name: name, request: PauseRequest(paused: false, target: target))
            try PauseText.show(rule, common.output)
        }
    }

    private enum PauseText {
        static func show(_ rule: RuleInfo, _ output: Output) throws {
            if output.json { return try output.object(rule) }
            for item in rule.subscriptions {
                let state = item.pauseReason.map { "paused: \($0)" } ?? "deliveries go on"
                output.line("\(item.rule)/\(item.target)  \(state)")
            }
        }
    }
}
