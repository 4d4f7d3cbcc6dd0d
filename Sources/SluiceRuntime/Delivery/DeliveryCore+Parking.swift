package import Journal

/// Keys that dead letters hold back.
extension DeliveryCore {
    /// Whether it waits for `setParked`.
    package func isUntold(_ id: SubscriptionID) -> Bool { index[id].map { subscriptions[$0].untold != nil } ?? false }

    /// How many dead letters hold back which keys, all of them: from what the journal has while nothing of the
    /// subscription runs. What was counted before does not count.
    package mutating func setParked(_ id: SubscriptionID, _ counts: [String: Int]) {
        guard let position = index[id], subscriptions[position].rules.keys?.parks == true else { return }
        let freed = subscriptions[position].untold ?? [:]
        subscriptions[position].untold = nil
        for key in subscriptions[position].lines.keys {
            _ = subscriptions[position].lines.update(key) { $0.parked = 0 }
        }
        for (key, count) in counts where count > 0 {
            subscriptions[position].lines[key, default: KeyLine()].parked = count
            subscriptions[position].hungry.remove(key)
        }
        for (key, instant) in freed.sorted(by: { $0.key < $1.key }) where counts[key] == nil {
            renew(key, at: position, now: instant)
        }
        for key in subscriptions[position].lines.keys.sorted() { promote(key, at: position) }
    }

    /// Which keys dead letters hold back cannot be told: nothing starts until it is (`setParked`).
    package mutating func setUntold(_ id: SubscriptionID) {
        guard let position = index[id], subscriptions[position].rules.keys?.parks == true else { return }
        if subscriptions[position].untold == nil { subscriptions[position].untold = [:] }
    }

    /// A dead letter holds its key back.
    package mutating func park(_ id: SubscriptionID, key: String) {
        guard let position = index[id], subscriptions[position].rules.keys?.parks == true else { return }
        subscriptions[position].lines[key, default: KeyLine()].parked += 1
        subscriptions[position].hungry.remove(key)
    }

    /// A dead letter of the key was redriven or purged.
    package mutating func unpark(_ id: SubscriptionID, key: String, now: Instant) {
        guard let position = index[id] else { return }
        guard subscriptions[position].untold == nil else {
            // Who counts the dead letters does not find it any more.
            subscriptions[position].untold?[key] = now
            return
        }
        guard let parked = subscriptions[position].lines[key]?.parked, parked > 0 else { return }
        subscriptions[position].lines[key, default: KeyLine()].parked = parked - 1
        if parked == 1 { renew(key, at: position, now: now) }
        promote(key, at: position)
    }
}
