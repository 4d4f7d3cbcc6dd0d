import Glibc
import SluiceRuntime

/// The file in which the workers of `BenchStream` note the order of each key (Sources/BenchStream): for each the number of
/// its last record, and how many did not follow the one before.
struct StreamOrder {
    let path: String
    let keys: Int

    /// Makes the file, with every key at its beginning.
    init(path: String, keys: Int) throws {
        self.path = path
        self.keys = keys
        try BenchFolder.write("", to: path)
        try clear()
    }

    /// Makes every key begin anew. The file stays: workers have it mapped.
    func clear() throws {
        try withFile(O_RDWR) { file in
            let empty = [UInt8](repeating: 0, count: keys * 16)
            return empty.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) == $0.count }
        }
    }

    /// How many records were out of order. Throws unless all keys together have had `records`.
    func violations(of records: Int) throws -> Int64 {
        var places = [Int64](repeating: 0, count: keys * 2)
        try withFile(O_RDONLY) { file in
            places.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) == $0.count }
        }
        var (seen, violations): (Int64, Int64) = (0, 0)
        for key in 0..<keys {
            seen += places[key * 2]
            violations += places[key * 2 + 1]
        }
        guard seen == records || violations > 0 else {
            throw Failure("the keys' last records say that there were \(seen) and not \(records)")
        }
        return violations
    }

    private func withFile(_ flags: Int32, _ body: (Int32) -> Bool) throws {
        let file = open(path, flags | O_CLOEXEC)
        guard file >= 0 else { throw Failure.system("cannot open \(path)") }
        defer { close(file) }
        guard body(file) else { throw Failure.system("cannot read or write \(path)") }
    }
}
