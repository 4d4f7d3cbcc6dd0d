import Journal

/// What lay only in the log when a deployment brought other keys: it is read once, and lined up by the policy in force.
extension DeliveryCore {
    /// As much as there is room for in memory, of the policy first that has left something furthest back.
    mutating func leftoverToRead(at position: Int) -> KeyRefill? {
        let room = window.refill - subscriptions[position].ready.count
        guard room > 0, subscriptions[position].ready.bytes < window.refillBytes,
            !subscriptions[position].leftovers.contains(where: \.isAsked),
            let first = subscriptions[position].leftovers.indices.min(by: {
                subscriptions[position].leftovers[$0].at < subscriptions[position].leftovers[$1].at
            })
        else { return nil }
        subscriptions[position].leftovers[first].isAsked = true
        let leftover = subscriptions[position].leftovers[first]
        return KeyRefill(
            path: leftover.path, after: leftover.at, through: leftover.through, limit: room, leftover: leftover.number)
    }

    mutating func readLeftover(
        _ refill: KeyRefill, with records: [KeyedRecord], end: Position, at position: Int, now: Instant,
        traits: (CommittedRecord, DeliveryRules) -> DeliveryTraits
    ) {
        guard let asked = asked(refill, at: position) else { return }
        let (places, id) = (subscriptions[position].leftovers[asked].places, subscriptions[position].id)
        if end < refill.through {
            subscriptions[position].leftovers[asked].at = end
            subscriptions[position].leftovers[asked].isAsked = false
        } else {
            subscriptions[position].leftovers.remove(at: asked)
        }
        for item in records {
            guard let key = item.key, let from = places[key], from <= item.record.position,
                item.record.position <= refill.through,
                let delivery = item.record.deliveries.first(where: { $0.subscription == id }),
                subscriptions[position].known[delivery.ordinal] == nil
            else { continue }
            subscriptions[position].known[delivery.ordinal] = KnownWork(position: item.record.position)
            arrive(Work(item.record, delivery, traits(item.record, rules(at: position)), now: now), at: position)
        }
        forgetFreed(after: records.count, at: position)
        forgetKnown(at: position)
    }

    func asked(_ refill: KeyRefill, at position: Int) -> Int? {
        subscriptions[position].leftovers.firstIndex { leftover in
            leftover.isAsked && leftover.number == refill.leftover && leftover.at == refill.after
        }
    }
}
