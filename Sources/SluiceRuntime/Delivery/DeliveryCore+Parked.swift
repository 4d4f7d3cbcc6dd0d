package import Journal

/// Something that a parked key holds back.
package struct ParkedDelivery: Sendable {
    package var delivery: Delivery
    package var key: String?

    package init(delivery: Delivery, key: String?) {
        self.delivery = delivery
        self.key = key
    }
}

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

    /// Forgets some of what parked keys hold back: it is settled.
    package mutating func forgetParked(of id: SubscriptionID, _ settled: [ParkedDelivery]) {
        guard let position = index[id], !settled.isEmpty else { return }
        endReadings(at: position)
        for (key, gone) in Dictionary(grouping: settled, by: \.key) {
            guard let key, var line = subscriptions[position].lines[key] else { continue }
            let ordinals = Set(gone.map(\.delivery.ordinal))
            line.waiting.removeAll { ordinals.contains($0.delivery.ordinal) }
            if let from = line.spilledFrom {
                line.spilled = max(0, line.spilled - gone.count { $0.delivery.position >= from })
            }
            subscriptions[position].lines[key] = line
        }
    }

    /// A reading that is under way would bring what is no longer there.
    private mutating func endReadings(at position: Int) {
        subscriptions[position].generation += 1
        for key in Array(subscriptions[position].lines.keys) where subscriptions[position].lines[key]!.isRefilling {
            subscriptions[position].lines[key]!.isRefilling = false
            if subscriptions[position].lines[key]!.parked == 0 { promote(key, at: position) }
        }
    }

    /// Forgets what parked keys hold back: it is settled. The keys stay parked.
    package mutating func dropParked(of id: SubscriptionID) {
        guard let position = index[id] else { return }
        endReadings(at: position)
        for key in Array(subscriptions[position].lines.keys) {
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
