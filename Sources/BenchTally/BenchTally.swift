import Glibc

/// What one worker of a benchmark's function has seen, kept in a file of its scratch folder, where the benchmark reads
/// it.
///
/// Unchecked: a worker runs one invocation at a time.
package final class BenchTally: @unchecked Sendable {
    /// Element 0 is the number of events; element n > 0 counts latencies below 2^(n/8) microseconds.
    private var counts = [Int64](repeating: 0, count: 257)
    private var file: Int32 = -1

    package init() {}

    /// Nanoseconds of CLOCK_MONOTONIC, one clock for all processes.
    package static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    package func add(latency: Int64) {
        counts[0] += 1
        let microseconds = Double(max(1000, latency)) / 1000
        counts[min(256, 1 + Int(log2(microseconds) * 8))] += 1
    }

    package func write() {
        if file < 0 { file = open("tally", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
        counts.withUnsafeBytes { _ = pwrite(file, $0.baseAddress, $0.count, 0) }
    }
}
