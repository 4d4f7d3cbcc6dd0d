import Glibc
import SluiceRuntime

/// Where the time of a pipeline's events goes, step by step.
struct PipelineSteps {
    /// What lies between two of `LatencyWatch.Step`, in their order.
    private static let names = [
        "due_to_sent", "sent_to_submitted", "submitted_to_commit", "commit", "durable_to_taken", "taken_to_handed_out",
        "handed_out_to_started", "started_to_answered", "answered_to_settled",
    ]
    /// The first of them are what lies before the start of the handler: the latency that is measured.
    private static let untilStart = 7

    /// Nanoseconds, event by event.
    private var events: [[Int64]] = []

    /// Adds what has been watched.
    /// - Parameter data: the host's folder, in which its workers have noted when they had the events.
    mutating func add(_ watch: LatencyWatch, below data: String) {
        let starts = PipelineTally.files(named: "starts", below: "\(data)/run").compactMap(StartFile.init)
        // Runs number their events alike, and another worker may have had the one of an earlier run: the newest counts.
        events += watch.intervals { number in starts.map { $0[Int(number)] }.max() ?? 0 }
    }

    /// Of each step its median, its 99th percentile, and its mean among those events, one of a hundred, that came to
    /// their handler last: what these wait for makes the 99th percentile of the whole.
    func tell(_ line: PipelineRuns.Line) throws {
        guard !events.isEmpty else { return }
        let latencies = events.map { $0.prefix(Self.untilStart).reduce(0, +) }
        let limit = Self.percentile(latencies, 0.99)
        let slowest = events.indices.filter { latencies[$0] >= limit }
        for (step, name) in Self.names.enumerated() {
            let times = events.map { $0[step] }
            try line("\(name)_p50_ms", Double(Self.percentile(times, 0.5)) / 1e6, "ms", nil)
            try line("\(name)_p99_ms", Double(Self.percentile(times, 0.99)) / 1e6, "ms", nil)
            let sum = slowest.reduce(0) { $0 + times[$1] }
            try line("\(name)_of_slowest_ms", Double(sum) / Double(slowest.count) / 1e6, "ms", nil)
        }
    }

    private static func percentile(_ values: [Int64], _ share: Double) -> Int64 {
        values.sorted()[min(values.count - 1, Int(Double(values.count) * share))]
    }
}

/// What one worker has noted (`StartTimes` of Sources/BenchTally).
private final class StartFile {
    private let times: UnsafeMutablePointer<Int64>
    private let count: Int

    init?(path: String) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_size > 0,
            let mapped = mmap(nil, Int(status.st_size), PROT_READ, MAP_SHARED, file, 0), mapped != MAP_FAILED
        else { return nil }
        times = mapped.assumingMemoryBound(to: Int64.self)
        count = Int(status.st_size) / 8
    }

    deinit { munmap(times, count * 8) }

    subscript(number: Int) -> Int64 { number < count ? times[number] : 0 }
}
