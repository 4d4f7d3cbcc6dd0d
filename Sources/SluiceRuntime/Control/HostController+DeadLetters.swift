import FunctionJSON
import FunctionProtocol
package import HostAPI
import Journal
import ObjectStore
import UVLoop

extension HostController {
    package func deadLetterGroups() async throws -> [DeadLetterGroupInfo] {
        try await read { try $0.deadLetterGroups() }.map { group in
            DeadLetterGroupInfo(
                function: group.target, code: group.code, fingerprint: group.fingerprint, message: group.message,
                count: group.count, first: .init(group.first), last: .init(group.last))
        }
    }

    package func listDeadLetters(
        _ selection: DeadLetterSelection, page: PageRequest
    ) async throws -> Page<DeadLetterSummary> {
        if let ids = selection.ids {
            let letters = try await read { journal in try ids.compactMap { try journal.deadLetter(id: $0) } }
            return Page(items: letters.map { DeadLetterSummary($0) }, next: nil)
        }
        let filter = DeadLetterFilter(
            states: [.dead], target: selection.function, fingerprint: selection.fingerprint, code: selection.code,
            afterID: page.after.flatMap { Int64($0) } ?? 0, limit: page.limit)
        let letters = try await read { try $0.deadLetters(filter) }
        return Page(
            items: letters.map { DeadLetterSummary($0) },
            next: letters.count == page.limit ? letters.last.map { "\($0.id)" } : nil)
    }

    package func deadLetter(id: Int64) async throws -> DeadLetterDetail {
        guard let letter = try await read({ try $0.deadLetter(id: id) }) else {
            throw APIError.notFound("dead letter", "\(id)", hint: "`sluice dlq list` shows what is there")
        }
        let memo = JSONText.decode(DeliveryMemo.self, from: letter.history) ?? DeliveryMemo()
        var attempts: [DeadLetterDetail.Attempt] = []
        for (index, summary) in memo.attempts.enumerated() {
            let lines = try await logLines(ofAttempt: summary.attempt, otherwise: summary)
            attempts.append(
                DeadLetterDetail.Attempt(
                    number: index + 1, requestID: summary.attempt, started: .init(summary.started),
                    durationMilliseconds: summary.durationMilliseconds, code: summary.code, message: summary.message,
                    logs: lines, backtrace: summary.backtrace))
        }
        let lineage = JSONText.decode(Lineage.self, from: letter.lineage) ?? Lineage()
        guard let payload = try? RawJSON(letter.payload) else {
            throw APIError.internalError("the payload of dead letter \(id) is damaged")
        }
        let made = await handlerInput(for: letter)
        return DeadLetterDetail(
            summary: DeadLetterSummary(letter), payload: payload, handlerInput: made.input,
            handlerInputNote: made.note, attempts: attempts,
            input: await keptInput(of: letter), companions: [],
            lineage: lineage.hops.map { "\($0.subject) → rule \($0.rule) → \($0.function)" })
    }

    /// What the letter's handler got, made again from the event; nothing where it got the event itself.
    private func handlerInput(for letter: DeadLetter) async -> (input: RawJSON?, note: String?) {
        let deployment = await host.deployment
        guard let settings = deployment.subscription(letter.delivery.subscription), settings.changesEvent else {
            return (nil, nil)
        }
        do throws(Failure) {
            let bytes = try HandlerInputs(settings).input(
                of: letter.payload, ingested: letter.ingested, settings: settings)
            let note =
                deployment.deployed > letter.died
                ? "made by the rule as it is now; it was deployed again after the event had died" : nil
            return (try? RawJSON(bytes), note)
        } catch {
            return (nil, error.message)
        }
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
        return await lines(of: record)
    }

    func lines(of record: InvocationRecord) async -> [LogLine] {
        let reference = LogReference(file: record.logFile, offset: record.logOffset, length: record.logLength)
        let logs = logs
        return await files.run { logs.read(reference).map { LogLine($0) } }
    }

    package func redrive(_ request: RedriveRequest) async throws -> RedriveJob {
        guard !request.selection.isEmpty else {
            throw APIError.invalidRequest("nothing is selected", hint: "name ids, --function, --fingerprint, or --all")
        }
        if let rate = request.rate, !(rate > 0) { throw APIError.invalidRequest("the rate must be above zero") }
        if request.dryRun {
            let letters = try await host.select(request.selection)
            return RedriveJob(
                id: "", state: "dry run", selected: letters.count,
                letters: letters.prefix(100).map { DeadLetterSummary($0) })
        }
        return try await host.redrive(request.selection, rate: request.rate)
    }

    package func redriveJob(id: String) async throws -> RedriveJob {
        guard let job = try await host.redriveJob(id) else {
            throw APIError.notFound("redrive job", id)
        }
        return job
    }

    package func purge(_ selection: DeadLetterSelection) async throws -> PurgeResult {
        guard !selection.isEmpty else {
            throw APIError.invalidRequest("nothing is selected", hint: "name ids, --function, --fingerprint, or --all")
        }
        let letters = try await host.select(selection)
        return PurgeResult(purged: try await host.purge(letters))
    }
}

extension DeadLetterSummary {
    init(_ letter: DeadLetter) {
        self.init(
            id: letter.id, state: letter.state.rawValue, function: letter.target, rule: letter.rule,
            eventID: letter.eventID, subject: EventReading.subject(of: letter.payload), code: letter.code,
            message: letter.message, condition: letter.condition, fingerprint: letter.fingerprint,
            attempts: letter.attempts, ingested: .init(letter.ingested), died: .init(letter.died))
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
