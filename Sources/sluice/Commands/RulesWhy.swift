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
            usage: "sluice rules why [<rule>] <event> [--bus <bus>] [--nearest] [--count <n>] [--data <dir>] [--json]",
            discussion: """
                Compares an event with the rules of the running host and names the first field that fails, what was \
                expected there and what was found. Nothing is put on a bus. The event is a file, or one of the log by its \
                id, a record's sequence number, or BUCKET/KEY of an object.
                """)

        @Argument(help: "The rule's name; without it the nearest rules are listed.") var rule: String?
        @Argument(help: ArgumentHelp(stringLiteral: EventArgument.words)) var event: String?
        @Option(
            name: .long,
            help: "The bus the rules are on, or stream/NAME. Default: that of an event of the log, else default.")
        var bus: String?
        @Flag(name: .long, help: "Also list the rules that come nearest.") var nearest = false
        @Option(name: .long, help: ArgumentHelp("How many of the nearest rules.", valueName: "n")) var count = 5
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
                let info = try await host.rule(bus: bus, name: name)
                try show(RuleAnswer(info, envelope))
            }
            guard name == nil || nearest else { return }
            let rules = try await host.listRules(bus: bus)
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
            for (index, rule) in rules.enumerated() { patterns.append((index, try rule.parsedPattern(for: event))) }
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
            output.line("\(word)  \(style.bold(answer.rule))  (\(fields))\(note)")
            let several = (answer.expected?.count ?? 0) > 1
            output.fields(
                [
                    ("field", answer.path),
                    ("expected", answer.expected.map { (several ? "one of " : "") + $0.joined(separator: ", ") }),
                    ("found", answer.found.map { $0.isEmpty ? "nothing" : $0.joined(separator: ", ") }),
                    ("note", answer.note),
                ], indent: 9)
        }
    }
}

/// How an event fares with a rule, as `rules why --json` prints it.
private struct RuleAnswer: Encodable {
    var rule: String
    var bus: String
    var enabled: Bool
    var matches: Bool
    /// Whether that could not be found out; absent: no.
    var undecided: Bool?
    /// Of the branch of the pattern that came nearest, as is the total.
    var passedFields: Int
    var totalFields: Int
    /// The first field that fails; absent, as is the rest, where the event matches.
    var path: String?
    /// missing, value, present, differentElements or undecided.
    var reason: String?
    var expected: [String]?
    var found: [String]?
    /// A likely mistake, or what the reason means.
    var note: String?

    init(_ info: RuleInfo, _ event: RawJSON) throws {
        let explanation: Explanation
        let pattern = try info.parsedPattern(for: event)
        do {
            explanation = try pattern.explain(event.bytes)
        } catch {
            throw Failure.unmatchable(error, rule: info.name)
        }
        (rule, bus, enabled) = (info.name, info.bus, info.enabled)
        matches = explanation.matches
        passedFields = explanation.matches ? explanation.totalFields : explanation.passedFields
        totalFields = explanation.totalFields
        guard let failure = explanation.failure else { return }
        path = failure.path
        reason = failure.reason.rawValue
        expected = failure.expected
        found = failure.found
        note = failure.hint
        if explanation.isUndecided {
            undecided = true
            note = "the arrays have too many combinations of elements to tell; a delivery would be a dead letter"
        }
        if note == nil, failure.reason == .differentElements {
            note = "it passes only in other array elements than the fields before it"
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
