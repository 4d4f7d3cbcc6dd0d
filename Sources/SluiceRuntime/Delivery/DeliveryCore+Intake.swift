package import Journal

extension DeliveryCore {
    /// A record was committed. In memory while there is room; otherwise it is only noted, and read back later.
    package mutating func accept(_ record: CommittedRecord, expires: (DeliveryPolicy) -> Instant) {
        for delivery in record.deliveries {
            guard var state = subscriptions[delivery.subscription] else { continue }
            let follows = !state.isBehind
            state.newest = max(state.newest, record.position)
            if follows, !state.refilling, state.ready.count < Self.windowSize, record.position > state.loaded {
                state.ready.append(
                    Work(
                        delivery: delivery, source: .log, eventID: record.eventID, ingested: record.ingested,
                        expires: expires(state.policy), payload: record.payload, lineage: record.lineage,
                        alone: Lineage.isUndecided(delivery.subscription, in: record.lineage)))
                state.loaded = record.position
            }
            subscriptions[delivery.subscription] = state
        }
    }

    /// The answer to `.refill`: what waits after the position asked, in order. Fewer than `limit` records mean that
    /// the log was read to its end at that moment.
    package mutating func refilled(
        _ id: SubscriptionID, with records: [CommittedRecord], limit: Int,
        expires: (CommittedRecord, DeliveryPolicy) -> Instant
    ) {
        guard var state = subscriptions[id] else { return }
        state.refilling = false
        for record in records where record.position > state.loaded {
            guard let delivery = record.deliveries.first(where: { $0.subscription == id }) else { continue }
            state.ready.append(
                Work(
                    delivery: delivery, source: .log, eventID: record.eventID, ingested: record.ingested,
                    expires: expires(record, state.policy), payload: record.payload, lineage: record.lineage,
                    alone: Lineage.isUndecided(delivery.subscription, in: record.lineage)))
            state.loaded = record.position
        }
        // Nothing was there although something was noted: it has been settled meanwhile. What was noted after the read
        // was asked for may not have been in it, and is asked for again.
        if records.isEmpty, state.newest == state.asked { state.newest = state.loaded }
        subscriptions[id] = state
    }

    /// A refill could not be read: asked again at the next pump.
    package mutating func refillFailed(_ id: SubscriptionID) {
        subscriptions[id]?.refilling = false
    }

    /// An entry of the pending set, at the start or from a redrive.
    package mutating func load(_ work: Work, due: Instant) {
        subscriptions[work.delivery.subscription]?.retrying.insert(work, due: due)
    }

    /// A direct invocation: first in its function's queue, under the same limits.
    package mutating func invoke(_ work: Work) {
        subscriptions[work.delivery.subscription]?.ready.prepend([work])
    }
}
