import HostAPI

/// `dlq show` for reading.
struct DeadLetterText {
    var detail: DeadLetterDetail
    var output: Output
    /// ` --data DIR` for the commands it names.
    var data: String

    private var style: Style { output.style }

    func show() {
        summary()
        let attempts = Array(detail.attempts.reversed())
        for (index, attempt) in attempts.enumerated() { show(attempt, after: attempts[..<index]) }
        if !detail.lineage.isEmpty {
            output.heading("Where it came from")
            for hop in detail.lineage { output.line("  " + hop) }
        }
        output.heading("Payload")
        output.json(detail.payload)
        output.data(of: detail.payload)
        for edit in detail.edits ?? [] {
            output.heading("Sent instead by \(edit.job)")
            output.fields([("by", edit.by), ("at", edit.at.map { "\($0)" })], indent: 2)
            output.json(edit.payload)
        }
        if detail.handlerInput != nil || detail.handlerInputNote != nil {
            output.heading("What the handler got")
            if let input = detail.handlerInput { output.json(input) }
            if let note = detail.handlerInputNote { output.line("  " + style.yellow(note)) }
        }
        companions()
        next()
    }

    /// Ids that are told of those that may be thousands.
    private static let shown = 5

    private func companions() {
        let events = detail.companions
        guard !events.isEmpty else { return }
        output.heading("Others of its batch")
        output.line("  \(Human.count(events.count, "event")):")
        for id in events.prefix(Self.shown) { output.line("    " + id) }
        if events.count > Self.shown { output.line(style.dim("    … and more: --json has all")) }
        guard let dead = detail.deadCompanions else { return }
        let ids = dead.prefix(Self.shown).map(String.init).joined(separator: ", ")
        let more = dead.count > Self.shown ? ", …" : ""
        output.line(
            dead.isEmpty
                ? "  none of them is dead now"
                : "  dead now: \(Human.count(dead.count, "dead letter")) (\(ids)\(more))")
    }

    private func summary() {
        let letter = detail.summary
        let earlier = detail.attempts.count { $0.isEarlier == true }
        output.fields([
            ("dead letter", style.bold("\(letter.id)") + "  " + style.state(letter.state)),
            ("reason", style.red(letter.code) + ": " + letter.message),
            ("given up for", letter.condition),
            ("ran in", letter.ranBy.map { "\($0), where a redrive had sent it: the reason is its" }),
            ("function", TargetName.isFunction(letter.function) ? letter.function : nil), ("rule", letter.rule),
            ("target", TargetName.isFunction(letter.function) ? nil : TargetName.beside(letter.function)),
            ("event", "\(letter.eventID)  \(letter.subject)"),
            ("attempts", "\(letter.attempts)" + (earlier == 0 ? "" : ", and \(earlier) before the last redrive")),
            ("ingested", "\(letter.ingested)"),
            ("died", "\(letter.died)  (\(Human.ago(letter.died)))"),
            ("fingerprint", letter.fingerprint),
            ("input kept", detail.input.map(words)),
            ("holds back", detail.heldBack.map(words)),
        ])
    }

    private func words(_ held: DeadLetterDetail.HeldBack) -> String {
        let (count, verb) = (Human.count(held.count, "delivery", "deliveries"), held.count == 1 ? "is" : "are")
        let events = held.events.joined(separator: ", ") + (held.count > held.events.count ? ", …" : "")
        return style.yellow("\(count) of its key \(Text.oneLine(held.key))")
            + ", which \(verb) delivered in order when it has succeeded or is purged"
            + (held.events.isEmpty ? "" : ": \(held.events.count == 1 ? "event" : "events") \(events)")
    }

    private func words(_ input: DeadLetterDetail.KeptInput) -> String {
        var text = "\(input.bucket)/\(input.key)  (\(Human.bytes(input.size)), \(input.kind))"
        if let path = input.path { text += "  \(path)" }
        if let note = input.note { text += "  \(note)" }
        return text
    }

    /// - Parameter told: the later attempts, which stand above it: what they had word for word is not told again.
    private func show(_ attempt: DeadLetterDetail.Attempt, after told: ArraySlice<DeadLetterDetail.Attempt>) {
        func twin(_ isSame: (DeadLetterDetail.Attempt) -> Bool) -> String? {
            told.first(where: isSame).map { "same as attempt \($0.number)" }
        }
        let note = attempt.isEarlier == true ? "before the last redrive" : told.isEmpty ? "the last" : nil
        output.heading("Attempt \(attempt.number)" + (note.map { ", \($0)" } ?? ""))
        let failure = twin { $0.code == attempt.code && $0.message == attempt.message }
        output.fields(
            [
                ("attempt", attempt.requestID),
                ("function", attempt.function.map { TargetName.shown($0, version: attempt.version ?? 0) }),
                (
                    // Of an attempt in which no handler ran there is nothing to measure.
                    "started",
                    "\(attempt.started)"
                        + (attempt.durationMilliseconds == 0
                            ? "" : ", took \(Human.milliseconds(attempt.durationMilliseconds))")
                ),
                ("failed with", failure.map { "\(attempt.code), \($0)" } ?? "\(attempt.code): \(attempt.message)"),
            ], indent: 2)
        if !attempt.logs.isEmpty {
            output.line("  " + style.dim("log"))
            for line in attempt.logs { output.line("    " + LogText.line(line, style: style, withSource: false)) }
        }
        guard !attempt.backtrace.isEmpty else { return }
        if let same = twin({ $0.backtrace == attempt.backtrace }) {
            return output.line("  " + style.dim("backtrace") + "  " + same)
        }
        output.line("  " + style.dim("backtrace"))
        for frame in attempt.backtrace { output.line("    " + frame) }
    }

    /// What to do now.
    private func next() {
        let letter = detail.summary
        output.line()
        switch letter.state {
        case "dead":
            output.line(
                TargetName.isFunction(letter.function)
                    ? "run it in the shadow: sluice dlq reproduce \(letter.id)\(data)"
                    : "what it was given:    sluice dlq show \(letter.id) --input\(data)")
            if let newer = letter.newerVersion {
                output.line(
                    "a newer version of \(letter.subject) came at \(newer), with an event of its own: nothing to redrive"
                )
                output.line("give it up:           sluice dlq purge \(letter.id)\(data)")
                return output.line("or deliver it yet:    sluice dlq redrive \(letter.id) --older-versions\(data)")
            }
            output.line("fix the cause, then:  sluice dlq redrive \(letter.id)\(data)")
            if !detail.companions.isEmpty {
                output.line("with its batch:       sluice dlq redrive \(letter.id) --with-companions\(data)")
            }
            output.line("or give it up:        sluice dlq purge \(letter.id)\(data)")
        case "redriving": output.line("it is being delivered again:  sluice events show \(letter.eventID)\(data)")
        default: output.line("what became of it:  sluice events show \(letter.eventID)\(data)")
        }
    }
}
