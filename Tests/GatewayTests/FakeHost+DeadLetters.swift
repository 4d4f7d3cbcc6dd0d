import FunctionJSON
import HostAPI

/// Dead letters, redrives, replays, traces, and the host as a whole.
extension FakeHost {
    func deadLetterGroups() async throws -> [DeadLetterGroupInfo] {
        [
            DeadLetterGroupInfo(
                function: "F", code: "C", fingerprint: "f", message: "m", count: 5, first: Self.time, last: Self.time)
        ]
    }

    func listDeadLetters(
        _ selection: DeadLetterSelection, page: PageRequest
    ) async throws -> Page<DeadLetterSummary> {
        Page(
            items: (selection.ids ?? [1]).map {
                Self.letter($0, function: selection.function ?? "-", code: selection.code ?? "-")
            }, next: page.after)
    }

    func deadLetter(id: Int64) async throws -> DeadLetterDetail {
        DeadLetterDetail(
            summary: Self.letter(id), payload: Self.json(#"{"a": 1}"#),
            attempts: [
                .init(
                    number: 1, requestID: "1-1", started: Self.time, durationMilliseconds: 2, code: "C", message: "m",
                    backtrace: ["f"])
            ], input: .init(bucket: "b", key: "k", size: 3, kind: "copy", path: "/p"), companions: ["c"],
            lineage: ["l"])
    }

    func redrive(_ request: RedriveRequest) async throws -> RedriveJob {
        RedriveJob(
            id: request.dryRun ? "" : "job", state: request.dryRun ? .completed : .running,
            isDryRun: request.dryRun ? true : nil,
            selected: request.selection.ids?.count ?? (request.selection.all ? 99 : 0), sent: Int(request.rate ?? 0))
    }

    func redriveJob(id: String) async throws -> RedriveJob { RedriveJob(id: id, state: .completed, selected: 1) }

    func listRedrives() async throws -> [RedriveJob] {
        [RedriveJob(id: "j", state: .completed, selected: 2, selection: .init(since: .init(milliseconds: 5)), by: "me")]
    }

    func redriveOutcomes(id: String, page: Int) async throws -> [RedriveOutcome] {
        [RedriveOutcome(deadLetter: Int64(page), state: "failed", code: id)]
    }

    func cancelRedrive(id: String) async throws -> RedriveJob { RedriveJob(id: id, state: .cancelled, selected: 1) }

    func reproduce(deadLetter id: Int64) async throws -> InvocationDetail {
        InvocationDetail(
            summary: InvocationSummary(
                requestID: "\(id)", invocationID: "i", function: "F", version: 1, started: .init(milliseconds: 1),
                durationMilliseconds: 2, outcome: "failed"))
    }

    func startReplay(_ request: ReplayRequest) async throws -> ReplayInfo {
        ReplayInfo(request: request, state: .running, started: .init(milliseconds: 7), shadow: ShadowReport())
    }

    func listReplays() async throws -> [ReplayInfo] { [try await replay(name: "one")] }

    func replay(name: String) async throws -> ReplayInfo {
        ReplayInfo(
            request: ReplayRequest(name: name, from: .init(milliseconds: 1), to: .init(milliseconds: 2)),
            state: .completed, started: .init(milliseconds: 3), scanned: 4)
    }

    func cancelReplay(name: String) async throws -> ReplayInfo {
        var replay = try await replay(name: name)
        replay.state = .cancelling
        return replay
    }

    func purge(_ selection: DeadLetterSelection) async throws -> PurgeResult {
        PurgeResult(purged: selection.fingerprint == "f" ? 4 : 0)
    }

    func metrics() async throws -> String { "# TYPE sluice_up gauge\nsluice_up 1\n" }

    func backup(_ request: BackupRequest) async throws -> BackupResult {
        BackupResult(destination: request.destination, journalBytes: 1, modules: 2)
    }

    func trace(id: String) async throws -> Trace {
        let leaf = TraceEvent(id: "leaf", bus: "default", ingested: Self.time, subject: "b/k")
        let summary = InvocationSummary(
            requestID: "1-1", invocationID: "i", function: "F", version: 1, started: Self.time,
            durationMilliseconds: 1, outcome: "succeeded")
        let effect = TraceEffect(effect: EffectInfo(kind: "put", subject: "b/k", event: "leaf"), events: [leaf])
        let delivery = TraceDelivery(
            delivery: .init(rule: "r", target: "F", function: "F", state: "settled"),
            invocations: [TraceInvocation(summary: summary, effects: [effect])])
        let root = TraceEvent(id: id, bus: "default", ingested: Self.time, subject: "s: d", deliveries: [delivery])
        return Trace(focus: id, root: root, isCut: false, isBeginningGone: false)
    }
}
