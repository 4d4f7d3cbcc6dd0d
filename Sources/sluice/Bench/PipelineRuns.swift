import Journal

/// The runs of a pipeline's benchmark, each with the raw appends that were measured after it.
struct PipelineRuns {
    /// Where the raw appends are made.
    let folder: String
    /// Of one event as it lies in the log.
    let bytes: Int
    private var runs: [PipelineHost.Run] = []
    private var floors: [RawFloor.Result] = []
    /// At half of the highest rate, with what a raw commit took then.
    private var half: (run: PipelineHost.Run, floor: RawFloor.Result)?

    init(folder: String, bytes: Int) {
        self.folder = folder
        self.bytes = bytes
    }

    var eventsPerSecond: Double { Self.median(runs.map(\.eventsPerSecond)) }

    mutating func add(_ run: PipelineHost.Run) throws {
        runs.append(run)
        floors.append(try floor(run))
    }

    mutating func addHalf(_ run: PipelineHost.Run) throws {
        half = (run, try floor(run))
    }

    private func floor(_ run: PipelineHost.Run) throws -> RawFloor.Result {
        var raw = JournalBench(folder: folder)
        raw.bytes = bytes
        raw.events = min(300_000, run.events)
        return try raw.floor(batch: max(1, Int(run.meanCommit)))
    }

    // MARK: Telling

    /// A figure: metric, value, unit, floor.
    typealias Line = (String, Double, String, Double?) throws -> Void

    /// Tells what the runs came to; `event` is what is put: `event` or `record`.
    func tell(_ event: String, _ line: Line) throws {
        let commits = floors.flatMap(\.commitMilliseconds).sorted()
        let tally = runs.reduce(into: PipelineTally()) { $0.add($1.tally) }
        try line("\(event)s", Double(runs.reduce(0) { $0 + $1.events }), "\(event)s", nil)
        try line("seconds", runs.reduce(0) { $0 + $1.seconds }, "s", nil)
        try line(
            "\(event)s_per_second", eventsPerSecond, "\(event)s/s", Self.median(floors.map(\.eventsPerSecond)))
        try Self.tellLatency("start", tally, commits, line)
        if let half {
            try line("half_rate_\(event)s_per_second", half.run.eventsPerSecond, "\(event)s/s", nil)
            try Self.tellLatency("half_rate_start", half.run.tally, half.floor.commitMilliseconds.sorted(), line)
        }
        try line("mean_commit_\(event)s", Self.median(runs.map(\.meanCommit)), "\(event)s", nil)
        try line(
            "mean_commit_ms", Self.median(runs.map(\.meanCommitMilliseconds)), "ms",
            commits.reduce(0, +) / Double(max(1, commits.count)))
        try line("longest_commit_ms", runs.map(\.longestCommitMilliseconds).max() ?? 0, "ms", commits.last)
        try line("last_passes_per_second", Self.median(runs.map { Double($0.checkpoints) / $0.seconds }), "", nil)
        try line("mean_last_pass_ms", Self.median(runs.map(\.meanCheckpointMilliseconds)), "ms", nil)
        try line("longest_last_pass_ms", runs.map(\.longestCheckpointMilliseconds).max() ?? 0, "ms", nil)
        try line("peak_wal_mb", runs.map(\.peakWALMegabytes).max() ?? 0, "MB", nil)
        try line("host_cpu_us_per_\(event)", Self.median(runs.map(\.hostMicroseconds)), "us", nil)
    }

    /// Median and 99th percentile; `commits` are those of the raw appends, sorted.
    static func tellLatency(_ name: String, _ tally: PipelineTally, _ commits: [Double], _ line: Line) throws {
        for (percentile, share) in [("p50", 0.5), ("p99", 0.99)] {
            let raw = commits.isEmpty ? nil : commits[min(commits.count - 1, Int(Double(commits.count) * share))]
            try line("\(name)_\(percentile)_ms", tally.milliseconds(share), "ms", raw)
        }
    }

    private static func median(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.sorted()[values.count / 2]
    }
}
