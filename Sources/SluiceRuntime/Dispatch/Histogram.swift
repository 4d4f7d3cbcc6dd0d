/// A latency histogram with fixed bounds, as Prometheus wants it.
package struct Histogram: Sendable, Hashable {
    /// Upper bounds in seconds, inclusive; what is above the last one is counted only in `count`.
    package static let bounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
    ]

    /// Observations within each bound and above the one before it.
    package private(set) var counts = [Int64](repeating: 0, count: Histogram.bounds.count)
    package private(set) var count: Int64 = 0
    /// Seconds of all observations together.
    package private(set) var sum: Double = 0

    package init() {}

    package mutating func observe(_ seconds: Double) {
        count += 1
        sum += seconds
        if let index = Self.bounds.firstIndex(where: { seconds <= $0 }) { counts[index] += 1 }
    }
}
