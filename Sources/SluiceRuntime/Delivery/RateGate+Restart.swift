package import Journal

/// Rates over a restart: a new life must not begin with a fresh burst.
///
/// A gate of one start a second or more begins empty, which costs a second at most. What a slower one has let through
/// is kept in the journal, as the wall-clock time at which it would be full again; about one write a second and
/// gate, and one where a start is taken back.
package enum RateOwner: Hashable, Sendable, Comparable {
    case subscription(SubscriptionID)
    case downstream(String)
}

extension RateGate {
    /// Its starts lie more than a second apart.
    var isSlow: Bool { interval > 1_000_000 }

    /// Microseconds until it is full again.
    func left(at now: Instant) -> Int64 { full > now * 1000 ? full - now * 1000 : 0 }

    /// Goes on where an earlier life stood. Never longer than it takes to fill it, whatever a clock says.
    mutating func resume(left: Int64?, now: Instant) {
        let longest = rate.burst * interval
        full = now * 1000 + min(max(0, left ?? (isSlow ? 0 : longest)), longest)
    }
}

extension DeliveryCore {
    /// Takes the rates of an earlier life up; `left` is in microseconds.
    package mutating func resumeRates(_ left: [RateOwner: Int64], now: Instant) {
        for position in subscriptions.indices {
            let id = subscriptions[position].id
            subscriptions[position].gate?.resume(left: left[.subscription(id)], now: now)
        }
        for name in downstreams.keys { downstreams[name]?.gate?.resume(left: left[.downstream(name)], now: now) }
    }

    /// An attempt that has just started reached nobody: the rates that let it start have room for another.
    package mutating func giveBackRates(of attempt: Attempt) {
        guard let position = index[attempt.subscription] else { return }
        subscriptions[position].gate?.giveBack()
        noteSpent(.subscription(attempt.subscription), subscriptions[position].gate)
        if let name = subscriptions[position].rules.downstream {
            downstreams[name]?.gate?.giveBack()
            noteSpent(.downstream(name), downstreams[name]?.gate)
        }
    }

    /// Notes that a slow gate has let something start.
    mutating func noteSpent(_ owner: RateOwner, _ gate: RateGate?) {
        if gate?.isSlow == true { spentRates.insert(owner) }
    }

    /// The slow rates that have let something start since the last call, with the microseconds until they are full
    /// again.
    package mutating func takeSpentRates(now: Instant) -> [(owner: RateOwner, left: Int64)] {
        guard !spentRates.isEmpty else { return [] }
        defer { spentRates = [] }
        return spentRates.sorted().compactMap { owner in
            let gate: RateGate? =
                switch owner {
                case .subscription(let id): index[id].flatMap { subscriptions[$0].gate }
                case .downstream(let name): downstreams[name]?.gate
                }
            return gate.map { (owner, $0.left(at: now)) }
        }
    }
}
