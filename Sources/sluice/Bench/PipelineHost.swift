import Gateway
import CLinux
import Glibc
import HostAPI
import Journal
import Logging
import ServiceLifecycle
import SluiceRuntime
import Synchronization

/// The host that `bench pipeline` and its like measure: in this process, so that the journal's own counters can be
/// read, with its gateway, on a temporary data folder.
struct PipelineHost: Sendable {
    struct Load: Sendable {
        var events: Int
        var request: Int
        var connections: Int
        /// Events a second; 0: as fast as they are taken.
        var rate: Double
        var bytes: Int
        /// Whether the slow neighbour's events are put instead; they are not waited for.
        var isSlow = false
        /// Records of a stream are put instead of events.
        var stream: Stream?

        struct Stream: Sendable {
            var name: String
            /// How many partition keys the records have.
            var keys: Int
        }
    }

    struct Run: Sendable {
        var events: Int
        /// From the first request until the last outcome is durable.
        var seconds: Double
        var tally: PipelineTally
        var meanCommit: Double
        var meanCommitMilliseconds: Double
        var longestCommitMilliseconds: Double
        var peakWALMegabytes: Double
        /// The writer's own passes over the log, after which it may start anew, and what they took.
        var checkpoints: Int64
        var meanCheckpointMilliseconds: Double
        var longestCheckpointMilliseconds: Double
        /// Processor time of this process (host and gateway) an event.
        var hostMicroseconds: Double

        var eventsPerSecond: Double { Double(events) / seconds }
    }

    let root: String
    let service: HostService
    private let gateway: ServiceGroup
    private let serving: Task<Void, any Error>

    var data: String { "\(root)/data" }

    /// Starts a host on an app, below a temporary folder of `folder`.
    static func start(_ app: PipelineApp, folder: String) async throws -> PipelineHost {
        let root = "\(folder)/sluice-bench-\(getpid())"
        try app.write(below: "\(root)/app")
        var log = Logger(label: "bench")
        log.logLevel = .error
        do {
            let service = try await HostService.start(
                HostOptions(dataFolder: "\(root)/data", appFolder: "\(root)/app"), log: log)
            let (ready, isReady) = AsyncStream<Void>.makeStream()
            let gateway = GatewayService(control: service.control, dataFolder: "\(root)/data", log: log) { _ in
                isReady.yield()
            }
            let group = ServiceGroup(services: [service, gateway], logger: log)
            let serving = Task { try await group.run() }
            for await _ in ready { break }
            return PipelineHost(root: root, service: service, gateway: group, serving: serving)
        } catch {
            BenchFolder.remove(root)
            throw error
        }
    }

    /// Takes another version of the app into force.
    func deploy(_ app: PipelineApp) async throws {
        try app.write(below: "\(root)/app")
        let result = try await service.control.deploy(DeployRequest(app: "\(root)/app"))
        guard result.accepted else { throw Failure("the benchmark's app was refused: \(result.findings)") }
    }

    /// Puts events and waits until each is a dead letter.
    func bury(_ load: Load) async throws {
        let before = try await snapshot()
        try await put(load)
        while try await snapshot().dead < before.dead + Int64(load.events) {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Sends every dead letter again and waits until each is settled.
    func redrive(_ load: Load) async throws -> Run {
        let before = try await snapshot()
        let began = BenchClock.nanoseconds
        let job = try await service.control.redrive(RedriveRequest(selection: DeadLetterSelection(all: true)))
        var after = before
        repeat {
            try await Task.sleep(for: .milliseconds(2))
            after = try await snapshot()
        } while after.settled < before.settled + Int64(load.events)
        let took = Double(BenchClock.nanoseconds - began) / 1e9
        while try await !service.control.redriveJob(id: job.id).isOver {
            try await Task.sleep(for: .milliseconds(2))
        }
        let outcome = try await service.control.redriveJob(id: job.id)
        guard outcome.succeeded == load.events, outcome.failed == 0, after.dead == 0 else {
            throw Failure("of \(load.events) dead letters \(outcome.succeeded) succeeded and \(outcome.failed) failed")
        }
        return try run(load, before, after, seconds: took)
    }

    func stop() async {
        await gateway.triggerGracefulShutdown()
        _ = try? await serving.value
        BenchFolder.remove(root)
    }

    /// Puts the events and waits until every outcome is durable. Throws unless the handler has counted each of them
    /// once.
    func drive(_ load: Load) async throws -> Run {
        let before = try await snapshot()
        let began = BenchClock.nanoseconds
        try await put(load)
        return try await finish(load, before, began)
    }

    /// Puts the events while the rule is paused, and then measures from its resumption until every outcome is durable.
    func drain(_ load: Load) async throws -> Run {
        try await pause(true)
        try await put(load)
        let before = try await snapshot()
        let began = BenchClock.nanoseconds
        try await pause(false)
        return try await finish(load, before, began)
    }

    private func pause(_ paused: Bool) async throws {
        _ = try await service.control.pauseRule(
            bus: "default", name: PipelineApp.measured, request: PauseRequest(paused: paused, reason: "bench"))
    }

    /// Puts the events until every one is durable.
    func put(_ load: Load) async throws { try await load.produce(on: data) }

    private func finish(_ load: Load, _ before: Snapshot, _ began: Int64) async throws -> Run {
        var after = try await snapshot()
        while after.settled < before.settled + Int64(load.events) {
            if after.dead > 0 { throw Failure("\(after.dead) events became dead letters") }
            try await Task.sleep(for: .milliseconds(2))
            after = try await snapshot()
        }
        let took = Double(BenchClock.nanoseconds - began) / 1e9
        return try run(load, before, after, seconds: took)
    }

    private func run(_ load: Load, _ before: Snapshot, _ after: Snapshot, seconds took: Double) throws -> Run {
        var tally = PipelineTally.read(below: data)
        tally.subtract(before.tally)
        guard tally.events == load.events else {
            throw Failure("the handler counted \(tally.events) of \(load.events) events")
        }
        let commits = Double(max(1, after.statistics.commits - before.statistics.commits))
        let checkpoints = after.statistics.checkpoints - before.statistics.checkpoints
        return Run(
            events: load.events, seconds: took, tally: tally,
            meanCommit: Double(after.statistics.records - before.statistics.records) / commits,
            meanCommitMilliseconds: Double(
                after.statistics.commitMicroseconds - before.statistics.commitMicroseconds) / commits / 1000,
            longestCommitMilliseconds: Double(after.statistics.longestCommitMicroseconds) / 1000,
            peakWALMegabytes: Double(after.statistics.peakWALBytes) / 1_048_576, checkpoints: checkpoints,
            meanCheckpointMilliseconds: Double(
                after.statistics.checkpointMicroseconds - before.statistics.checkpointMicroseconds)
                / Double(max(1, checkpoints)) / 1000,
            longestCheckpointMilliseconds: Double(after.statistics.longestCheckpointMicroseconds) / 1000,
            hostMicroseconds: Double(after.processor - before.processor) / Double(load.events))
    }

    private struct Snapshot {
        var settled: Int64
        var dead: Int64
        var statistics: JournalStatistics
        var tally: PipelineTally
        /// Processor time of this process in microseconds.
        var processor: Int64
    }

    private func snapshot() async throws -> Snapshot {
        let progress = try await service.runtime.benchProgress(rule: PipelineApp.measured)
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let processor =
            Int64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
            + Int64(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
        return Snapshot(
            settled: progress.settled, dead: progress.dead, statistics: progress.statistics,
            tally: PipelineTally.read(below: data), processor: processor)
    }
}
