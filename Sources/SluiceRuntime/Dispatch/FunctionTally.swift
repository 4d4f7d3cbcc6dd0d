/// How a function has fared since the host started: counts, and the durations of its latest invocations.
package struct FunctionTally: Sendable {
    package var succeeded: Int64 = 0
    package var failed: Int64 = 0
    private var durations: [Float] = []
    private var next = 0
    private static let window = 512

    package init() {}

    package mutating func note(succeeded: Bool, microseconds: Int64) {
        if succeeded { self.succeeded += 1 } else { failed += 1 }
        let milliseconds = Float(microseconds) / 1000
        if durations.count < Self.window {
            durations.append(milliseconds)
        } else {
            durations[next] = milliseconds
            next = (next + 1) % Self.window
        }
    }

    /// Milliseconds below which the share `share` of the latest invocations stayed; nil before the first.
    package func percentile(_ share: Double) -> Double? {
        guard !durations.isEmpty else { return nil }
        let sorted = durations.sorted()
        return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
    }
}
