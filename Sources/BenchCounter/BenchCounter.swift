import BenchTally
import FunctionKit
import Glibc

/// The function of `sluice bench pipeline`: decodes every event and counts it, so that what is measured includes a
/// handler that has really read its events, and what is counted is counted by it. With `DELAY_MS` in its environment it
/// is the slow neighbour: it waits so long and counts nothing. With `FAIL` it fails every event, for `sluice bench
/// redrive`.
private struct BenchCounter: BatchHandler {
    /// The two fields that the benchmark's events carry for it.
    struct Event: Decodable, Sendable {
        struct Detail: Decodable, Sendable {
            /// Monotonic nanoseconds (CLOCK_MONOTONIC, one clock for all processes) when the producer sent the request.
            var sent: Int64
        }
        var detail: Detail
    }

    let tally = BenchTally()
    let fails = getenv("FAIL") != nil

    func handle(_ records: [Record<Event>], context: Context) async throws -> [RecordResult] {
        if let delay = context.environment["DELAY_MS"].flatMap(UInt32.init) {
            usleep(delay * 1000)
            return records.map { _ in .ok }
        }
        if fails {
            return records.map { _ in .failed(HandlerError(code: "OnPurpose", message: "it is to fail", retry: false)) }
        }
        let now = BenchTally.now()
        for record in records { tally.add(latency: now - record.event.detail.sent) }
        tally.write()
        return records.map { _ in .ok }
    }
}

@c(sluice_function_entry)
public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { BenchCounter() } }
