import ArgumentParser
import FunctionJSON
import HostAPI

/// `sluice dlq`.
struct DeadLetters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlq", abstract: "What failed for good: look, reproduce, redrive, purge.",
        subcommands: [List.self, Show.self, Reproduce.self, Redrive.self, Jobs.self, Purge.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Dead letters by function, code and way of failing.")
        @Flag(name: .long, help: "One line a dead letter instead of groups.") var letters = false
        @OptionGroup var filter: Filter
        @OptionGroup var limit: LimitOption
        @OptionGroup var common: CommonOptions

        func run() async throws {
            if letters { try await showLetters() } else { try await showGroups() }
        }

        private func showGroups() async throws {
            // The journal has the groups of all letters; where only some count they are made of those.
            let isOfAll = filter.since == nil && filter.until == nil && filter.pattern.eventPattern == nil
            let (function, fingerprint) = (
                try await filter.functionMeant(common.host), try await filter.wholeFingerprint(common.host)
            )
            let all =
                isOfAll
                ? try await common.host.deadLetterGroups().filter { group in
                    (function == nil || group.function == function)
                        && (filter.code == nil || group.code == filter.code)
                        && (fingerprint == nil || group.fingerprint == fingerprint)
                } : try await LetterGroups.made(of: filter.selection(common.host), common.host)
            let output = common.output
            let groups = limit.limit == 0 ? all : Array(all.prefix(limit.limit))
            defer { limit.tell(all.count > groups.count) }
            let nothing = groups.isEmpty ? try await filter.nothingListed(common) : ""
            if output.json { return try groups.forEach(output.object) }
            guard !groups.isEmpty else { return output.line(nothing) }
            let style = output.style
            output.table(
                [
                    "FUNCTION", "CODE", .number("COUNT"), .whole("FINGERPRINT"), .whole("FIRST"), .whole("LAST"),
                    .prose("MESSAGE"),
                ],
                groups.map {
                    [
                        TargetName.shown($0.function, ranBy: $0.ranBy), style.red($0.code), Human.grouped($0.count),
                        $0.fingerprint,
                        Human.roughlyAgo($0.first),
                        Human.roughlyAgo($0.last),
                        Text.firstLine($0.message),
                    ]
                })
            output.line()
            let only = try await Self.replaced(groups[0], common.host)
            output.fields([
                ("see them", "sluice dlq list --letters\(common.repeated), then sluice dlq show ID\(common.repeated)"),
                (
                    "newer versions came",
                    only ? "sluice dlq purge --fingerprint \(groups[0].fingerprint)\(common.repeated)" : nil
                ),
                (
                    "redrive a group",
                    only ? nil : "sluice dlq redrive --fingerprint \(groups[0].fingerprint)\(common.repeated)"
                ),
                (
                    "redrive everything",
                    "sluice dlq redrive --all\(common.repeated)   (--dry-run: what would be sent)"
                ),
            ])
        }

        /// Whether all letters of a group are about versions of objects that were replaced since: what came instead has
        /// events of its own, and there is nothing to redrive. Of a large group nobody looks.
        private static func replaced(_ group: DeadLetterGroupInfo, _ host: any HostControl) async throws -> Bool {
            guard group.count <= PageRequest.maximumLimit else { return false }
            let selection = DeadLetterSelection(
                function: group.function, code: group.code, fingerprint: group.fingerprint)
            let letters = try await host.listDeadLetters(
                selection, page: PageRequest(limit: PageRequest.maximumLimit)
            ).items
            return !letters.isEmpty && letters.allSatisfy { $0.newerVersion != nil }
        }

        private func showLetters() async throws {
            let (host, output) = (common.host, common.output)
            let selection = try await filter.selection(host)
            var found: [DeadLetterSummary] = []
            var older: [Int64] = []
            let more = try await limit.each({ try await host.listDeadLetters(selection, page: $0) }) { letter in
                found.append(letter)
                if letter.newerVersion != nil { older.append(letter.id) }
                if output.json { try output.object(letter) }
            }
            defer { limit.tell(more) }
            let nothing = found.isEmpty ? try await filter.nothingListed(common) : ""
            if output.json { return }
            guard !found.isEmpty else { return output.line(nothing) }
            LetterTable.write(found, to: output)
            output.line()
            if !older.isEmpty {
                let ids = older.prefix(10).map(String.init).joined(separator: " ")
                output.line(
                    "a newer version came, nothing to redrive: sluice dlq purge "
                        + (older.count > 10 ? "ID…  (\(ids) …)" : ids) + common.repeated)
            }
            output.line(
                "see one: sluice dlq show ID\(common.repeated)    redrive: sluice dlq redrive ID…\(common.repeated)")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "A dead letter: reason, attempts with log and backtrace, kept input, payload.")
        @Argument(help: "The dead letter's id.") var id: Int64
        @Flag(name: .long, help: "Print only what the handler got, as JSON, for `sluice invoke FUNCTION -`.")
        var input = false
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let detail = try await common.host.deadLetter(id: id)
            if input { return common.output.line((detail.handlerInput ?? detail.payload).text) }
            if common.output.json { return try common.output.object(detail) }
            DeadLetterText(detail: detail, output: common.output, data: common.repeated).show()
        }
    }

    struct Purge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "purge", abstract: "Give dead letters up for good.",
            discussion: "They keep being counted; their payload and kept input go.")
        @OptionGroup var choice: Choice
        @Flag(name: .long, help: "Say what would be given up, and give nothing up.") var dryRun = false
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let output = common.output
            try await choice.requireIDs(common)
            if dryRun {
                // What a redrive would take is what a purge would.
                let plan = try await common.host.redrive(
                    RedriveRequest(selection: choice.selection(common.host), dryRun: true, by: Requester.name))
                if plan.selected == 0 { try await choice.explainNothing(common) }
                return try Redrive.show(plan, output, verdict: "would be given up", isRedrive: false)
            }
            let result = try await common.host.purge(choice.selection(common.host))
            if result.purged == 0 { try await choice.explainNothing(common) }
            if output.json { return try output.object(result) }
            output.line("purged \(Human.count(result.purged, "dead letter"))")
        }
    }
}

/// Dead letters in lines.
enum LetterTable {
    static func write(_ letters: [DeadLetterSummary], to output: Output) {
        // Few targets park keys.
        let parks = letters.contains { $0.holdsBack != nil }
        output.table(
            [.number("ID"), .whole("DIED"), "FUNCTION", .whole("CODE"), .number("ATTEMPTS")]
                + (parks ? [.number("HOLDS BACK")] : []) + [.below("SUBJECT"), .prose("MESSAGE")],
            letters.map { row($0, parks: parks, output.style) })
    }

    private static func row(_ letter: DeadLetterSummary, parks: Bool, _ style: Style) -> [String] {
        let held = letter.holdsBack.map { style.yellow(Human.grouped($0)) } ?? "-"
        return [
            "\(letter.id)", Human.roughlyAgo(letter.died),
            TargetName.shown(letter.function, ranBy: letter.ranBy), style.red(letter.code),
            "\(letter.attempts)",
        ] + (parks ? [held] : []) + [
            letter.subject,
            (letter.newerVersion == nil ? "" : "(a newer version came) ") + Text.firstLine(letter.message),
        ]
    }
}
