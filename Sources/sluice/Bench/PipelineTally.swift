import Glibc

/// What the workers of `BenchCounter` have counted (Sources/BenchCounter): element 0 is the number of events, element
/// n > 0 those whose latency was below 2^(n/8) microseconds.
struct PipelineTally: Sendable {
    private var counts = [Int64](repeating: 0, count: 257)

    var events: Int { Int(counts[0]) }

    mutating func add(_ other: PipelineTally) {
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    mutating func subtract(_ other: PipelineTally) {
        for index in counts.indices { counts[index] -= other.counts[index] }
    }

    /// The latency below which the share of the events lies, to within a twelfth of it.
    func milliseconds(_ share: Double) -> Double {
        var left = Int64(Double(counts[0]) * share)
        for index in 1..<counts.count {
            left -= counts[index]
            if left < 0 { return exp2((Double(index) - 0.5) / 8) / 1000 }
        }
        return 0
    }

    /// The sum of what the workers have written into their scratch folders.
    static func read(below data: String) -> PipelineTally {
        var sum = PipelineTally()
        for path in files(named: "tally", below: "\(data)/run") {
            var one = PipelineTally()
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            defer { close(file) }
            let whole = one.counts.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) == $0.count }
            if whole { sum.add(one) }
        }
        return sum
    }

    /// Files of the workers' scratch folders.
    static func files(named name: String, below folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let one = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if one == "." || one == ".." { continue }
            if one == name { found.append("\(folder)/\(one)") }
            if entry.pointee.d_type == UInt8(DT_DIR) { found += files(named: name, below: "\(folder)/\(one)") }
        }
        return found
    }
}
