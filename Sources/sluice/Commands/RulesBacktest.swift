import AppConfig
import ArgumentParser
import EventModel
import EventPatterns
import FunctionJSON
import HostAPI

extension Rules {
    struct Backtest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "backtest",
            abstract: "Which events of the log a rule would have matched, before it is deployed.",
            discussion: """
                FILE holds a pattern as JSON or YAML, or a rule file as in Events/rules; of its rules only name, bus and \
                pattern are looked at. A rule of that name which is in force is tried as well: how many events would be \
                gained, how many lost. The events are the newest of the rule's bus that the log still keeps \
                (`archive.retentionDays`). Nothing is delivered.
                """)

        @Argument(help: "A pattern or a rule file; - for the standard input.") var file: String
        // A negative number is no option: it is refused as what it is.
        @Option(
            name: [.customLong("last"), .customLong("limit")], parsing: .unconditional,
            help: ArgumentHelp("Try the newest events, this many.", valueName: "n"))
        var last = 1000
        @Option(name: .long, help: "The bus whose events are tried. Default: the rule's, else default.")
        var bus: String?
        @OptionGroup var period: PeriodOption
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard last >= 1 else { throw ValidationError("--last must be at least 1.") }
        }

        func run() async throws {
            let drafts: [DraftPattern]
            let bytes = try InputFile.bytes(of: file)
            do throws(ConfigError) {
                drafts = try PatternFile.read(bytes, name: file)
            } catch {
                let mistakes = error.findings.filter { $0.severity == .error }.map(\.sentence)
                throw Failure(
                    mistakes.joined(separator: "\n"), hint: "give a pattern as JSON or YAML, or a rule file")
            }
            for draft in drafts { try await test(draft) }
        }

        private func test(_ draft: DraftPattern) async throws {
            let (pattern, refusal) = try parse(draft)
            let name = draft.name ?? file
            let bus = self.bus ?? draft.bus ?? "default"
            let output = common.output
            var warnings: [String] = []
            if let refusal {
                warnings.append("a deployment would refuse \(name) if it is new or changed: \(refusal)")
            }
            if let reason = PatternWarnings.impossibility(pattern, isOnStream: StreamLog.isStream(bus)) {
                warnings.append("\(name) can never match: \(reason)")
            }
            if !output.json {
                for line in warnings { output.sentence("\(output.style.yellow("warning:")) \(line)") }
            }
            var summary = Summary(rule: name, bus: bus)
            var rows: [[String]] = []
            let matcher = Matcher([(true, pattern)])
            let scratch = MatchScratch()
            var inForce = await RuleInForce(draft.name, bus: bus, common.host)
            try await each(bus) { record in
                summary.events += 1
                var isMatched = false
                defer { inForce?.compare(record.event.bytes, isMatched: isMatched) }
                do throws(EventError) {
                    let answer = try matcher.answer(in: StreamFilter.subject(of: record.event.bytes), scratch: scratch)
                    if !answer.undecided.isEmpty { summary.undecided += 1 }
                    if answer.matched.isEmpty { return }
                } catch {
                    summary.unmatchable += 1
                    return
                }
                isMatched = true
                summary.matched += 1
                let envelope = Events.Envelope(record.event)
                if output.json { return try output.object(Match(name, record, envelope.subject)) }
                rows.append([
                    Human.moment(record.ingested), record.id, envelope.source ?? "?", envelope.detailType ?? "?",
                    envelope.subject,
                ])
            }
            summary.inForce = inForce?.comparison
            if output.json { return try output.object(Warned(summary, warnings)) }
            if !rows.isEmpty {
                var columns: [Table.Column] = [
                    .whole("TIME"), .whole("ID"), "SOURCE", "DETAIL-TYPE", .object("OBJECT"),
                ]
                if rows.allSatisfy({ $0.last == "" }) {
                    columns.removeLast()
                    rows = rows.map { $0.dropLast() }
                }
                output.table(columns, rows)
            }
            let matched = Human.grouped(summary.matched)
            let events = Human.grouped(summary.events)
            output.line(
                "\(output.style.bold(name)) would have matched \(matched) of the last \(events) events of bus \(bus)")
            if let now = summary.inForce {
                let matched = now.matched == summary.events ? "all" : Human.grouped(now.matched)
                output.line(
                    "in force it matches \(matched) of them: \(Human.grouped(now.gained)) would be gained, "
                        + "\(Human.grouped(now.lost)) lost")
            }
            if summary.undecided > 0 {
                output.line(
                    output.style.yellow("\(Human.grouped(summary.undecided)) more could not be decided")
                        + ": their arrays have too many combinations of elements; each would be a dead letter")
            }
            if summary.unmatchable > 0 {
                output.line(output.style.yellow("\(Human.grouped(summary.unmatchable)) could not be read"))
            }
        }

        /// The pattern, and why a deployment would refuse it for what it may cost unless it is in force: that is no
        /// reason not to try it.
        private func parse(_ draft: DraftPattern) throws -> (pattern: EventPattern, refusal: String?) {
            do throws(PatternError) {
                var limits = PatternLimits()
                if let name = draft.name { limits.ruleName = name }
                return (try EventPattern(parsing: draft.pattern, dialect: .extended, limits: limits), nil)
            } catch {
                if error.code == .limitExceeded,
                    let pattern = try? EventPattern(parsing: draft.pattern, dialect: .extended, limits: .stored)
                {
                    return (pattern, error.message)
                }
                let name = draft.name.map { "of rule \($0) " } ?? ""
                throw Failure(
                    "\(file): the pattern \(name)is not valid: \(error)",
                    hint: "docs/writing-rules.md, Patterns; `sluice rules test --cases FILE` tries one with an event")
            }
        }

        /// The newest events of the bus, newest first.
        private func each(_ bus: String, _ body: (EventRecord) throws -> Void) async throws {
            let host = common.host
            let query = EventQuery(bus: bus, since: period.since?.time, until: period.until?.time)
            var (left, after) = (last, String?.none)
            while left > 0 {
                let request = PageRequest(limit: min(left, PageRequest.maximumLimit), after: after)
                let page = try await host.listEvents(query, page: request)
                for record in page.items { try body(record) }
                left -= page.items.count
                guard let next = page.next, !page.items.isEmpty else { return }
                after = next
            }
        }
    }
}

/// An event that a draft would have matched, as `rules backtest --json` prints it.
private struct Match: Encodable {
    var rule: String
    var bus: String
    var position: Int64
    var id: String
    var ingested: APITime
    /// `bucket/key` of an object's event, else empty.
    var subject: String

    init(_ rule: String, _ record: EventRecord, _ subject: String) {
        self.rule = rule
        (bus, position, id, ingested) = (record.bus, record.position, record.id, record.ingested)
        self.subject = subject
    }
}

/// The last object of each rule that `rules backtest --json` prints.
private struct Summary: Encodable {
    var rule: String
    var bus: String
    /// How many events were tried.
    var events: Int64 = 0
    var matched: Int64 = 0
    /// Events whose arrays have too many combinations of elements for the rule.
    var undecided: Int64 = 0
    /// Events that could not be read.
    var unmatchable: Int64 = 0
    /// Where a rule of this name is in force.
    var inForce: RuleInForce.Comparison?
}
