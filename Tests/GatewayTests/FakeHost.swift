import FunctionJSON
import HostAPI
import Synchronization

/// A host that answers from its arguments, so that a round trip shows what arrived.
final class FakeHost: HostControl {
    private struct State {
        var submissions: [EventSubmission] = []
        var endlessLines = 0
        var holdsPuts = false
        var heldPuts: [CheckedContinuation<Void, Never>] = []
        var tails: [AsyncThrowingStream<EventRecord, any Error>.Continuation] = []
    }

    let streams = FakeStreams()
    private let state = Mutex(State())
    /// Yields when a tail has begun, and when one has been left.
    let tailChanges: AsyncStream<String>
    private let changes: AsyncStream<String>.Continuation

    init() {
        (tailChanges, changes) = AsyncStream.makeStream()
    }

    var submissions: [EventSubmission] { state.withLock { $0.submissions } }

    /// Lines of the endless log that were asked for.
    var endlessLines: Int { state.withLock { $0.endlessLines } }

    /// From now on events are answered with `releasePuts`; `tailChanges` has `put` when some came.
    func holdPuts() { state.withLock { $0.holdsPuts = true } }

    func releasePuts() {
        let held = state.withLock { state in
            defer { (state.holdsPuts, state.heldPuts) = (false, []) }
            return state.heldPuts
        }
        for continuation in held { continuation.resume() }
    }

    func send(_ record: EventRecord) {
        for tail in state.withLock({ $0.tails }) { tail.yield(record) }
    }

    static let time = APITime(milliseconds: 1_795_233_906_789)

    static func json(_ text: String) -> RawJSON {
        do {
            return try RawJSON(text)
        } catch {
            preconditionFailure("a text of these tests is not JSON: \(text)")
        }
    }

    static func record(_ id: String, bus: String = "default", position: Int64 = 7) -> EventRecord {
        EventRecord(
            position: position, bus: bus, id: id, ingested: time, subscriptions: ["rule/target"],
            event: json(#"{"id":"\#(id)","detail":{"a":[1,2.50,"ü\n"]}}"#))
    }

    static func summary(_ id: String, function: String = "F") -> InvocationSummary {
        InvocationSummary(
            requestID: id, invocationID: "i-\(id)", function: function, version: 3, rule: "r", eventIDs: ["e"],
            attempt: 2, started: time, durationMilliseconds: 1.25, outcome: "failed", code: "Trap", message: "m\"\\",
            coldStart: true)
    }

    static func letter(_ id: Int64, function: String = "F", code: String = "C") -> DeadLetterSummary {
        DeadLetterSummary(
            id: id, function: function, rule: "r", eventID: "e", subject: "b/k", code: code, message: "m",
            condition: "PermanentError", fingerprint: "f", attempts: 3, ingested: time, died: time)
    }

    // MARK: The host
    func health() async throws -> HealthReport { HealthReport(state: .ready, version: "1") }

    func status() async throws -> HostStatus {
        HostStatus(
            state: .ready, version: "1", processID: 42, started: Self.time, dataFolder: "/d", appFolder: nil, boot: 2,
            ruleSet: 3, head: 4, residentBytes: 5, journalBytes: 6, freeBytes: Int64.max, deadLetters: 8,
            subscriptions: [SubscriptionStatus(bus: "b", rule: "r", target: "t", function: "F", matched: 9)],
            functions: [FunctionStatus(name: "F", version: 1, concurrency: 2, medianMilliseconds: 0.5)],
            buckets: try await listBuckets(), warnings: ["w"])
    }

    func resume(_ request: ResumeRequest) async throws -> ResumeResult {
        ResumeResult(wasHeld: request.by != nil)
    }

    func deploy(_ request: DeployRequest) async throws -> DeployResult {
        DeployResult(
            accepted: !request.dryRun, ruleSet: 1, changes: [.init(kind: "rule", name: "r", action: "added")],
            findings: [
                AppFinding(
                    severity: "error", code: "UnknownKey", message: request.app ?? "none", file: "sluice.yaml", line: 3,
                    column: 1)
            ])
    }

    func doctor() async throws -> DoctorReport {
        DoctorReport(checks: [.init(name: "journal", state: .failed, message: "m", details: ["d"])])
    }

    // MARK: Events
    func putEvents(_ submission: EventSubmission) async throws -> EventReceipt {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                state.submissions.append(submission)
                if state.holdsPuts { state.heldPuts.append(continuation) }
                return state.holdsPuts
            }
            if isHeld { changes.yield("put") } else { continuation.resume() }
        }
        return EventReceipt(
            results: submission.entries.enumerated().map { index, entry in
                entry.bus == "nowhere"
                    ? .init(code: "ResourceNotFoundException", message: "no bus")
                    : .init(eventID: "id-\(index)-\(entry.source)")
            })
    }

    func listEvents(_ query: EventQuery, page: PageRequest) async throws -> Page<EventRecord> {
        let text = [query.bus, query.source, query.detailType, query.rule, page.after].map { $0 ?? "-" }
        return Page(items: [Self.record(text.joined(separator: "|"))], next: "\(page.limit)")
    }

    func event(id: String) async throws -> EventDetail {
        EventDetail(
            record: Self.record(id),
            deliveries: [.init(rule: "r", target: "t", function: "F", state: "dead", deadLetter: 3)],
            invocations: [Self.summary("1-1")])
    }

    func tailEvents(_ query: EventQuery) async throws -> AsyncThrowingStream<EventRecord, any Error> {
        if query.bus == "nowhere" { throw APIError.notFound("bus", "nowhere") }
        let (stream, continuation) = AsyncThrowingStream<EventRecord, any Error>.makeStream()
        state.withLock { $0.tails.append(continuation) }
        let changes = changes
        continuation.onTermination = { _ in changes.yield("left") }
        changes.yield("begun")
        return stream
    }

    // MARK: Rules
    func listRules(bus: String?) async throws -> [RuleInfo] { [try await rule(bus: bus ?? "-", name: "r")] }

    func rule(bus: String, name: String) async throws -> RuleInfo {
        RuleInfo(
            name: name, bus: bus, description: "d", enabled: false, pattern: Self.json(#"{"source":["a"]}"#),
            targets: [
                .init(
                    id: "t", function: "F", inputFormat: "eventbridge", batchSize: 1, maximumRetryAttempts: 2,
                    maximumEventAgeInSeconds: 60)
            ], file: "f.yaml", subscriptions: [])
    }

    func pauseRule(bus: String, name: String, request: PauseRequest) async throws -> RuleInfo {
        var rule = try await rule(bus: bus, name: name)
        rule.description = "\(request.paused) \(request.target ?? "-") \(request.reason ?? "-")"
        return rule
    }

    func testRules(_ request: RuleTestRequest) async throws -> RuleTestResult {
        RuleTestResult(
            bus: request.bus ?? request.event.text,
            verdicts: [.init(rule: "r", matches: true, enabled: true, functions: ["F"])])
    }

    func listManifests() async throws -> [ManifestInfo] {
        [
            ManifestInfo(
                rule: "r", bus: "default", bucket: "b", key: "m.json", files: 2, missing: ["b/k: has not arrived"],
                arrived: Self.time, deadline: Self.time)
        ]
    }

    func listAlarms() async throws -> [AlarmInfo] {
        [
            AlarmInfo(
                name: "dead", bus: "default", condition: "DeadLetters above 0 for 60 s", state: "ALARM",
                since: Self.time, reason: "1 of the last 1 periods", value: 2.5)
        ]
    }

    func lifecycle(_ request: LifecycleRequest) async throws -> [LifecycleReport] {
        [
            LifecycleReport(
                bucket: request.bucket ?? "b", rule: "\(request.dryRun)", prefix: "p/", expiration: "30 days",
                expired: 3,
                bytes: 4, needed: 1, removed: 2, keys: ["p/a"])
        ]
    }

    func listSchedules(count: Int) async throws -> [ScheduleInfo] {
        [
            ScheduleInfo(
                rule: "nightly", bus: "default", expression: "cron(0 2 * * ? *)", timezone: "Europe/Berlin",
                missed: "last", next: Array(repeating: Self.time, count: count), last: Self.time)
        ]
    }

    // MARK: Functions and invocations
    func listFunctions() async throws -> [FunctionInfo] { [try await function(name: "F")] }

    func function(name: String) async throws -> FunctionInfo {
        guard name != "Missing" else { throw APIError.notFound("function", name, hint: "known are: F") }
        guard name != "Broken" else { throw Unforeseen() }
        return FunctionInfo(
            status: FunctionStatus(name: name, version: 1, concurrency: 2), description: "d", digest: "x",
            deployed: Self.time, module: "/m.so", timeoutSeconds: 0.5, memoryMegabytes: 64, stagingMegabytes: 64,
            inputFormat: "eventbridge",
            logLevel: "info", batch: true, readGrants: ["a"], writeGrants: [], eventGrants: ["*"],
            environment: ["A": "b"], configuration: Self.json("{}"), rules: ["default/r"])
    }

    func invoke(function: String, request: InvokeRequest) async throws -> InvocationDetail {
        InvocationDetail(
            summary: Self.summary("1-1", function: function), output: request.payload,
            effects: [EffectInfo(kind: "put", subject: "b/k", note: "3 B")],
            logs: [LogLine(time: Self.time, level: "info", stream: "stdout", message: "hello")], backtrace: ["frame"])
    }

    func listInvocations(_ query: InvocationQuery, page: PageRequest) async throws -> Page<InvocationSummary> {
        let text = [query.function, query.eventID, query.outcome, page.after].map { $0 ?? "-" }
        return Page(items: [Self.summary(text.joined(separator: "|"))])
    }

    func invocation(requestID: String) async throws -> InvocationDetail {
        InvocationDetail(summary: Self.summary(requestID), attempts: [Self.summary("1-0")])
    }

    func logs(_ query: LogQuery) async throws -> AsyncThrowingStream<LogLine, any Error> {
        if query.function == "Endless" {
            return AsyncThrowingStream(unfolding: {
                self.state.withLock { $0.endlessLines += 1 }
                return LogLine(
                    time: Self.time, level: "info", stream: "logger", message: String(repeating: "x", count: 10_000))
            })
        }
        return lines(query)
    }

    private func lines(_ query: LogQuery) -> AsyncThrowingStream<LogLine, any Error> {
        AsyncThrowingStream { continuation in
            for number in 0..<query.tail {
                continuation.yield(
                    LogLine(
                        time: Self.time, level: "info", stream: "logger", function: query.function,
                        requestID: query.requestID, message: "line \(number)"))
            }
            if query.function == "Broken" {
                continuation.finish(throwing: Unforeseen())
            } else {
                continuation.finish()
            }
        }
    }

    // MARK: Buckets and catalog
    func listBuckets() async throws -> [BucketInfo] {
        [BucketInfo(name: "b", path: "/b", objects: 1, bytes: 2, watching: "inotify", notes: ["n"])]
    }

    func trigger(bucket: String, request: TriggerRequest) async throws -> TriggerResult {
        guard bucket == "b/ü%25" else { throw APIError.notFound("bucket", bucket) }
        return TriggerResult(objects: Int64(request.prefix.count), job: Self.trigger("t"), isRunning: true)
    }

    private static func trigger(_ id: String) -> TriggerJob {
        TriggerJob(
            id: id, state: .running, reason: "r", bucket: "b", prefix: "p/", rate: 2, selected: 9, sent: 4, by: "me",
            started: time, ended: time)
    }

    func listTriggers() async throws -> [TriggerJob] { [Self.trigger("t"), Self.trigger("u")] }

    func triggerJob(id: String) async throws -> TriggerJob { Self.trigger(id) }

    func cancelTrigger(id: String) async throws -> TriggerJob {
        var job = Self.trigger(id)
        job.state = .cancelled
        return job
    }

    func listTables(database: String?) async throws -> [TableInfo] {
        [try await table(database: database ?? "-", name: "t").table]
    }

    func dropTable(database: String, name: String, request: DropTableRequest) async throws -> DropTableResult {
        guard database == "d b" else { throw APIError.notFound("table", "\(database).\(name)") }
        return DropTableResult(deleted: request.deleteFiles ? 2 : 0, left: 1, location: "b/p/")
    }

    func table(database: String, name: String) async throws -> TableDetail {
        let column = TableInfo.Column(name: "c", type: "decimal(10,2)")
        return TableDetail(
            table: TableInfo(
                database: database, name: name, version: 2, columns: [column], partitionKeys: [], location: "b/p/",
                classification: "parquet", properties: ["owner": "me"], files: 1, rows: 25, bytes: 3),
            versions: [.init(version: 1, columns: [column])],
            files: [.init(bucket: "b", key: "k", rows: 25, bytes: 3, schemaVersion: 1)])
    }
}

/// An error that the runtime did not foresee.
struct Unforeseen: Error, CustomStringConvertible {
    var description: String { "the unforeseen" }
}
