import AppConfig
import ArgumentParser
import EventModel
import EventPatterns
import FunctionJSON
import HostAPI

extension Rules {
    struct Why: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "why",
            abstract: "Why a rule takes an event or does not; without a rule, which rules come nearest.",
            usage: """
                sluice rules why [<rule>] <event> [--app <dir>] [--bus <bus>] [--nearest] [--count <n>] [--data <dir>] \
                [--json]
                """,
            discussion: """
                Compares an event with the rules of the running host and names each field that fails, what was \
                expected there and what was found; of a pattern with $or, in the alternative that came nearest. Nothing is \
                put on a bus. The event is a file, or one of the log by its id, a record's sequence number, or BUCKET/KEY \
                of an object. With --app and a file no host is needed: the rules are those of the folder, deployed or not.

                  sluice rules why csv-landed landing-zone/shop/orders/monday.csv
                """)

        @Argument(help: "The rule's name; without it the nearest rules are listed.") var rule: String?
        @Argument(help: ArgumentHelp(stringLiteral: EventArgument.words)) var event: String?
        @Option(
            name: .long, help: ArgumentHelp("The rules of this app folder instead of a host's.", valueName: "dir"))
        var app: String?
        @Option(
            name: .long,
            help: "The bus the rules are on, or stream/NAME. Default: that of an event of the log, else default.")
        var bus: String?
        @Flag(name: .long, help: "Also list the rules that come nearest.") var nearest = false
        // A negative number is no option: it is refused as what it is.
        @Option(
            name: .long, parsing: .unconditional,
            help: ArgumentHelp("How many of the nearest rules.", valueName: "n"))
        var count = 5
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard rule != nil else { throw ValidationError("Give an event, or a rule and an event.") }
            guard count >= 1 else { throw ValidationError("--count must be at least 1.") }
        }

        func run() async throws {
            // One argument is the event, two are the rule and the event.
            let name = event == nil ? nil : rule
            guard let place = event ?? rule else { return }
            let host = common.host
            let given = try await EventArgument.read(place, host)
            let envelope = try RawJSON(StreamFilter.subject(parsing: given.text.bytes))
            let bus = self.bus ?? given.bus ?? "default"
            if let name {
                let info: RuleInfo
                if let app {
                    info = try AppFolderRules.named(name, on: bus, of: app)
                } else {
                    info = try await AppFolderRules.orHint { try await host.rule(bus: bus, name: name) }
                }
                try show(RuleAnswer(info, envelope))
            }
            guard name == nil || nearest else { return }
            let rules: [RuleInfo]
            if let app {
                rules = try AppFolderRules.infos(on: bus, of: app)
            } else {
                rules = try await AppFolderRules.orHint { try await host.listRules(bus: bus) }
            }
            let near = try Self.nearest(rules, to: envelope, count: count)
            let output = common.output
            if !output.json {
                if name != nil { output.heading("Nearest rules") }
                if rules.isEmpty { return output.line("no rules on bus \(bus)") }
                if near.isEmpty { return output.line("no rule of bus \(bus) has a field that this event passes") }
            }
            for info in near { try show(RuleAnswer(info, envelope)) }
        }

        /// Those with the fewest failing fields first; matching rules lead.
        private static func nearest(_ rules: [RuleInfo], to event: RawJSON, count: Int) throws -> [RuleInfo] {
            var patterns: [(Int, EventPattern)] = []
            for (index, rule) in rules.enumerated() {
                do {
                    patterns.append((index, try rule.parsedPattern(for: event)))
                } catch let failure as Failure {
                    // What is wrong with one says nothing of the others.
                    Failure.warn(failure.message, hint: failure.hint)
                }
            }
            do {
                return try Matcher(patterns).nearest(to: event.bytes, count: count).map { rules[$0.id] }
            } catch {
                throw Failure.unmatchable(error)
            }
        }

        private func show(_ answer: RuleAnswer) throws {
            let output = common.output
            if output.json { return try output.object(answer) }
            let style = output.style
            let fields = "\(answer.passedFields) of \(answer.totalFields) fields pass"
            let note = answer.enabled ? "" : style.yellow("  (disabled)")
            guard !answer.matches else {
                return output.line("\(style.green("matches"))  \(style.bold(answer.rule))  (\(fields))\(note)")
            }
            let word = answer.undecided == true ? style.yellow("unclear") : style.red("no     ")
            output.line("\(word)  \(style.bold(answer.rule))  (\(fields)\(answer.nearestBranch ?? ""))\(note)")
            for failure in answer.failures {
                let several = failure.expected.count > 1
                output.fields(
                    [
                        ("field", failure.path),
                        ("expected", (several ? "one of " : "") + Self.list(failure.expected, of: nil)),
                        ("found", failure.found.isEmpty ? "nothing" : Self.list(failure.found, of: failure.foundCount)),
                        ("note", failure.note),
                    ], indent: 9)
            }
        }

        /// As many values as can be read, and how many more there are.
        private static func list(_ values: [String], of count: Int?) -> String {
            let shown = values.prefix(10)
            let more = (count ?? values.count) - shown.count
            return shown.joined(separator: ", ") + (more > 0 ? " and \(Human.grouped(Int64(more))) more" : "")
        }
    }
}

extension RuleInfo {
    /// The pattern of the rule's file, parsed as a deployment parses it.
    var parsedPattern: EventPattern {
        get throws { try parsed(manifest?.pattern ?? pattern) }
    }

    /// The one that decides about an event.
    func parsedPattern(for event: RawJSON) throws -> EventPattern { try parsed(pattern(for: event)) }

    /// Of a manifest's rule the one for manifests, but for the events that tell of them.
    func pattern(for event: RawJSON) -> RawJSON {
        guard let manifest, event.source != ManifestEvents.source else { return pattern }
        return manifest.pattern
    }

    private func parsed(_ pattern: RawJSON) throws -> EventPattern {
        do throws(PatternError) {
            return try EventPattern(parsing: pattern.bytes, dialect: .extended, limits: .stored)
        } catch {
            throw Failure(
                "the pattern of rule \(name) cannot be read: \(error)",
                hint: "the host may be another version than this command; restart it with `sluice up`")
        }
    }
}

extension RawJSON {
    /// Of an event's envelope.
    var source: String? { (try? JSONDocument(parsing: bytes).root)?["source"]?.string }
}
