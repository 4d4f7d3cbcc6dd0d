package import Journal

extension DeliveryCore {
    /// A record was committed. In memory while there is room; otherwise it is only noted, and read back later.
    package mutating func accept(
        _ record: CommittedRecord, now: Instant, traits: (SubscriptionID, DeliveryRules) -> DeliveryTraits
    ) {
        accept([record], now: now) { traits($1, $2) }
    }

    /// The same for all records of some commits. Most are wanted by the same subscription as the one before: what is
    /// known of that is not asked for again.
    package mutating func accept(
        _ records: [CommittedRecord], now: Instant,
        traits: (CommittedRecord, SubscriptionID, DeliveryRules) -> DeliveryTraits
    ) {
        var (last, position, rules): (SubscriptionID?, Int, DeliveryRules) = (nil, 0, DeliveryRules())
        for record in records {
            for delivery in record.deliveries {
                if last != delivery.subscription {
                    guard let found = index[delivery.subscription] else { continue }
                    (last, position, rules) = (delivery.subscription, found, self.rules(at: found))
                }
                let follows = !subscriptions[position].isBehind
                subscriptions[position].newest = max(subscriptions[position].newest, record.position)
                subscriptions[position].hasNews = true
                guard follows, !subscriptions[position].refilling, hasRoom(at: position),
                    record.position > subscriptions[position].loaded
                else { continue }
                subscriptions[position].loaded = record.position
                arrive(
                    Work(record, delivery, traits(record, delivery.subscription, rules), now: now), at: position)
            }
        }
    }

    /// For records as they come. What an earlier key policy left behind is older, and is read when there is room.
    private func hasRoom(at position: Int) -> Bool {
        let isFilling = subscriptions[position].hasLeftovers
        return subscriptions[position].ready.count < (isFilling ? window.refill : window.records)
            && subscriptions[position].ready.bytes < (isFilling ? window.refillBytes : window.bytes)
    }

    /// Records were committed that are in nobody's memory: these are the newest that the subscriptions want.
    package mutating func note(_ newest: [SubscriptionID: Position]) {
        for (id, position) in newest {
            guard let at = index[id] else { continue }
            subscriptions[at].newest = max(subscriptions[at].newest, position)
            subscriptions[at].hasNews = true
        }
    }

    /// The answer to `.refill`: what waits after the position asked, in order. Fewer than `limit` records mean that
    /// the log was read to its end at that moment.
    package mutating func refilled(
        _ id: SubscriptionID, with records: [CommittedRecord], limit: Int, now: Instant,
        traits: (CommittedRecord, DeliveryRules) -> DeliveryTraits
    ) {
        guard let position = index[id] else { return }
        subscriptions[position].refilling = false
        for record in records where record.position > subscriptions[position].loaded {
            guard let delivery = record.deliveries.first(where: { $0.subscription == id }) else { continue }
            subscriptions[position].loaded = record.position
            arrive(Work(record, delivery, traits(record, rules(at: position)), now: now), at: position)
        }
        // Nothing was there although something was noted: it has been settled meanwhile. What came after the read was
        // asked for may not have been in it, and is asked for again.
        if records.isEmpty, !subscriptions[position].hasNews {
            subscriptions[position].newest = subscriptions[position].loaded
        }
        forgetFreed(after: records.count, at: position)
    }

    /// A refill could not be read: asked again at the next pump.
    package mutating func refillFailed(_ id: SubscriptionID) {
        if let position = index[id] { subscriptions[position].refilling = false }
    }

    /// An entry of the pending set, at the start or from a redrive.
    /// - Parameter keepingEvent: the caller sees to it that there are not too many in memory.
    package mutating func load(_ work: Work, due: Instant, keepingEvent: Bool = false) {
        guard let position = index[work.note?.lane ?? work.delivery.subscription] else { return }
        if let key = work.key, subscriptions[position].rules.keys != nil {
            subscriptions[position].lines[key, default: KeyLine()].putAhead(work.delivery.ordinal)
        }
        retain(work, due: due, at: position, keepingEvent: keepingEvent)
    }

    /// A direct invocation: first in its function's queue, under the same limits.
    package mutating func invoke(_ work: Work) {
        guard let position = index[work.delivery.subscription] else { return }
        subscriptions[position].ready.prepend(work)
    }
}

extension Work {
    /// A record as it comes from the log.
    init(_ record: CommittedRecord, _ delivery: Delivery, _ traits: DeliveryTraits, now: Instant) {
        self.init(
            record, delivery: delivery, expires: traits.expires,
            alone: traits.alone || Lineage.isUndecided(delivery.subscription, in: record.lineage), key: traits.key,
            bytes: traits.bytes, arrived: now)
    }
}
