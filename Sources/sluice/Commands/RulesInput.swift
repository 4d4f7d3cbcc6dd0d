import AppConfig
import ArgumentParser
import EventModel
import EventPatterns
import EventTransforms
import FunctionJSON
import HostAPI

extension Rules {
    struct Input: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "input", abstract: "What the handlers of an event's targets would get.",
            discussion: """
                Prints, for each rule that takes the event, what its targets' `input`, `inputPath` or \
                `inputTransformer` make of it. With --app the rules are those of the folder, and no host is needed.
                """)

        @Argument(help: ArgumentHelp(stringLiteral: EventArgument.words)) var event: String
        @Option(name: .long, help: "Only of this rule, and whether or not it takes the event.") var rule: String?
        @Option(
            name: .long, help: ArgumentHelp("The rules of this app folder instead of a host's.", valueName: "dir"))
        var app: String?
        @Option(name: .long, help: "The bus whose rules are tried. Default: that of an event of the log, else default.")
        var bus: String?
        @OptionGroup var common: CommonOptions

        /// One line of `--json`.
        private struct Line: Codable {
            var rule: String
            var target: String
            var function: String
            var input: RawJSON?
            var error: String?
        }

        func run() async throws {
            let given = try await EventArgument.read(event, common.host)
            let envelope = given.text
            let bus = self.bus ?? given.bus ?? "default"
            let rules = try await rules(on: bus)
            if let rule, !rules.contains(where: { $0.name == rule }) {
                let hint = NearestName.hint(for: rule, among: rules.map(\.name), known: "the rules on bus \(bus)")
                throw Failure("there is no rule `\(rule)`", hint: hint)
            }
            let lines = try rules.flatMap { try answers(of: $0, envelope) }
            let output = common.output
            if output.json { return try lines.forEach(output.object) }
            guard !lines.isEmpty else { return output.line("no rule on bus \(bus) takes this event") }
            for line in lines {
                output.line(
                    "\(output.style.bold(line.rule))  target \(line.target) -> \(TargetName.kind(line.function))")
                if let input = line.input { output.json(input) }
                if let error = line.error { output.line("  \(output.style.red("error:")) \(error)") }
            }
            if lines.contains(where: { $0.error != nil }) { throw ExitCode(1) }
        }

        private func rules(on bus: String) async throws -> [RuleInfo] {
            guard let app else {
                return try await AppFolderRules.orHint { try await common.host.listRules(bus: bus) }
            }
            return try AppFolderRules.infos(on: bus, of: app)
        }

        private func answers(of info: RuleInfo, _ event: RawJSON) throws -> [Line] {
            if let rule {
                guard info.name == rule else { return [] }
            } else {
                let answer: Matcher<Bool>.Answer
                do {
                    // Of a stream's record it is its filter document that rules look at.
                    answer = try Matcher([(true, try info.parsedPattern(for: event))]).answer(
                        in: StreamFilter.subject(parsing: event.bytes))
                } catch let error as EventError {
                    throw Failure.unmatchable(error)
                }
                guard answer.undecided.isEmpty else {
                    let why = "the rule cannot decide about this event, so its delivery is a dead letter"
                    return info.targets.map {
                        Line(rule: info.name, target: $0.id, function: $0.function, error: "\(why): MatchUndecided")
                    }
                }
                if answer.matched.isEmpty { return [] }
            }
            return info.targets.map { target in
                var line = Line(rule: info.name, target: target.id, function: target.function)
                guard let input = target.input else {
                    line.input = event
                    return line
                }
                do {
                    let root = try JSONDocument(parsing: event.bytes).root
                    let made = try InputTransform(input.decode(InputDefinition.self)).apply(
                        to: event.bytes,
                        context: TransformContext(
                            ruleARN: RuleARN.of(rule: info.name, bus: info.bus), ruleName: info.name,
                            ingestionTime: root["time"]?.string ?? ""))
                    line.input = try RawJSON(made)
                } catch {
                    line.error = "\(error)"
                }
                return line
            }
        }
    }
}

extension RuleInfo {
    /// A rule of a folder that need not be deployed.
    init(_ rule: RuleDefinition) {
        self.init(
            name: rule.name, bus: rule.bus, description: rule.description, enabled: rule.enabled,
            pattern: (try? RawJSON(rule.pattern)) ?? .emptyObject,
            manifest: rule.manifest.map {
                Manifest(pattern: (try? RawJSON($0.pattern)) ?? .emptyObject, timeLimitInSeconds: $0.timeLimitSeconds)
            },
            schedule: rule.schedule.map { "\($0.expression) \($0.timezone)" },
            targets: rule.targets.map { target in
                Target(
                    id: target.id, function: target.function,
                    inputFormat: (target.inputFormat ?? .eventBridge).rawValue,
                    input: target.input.flatMap { try? RawJSON(encoding: $0) }, batchSize: target.batchSize,
                    maximumRetryAttempts: target.retry.maximumRetryAttempts,
                    maximumEventAgeInSeconds: target.retry.maximumEventAgeSeconds)
            }, file: rule.file, subscriptions: [])
    }
}
