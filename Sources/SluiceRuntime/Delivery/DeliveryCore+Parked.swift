package import Journal

/// What stands behind the dead letters of its keys.
extension DeliveryCore {
    /// Keys that a dead letter holds back, and how many works they hold, as far as the log has been read.
    package func parked(of id: SubscriptionID) -> (keys: Int, works: Int) {
        guard let position = index[id] else { return (0, 0) }
        var result = (keys: 0, works: 0)
        for line in subscriptions[position].lines.values where line.parked > 0 {
            result.keys += 1
            result.works += line.waiting.count + line.spilled
        }
        return result
    }

    /// How many works a dead letter of the key holds back.
    package func parked(of id: SubscriptionID, behind key: String) -> Int {
        guard let position = index[id], let line = subscriptions[position].lines[key], line.parked > 0 else { return 0 }
        return line.waiting.count + line.spilled
    }

    /// Forgets what parked keys hold back: it is settled. The keys stay parked.
    package mutating func dropParked(of id: SubscriptionID) {
        guard let position = index[id] else { return }
        // A reading that is under way would bring what is no longer there.
        subscriptions[position].generation += 1
        for key in Array(subscriptions[position].lines.keys) {
            subscriptions[position].lines[key]!.isRefilling = false
            guard subscriptions[position].lines[key]!.parked > 0 else {
                promote(key, at: position)
                continue
            }
            subscriptions[position].lines[key]!.waiting = []
            subscriptions[position].lines[key]!.spilledFrom = nil
            subscriptions[position].lines[key]!.spilled = 0
        }
    }
}
