import HostAPI

/// A replay for reading.
struct ReplayText {
    var output: Output
    /// ` --data DIR` for the commands it names.
    var data: String

    private var style: Style { output.style }

    static func words(_ request: ReplayRequest) -> String {
        var parts: [String] = []
        if request.dryRun { parts.append("dry run") }
        if !request.rules.isEmpty { parts.append("rule \(request.rules.joined(separator: ", "))") }
        if let function = request.function { parts.append("function \(function)") }
        if let pattern = request.eventPattern { parts.append("pattern \(Text.oneLine(pattern))") }
        if let rate = request.rate { parts.append("\(Human.decimal(rate, 1)) a second") }
        return parts.joined(separator: ", ")
    }

    private static func withEveryRule(_ words: String) -> String {
        words.isEmpty ? "all enabled rules" : "all enabled rules, \(words)"
    }

    func show(_ replay: ReplayInfo, _ host: any HostControl) async throws {
        let request = replay.request
        let what = Self.words(request)
        output.fields([
            ("replay", style.bold(request.name) + "  " + style.state(replay.state.rawValue)),
            ("reason", replay.reason.map { style.red($0) }),
            ("events", "bus \(request.bus), ingested from \(request.from) to \(request.to)"),
            // A dry run, a pattern and a rate say nothing of the way.
            ("through", request.rules.isEmpty && request.function == nil ? Self.withEveryRule(what) : what),
            ("by", request.by),
            ("began", "\(replay.started)"), ("ended", replay.ended.map { "\($0)" }),
            ("last event", replay.lastReplayed.map { "\($0)" }),
            (
                "replayed",
                "\(Human.count(replay.replayed, "event")), \(Human.count(replay.deliveries, "delivery", "deliveries"))"
            ),
            ("outcomes", outcomes(replay)),
        ])
        for warning in replay.warnings ?? [] { output.line("warning: \(warning)") }
        if let shadow = replay.shadow { show(shadow, examples: request.examples) }
        if let parked = replay.parked, parked > 0 { tellParked(parked, of: replay) }
        if !request.dryRun, replay.dead > 0 {
            output.line("see why: sluice dlq list\(data)")
            try await showTwins(replay, host)
        }
    }

    private func tellParked(_ parked: Int64, of replay: ReplayInfo) {
        let letters = replay.parkedBehind ?? []
        let behind =
            letters.isEmpty
            ? "dead letters of their keys"
            : "dead \(letters.count == 1 ? "letter" : "letters") \(letters.map(String.init).joined(separator: ", "))"
                + (replay.parkedBehindMore == true ? " and maybe others" : "")
        let those = letters.count == 1 && replay.parkedBehindMore != true ? "that" : "those"
        let (verb, them) = parked == 1 ? ("is", "it") : ("are", "they")
        output.line(
            "\(Human.count(parked, "delivery", "deliveries")) \(verb) parked behind \(behind): \(them) \(verb) delivered "
                + "in order when \(those) succeeded or went (sluice dlq redrive"
                + (letters.isEmpty ? "" : " " + letters.map(String.init).joined(separator: " "))
                + "\(data), or dlq purge), and dropped by: sluice replay cancel \(replay.request.name)\(data)")
    }

    /// Letters that are looked at, and ids that are named.
    private static let (maximumLetters, maximumIDs) = (10_000, 20)

    /// Who replays what is dead has it dead twice when it fails again: says which dead letters are the older ones.
    private func showTwins(_ replay: ReplayInfo, _ host: any HostControl) async throws {
        func letters(_ selection: DeadLetterSelection) async throws -> [DeadLetterSummary] {
            var found: [DeadLetterSummary] = []
            var limit = LimitOption()
            limit.limit = Self.maximumLetters
            try await limit.each({ try await host.listDeadLetters(selection, page: $0) }) { found.append($0) }
            return found
        }
        let again = Set(try await letters(DeadLetterSelection(since: replay.started)).map(\.eventID))
        guard !again.isEmpty else { return }
        let older = try await letters(DeadLetterSelection(until: replay.started)).filter { again.contains($0.eventID) }
        guard !older.isEmpty else { return }
        let count = Set(older.map(\.eventID)).count
        let ids = older.prefix(Self.maximumIDs).map { "\($0.id)" }.joined(separator: " ")
        output.line(
            "\(Human.grouped(count)) of them \(count == 1 ? "has" : "have") an older dead letter as well: sluice dlq "
                + "purge \(ids)\(older.count > Self.maximumIDs ? " …" : "")\(data)")
    }

    private func outcomes(_ replay: ReplayInfo) -> String {
        var parts = [style.green("\(Human.grouped(replay.succeeded)) succeeded")]
        if replay.dropped > 0 { parts.append("\(Human.grouped(replay.dropped)) dropped") }
        if replay.superseded > 0 { parts.append("\(Human.grouped(replay.superseded)) superseded") }
        if replay.waiting > 0 { parts.append("\(Human.grouped(replay.waiting)) under way") }
        if let parked = replay.parked, parked > 0 { parts.append(style.yellow("\(Human.grouped(parked)) parked")) }
        if replay.dead > 0 { parts.append(style.red("\(Human.grouped(replay.dead)) dead")) }
        if let failed = replay.failed, failed > 0 { parts.append(style.red("\(Human.grouped(failed)) failed")) }
        return parts.joined(separator: ", ")
    }

    private func show(_ shadow: ShadowReport, examples: Int) {
        output.heading("Beside the original run")
        func row(_ name: String, _ counts: ShadowReport.Counts) -> [String]? {
            guard counts.same + counts.differences + counts.unknown > 0 else { return nil }
            return [name]
                + [counts.same, counts.added, counts.missing, counts.changed, counts.unknown].map { Human.grouped($0) }
        }
        var rows = [
            row("objects", shadow.objects), row("deletions", shadow.deletions), row("events", shadow.events),
            row("catalog", shadow.catalog), row("failures", shadow.failures),
        ].compactMap(\.self)
        if shadow.rows.added + shadow.rows.removed + shadow.rows.changed > 0 {
            rows.append([
                "rows", "", Human.grouped(shadow.rows.added), Human.grouped(shadow.rows.removed),
                Human.grouped(shadow.rows.changed), "",
            ])
        }
        if rows.isEmpty {
            output.line("no effects, then or now")
        } else {
            output.table(
                [
                    "", .number("SAME"), .number("ADDED"), .number("MISSING"), .number("CHANGED"), .number("UNKNOWN"),
                ], rows)
        }
        if shadow.superseded > 0 {
            output.line(
                style.dim(
                    "\(Human.count(shadow.superseded, "run")) not compared: the event's object was replaced since, by a "
                        + "version with an event of its own"))
        }
        guard !shadow.differences.isEmpty else { return }
        output.line()
        for difference in shadow.differences {
            let mark =
                switch difference.change {
                case .added: difference.kind == "failure" ? style.red("!") : style.green("+")
                case .missing: difference.kind == "failure" ? style.green("✓") : style.red("-")
                case .changed: style.yellow("~")
                case .unknown: style.dim("?")
                case .same: "="
                }
            output.line(
                "\(mark) \(difference.kind) \(difference.subject)  "
                    + style.dim(
                        "event \(difference.event) → \(difference.rule) → \(TargetName.beside(difference.function))"))
            if let note = difference.note { output.line("    " + Text.oneLine(note)) }
            for line in difference.lines ?? [] {
                let text = Text.shown(line)
                output.line(
                    "    "
                        + (line.hasPrefix("- ")
                            ? style.red(text) : line.hasPrefix("+ ") ? style.green(text) : style.dim(text)))
            }
            if let rows = difference.rows { RowText.show(rows, output, indent: 4) }
        }
        let left = shadow.tellable - Int64(shadow.differences.count)
        guard left > 0 else { return }
        // As many as were asked for are told, where they fit.
        let why = shadow.differences.count < examples ? "they do not fit into the report" : "--examples N"
        output.line(style.dim("… \(Human.grouped(left)) more: \(why)"))
    }
}
