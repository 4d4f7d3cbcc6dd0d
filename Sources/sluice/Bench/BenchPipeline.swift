import ArgumentParser
import SluiceRuntime

/// `sluice bench pipeline`: accepted → matched → invoked → settled, everything real.
struct BenchPipeline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Events from a producer's socket to the commit of their outcome: events a second, and latency.",
        discussion: """
            The producer is a process of its own on the host's public socket; the function runs in real workers, decodes \
            every event and counts it; every commit is synced (FULL, read back). The floor is the median of raw SQLite \
            appends of the same records in the same run, with commits as large as the run's mean. Latency is from the \
            moment the producer sends (with --rate: should have sent) to the start of the handler. With --rate also what \
            each step takes: of all events, and of the slowest of a hundred (docs/performance.md).
            """)

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("How long events are put; more are put if that takes them.", valueName: "seconds"))
    var seconds = 60.0

    @Option(help: ArgumentHelp("Events a second (default: as many as are taken).", valueName: "n"))
    var rate = 0.0

    @Option(help: ArgumentHelp("Events a request of the producer.", valueName: "n"))
    var request = 200

    @Option(help: ArgumentHelp("Connections of the producer.", valueName: "n"))
    var connections = 8

    @Option(help: ArgumentHelp("Events an invocation (batchSize of the rule's target).", valueName: "n"))
    var batch = 200

    @Option(help: ArgumentHelp("Rules on the bus, one of which matches.", valueName: "n"))
    var rules = 1000

    @Option(help: ArgumentHelp("Bytes of an event.", valueName: "n"))
    var bytes = 1024

    @Option(help: ArgumentHelp("Workers of the function.", valueName: "n"))
    var workers = 2

    @Option(help: ArgumentHelp("Events that wait behind a pause, to be worked off at the end.", valueName: "n"))
    var backlog = 0

    @Option(
        help: ArgumentHelp(
            "Events that wait for a slow function (50 ms each) while the other's latency is measured again.",
            valueName: "n"))
    var slow = 0

    func validate() throws {
        guard seconds > 0, rate >= 0, (1...1000).contains(request), connections > 0, (1...10_000).contains(batch),
            rules > 0, bytes >= 300, workers > 0, backlog >= 0, slow >= 0
        else {
            throw ValidationError(
                "every figure must be above 0, an event has at least 300 bytes, a request at most 1000 events")
        }
    }

    func run() async throws {
        options.warnOfMemory()
        let host = try await PipelineHost.start(try app(), folder: options.folder)
        do {
            var figures = PipelineFigures(self)
            // A first short run warms everything and tells how many events fill the time.
            var load = PipelineHost.Load(
                events: 20_000, request: request, connections: connections, rate: rate, bytes: bytes)
            let first = try await host.drive(load)
            load.events = max(20_000, Int(first.eventsPerSecond * seconds / 3))
            for _ in 0..<3 { try await figures.runs.add(host.drive(load)) }
            if rate == 0 {
                load.rate = figures.runs.eventsPerSecond / 2
                load.events = max(20_000, Int(load.rate * seconds / 6))
                try await figures.runs.addHalf(host.drive(load))
                load.rate = 0
            }
            if backlog > 0 {
                load.events = backlog
                figures.drained = try await host.drain(load)
            }
            if slow > 0 {
                load.rate = rate > 0 ? rate : figures.runs.eventsPerSecond / 4
                load.events = max(20_000, Int(load.rate * seconds / 3))
                figures.alone = try await host.drive(load)
                try await host.put(
                    PipelineHost.Load(events: slow, request: 200, connections: 1, rate: 0, bytes: bytes, isSlow: true))
                figures.beside = try await host.drive(load)
            }
            if rate > 0 {
                load.rate = rate
                load.events = max(20_000, Int(first.eventsPerSecond * seconds / 3))
                try await watch(host, load, &figures)
            }
            await host.stop()
            try figures.print()
        } catch {
            await host.stop()
            throw error
        }
    }

    private func app(notesStarts: Bool = false) throws -> PipelineApp {
        PipelineApp.events(
            module: try BenchModule.path("BenchCounter"), batch: batch, rules: rules, workers: workers,
            slowMilliseconds: slow > 0 ? Self.slowMilliseconds : nil, notesStarts: notesStarts)
    }

    /// A run of its own, and the last one: to note each event's steps takes a few microseconds of it, which the other
    /// figures are not to have.
    private func watch(
        _ host: PipelineHost, _ load: PipelineHost.Load, _ figures: inout PipelineFigures
    ) async throws {
        try await host.deploy(app(notesStarts: true))
        // The workers of the version before take their counts along.
        while PipelineTally.read(below: host.data).events > 0 { try await Task.sleep(for: .milliseconds(5)) }
        var warm = load
        warm.events = 20_000
        _ = try await host.drive(warm)
        let watch = await host.service.runtime.watchLatency()
        _ = try await host.drive(load)
        await host.service.runtime.finishOutcomes()
        figures.steps.add(watch, below: host.data)
    }

    /// What the slow neighbour takes for one event.
    private static let slowMilliseconds = 50
}
