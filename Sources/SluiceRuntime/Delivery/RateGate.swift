/// A token bucket without a token: the generic cell rate algorithm (ITU-T I.371) keeps only the time at which the
/// bucket would be full again. In any span of t milliseconds at most `burst + t · count / per` starts pass.
struct RateGate: Sendable {
    let rate: Rate
    /// Microseconds. A start moves it on by one interval.
    var full: Int64 = .min

    init(_ rate: Rate) { self.rate = rate }

    var interval: Int64 { max(1, rate.per * 1000 / Int64(rate.count)) }

    /// The earliest instant, not before `now`, at which a start passes.
    func opens(after now: Instant) -> Instant {
        guard full > now * 1000 else { return now }
        let open = full - (rate.burst - 1) * interval
        return open <= now * 1000 ? now : (open + 999) / 1000
    }

    mutating func pass(_ now: Instant) {
        full = max(full, now * 1000) + interval
    }

    /// What has passed did not start after all.
    mutating func giveBack() {
        if full > .min { full -= interval }
    }
}

/// A named downstream: what it admits and what it has taken in.
struct Downstream: Sendable {
    var limits: DownstreamLimits
    var gate: RateGate?
    var running = 0

    var hasRoom: Bool { limits.concurrency.map { running < $0 } ?? true }
}
