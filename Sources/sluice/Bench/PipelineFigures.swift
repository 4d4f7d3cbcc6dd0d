import FunctionJSON

/// What `bench pipeline` prints.
struct PipelineFigures {
    private let bench: BenchPipeline
    var runs: PipelineRuns
    var steps = PipelineSteps()
    /// Events that had waited behind a pause.
    var drained: PipelineHost.Run?
    /// The same load without and with a slow function's backlog beside it.
    var alone: PipelineHost.Run?
    var beside: PipelineHost.Run?

    init(_ bench: BenchPipeline) {
        self.bench = bench
        runs = PipelineRuns(folder: bench.options.folder, bytes: bench.bytes)
    }

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
        try runs.tell("event") { try add($0, $1, $2, floor: $3) }
        try steps.tell { try add($0, $1, $2, floor: $3) }
        try add(
            "parse_and_match_us_per_event", PipelineParsing.microseconds(rules: bench.rules, bytes: bench.bytes), "us")
        if let drained {
            try add("backlog_events_per_second", drained.eventsPerSecond, "events/s", floor: runs.eventsPerSecond)
        }
        if let alone, let beside {
            try add("paced_events_per_second", alone.eventsPerSecond, "events/s")
            try PipelineRuns.tellLatency("alone_start", alone.tally, []) { try add($0, $1, $2, floor: $3) }
            for (percentile, share) in [("p50", 0.5), ("p99", 0.99)] {
                // The floor of this one is the latency without the neighbour.
                try add(
                    "beside_slow_start_\(percentile)_ms", beside.tally.milliseconds(share), "ms",
                    floor: alone.tally.milliseconds(share))
            }
        }
        printer.finish()
    }
}
