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
        let sum = subscriptions[position].lines.sum
        return (sum.parkedKeys, sum.parkedWorks)
    }

    /// How many works a dead letter of the key holds back.
    package func parked(of id: SubscriptionID, behind key: String) -> Int {
        guard let position = index[id], let line = subscriptions[position].lines[key], line.parked > 0 else { return 0 }
        return line.waiting.count + line.spilled
    }

    /// Forgets some of what parked keys hold back: it is settled.
    package mutating func forgetParked(of id: SubscriptionID, _ settled: [ParkedDelivery]) {
        guard let position = index[id], !settled.isEmpty else { return }
        // A reading that is under way would bring what is no longer there.
        subscriptions[position].sweep.drop()
        for (key, gone) in Dictionary(grouping: settled, by: \.key) {
            guard let key else { continue }
            let ordinals = Set(gone.map(\.delivery.ordinal))
            _ = subscriptions[position].lines.update(key) { line in
                line.removeAll { ordinals.contains($0.delivery.ordinal) }
                guard let from = line.spilledFrom else { return }
                line.spilled = max(0, line.spilled - gone.count { $0.delivery.position >= from })
            }
        }
    }

    /// Forgets what parked keys hold back: it is settled. The keys stay parked.
    package mutating func dropParked(of id: SubscriptionID) {
        guard let position = index[id] else { return }
        // A reading that is under way would bring what is no longer there.
        subscriptions[position].sweep.drop()
        for (key, line) in subscriptions[position].lines.all where line.parked > 0 {
            _ = subscriptions[position].lines.update(key) { line in
                line.removeAll { _ in true }
                line.leftNothing()
            }
        }
    }
}
