import ArgumentParser
import FunctionJSON
import Glibc
import Journal
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
            moment the producer sends (with --rate: should have sent) to the start of the handler.
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

    func validate() throws {
        guard seconds > 0, rate >= 0, (1...1000).contains(request), connections > 0, (1...10_000).contains(batch),
            rules > 0, bytes >= 300, workers > 0
        else {
            throw ValidationError(
                "every figure must be above 0, an event has at least 300 bytes, a request at most 1000 events")
        }
    }

    func run() async throws {
        let host = try await PipelineHost.start(
            module: BenchModule.path("BenchCounter"), folder: options.folder, batch: batch, rules: rules,
            workers: workers)
        var floors: [RawFloor.Result] = []
        var runs: [PipelineHost.Run] = []
        do {
            // A first short run warms everything and tells how many events fill the time.
            let load = PipelineHost.Load(
                events: 20_000, request: request, connections: connections, rate: rate, bytes: bytes)
            let first = try await host.drive(load)
            var third = load
            third.events = max(20_000, Int(first.eventsPerSecond * seconds / 3))
            for _ in 0..<3 {
                let run = try await host.drive(third)
                runs.append(run)
                var raw = JournalBench(folder: options.folder)
                raw.bytes = bytes
                raw.events = min(300_000, third.events)
                floors.append(try raw.floor(batch: Int(run.meanCommit)))
            }
            await host.stop()
        } catch {
            await host.stop()
            throw error
        }
        try report(runs, floors)
    }

    private func report(_ runs: [PipelineHost.Run], _ floors: [RawFloor.Result]) throws {
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let floor = median(floors.map(\.eventsPerSecond))
        let commits = floors.flatMap(\.commitMilliseconds).sorted()
        func raw(_ share: Double) -> Double { commits[min(commits.count - 1, Int(Double(commits.count) * share))] }
        var printer = BenchPrinter(options)
        var params: [String: JSONValue] = [
            "request": .number(JSONNumber(request)), "batch": .number(JSONNumber(batch)),
            "rules": .number(JSONNumber(rules)), "bytes": .number(JSONNumber(bytes)),
        ]
        if rate > 0 { params["rate"] = .number(JSONNumber(Int(rate))) }
        func add(_ metric: String, _ value: Double, _ unit: String, floor: Double? = nil) throws {
            try printer.add(
                BenchLine(
                    bench: "pipeline", params: params, metric: metric, value: value, unit: unit, floor: floor,
                    ratio: floor.map { value / $0 }))
        }
        let tally = runs.reduce(into: PipelineTally()) { $0.add($1.tally) }
        try add("events", Double(runs.reduce(0) { $0 + $1.events }), "events")
        try add("seconds", runs.reduce(0) { $0 + $1.seconds }, "s")
        try add("events_per_second", median(runs.map(\.eventsPerSecond)), "events/s", floor: floor)
        try add("start_p50_ms", tally.milliseconds(0.5), "ms", floor: raw(0.5))
        try add("start_p99_ms", tally.milliseconds(0.99), "ms", floor: raw(0.99))
        try add("mean_commit_events", median(runs.map(\.meanCommit)), "events")
        try add(
            "mean_commit_ms", median(runs.map(\.meanCommitMilliseconds)), "ms",
            floor: commits.reduce(0, +) / Double(commits.count))
        try add("longest_commit_ms", runs.map(\.longestCommitMilliseconds).max() ?? 0, "ms", floor: commits.last)
        try add("peak_wal_mb", runs.map(\.peakWALMegabytes).max() ?? 0, "MB")
        try add("host_cpu_us_per_event", median(runs.map(\.hostMicroseconds)), "us")
        printer.finish()
    }
}
