import BenchTally
import FunctionKit
import Glibc

/// The function of `sluice bench pipeline`: reads every event and counts it, so that what is measured includes a
/// handler that has really read its events, and what is counted is counted by it. It takes them as parsed JSON, as a
/// function does that wants two fields of many and has no time to lose. With `DELAY_MS` in its environment it is the
/// slow neighbour: it waits so long and counts nothing. With `FAIL` it fails every event, for `sluice bench redrive`.
/// With `STARTS` it notes when it had each event.
private struct BenchCounter: BatchHandler {
    let tally = BenchTally()
    let fails = getenv("FAIL") != nil
    let starts = getenv("STARTS") == nil ? nil : StartTimes()

    func handle(_ records: [Record<JSONNode>], context: Context) async throws -> [RecordResult] {
        if let delay = context.environment["DELAY_MS"].flatMap(UInt32.init) {
            usleep(delay * 1000)
            return records.map { _ in .ok }
        }
        if fails {
            return records.map { _ in .failed(HandlerError(code: "OnPurpose", message: "it is to fail", retry: false)) }
        }
        let now = BenchTally.now()
        var results: [RecordResult] = []
        results.reserveCapacity(records.count)
        for record in records {
            // Monotonic nanoseconds (CLOCK_MONOTONIC, one clock for all processes) when the producer sent the request.
            let detail = record.event["detail"]
            if let sent = detail?["sent"]?.int64 {
                tally.add(latency: now - sent)
                if let starts, let number = detail?["id"]?.int64 { starts.note(number, at: now) }
                results.append(.ok)
            } else {
                results.append(.failed(HandlerError(code: "InvalidEvent", message: "no time of sending")))
            }
        }
        tally.write()
        return results
    }
}

@c(sluice_function_entry)
public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { BenchCounter() } }
