/// How attempts have fared since the host started: of a function, or of a subscription.
package struct AttemptTally: Sendable, Hashable {
    /// Attempts that had to wait for a new worker.
    package private(set) var coldStarts: Int64 = 0
    /// Deliveries that were put back to be tried again.
    package private(set) var retries: Int64 = 0
    /// How long attempts ran.
    package private(set) var durations = Histogram()
    /// From the acceptance of an event to the start of its first attempt; of a batch, of its oldest event.
    package private(set) var waits = Histogram()

    package init() {}

    package mutating func noteStart(waitMilliseconds: Int64) {
        waits.observe(Double(max(0, waitMilliseconds)) / 1000)
    }

    package mutating func noteRetry() { retries += 1 }

    package mutating func note(microseconds: Int64, coldStart: Bool) {
        if coldStart { coldStarts += 1 }
        durations.observe(Double(microseconds) / 1_000_000)
    }
}

/// How a function has fared since the host started: counts, and the durations of its latest invocations.
package struct FunctionTally: Sendable {
    package var succeeded: Int64 = 0
    package var failed: Int64 = 0
    /// Batches of which some records failed, and not all.
    package var partial: Int64 = 0
    package var attempts = AttemptTally()
    private var latest: [Float] = []
    private var next = 0
    private static let window = 512

    package init() {}

    package mutating func note(_ outcome: AttemptOutcome, microseconds: Int64, coldStart: Bool) {
        attempts.note(microseconds: microseconds, coldStart: coldStart)
        switch outcome {
        case .succeeded, .superseded: succeeded += 1
        case .partial: partial += 1
        case .failed: failed += 1
        }
        let milliseconds = Float(microseconds) / 1000
        if latest.count < Self.window {
            latest.append(milliseconds)
        } else {
            latest[next] = milliseconds
            next = (next + 1) % Self.window
        }
    }

    /// Milliseconds below which the share `share` of the latest invocations stayed; nil before the first.
    package func percentile(_ share: Double) -> Double? {
        guard !latest.isEmpty else { return nil }
        let sorted = latest.sorted()
        return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
    }
}
