/// What a running host can be asked: implemented by the runtime, served by Gateway, and implemented once more by
/// Gateway's `HostClient` on the other end of the socket.
///
/// Every method may be called from any thread, at any time between the first and the last byte of the service. An
/// `APIError` thrown here answers as it says; any other error answers 500 `InternalError` with its description.
/// Streams end when the host stops; a consumer that leaves cancels them (`onTermination`).
package protocol HostControl: Sendable {
    // MARK: The host
    func health() async throws -> HealthReport
    func status() async throws -> HostStatus
    /// Lets a host go that was started to be looked at.
    func resume(_ request: ResumeRequest) async throws -> ResumeResult
    func deploy(_ request: DeployRequest) async throws -> DeployResult
    func doctor() async throws -> DoctorReport
    /// Counters and gauges in Prometheus' text format (version 0.0.4).
    func metrics() async throws -> String
    /// Copies the journal and the deployed functions into a new folder while the host works.
    func backup(_ request: BackupRequest) async throws -> BackupResult

    // MARK: Events
    /// Returns when what was accepted is durable. A submission of more than `EventSubmission.maximumEntries` never
    /// arrives here: the gateway refuses it.
    func putEvents(_ submission: EventSubmission) async throws -> EventReceipt
    /// The same without a task. `done` is called once, now or later and on any thread, with what makes the receipt or
    /// throws: for that thread has others to serve, and its caller's may make it.
    func putEvents(
        _ submission: EventSubmission, done: @escaping @Sendable (_ receipt: @escaping EventReceipt.Making) -> Void)
    /// Newest first; `after` is a position.
    func listEvents(_ query: EventQuery, page: PageRequest) async throws -> Page<EventRecord>
    /// By event id.
    func event(id: String) async throws -> EventDetail
    /// New events as they are committed, from now on.
    func tailEvents(_ query: EventQuery) async throws -> AsyncThrowingStream<EventRecord, any Error>

    /// The tree that an event belongs to, from the event from outside on. `id` is that of an event, an attempt or a
    /// dead letter, or `bucket/key` of an object.
    func trace(id: String) async throws -> Trace

    // MARK: Streams
    func listStreams() async throws -> [StreamInfo]
    func stream(name: String) async throws -> StreamInfo
    /// Returns when all records are durable; an invalid one refuses the submission (`InvalidRequest`).
    func putRecords(stream: String, submission: RecordSubmission) async throws -> RecordReceipt
    func streamPosition(stream: String, start: StreamStart) async throws -> StreamPosition
    func streamRecords(_ query: StreamQuery) async throws -> StreamPage

    // MARK: Rules
    func listRules(bus: String?) async throws -> [RuleInfo]
    func rule(bus: String, name: String) async throws -> RuleInfo
    /// Pauses or resumes; durable when it answers. The rule as it is then.
    func pauseRule(bus: String, name: String, request: PauseRequest) async throws -> RuleInfo
    func testRules(_ request: RuleTestRequest) async throws -> RuleTestResult
    /// Enabled schedules with their next `count` moments.
    func listSchedules(count: Int) async throws -> [ScheduleInfo]
    /// Manifests whose files are waited for.
    func listManifests() async throws -> [ManifestInfo]
    /// Alarms in force and where they stand.
    func listAlarms() async throws -> [AlarmInfo]

    // MARK: Functions and invocations
    func listFunctions() async throws -> [FunctionInfo]
    func function(name: String) async throws -> FunctionInfo
    /// Waits for the outcome. A handler's failure is a result (`outcome` is `failed`), not an error.
    func invoke(function: String, request: InvokeRequest) async throws -> InvocationDetail
    /// Newest first; `after` is a request id.
    func listInvocations(_ query: InvocationQuery, page: PageRequest) async throws -> Page<InvocationSummary>
    func invocation(requestID: String) async throws -> InvocationDetail
    /// Oldest first: the last `tail` lines, then, with `follow`, new ones.
    func logs(_ query: LogQuery) async throws -> AsyncThrowingStream<LogLine, any Error>

    // MARK: Dead letters
    func deadLetterGroups() async throws -> [DeadLetterGroupInfo]
    /// In state `dead`, oldest first; `after` is an id. An empty selection is all of them.
    func listDeadLetters(_ selection: DeadLetterSelection, page: PageRequest) async throws -> Page<DeadLetterSummary>
    func deadLetter(id: Int64) async throws -> DeadLetterDetail
    /// Starts a job and returns at once.
    func redrive(_ request: RedriveRequest) async throws -> RedriveJob
    func redriveJob(id: String) async throws -> RedriveJob
    /// Newest first.
    func listRedrives() async throws -> [RedriveJob]
    /// What came of each dead letter of a job, in the order sent; `page` from 1.
    func redriveOutcomes(id: String, page: Int) async throws -> [RedriveOutcome]
    /// Stops sending; what was sent is delivered.
    func cancelRedrive(id: String) async throws -> RedriveJob
    /// Runs a dead letter's function once more with what it got, in the shadow: nothing is published or settled.
    func reproduce(deadLetter id: Int64) async throws -> InvocationDetail
    func purge(_ selection: DeadLetterSelection) async throws -> PurgeResult

    // MARK: Replays
    /// Starts a job and returns at once.
    func startReplay(_ request: ReplayRequest) async throws -> ReplayInfo
    /// Newest first.
    func listReplays() async throws -> [ReplayInfo]
    func replay(name: String) async throws -> ReplayInfo
    /// Replays no more events; what was replayed is delivered.
    func cancelReplay(name: String) async throws -> ReplayInfo

    // MARK: Buckets and catalog
    func listBuckets() async throws -> [BucketInfo]
    /// Starts a job and returns at once; the one that runs for the same objects, if there is one.
    func trigger(bucket: String, request: TriggerRequest) async throws -> TriggerResult
    /// Newest first.
    func listTriggers() async throws -> [TriggerJob]
    func triggerJob(id: String) async throws -> TriggerJob
    /// Makes no more events; those that were made are delivered.
    func cancelTrigger(id: String) async throws -> TriggerJob
    /// Removes expired objects now, or with `dryRun` tells which would go.
    func lifecycle(_ request: LifecycleRequest) async throws -> [LifecycleReport]
    func listTables(database: String?) async throws -> [TableInfo]
    func table(database: String, name: String) async throws -> TableDetail
    /// The catalog forgets a table; the next file for it makes it anew.
    func dropTable(database: String, name: String, request: DropTableRequest) async throws -> DropTableResult
}

extension HostControl {
    package func putEvents(
        _ submission: EventSubmission, done: @escaping @Sendable (_ receipt: @escaping EventReceipt.Making) -> Void
    ) {
        Task {
            do {
                let receipt = try await putEvents(submission)
                done { receipt }
            } catch {
                done { throw error }
            }
        }
    }
}
