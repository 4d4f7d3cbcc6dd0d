import Foundation
import HostAPI
import Journal
import Logging
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@LoopActor
@Suite("Starts that end early, and what the host's own log has of it", .timeLimit(.minutes(3)))
struct EarlyEndTests {
    /// A log that is heard while it is written.
    private struct Listener: LogHandler {
        var hear: @Sendable (_ message: String, _ metadata: Logger.Metadata) -> Void
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.notice

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { hear("\(event.message)", event.metadata ?? [:]) }
    }

    static func log(_ hear: @escaping @Sendable (String, Logger.Metadata) -> Void) -> Logger {
        Logger(label: "test") { _ in Listener(hear: hear) }
    }

    private let folder = TemporaryFolder(name: "early")
    private var data: String { "\(folder.path)/data" }
    private var app: String { "\(folder.path)/app" }

    private func options(_ progress: StartProgress? = nil) -> HostOptions {
        HostOptions(dataFolder: data, appFolder: app, worker: PoolHarness.worker, progress: progress)
    }

    /// Whether the next host would take the one before for lost; what it finds it leaves so.
    private func isUnclean() throws -> Bool {
        let journal = try SQLiteJournal(dataFolder: data)
        defer { journal.close() }
        let isUnclean = try journal.recover().wasUnclean
        if isUnclean { journal.leaveUnclean() }
        return isUnclean
    }

    @Test(
        "A host that is ended in its start leaves the loss of the one before as it was",
        arguments: ["the host starts", "deployed"])
    func interrupted(_ step: String) async throws {
        try HostInProcess.write(app, ["InC": ""], [:], [:], ["orders"])
        let journal = try SQLiteJournal(dataFolder: data)
        _ = try journal.recover()
        journal.leaveUnclean()
        journal.close()
        #expect(try isUnclean())
        let progress = StartProgress(dataFolder: data)
        let stops = Mutex(0)
        let log = Self.log { message, _ in
            if message == step { progress.interrupt() }
            if message == "the host stops" { stops.withLock { $0 += 1 } }
        }
        await #expect(throws: StartInterrupted.self) { _ = try await HostService.start(options(progress), log: log) }
        // What ends the start drains the host; who then stops it waits for that, and does not do it once more beside.
        #expect(stops.withLock { $0 } == 1)
        #expect(access("\(data)/\(StartProgress.fileName)", F_OK) != 0)
        #expect(try isUnclean())
        let service = try await HostService.start(options(), log: Self.log { _, _ in })
        await service.runtime.stop()
        #expect(try !isUnclean())
    }

    @Test("A start that fails has its place in the host's log, with the reason")
    func failed() async throws {
        try HostInProcess.write(app, ["InC": ""], ["r": "pattern: {source: []}"], [:], ["orders"])
        let isKept = Mutex(false)
        await #expect(throws: HostStartError.self) {
            _ = try await HostService.start(
                options(), log: Self.log { _, _ in }, keeping: { _ in isKept.withLock { $0 = true } })
        }
        #expect(isKept.withLock { $0 })
        let logs = "\(data)/logs/\(LogStore.host)"
        let files = try FileManager.default.contentsOfDirectory(atPath: logs)
        let text = try files.map { try String(contentsOfFile: "\(logs)/\($0)", encoding: .utf8) }.joined()
        #expect(text.contains("the host could not start") && text.contains("cannot be deployed"), "\(text)")
    }

    @Test("What says how far a start is goes once: a file of that name which comes later is another host's")
    func progress() throws {
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let file = "\(data)/\(StartProgress.fileName)"
        let progress = StartProgress(dataFolder: data)
        progress.keep()
        #expect(access(file, F_OK) == 0)
        progress.end()
        #expect(access(file, F_OK) != 0)
        StartProgress(dataFolder: data).keep()
        progress.end()
        #expect(access(file, F_OK) == 0)
    }

    @Test("Each deployment is logged with who has asked for it, also where the next one takes it into force")
    func requesters() async throws {
        let said = Mutex<[String]>([])
        let host = try await HostInProcess(
            rules: [:],
            log: Self.log { message, metadata in
                if message == "deployed" { said.withLock { $0.append("\(metadata["by"] ?? "?")") } }
            })
        let isCommitted = Mutex(false)
        host.journal.injectFault { batch in
            if batch.control.contains(where: { "\($0)".hasPrefix("deploy") }) { isCommitted.withLock { $0 = true } }
            return nil
        }
        host.journal.injectReadFault { reading in
            reading == .progress && isCommitted.withLock { $0 } ? JournalError(.corrupt, "on purpose") : nil
        }
        func write(_ rule: String) throws {
            try HostInProcess.write(
                "\(host.folder.path)/app", ["InC": ""],
                [rule: "pattern: {source: [shop]}\ntargets: [{function: InC}]"], [:], ["orders"])
        }
        try write("one")
        await #expect(throws: (any Error).self) {
            _ = try await host.runtime.deploy(folder: nil, dryRun: false, by: "the first")
        }
        host.journal.injectFault(nil)
        host.journal.injectReadFault(nil)
        try write("two")
        _ = try await host.runtime.deploy(folder: nil, dryRun: false, by: "the second")
        #expect(said.withLock { $0 } == ["the start of the host", "the first", "the second"])
        await host.stop()
    }

    @Test("Who stops a host that is being drained waits until it is")
    func draining() async throws {
        let host = try await HostInProcess(
            rules: ["r": "pattern: {source: [shop]}\ntargets: [{function: InC}]"])
        _ = try await host.put(["hang"])
        try await host.wait { try await host.control.status().subscriptions.first?.inFlight == 1 ? () : nil }
        var isDrained = false
        let draining = Task { @LoopActor in
            await host.runtime.drain(grace: 300)
            isDrained = true
        }
        while try await host.control.health().state != .stopping { await Task.yield() }
        await host.runtime.stop(grace: 300)
        #expect(isDrained)
        await draining.value
    }
}
