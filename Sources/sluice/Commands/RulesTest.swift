import AppConfig
import ArgumentParser
import EventModel
import EventPatterns
import FunctionJSON
import Glibc
import HostAPI

extension Rules {
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Which rules would take an event, and why the others would not.",
            discussion: """
                The event is a file, or one of the log. With --cases no host is needed: for each line \
                {"pattern":"…","event":"…"} (both JSON texts inside strings) it prints `true`, `false`, or \
                `error<TAB>pattern|event<TAB>message`, and exits 0; patterns are read as EventBridge reads them there, without \
                the operators that only rules here have. With a file and --app none is needed either: the \
                rules are those of the folder, deployed or not.
                """)

        @Argument(help: ArgumentHelp(EventArgument.words, valueName: "event")) var given: String?
        @Option(name: .long, help: ArgumentHelp("Cases as JSON lines; - for the standard input.", valueName: "file"))
        var cases: String?
        @Option(name: .long, help: ArgumentHelp("The same as <event>.", valueName: "event"))
        var event: String?
        @Option(
            name: .long,
            help: ArgumentHelp("The rules of this app folder instead of a host's.", valueName: "dir"))
        var app: String?
        @Option(name: .long, help: "The bus whose rules are tried. Default: that of an event of the log, else default.")
        var bus: String?
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard [cases, event, given].count(where: { $0 != nil }) == 1 else {
                throw ValidationError("Give either an event or --cases.")
            }
            guard app == nil || cases == nil else { throw ValidationError("--app goes with an event.") }
        }

        func run() async throws {
            if let cases {
                try answer(cases)
            } else if let event = event ?? given {
                try await ask(event)
            }
        }

        /// One answer a line, in a few large writes.
        private func answer(_ path: String) throws {
            var input = try InputFile(path)
            while let line = try input.line() {
                if InputFile.isBlank(line) { continue }
                do throws(PatternError) {
                    print(try PatternCase(line: line).answer.line)
                } catch {
                    // A line that is no case is answered too: line n of the output belongs to line n of the file.
                    print("error\tpattern\tnot a case: \(error.message)")
                }
            }
            fflush(nil)
        }

        private func ask(_ place: String) async throws {
            let given = try await EventArgument.read(place, common.host)
            let envelope = try RawJSON(StreamFilter.subject(parsing: given.text.bytes))
            let (result, patterns) = try await verdicts(on: envelope, bus: bus ?? given.bus)
            let output = common.output
            let rules = try app.map { try AppFolderRules.infos(on: result.bus, of: $0) } ?? []
            let warnings = RuleWarnings(areDeployed: false)
            if output.json {
                return try result.verdicts.forEach { verdict in
                    let rule = rules.first { $0.name == verdict.rule }
                    try output.object(Warned(verdict, rule.map(warnings.lines) ?? []))
                }
            }
            guard !result.verdicts.isEmpty else { return output.line("no rules on bus \(result.bus)") }
            let style = output.style
            for verdict in result.verdicts {
                let functions = verdict.functions.map(TargetName.beside).joined(separator: ", ")
                let note = verdict.enabled ? "" : style.yellow("  (disabled)")
                if verdict.matches {
                    output.line("\(style.green("matches"))  \(style.bold(verdict.rule))  -> \(functions)\(note)")
                } else {
                    let word = verdict.undecided == true ? style.yellow("unclear") : style.dim("no     ")
                    output.line("\(word)  \(style.bold(verdict.rule))\(note)")
                    if let why = patterns[verdict.rule].flatMap({ reason($0, envelope) }) {
                        output.sentence(why, indent: 9)
                    }
                }
            }
            warnings.write(rules, to: output)
        }

        /// The verdicts, and the pattern of each rule.
        private func verdicts(on event: RawJSON, bus: String?) async throws -> (RuleTestResult, [String: RawJSON]) {
            if let app { return try verdicts(on: event, bus: bus, app: app) }
            let host = common.host
            let result = try await AppFolderRules.orHint {
                try await host.testRules(RuleTestRequest(event: event, bus: bus))
            }
            let rules = try await host.listRules(bus: result.bus)
            return (result, Dictionary(rules.map { ($0.name, $0.pattern(for: event)) }, uniquingKeysWith: { $1 }))
        }

        private func verdicts(
            on event: RawJSON, bus: String?, app: String
        ) throws -> (RuleTestResult, [String: RawJSON]) {
            let rules = try AppFolderRules.load(app)
            var result = RuleTestResult(bus: bus ?? "default", verdicts: [])
            let source = event.source
            var patterns: [String: RawJSON] = [:]
            for rule in rules where rule.bus == result.bus {
                let pattern = try EventPattern(
                    parsing: rule.pattern(forSource: source), dialect: .extended, limits: .language)
                let answer: Matcher<Bool>.Answer
                do {
                    answer = try Matcher([(true, pattern)]).answer(in: event.bytes)
                } catch {
                    throw Failure.unmatchable(error)
                }
                result.verdicts.append(
                    .init(
                        rule: rule.name, matches: !answer.matched.isEmpty, undecided: !answer.undecided.isEmpty,
                        enabled: rule.enabled,
                        functions: rule.targets.map(\.function)))
                patterns[rule.name] = try RawJSON(rule.pattern(forSource: source))
            }
            return (result, patterns)
        }

        private func reason(_ pattern: RawJSON, _ event: RawJSON) -> String? {
            guard let parsed = try? EventPattern(parsing: pattern.bytes, dialect: .extended, limits: .stored),
                let explanation = try? parsed.explain(event.bytes), !explanation.matches
            else { return nil }
            return explanation.description
        }
    }
}
