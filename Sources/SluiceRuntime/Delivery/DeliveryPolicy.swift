/// Monotonic milliseconds within one life of the host. Persisted times are wall-clock; see `HostClock`.
package typealias Instant = Int64

/// How often, how long and how far apart a failing delivery is tried, in milliseconds: the words of the file are those
/// of AppConfig's `RetryPolicy`.
package struct DeliveryPolicy: Sendable, Hashable {
    /// Tries in all: one more than `maximumRetryAttempts`.
    package var maximumAttempts: Int
    /// Milliseconds from ingestion after which a failed delivery is not tried again.
    package var maximumAge: Int64
    /// Milliseconds before the second try.
    package var interval: Int64
    /// Each later delay is this many times the one before.
    package var backoffRate: Double
    /// Upper bound of a delay in milliseconds.
    package var maximumDelay: Int64
    /// Full jitter: a delay is drawn evenly from zero to its nominal value.
    package var jitter: Bool
    /// Only failures with these codes are tried again; nil: as the code's class says.
    package var only: Set<String>?
    /// Failures with these codes are never tried again.
    package var never: Set<String>

    package init(
        maximumAttempts: Int = 3, maximumAge: Int64 = 6 * 3_600_000, interval: Int64 = 1000, backoffRate: Double = 4,
        maximumDelay: Int64 = 300_000, jitter: Bool = true, only: Set<String>? = nil, never: Set<String> = []
    ) {
        self.maximumAttempts = max(1, maximumAttempts)
        self.maximumAge = maximumAge
        self.interval = max(0, interval)
        self.backoffRate = max(1, backoffRate)
        self.maximumDelay = max(0, maximumDelay)
        self.jitter = jitter
        self.only = only
        self.never = never
    }

    /// What a failure means under this policy. `never` is the operator's word and comes first, then the handler's
    /// "do not retry", then `only`; a failure of the platform is not the function's and stays what it is.
    package func classify(_ code: String, _ kind: FailureClass) -> FailureClass {
        if never.contains(code) { return .permanent }
        guard let only, kind != .final, kind != .platform else { return kind }
        return only.contains(code) ? .transient : .permanent
    }

    /// The nominal delay after failed try number `attempt` (1 for the first), in milliseconds.
    package func nominalDelay(after attempt: Int) -> Int64 {
        var delay = Double(interval)
        // A loop instead of pow: no C library in the pure core, and the bound is soon reached.
        for _ in 1..<max(1, min(attempt, 64)) {
            delay *= backoffRate
            if delay >= Double(maximumDelay) { return maximumDelay }
        }
        return min(Int64(delay), maximumDelay)
    }

    /// The delay to wait, with jitter where the policy has it.
    package func delay(after attempt: Int, using random: inout some RandomNumberGenerator) -> Int64 {
        let nominal = nominalDelay(after: attempt)
        guard jitter, nominal > 0 else { return nominal }
        return Int64.random(in: 0...nominal, using: &random)
    }
}
