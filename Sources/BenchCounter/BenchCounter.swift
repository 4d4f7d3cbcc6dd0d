import FunctionKit
import Glibc

/// The function of `sluice bench pipeline`: decodes every event and counts it, so that what is measured includes a
/// handler that has really read its events, and what is counted is counted by it. With `DELAY_MS` in its environment it is
/// the slow neighbour: it waits so long and counts nothing. With `FAIL` it fails every event, for
/// `sluice bench redrive`.
private struct BenchCounter: BatchHandler {
    /// The two fields that the benchmark's events carry for it.
    struct Event: Decodable, Sendable {
        struct Detail: Decodable, Sendable {
            /// Monotonic nanoseconds (CLOCK_MONOTONIC, one clock for all processes) when the producer sent the request.
            var sent: Int64
        }
        var detail: Detail
    }

    let tally = Tally()
    let fails = getenv("FAIL") != nil

    func handle(_ records: [Record<Event>], context: Context) async throws -> [RecordResult] {
        if let delay = context.environment["DELAY_MS"].flatMap(UInt32.init) {
            usleep(delay * 1000)
            return records.map { _ in .ok }
        }
        if fails {
            return records.map { _ in .failed(HandlerError(code: "OnPurpose", message: "it is to fail", retry: false)) }
        }
        let now = Tally.now()
        for record in records { tally.add(latency: now - record.event.detail.sent) }
        tally.write()
        return records.map { _ in .ok }
    }
}

/// What one worker has seen, kept in a file of its scratch folder, where the benchmark reads it.
///
/// Unchecked: a worker runs one invocation at a time.
private final class Tally: @unchecked Sendable {
    /// Element 0 is the number of events; element n > 0 counts latencies below 2^(n/8) microseconds.
    private var counts = [Int64](repeating: 0, count: 257)
    private var file: Int32 = -1

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    func add(latency: Int64) {
        counts[0] += 1
        let microseconds = Double(max(1000, latency)) / 1000
        counts[min(256, 1 + Int(log2(microseconds) * 8))] += 1
    }

    func write() {
        if file < 0 { file = open("tally", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
        counts.withUnsafeBytes { _ = pwrite(file, $0.baseAddress, $0.count, 0) }
    }
}

@c(sluice_function_entry)
public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { BenchCounter() } }
