import FunctionJSON
import Journal
import SluiceRuntime

/// What the runs of `bench pipeline` came to, each with the raw appends that were measured after it.
struct PipelineFigures {
    private let bench: BenchPipeline
    private var runs: [PipelineHost.Run] = []
    private var floors: [RawFloor.Result] = []
    /// At half of the highest rate, with what a raw commit took then.
    private var half: (run: PipelineHost.Run, floor: RawFloor.Result)?
    /// Events that had waited behind a pause.
    var drained: PipelineHost.Run?
    /// The same load without and with a slow function's backlog beside it.
    var alone: PipelineHost.Run?
    var beside: PipelineHost.Run?

    init(_ bench: BenchPipeline) {
        self.bench = bench
    }

    var eventsPerSecond: Double { Self.median(runs.map(\.eventsPerSecond)) }

    mutating func add(_ run: PipelineHost.Run, floorOf load: PipelineHost.Load) throws {
        runs.append(run)
        floors.append(try floor(run, load))
    }

    mutating func addHalf(_ run: PipelineHost.Run, floorOf load: PipelineHost.Load) throws {
        half = (run, try floor(run, load))
    }

    private func floor(_ run: PipelineHost.Run, _ load: PipelineHost.Load) throws -> RawFloor.Result {
        var raw = JournalBench(folder: bench.options.folder)
        raw.bytes = bench.bytes
        raw.events = min(300_000, load.events)
        return try raw.floor(batch: max(1, Int(run.meanCommit)))
    }

    // MARK: Printing

    func print() throws {
        var printer = BenchPrinter(bench.options)
        var params: [String: JSONValue] = [
            "request": .number(JSONNumber(bench.request)), "batch": .number(JSONNumber(bench.batch)),
            "rules": .number(JSONNumber(bench.rules)), "bytes": .number(JSONNumber(bench.bytes)),
        ]
        if bench.rate > 0 { params["rate"] = .number(JSONNumber(Int(bench.rate))) }
        func add(_ metric: String, _ value: Double, _ unit: String, floor: Double? = nil) throws {
            try printer.add(
                BenchLine(
                    bench: "pipeline", params: params, metric: metric, value: value, unit: unit, floor: floor,
                    ratio: floor.map { value / $0 }))
        }
        func addLatency(_ name: String, _ tally: PipelineTally, _ commits: [Double]) throws {
            for (percentile, share) in [("p50", 0.5), ("p99", 0.99)] {
                let raw = commits.isEmpty ? nil : Self.quantile(commits, share)
                try add("\(name)_\(percentile)_ms", tally.milliseconds(share), "ms", floor: raw)
            }
        }
        let commits = floors.flatMap(\.commitMilliseconds).sorted()
        let tally = runs.reduce(into: PipelineTally()) { $0.add($1.tally) }
        try add("events", Double(runs.reduce(0) { $0 + $1.events }), "events")
        try add("seconds", runs.reduce(0) { $0 + $1.seconds }, "s")
        try add(
            "events_per_second", eventsPerSecond, "events/s", floor: Self.median(floors.map(\.eventsPerSecond)))
        try addLatency("start", tally, commits)
        if let half {
            try add("half_rate_events_per_second", half.run.eventsPerSecond, "events/s")
            try addLatency("half_rate_start", half.run.tally, half.floor.commitMilliseconds.sorted())
        }
        try add("mean_commit_events", Self.median(runs.map(\.meanCommit)), "events")
        try add(
            "mean_commit_ms", Self.median(runs.map(\.meanCommitMilliseconds)), "ms",
            floor: commits.reduce(0, +) / Double(max(1, commits.count)))
        try add("longest_commit_ms", runs.map(\.longestCommitMilliseconds).max() ?? 0, "ms", floor: commits.last)
        try add("peak_wal_mb", runs.map(\.peakWALMegabytes).max() ?? 0, "MB")
        try add("host_cpu_us_per_event", Self.median(runs.map(\.hostMicroseconds)), "us")
        try add(
            "parse_and_match_us_per_event", PipelineParsing.microseconds(rules: bench.rules, bytes: bench.bytes), "us")
        if let drained {
            try add("backlog_events_per_second", drained.eventsPerSecond, "events/s", floor: eventsPerSecond)
        }
        if let alone, let beside {
            try add("paced_events_per_second", alone.eventsPerSecond, "events/s")
            try addLatency("alone_start", alone.tally, [])
            for (percentile, share) in [("p50", 0.5), ("p99", 0.99)] {
                // The floor of this one is the latency without the neighbour.
                try add(
                    "beside_slow_start_\(percentile)_ms", beside.tally.milliseconds(share), "ms",
                    floor: alone.tally.milliseconds(share))
            }
        }
        printer.finish()
    }

    private static func median(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.sorted()[values.count / 2]
    }

    private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
        sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
