/// How one subscription is delivered, as the core wants it: everything a target's configuration says about when, how
/// many at once, and how often.
package struct DeliveryRules: Sendable, Hashable {
    package var retry: DeliveryPolicy
    package var batch: BatchLimits
    package var keys: KeyPolicy?
    package var rate: Rate?
    /// The name of a downstream that other subscriptions may use too.
    package var downstream: String?
    package var breaker: BreakerPolicy?

    package init(
        retry: DeliveryPolicy = DeliveryPolicy(), batch: BatchLimits = BatchLimits(), keys: KeyPolicy? = nil,
        rate: Rate? = nil, downstream: String? = nil, breaker: BreakerPolicy? = nil
    ) {
        self.retry = retry
        self.batch = batch
        self.keys = keys
        self.rate = rate
        self.downstream = downstream
        self.breaker = breaker
    }
}

/// When a batch is full. It starts at whichever limit is reached first; without a window it takes what is there.
package struct BatchLimits: Sendable, Hashable {
    /// Events.
    package var count: Int
    /// What `Work.bytes` may add up to; a larger event goes alone.
    package var bytes: Int64
    /// Milliseconds from the arrival of the first event of a batch until it starts although there is room.
    package var window: Int64

    package init(count: Int = 1, bytes: Int64 = .max, window: Int64 = 0) {
        self.count = max(1, count)
        self.bytes = max(1, bytes)
        self.window = max(0, window)
    }
}

/// What the events of one key may do at once. The key is read from the event at `path` by the caller of the core; an
/// event without one is delivered as if the policy were not there.
package struct KeyPolicy: Sendable, Hashable {
    package var path: String
    /// Attempts at once for a key; 1 where the order is kept.
    package var concurrency: Int
    /// One after the other, in the order of the log; what is to be tried again holds its key back.
    package var isOrdered: Bool
    /// A dead letter holds its key back until it is redriven or purged.
    package var parks: Bool

    /// Deliveries of a key in the order of the log.
    package static func ordered(_ path: String, parks: Bool = false) -> KeyPolicy {
        KeyPolicy(path: path, concurrency: 1, isOrdered: true, parks: parks)
    }

    /// At most `concurrency` attempts of a key at once, in no order.
    package static func limited(_ path: String, concurrency: Int) -> KeyPolicy {
        KeyPolicy(path: path, concurrency: max(1, concurrency), isOrdered: false, parks: false)
    }
}

/// `count` starts in `per` milliseconds, evenly; up to one second's worth (at least one) at once after a rest.
package struct Rate: Sendable, Hashable, Codable {
    package var count: Int
    package var per: Int64

    package init(count: Int, per: Int64) {
        self.count = max(1, count)
        self.per = max(1, per)
    }

    /// What may start at once after a rest.
    package var burst: Int64 { max(1, Int64(count) * 1000 / per) }
}

/// A place that several subscriptions write to, with limits of its own.
package struct DownstreamLimits: Sendable, Hashable {
    package var rate: Rate?
    /// Attempts at once, of all subscriptions that name it.
    package var concurrency: Int?

    package init(rate: Rate? = nil, concurrency: Int? = nil) {
        self.rate = rate
        self.concurrency = concurrency
    }
}

/// When repeated failures of one kind pause a subscription.
package struct BreakerPolicy: Sendable, Hashable {
    /// Failures with one fingerprint in a row, with no success between them.
    package var failures: Int
    /// Milliseconds within which they must lie.
    package var window: Int64
    /// Milliseconds of pause before one delivery is tried.
    package var retryAfter: Int64

    package init(failures: Int, window: Int64, retryAfter: Int64) {
        self.failures = max(1, failures)
        self.window = max(1, window)
        self.retryAfter = max(1, retryAfter)
    }
}

/// What the core is told of a delivery beside its record.
package struct DeliveryTraits: Sendable {
    /// When it is too old to be tried again.
    package var expires: Instant
    /// The value at the key policy's path.
    package var key: String?
    /// What it counts against `BatchLimits.bytes`.
    package var bytes: Int64
    /// It shares no batch: something is to be done about it that is not about others.
    package var alone: Bool

    package init(expires: Instant, key: String? = nil, bytes: Int64 = 0, alone: Bool = false) {
        self.expires = expires
        self.key = key
        self.bytes = bytes
        self.alone = alone
    }
}
