/// Whether a subscription's deliveries go on.
package enum Flow: Sendable, Hashable {
    case running
    /// Held back by hand, until it is resumed by hand.
    case paused(Pause)
    /// Held back by its circuit breaker until `until`; then one delivery is tried.
    case open(Pause, until: Instant)
    /// One delivery may be tried; `attempt` is the one that does.
    case trial(Pause, attempt: Int64?)

    package var pause: Pause? {
        switch self {
        case .running: nil
        case .paused(let pause), .open(let pause, _), .trial(let pause, _): pause
        }
    }
}

/// Why and since when a subscription is held back.
package struct Pause: Sendable, Hashable {
    package var since: Instant
    package var reason: String
    /// Of the failure that opened the breaker; empty for a pause by hand.
    package var fingerprint: String

    package init(since: Instant, reason: String, fingerprint: String = "") {
        self.since = since
        self.reason = reason
        self.fingerprint = fingerprint
    }
}

extension BreakerPolicy {
    /// Why a breaker is open; the failure is the latest.
    func reason(after failure: AttemptSummary) -> String {
        "\(failures) failures in a row, the last: \(failure.code): \(failure.message.prefix(300))"
    }
}

/// Failures of one kind in a row.
struct FailureStreak: Sendable {
    private var fingerprint = ""
    private var times: [Instant] = []

    mutating func reset() {
        times = []
    }

    /// True when `policy` says that it is enough.
    mutating func note(_ fingerprint: String, at now: Instant, policy: BreakerPolicy) -> Bool {
        if fingerprint != self.fingerprint { times = [] }
        self.fingerprint = fingerprint
        times.append(now)
        if times.count > policy.failures { times.removeFirst(times.count - policy.failures) }
        return times.count == policy.failures && now - (times.first ?? now) <= policy.window
    }
}
