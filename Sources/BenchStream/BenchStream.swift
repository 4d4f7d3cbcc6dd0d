import BenchTally
import FunctionKit
import Glibc

/// The function of `sluice bench streams`: decodes every record and its data, counts it, and notes when it had it, so
/// that the benchmark can see whether each key's records came one after the other, whichever worker got them.
private struct BenchStream: BatchHandler {
    /// What the benchmark's producer puts.
    struct Item: Decodable, Sendable {
        /// From 0.
        var key: Int
        /// Of the key's records, from 1.
        var number: Int64
        /// Monotonic nanoseconds when the producer sent the request.
        var sent: Int64
    }

    let tally = BenchTally()
    let order = OrderLog()

    func handle(_ records: [Record<StreamRecord>], context: Context) async throws -> [RecordResult] {
        let now = BenchTally.now()
        let results = await records.results { record in
            let item = try record.event.decode(Item.self)
            tally.add(latency: now - item.sent)
            order.add(key: item.key, number: item.number)
        }
        order.write()
        tally.write()
        return results
    }
}

/// Which records one worker has handled and when, in a file of its scratch folder, where the benchmark reads it:
/// workers may write nowhere else, so nobody but the benchmark sees what all of them did.
///
/// Unchecked: a worker runs one invocation at a time.
private final class OrderLog: @unchecked Sendable {
    /// For each record its key and, in the lower 32 bits, its number; then the time.
    private var entries: [Int64] = []
    private var file: Int32 = -1

    func add(key: Int, number: Int64) {
        entries.append(Int64(key) << 32 | number)
        entries.append(BenchTally.now())
    }

    /// Appends what came since the last time.
    func write() {
        if file < 0 { file = open("order", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
        entries.withUnsafeBytes { _ = Glibc.write(file, $0.baseAddress, $0.count) }
        entries.removeAll(keepingCapacity: true)
    }
}

@c(sluice_function_entry)
public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { BenchStream() } }
