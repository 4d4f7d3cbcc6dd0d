import Glibc

/// When a worker's handler had each event, by the producer's number of it: a file in the scratch folder, as memory, for
/// a call for each invocation would be part of what is measured.
///
/// Unchecked: a worker runs one invocation at a time.
package final class StartTimes: @unchecked Sendable {
    /// Events that are noted; what comes behind them is not.
    package static let capacity = 4 << 20

    /// Made with the first note: the process that workers are forked from has another folder.
    private lazy var times = Self.map()

    package init() {}

    package func note(_ number: Int64, at time: Int64) {
        if (0..<Int64(Self.capacity)).contains(number) { times?[Int(number)] = time }
    }

    private static func map() -> UnsafeMutablePointer<Int64>? {
        let file = open("starts", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard ftruncate(file, capacity * 8) == 0 else { return nil }
        let mapped = mmap(nil, capacity * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        return mapped == MAP_FAILED ? nil : mapped?.assumingMemoryBound(to: Int64.self)
    }
}
