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
        @Option(name: .long, help: "Only this target, by its id. Default: all of the rule.") var target: String?
        @Option(name: .long, help: "Shown by status while the pause lasts.") var reason: String?
        @Option(name: .long, help: "The bus the rule is on.") var bus = "default"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let rule = try await common.host.pauseRule(
                bus: bus, name: name, request: PauseRequest(paused: true, target: target, reason: reason))
            try PauseText.show(rule, common.output, target: target)
        }
    }

    struct ResumeRule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Let a rule's deliveries go on that were paused by hand or by a circuit breaker.")

        @Argument(help: "The rule's name.") var name: String
        @Option(name: .long, help: "Only this target, by its id. Default: all of the rule.") var target: String?
        @Option(name: .long, help: "The bus the rule is on.") var bus = "default"
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let before = try? await common.host.rule(bus: bus, name: name)
            let rule = try await common.host.pauseRule(
                bus: bus, name: name, request: PauseRequest(paused: false, target: target))
            try PauseText.show(rule, common.output, target: target, before: before)
        }
    }

    private enum PauseText {
        /// - Parameters:
        ///   - target: the one that was named; nil: all of the rule.
        ///   - before: the rule as it was, where something was to go on.
        static func show(
            _ rule: RuleInfo, _ output: Output, target: String?, before: RuleInfo? = nil
        ) throws {
            if output.json { return try output.object(rule) }
            if let target, !rule.subscriptions.contains(where: { $0.target == target }) {
                // A deployment took it away: what it still has waiting is all there is of it.
                let state = before == nil ? "paused: what it has left stays" : "what it has left goes on"
                return output.line("\(rule.name)/\(target)  the rule has no such target any more; \(state)")
            }
            for item in rule.subscriptions where target == nil || item.target == target {
                let known = before?.subscriptions.first { $0.target == item.target }
                let wasPaused = known.map { $0.pauseReason != nil } ?? true
                let state =
                    item.pauseReason.map { "paused: \($0)" } ?? (wasPaused ? "deliveries go on" : "was not paused")
                output.line("\(item.rule)/\(item.target)  \(state)")
            }
        }
    }
}
