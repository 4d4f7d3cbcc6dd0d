import BenchTally
import FunctionKit
import Glibc

/// The function of `sluice bench streams`: decodes every record and its data, counts it, and checks that each key's records
/// come one after the other, whichever worker gets them.
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
    var order: OrderTable?

    mutating func start(_ setup: FunctionSetup) throws {
        order = OrderTable(
            path: setup.environment["ORDER_FILE"] ?? "", keys: setup.environment["KEYS"].flatMap { Int($0) } ?? 0)
        if order == nil { throw HandlerError(code: "NoOrderFile", message: "ORDER_FILE has no place for KEYS keys") }
    }

    func handle(_ records: [Record<StreamRecord>], context: Context) async throws -> [RecordResult] {
        let now = BenchTally.now()
        let results = await records.results { record in
            let item = try record.event.decode(Item.self)
            tally.add(latency: now - item.sent)
            order?.note(key: item.key, number: item.number)
        }
        tally.write()
        return results
    }
}

/// A file that all workers map: for each key the number of its last record, and how many came out of order.
///
/// Unchecked: records of a key are handled one at a time, and no two keys share a place.
private final class OrderTable: @unchecked Sendable {
    private let places: UnsafeMutablePointer<Int64>
    private let keys: Int

    init?(path: String, keys: Int) {
        let count = keys * 2 * MemoryLayout<Int64>.stride
        let file = open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard keys > 0, fstat(file, &status) == 0, status.st_size >= count,
            let memory = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
        else { return nil }
        places = memory.bindMemory(to: Int64.self, capacity: keys * 2)
        self.keys = keys
    }

    deinit { munmap(places, keys * 2 * MemoryLayout<Int64>.stride) }

    func note(key: Int, number: Int64) {
        guard (0..<keys).contains(key) else { return }
        if number != places[key * 2] + 1 { places[key * 2 + 1] += 1 }
        places[key * 2] = number
    }
}

@c(sluice_function_entry)
public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { BenchStream() } }
