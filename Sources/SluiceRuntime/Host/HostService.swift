import Glibc
package import HostAPI
import Journal
package import Logging
package import ServiceLifecycle
import UVLoop

/// A host as a service: started before its group runs, stopped when the group shuts down.
package struct HostService: Service {
    package let runtime: HostRuntime
    /// What the gateway serves.
    package let control: any HostControl

    /// Opens the data folder, recovers, deploys the app folder if there is one, and scans the buckets; when it returns
    /// the host accepts work. Throws a `JournalError` or a `HostStartError` that says what to do.
    ///
    /// - Parameter keeping: called with where the host's own log goes, once the data folder is this host's: before the
    ///   start does anything that could fail.
    package static func start(
        _ options: HostOptions, log: Logger, keeping: @Sendable (LogStore) -> Void = { _ in }
    ) async throws -> HostService {
        try BackupNote.requireComplete(options.dataFolder)
        let sizes = try JournalOptions { name in getenv(name).map { String(cString: $0) } }
        let journal = try await Self.blocking { try SQLiteJournal(dataFolder: options.dataFolder, options: sizes) }
        do {
            try options.progress?.begin("recovering the journal")
            let state = try await Self.blocking {
                options.progress?.keep()
                return try journal.recover()
            }
            let runtime = await HostRuntime(options: options, journal: journal, state: state, log: log)
            keeping(runtime.logs)
            do {
                try await runtime.start()
            } catch {
                // Whoever asked for it is told by the error; this is for who looks later.
                if !(error is StartInterrupted) {
                    runtime.logs.append(host: "error", "the host could not start: \(error)", at: runtime.clock.wall)
                }
                await runtime.stop(grace: 0)
                throw error
            }
            BackupNote.remove(from: options.dataFolder)
            return HostService(runtime: runtime, control: await runtime.controller())
        } catch {
            // Closed already where it came so far as to have a runtime; a loss that nobody has counted stays one.
            let wasUnclean = try? await Self.blocking { try journal.recover().wasUnclean }
            if wasUnclean != false { journal.leaveUnclean() }
            journal.close()
            throw error
        }
    }

    /// Where the host's own log goes, beside its functions'.
    package var logs: LogStore { runtime.logs }

    /// To be listed last in the group, after the gateway, so that it is the first to hear of the shutdown: a request
    /// that waits for an invocation would otherwise keep the gateway, and with it the host, for as long as the
    /// invocation runs.
    package var draining: any Service { Draining(runtime: runtime) }

    private struct Draining: Service {
        let runtime: HostRuntime

        func run() async throws {
            try? await gracefulShutdown()
            await runtime.drain()
        }
    }

    /// Waits for the shutdown, then stops in order.
    package func run() async throws {
        try? await gracefulShutdown()
        await runtime.stop()
    }

    /// Work that blocks before there are file threads.
    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let threads = FileThreads(count: 1)
        if let refusal = threads.refusal { throw HostStartError.noThread(refusal) }
        defer { threads.stop() }
        return try await threads.run(body)
    }
}

extension HostRuntime {
    /// The host's answers to the gateway.
    package func controller() -> HostController {
        HostController(
            host: self, journal: journal, files: files, router: router,
            bus: EventBus(journal: journal, router: router, clock: clock),
            streams: StreamWriter(journal: journal, router: router, files: files, clock: clock), logs: logs,
            events: events)
    }
}
