import ArgumentParser
import FunctionJSON
import SluiceRuntime

/// `sluice bench redrive`: dead letter → journal → invoked → settled, everything real.
struct BenchRedrive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive",
        abstract: "Dead letters from `redrive --all` to the commit of their outcome: redrives a second.",
        discussion: """
            A real function in real workers fails every event; then a version that decodes and counts them is deployed, and \
            all dead letters are redriven by the host's own job, with its audit trail. Every commit is synced (FULL). Three \
            rounds; the median counts.
            """)

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("Dead letters of a round.", valueName: "n"))
    var letters = 200_000

    @Option(help: ArgumentHelp("Events an invocation (batchSize of the rule's target).", valueName: "n"))
    var batch = 200

    @Option(help: ArgumentHelp("Bytes of an event.", valueName: "n"))
    var bytes = 1024

    @Option(help: ArgumentHelp("Workers of the function.", valueName: "n"))
    var workers = 2

    func validate() throws {
        guard letters > 0, (1...10_000).contains(batch), bytes >= 300, workers > 0 else {
            throw ValidationError("every figure must be above 0, and an event has at least 300 bytes")
        }
    }

    func run() async throws {
        options.warnOfMemory()
        let module = try BenchModule.path("BenchCounter")
        func app(fails: Bool) -> PipelineApp {
            .events(module: module, batch: batch, rules: 1, workers: workers, fails: fails)
        }
        let host = try await PipelineHost.start(app(fails: true), folder: options.folder)
        var runs: [PipelineHost.Run] = []
        do {
            let load = PipelineHost.Load(events: letters, request: 200, connections: 4, rate: 0, bytes: bytes)
            for _ in 0..<3 {
                try await host.deploy(app(fails: true))
                try await host.bury(load)
                try await host.deploy(app(fails: false))
                runs.append(try await host.redrive(load))
            }
            await host.stop()
        } catch {
            await host.stop()
            throw error
        }
        func median(_ value: (PipelineHost.Run) -> Double) -> Double { runs.map(value).sorted()[runs.count / 2] }
        var printer = BenchPrinter(options)
        let params: [String: JSONValue] = [
            "letters": .number(JSONNumber(letters)), "batch": .number(JSONNumber(batch)),
            "bytes": .number(JSONNumber(bytes)),
        ]
        func add(_ metric: String, _ value: Double, _ unit: String) throws {
            try printer.add(BenchLine(bench: "redrive", params: params, metric: metric, value: value, unit: unit))
        }
        try add("redrives_per_second", median(\.eventsPerSecond), "letters/s")
        try add("mean_commit_ms", median(\.meanCommitMilliseconds), "ms")
        try add("longest_commit_ms", runs.map(\.longestCommitMilliseconds).max() ?? 0, "ms")
        try add("peak_wal_mb", runs.map(\.peakWALMegabytes).max() ?? 0, "MB")
        try add("host_cpu_us_per_letter", median(\.hostMicroseconds), "us")
        printer.finish()
    }
}
