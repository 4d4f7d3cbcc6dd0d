import Journal
import SluiceRuntime

/// The subscriptions of the simulated host: every policy at least once, and some together.
enum SimulatedApp {
    struct Entry {
        var id: SubscriptionID
        var function: String
        var rules: DeliveryRules
    }

    static let maximumAge: Int64 = 3_600_000
    static let functions: [(name: String, limit: Int, reserved: Bool)] = [
        ("f0", 2, false), ("f1", 3, false), ("f2", 2, true),
    ]
    static let globalLimit = 5
    static let downstream = "warehouse"
    static let downstreamLimits = DownstreamLimits(rate: Rate(count: 20, per: 1000), concurrency: 2)
    /// Never tried again, by configuration.
    static let refused = "Refused"

    /// The rules as another deployment has them: keys are elsewhere in the events, or there are none; batches are
    /// smaller, or taken away; rates are lower, downstreams and breakers come and go, and fewer attempts are made.
    static func redeployed(_ rules: DeliveryRules) -> DeliveryRules {
        var rules = rules
        rules.batch.count = rules.keys == nil ? 1 : max(1, rules.batch.count - 2)
        if let rate = rules.rate {
            rules.rate = Rate(count: rate.count / 2, per: rate.per)
            rules.downstream = nil
        }
        // A breaker goes, a batch of bytes gets one.
        rules.breaker = rules.breaker == nil && rules.batch.window > 0 ? breaker : nil
        if rules.downstream == nil, rules.rate == nil, rules.keys == nil { rules.retry.maximumAttempts = 2 }
        guard let keys = rules.keys else { return rules }
        if keys.isOrdered, !keys.parks {
            rules.keys = nil
        } else {
            rules.keys = keys.isOrdered ? .ordered("j", parks: true) : .limited("j", concurrency: 2)
        }
        return rules
    }

    private static let breaker = BreakerPolicy(failures: 3, window: 60_000, retryAfter: 5000)

    static var entries: [Entry] {
        var retry = DeliveryPolicy(maximumAttempts: 3, maximumAge: maximumAge)
        retry.never = [refused]
        let rules: [(String, DeliveryRules)] = [
            ("f1", DeliveryRules(retry: retry)),
            ("f0", DeliveryRules(retry: retry)),
            ("f1", DeliveryRules(retry: retry, batch: BatchLimits(count: 4))),
            ("f2", DeliveryRules(retry: retry, keys: .ordered("k", parks: true))),
            ("f2", DeliveryRules(retry: retry, batch: BatchLimits(count: 4), keys: .ordered("k"))),
            ("f0", DeliveryRules(retry: retry, batch: BatchLimits(count: 5, bytes: 100, window: 2000))),
            (
                "f1",
                DeliveryRules(retry: retry, rate: Rate(count: 5, per: 1000), downstream: downstream)
            ),
            (
                "f0",
                DeliveryRules(retry: retry, keys: .limited("k", concurrency: 1), downstream: downstream)
            ),
            ("f1", DeliveryRules(retry: retry, breaker: breaker)),
            (
                "f2",
                DeliveryRules(
                    retry: retry, batch: BatchLimits(count: 3), keys: .ordered("k", parks: true), breaker: breaker)
            ),
        ]
        return rules.enumerated().map { Entry(id: SubscriptionID(Int64($0 + 1)), function: $1.0, rules: $1.1) }
    }
}
