import FunctionJSON
package import HostAPI

extension HostClient: HostControl {
    package func health() async throws -> HealthReport { try await get(Routes.health.path()) }
    package func status() async throws -> HostStatus { try await get(Routes.status.path()) }

    package func resume(_ request: ResumeRequest) async throws -> ResumeResult {
        try await post(Routes.resume.path(), request)
    }

    package func deploy(_ request: DeployRequest) async throws -> DeployResult {
        try await post(Routes.deploy.path(), request)
    }

    package func doctor() async throws -> DoctorReport { try await post(Routes.doctor.path(), JSONValue.object([:])) }

    package func metrics() async throws -> String {
        String(decoding: try await text("GET", Routes.metrics.path(), []), as: UTF8.self)
    }

    package func backup(_ request: BackupRequest) async throws -> BackupResult {
        try await post(Routes.backup.path(), request)
    }

    package func putEvents(_ submission: EventSubmission) async throws -> EventReceipt {
        try await post(Routes.putEvents.path(), submission)
    }

    package func listEvents(_ query: EventQuery, page: PageRequest) async throws -> Page<EventRecord> {
        var items = QueryItems()
        query.add(to: &items)
        page.add(to: &items)
        return try await get(Routes.listEvents.path(), items)
    }

    package func event(id: String) async throws -> EventDetail { try await get(Routes.event.path(id)) }

    package func trace(id: String) async throws -> Trace { try await get(Routes.trace.path(id)) }

    package func tailEvents(_ query: EventQuery) async throws -> AsyncThrowingStream<EventRecord, any Error> {
        var items = QueryItems()
        query.add(to: &items)
        return try await stream(Routes.tailEvents.path(), items)
    }

    package func listRules(bus: String?) async throws -> [RuleInfo] {
        var items = QueryItems()
        items.add("bus", bus)
        return try await (get(Routes.listRules.path(), items) as Items<RuleInfo>).items
    }

    package func rule(bus: String, name: String) async throws -> RuleInfo {
        try await get(Routes.rule.path(bus, name))
    }

    package func pauseRule(bus: String, name: String, request: PauseRequest) async throws -> RuleInfo {
        try await post(Routes.pauseRule.path(bus, name), request)
    }

    package func testRules(_ request: RuleTestRequest) async throws -> RuleTestResult {
        try await post(Routes.testRules.path(), request)
    }

    package func listSchedules(count: Int) async throws -> [ScheduleInfo] {
        var items = QueryItems()
        items.add("count", String(count))
        return try await (get(Routes.listSchedules.path(), items) as Items<ScheduleInfo>).items
    }

    package func listManifests() async throws -> [ManifestInfo] {
        try await (get(Routes.listManifests.path()) as Items<ManifestInfo>).items
    }

    package func lifecycle(_ request: LifecycleRequest) async throws -> [LifecycleReport] {
        try await (post(Routes.lifecycle.path(), request) as Items<LifecycleReport>).items
    }

    package func listAlarms() async throws -> [AlarmInfo] {
        try await (get(Routes.listAlarms.path()) as Items<AlarmInfo>).items
    }

    package func listFunctions() async throws -> [FunctionInfo] {
        try await (get(Routes.listFunctions.path()) as Items<FunctionInfo>).items
    }

    package func function(name: String) async throws -> FunctionInfo { try await get(Routes.function.path(name)) }

    package func invoke(function: String, request: InvokeRequest) async throws -> InvocationDetail {
        try await post(Routes.invoke.path(function), request)
    }

    package func listInvocations(_ query: InvocationQuery, page: PageRequest) async throws -> Page<InvocationSummary> {
        var items = QueryItems()
        query.add(to: &items)
        page.add(to: &items)
        return try await get(Routes.listInvocations.path(), items)
    }

    package func invocation(requestID: String) async throws -> InvocationDetail {
        try await get(Routes.invocation.path(requestID))
    }

    package func logs(_ query: LogQuery) async throws -> AsyncThrowingStream<LogLine, any Error> {
        var items = QueryItems()
        query.add(to: &items)
        return try await stream(Routes.logs.path(), items)
    }

    package func deadLetterGroups() async throws -> [DeadLetterGroupInfo] {
        try await (get(Routes.deadLetterGroups.path()) as Items<DeadLetterGroupInfo>).items
    }

    package func listDeadLetters(
        _ selection: DeadLetterSelection, page: PageRequest
    ) async throws -> Page<DeadLetterSummary> {
        var items = QueryItems()
        selection.add(to: &items)
        page.add(to: &items)
        return try await get(Routes.listDeadLetters.path(), items)
    }

    package func deadLetter(id: Int64) async throws -> DeadLetterDetail {
        try await get(Routes.deadLetter.path("\(id)"))
    }

    package func redrive(_ request: RedriveRequest) async throws -> RedriveJob {
        try await post(Routes.redrive.path(), request)
    }

    package func redriveJob(id: String) async throws -> RedriveJob { try await get(Routes.redriveJob.path(id)) }

    package func purge(_ selection: DeadLetterSelection) async throws -> PurgeResult {
        try await post(Routes.purge.path(), selection)
    }

    package func listRedrives() async throws -> [RedriveJob] {
        try await (get(Routes.listRedrives.path()) as Items<RedriveJob>).items
    }

    package func redriveOutcomes(id: String, page: Int) async throws -> [RedriveOutcome] {
        var items = QueryItems()
        items.add("page", String(page))
        return try await (get(Routes.redriveOutcomes.path(id), items) as Items<RedriveOutcome>).items
    }

    package func cancelRedrive(id: String) async throws -> RedriveJob {
        try await post(Routes.cancelRedrive.path(id), JSONValue.object([:]))
    }

    package func reproduce(deadLetter id: Int64) async throws -> InvocationDetail {
        try await post(Routes.reproduce.path("\(id)"), JSONValue.object([:]))
    }

    package func startReplay(_ request: ReplayRequest) async throws -> ReplayInfo {
        try await post(Routes.startReplay.path(), request)
    }

    package func listReplays() async throws -> [ReplayInfo] {
        try await (get(Routes.listReplays.path()) as Items<ReplayInfo>).items
    }

    package func replay(name: String) async throws -> ReplayInfo { try await get(Routes.replay.path(name)) }

    package func cancelReplay(name: String) async throws -> ReplayInfo {
        try await post(Routes.cancelReplay.path(name), JSONValue.object([:]))
    }

    package func listBuckets() async throws -> [BucketInfo] {
        try await (get(Routes.listBuckets.path()) as Items<BucketInfo>).items
    }

    package func trigger(bucket: String, request: TriggerRequest) async throws -> TriggerResult {
        try await post(Routes.trigger.path(bucket), request)
    }

    package func listTriggers() async throws -> [TriggerJob] {
        try await (get(Routes.listTriggers.path()) as Items<TriggerJob>).items
    }

    package func triggerJob(id: String) async throws -> TriggerJob { try await get(Routes.triggerJob.path(id)) }

    package func cancelTrigger(id: String) async throws -> TriggerJob {
        try await post(Routes.cancelTrigger.path(id), JSONValue.object([:]))
    }

    package func listTables(database: String?) async throws -> [TableInfo] {
        var items = QueryItems()
        items.add("database", database)
        return try await (get(Routes.listTables.path(), items) as Items<TableInfo>).items
    }

    package func table(database: String, name: String) async throws -> TableDetail {
        try await get(Routes.table.path(database, name))
    }

    package func dropTable(database: String, name: String, request: DropTableRequest) async throws -> DropTableResult {
        try await post(Routes.dropTable.path(database, name), request)
    }
}
