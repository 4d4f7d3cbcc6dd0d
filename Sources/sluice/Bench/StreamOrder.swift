import CLinux
import Glibc

/// What the workers of `BenchStream` have noted of the records they handled (Sources/BenchStream): two numbers each,
/// the first with the key above 32 bits of the record's number, the second with the time.
struct StreamOrder {
    /// The data folder of the host.
    let data: String
    /// How much of each worker's file was read before.
    private var read: [String: Int] = [:]

    init(data: String) {
        self.data = data
    }

    /// How many records were handled that did not follow the one before of their key, since the last call. Throws
    /// unless `records` were handled, each once.
    mutating func violations(of records: Int) throws -> Int {
        var entries: [(record: Int64, time: Int64)] = []
        entries.reserveCapacity(records)
        for path in PipelineTally.files(named: "order", below: "\(data)/run") {
            let numbers = try rest(of: path)
            for index in stride(from: 0, to: numbers.count - 1, by: 2) {
                entries.append((numbers[index], numbers[index + 1]))
            }
        }
        guard entries.count == records else {
            throw Failure("the workers noted \(entries.count) of \(records) records")
        }
        // By key, and within a key by time.
        entries.sort { ($0.record >> 32, $0.time) < ($1.record >> 32, $1.time) }
        var violations = 0
        var before: Int64 = -1
        for (record, _) in entries {
            // A key's first record has the number 1.
            let expected = record >> 32 == before >> 32 ? before + 1 : ((record >> 32) << 32) | 1
            if record != expected { violations += 1 }
            before = record
        }
        return violations
    }

    /// The rest of a file.
    private mutating func rest(of path: String) throws -> [Int64] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure.system("cannot open \(path)") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw Failure.system("cannot read \(path)") }
        let start = read[path] ?? 0
        var numbers = [Int64](repeating: 0, count: max(0, Int(status.st_size) - start) / 8)
        try numbers.withUnsafeMutableBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pread(file, bytes.baseAddress.map { $0 + done }, bytes.count - done, start + done)
                guard count > 0 else { throw Failure.system("cannot read \(path)") }
                done += count
            }
        }
        read[path] = start + numbers.count * 8
        return numbers
    }
}
