package import HostAPI
package import Journal
import UVLoop

/// What a running host can be asked, answered: each call reads the journal on a file thread or asks the control plane
/// on its loop.
package struct HostController: HostControl {
    let host: HostRuntime
    let journal: any JournalStore
    let files: FileThreads
    let router: EventRouter
    let bus: EventBus
    let streams: StreamWriter
    let logs: LogStore
    let events: Feed<CommittedRecord>

    package init(
        host: HostRuntime, journal: any JournalStore, files: FileThreads, router: EventRouter, bus: EventBus,
        streams: StreamWriter, logs: LogStore, events: Feed<CommittedRecord>
    ) {
        self.host = host
        self.journal = journal
        self.files = files
        self.router = router
        self.bus = bus
        self.streams = streams
        self.logs = logs
        self.events = events
    }

    /// Reads the journal on a file thread, with its failures as answers.
    func read<Value: Sendable>(_ body: @escaping @Sendable (any JournalStore) throws -> Value) async throws -> Value {
        let journal = journal
        do {
            return try await files.run { try body(journal) }
        } catch let error as JournalError {
            throw APIError.unavailable("the journal cannot be read: \(error)")
        }
    }

    package func health() async throws -> HealthReport {
        await host.health
    }

    package func resume(_ request: ResumeRequest) async throws -> ResumeResult {
        ResumeResult(wasHeld: try await host.letGo(by: request.by))
    }

    package func deploy(_ request: DeployRequest) async throws -> DeployResult {
        try await host.deploy(folder: request.app, dryRun: request.dryRun, by: request.by)
    }
}

extension APITime {
    init(_ milliseconds: Milliseconds) {
        self.init(milliseconds: milliseconds)
    }
}
