import FunctionJSON
import FunctionProtocol
package import HostAPI
import Journal
import ObjectStore
import UVLoop

extension HostController {
    package func deadLetterGroups() async throws -> [DeadLetterGroupInfo] {
        try await read { journal in
            try journal.deadLetterGroups().map { group in
                // What ran is in the fingerprint: one letter speaks for all of its group. Where it cannot be read the
                // group is told of all the same.
                let newest = try? journal.deadLetter(id: group.newest)
                return DeadLetterGroupInfo(
                    function: group.target, code: group.code, fingerprint: group.fingerprint, message: group.message,
                    count: group.count, first: .init(group.first), last: .init(group.last),
                    ranBy: newest.flatMap { DeliveryMemo.function(ofHistory: $0.history) })
            }
        }
    }

    package func listDeadLetters(
        _ selection: DeadLetterSelection, page: PageRequest
    ) async throws -> Page<DeadLetterSummary> {
        let (outside, paths) = (await host.deployment.outside, await host.parkingPaths)
        if let ids = selection.ids {
            let letters = try await read { journal in
                try ids.compactMap { id in
                    try journal.deadLetter(id: id).map { try Self.told([$0], outside, paths, journal)[0] }
                }
            }
            return Page(items: await withHeldBack(letters), next: nil)
        }
        let chooser = try DeadLetterChooser(selection)
        let first = page.after.flatMap { Int64($0) } ?? 0
        let (letters, next) = try await read { journal in
            var (found, after): ([ToldLetter], Int64?) = ([], first)
            // Only some of a page may have a matching event. Of each page only the summaries stay in memory.
            while found.count < page.limit, let from = after {
                let some = try chooser.page(journal, after: from, limit: page.limit)
                found += try Self.told(some.letters, outside, paths, journal)
                after = some.isFull ? some.last : nil
            }
            return (found.prefix(page.limit), found.count > page.limit ? found[page.limit - 1].summary.id : after)
        }
        return Page(items: await withHeldBack(Array(letters)), next: next.map(String.init))
    }

    /// Blocking.
    private static func told(
        _ letters: [DeadLetter], _ outside: Set<SubscriptionID>, _ paths: [SubscriptionID: String],
        _ journal: any JournalStore
    ) throws -> [ToldLetter] {
        zip(letters, try summaries(of: letters, outside, journal)).map { letter, summary in
            let id = letter.delivery.subscription
            let key = paths[id].flatMap { EventReading.key(of: letter.payload, path: $0) }
            return ToldLetter(summary: summary, place: key.map { (id, $0) })
        }
    }

    /// Each with what has become of its object. Blocking.
    private static func summaries(
        of letters: [DeadLetter], _ outside: Set<SubscriptionID>, _ journal: any JournalStore
    ) throws -> [DeadLetterSummary] {
        let newer = try NewerVersion.times(of: letters, outside: outside, journal)
        return letters.map { DeadLetterSummary($0, newerVersion: newer[$0.id]) }
    }

    package func deadLetter(id: Int64) async throws -> DeadLetterDetail {
        guard let letter = try await read({ try $0.deadLetter(id: id) }) else {
            throw APIError.notFound("dead letter", "\(id)", hint: "`sluice dlq list --letters` shows their ids")
        }
        let memo = JSONText.decode(DeliveryMemo.self, from: letter.history) ?? DeliveryMemo()
        var attempts: [DeadLetterDetail.Attempt] = []
        var given: RawJSON?
        let earlier = memo.earlier ?? []
        for (index, summary) in (earlier + memo.attempts).enumerated() {
            let lines = try await logLines(ofAttempt: summary.attempt, otherwise: summary)
            given = summary.input.flatMap { try? RawJSON(Array($0.utf8)) } ?? given
            attempts.append(
                DeadLetterDetail.Attempt(
                    number: index + 1, requestID: summary.attempt, function: summary.function,
                    version: summary.function == nil ? nil : summary.version, started: .init(summary.started),
                    durationMilliseconds: summary.durationMilliseconds, code: summary.code, message: summary.message,
                    logs: lines, backtrace: summary.backtrace, input: given,
                    isEarlier: index < earlier.count ? true : nil))
        }
        let lineage = Lineage(text: letter.lineage) ?? Lineage()
        guard let payload = try? RawJSON(letter.payload) else {
            throw APIError.internalError("the payload of dead letter \(id) is damaged")
        }
        let edits = await host.redrives.edits(of: id).compactMap { job in
            job.edit.flatMap { try? RawJSON(Array($0.utf8)) }.map {
                DeadLetterDetail.Edit(job: job.id, by: job.by, at: job.created.map { .init($0) }, payload: $0)
            }
        }
        let companions = try await read { try BatchCompanions.events(of: letter, $0) }
        let dead =
            companions.isEmpty
            ? nil : try await read { try BatchCompanions.adding(to: [id], $0) }.filter { $0 != id }
        let outside = await host.deployment.outside
        var summary = try await read { try Self.summaries(of: [letter], outside, $0)[0] }
        let heldBack = try await heldBack(by: letter)
        summary.holdsBack = heldBack?.count
        return DeadLetterDetail(
            summary: summary, payload: payload, handlerInput: given,
            handlerInputNote: await inputNote(of: letter, given), attempts: attempts,
            input: await keptInput(of: letter),
            companions: companions, deadCompanions: dead,
            lineage: lineage.hops.map { "\($0.subject) → rule \($0.rule) → \(TargetName.beside($0.function))" },
            edits: edits.isEmpty ? nil : edits, redrivenBy: await host.redrives.job(of: id),
            heldBack: heldBack)
    }

    /// Why nothing is known of what the handler got, where its target changes events.
    private func inputNote(of letter: DeadLetter, _ given: RawJSON?) async -> String? {
        guard given == nil,
            await host.deployment.subscription(letter.delivery.subscription)?.changesEvent == true
        else { return nil }
        return letter.code == "InputTransformFailed"
            ? "nothing: its input could not be made (\(letter.message))"
            : "not recorded: no attempt of it reached a handler"
    }

    private func keptInput(of letter: DeadLetter) async -> DeadLetterDetail.KeptInput? {
        guard let input = JSONText.decode(KeptObject.self, from: letter.input) else { return nil }
        let path = await host.path(ofBucket: input.object.bucket)
        let kind: String? = input.kept.map { kept in
            switch kept.kind {
            case .reflink: "reflink"
            case .copy: "copy"
            case .hardLink: "hard link"
            }
        }
        return DeadLetterDetail.KeptInput(
            bucket: input.object.bucket, key: input.object.key, size: input.kept?.size ?? input.object.size,
            kind: kind ?? "not kept", path: input.kept.flatMap { kept in path.map { "\($0)/\(kept.path)" } },
            note: input.reason)
    }

    private func logLines(ofAttempt id: String, otherwise summary: AttemptSummary) async throws -> [LogLine] {
        guard let attempt = AttemptID(id), let record = try await read({ try $0.invocation(attempt) }) else {
            return summary.log.map {
                LogLine(time: .init(summary.started), level: "info", stream: "logger", message: $0)
            }
        }
        // The host's own line says what the attempt says already.
        return await lines(of: record).filter { $0.stream != WorkerLogLine.Stream.host.rawValue }
    }

    func lines(of record: InvocationRecord) async -> [LogLine] {
        let reference = LogReference(file: record.logFile, offset: record.logOffset, length: record.logLength)
        let logs = logs
        return await files.run { logs.read(reference).map { LogLine($0) } }
    }

    package func purge(_ selection: DeadLetterSelection) async throws -> PurgeResult {
        try Self.check(selection)
        do {
            return PurgeResult(purged: try await host.purge(selection))
        } catch let error as JournalError {
            throw APIError.unavailable(
                "not all was purged, for the journal cannot write: \(error.message)",
                hint: error.isPassing ? "make room on the data folder's disk, and purge again" : nil)
        }
    }

    package func reproduce(deadLetter id: Int64) async throws -> InvocationDetail {
        guard let letter = try await read({ try $0.deadLetter(id: id) }) else {
            throw APIError.notFound("dead letter", "\(id)", hint: "`sluice dlq list --letters` shows their ids")
        }
        let settings = await host.deployment.subscription(letter.delivery.subscription)
        // What is shown as its reason is what is to be seen again.
        let other = DeliveryMemo.function(ofHistory: letter.history)
        var function = other ?? settings?.function ?? letter.target
        // A version that a redrive was for may be the one in force by now.
        if other != nil, let known = try? await host.redrives.target(function), known.version == nil {
            function = known.key
        }
        if other == nil, settings?.isOutside == true {
            throw APIError.invalidRequest(
                "the target of dead letter \(id), of rule \(letter.rule), is no function: what it does cannot be tried "
                    + "in the shadow",
                hint: "`sluice dlq show \(id) --input` prints what it was given, to try it by hand; redrive the dead "
                    + "letter, or send its event to a function with --to")
        }
        try await host.requireLetGo()
        let started = HostClock().wall
        guard
            let run = await host.shadow(
                function, payload: letter.payload, eventID: letter.eventID, ingested: letter.ingested,
                lineage: letter.lineage, settings: settings, deadLetter: id)
        else {
            throw APIError.notFound("function", function, hint: "`sluice functions list` shows what is deployed")
        }
        return InvocationDetail(
            run, of: function, eventIDs: [letter.eventID], rule: letter.rule, id: letter.eventID, started: started)
    }
}

extension InvocationDetail {
    /// What came of a run in the shadow.
    init(
        _ run: ShadowRun, of function: String, eventIDs: [String], rule: String?, id: String, started: Milliseconds
    ) {
        var summary = InvocationSummary(
            requestID: "\(run.attempt)", invocationID: id, function: function,
            version: run.version.version, rule: rule, eventIDs: eventIDs, started: .init(started),
            durationMilliseconds: Double(run.report.durationMicroseconds) / 1000, outcome: "succeeded",
            coldStart: run.report.coldStart)
        if run.isSuperseded {
            summary.outcome = "superseded"
        } else if let failure = run.failure {
            summary.outcome = "failed"
            summary.code = failure.code
            summary.message = failure.message
        }
        var output: RawJSON?
        if case .success(let bytes) = run.report.outcome { output = HostController.json(bytes) }
        self.init(
            summary: summary, output: output, effects: run.refusal == nil ? run.effectList : [],
            logs: run.report.logs.map { line in
                LogLine(
                    time: .init(line.time), level: line.level, stream: line.stream.rawValue, function: function,
                    requestID: summary.requestID, message: line.text)
            }, backtrace: run.report.backtrace, attempts: [summary])
    }
}

extension DeadLetterSummary {
    init(_ letter: DeadLetter, newerVersion: Milliseconds? = nil) {
        self.init(
            id: letter.id, state: letter.state.rawValue, function: letter.target, rule: letter.rule,
            eventID: letter.eventID, subject: EventReading.subject(of: letter.payload), code: letter.code,
            message: letter.message, condition: letter.condition, fingerprint: letter.fingerprint,
            attempts: letter.attempts, ingested: .init(letter.ingested), died: .init(letter.died),
            newerVersion: newerVersion.map { .init($0) },
            ranBy: DeliveryMemo.function(ofHistory: letter.history))
    }
}

extension AttemptID {
    /// Reads `<boot>-<n>`.
    init?(_ text: String) {
        let parts = text.split(separator: "-")
        guard parts.count == 2, let boot = Int64(parts[0]), let number = Int64(parts[1]) else { return nil }
        self.init(boot: boot, number: number)
    }
}
