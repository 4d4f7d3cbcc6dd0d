import AppConfig
import EventModel
package import Journal
import Logging
import UVLoop

extension Dispatcher {
    /// The work of a dead letter that is sent again: the original event with `replayed-from` added, attempts afresh.
    /// Nil where its subscription is gone.
    func work(redriving letter: DeadLetter) -> Work? {
        guard deployment.subscription(letter.delivery.subscription) != nil else { return nil }
        let memo = JSONText.decode(DeliveryMemo.self, from: letter.history)
        let payload =
            (try? EventEnvelope.marked(letter.payload, replayedFrom: "dead-letter/\(letter.id)")) ?? letter.payload
        let id = letter.delivery.subscription
        return Work(
            delivery: letter.delivery, source: .pending(deadLetter: letter.id), eventID: letter.eventID,
            ingested: letter.ingested, expires: expiry(of: id), payload: payload, lineage: letter.lineage,
            parked: memo?.parked, key: key(of: payload, for: id), bytes: bytes(of: payload, for: id),
            arrived: clock.now)
    }

    func entry(redriving work: Work) -> PendingEntry {
        PendingEntry(
            delivery: work.delivery, state: .redriven, eventID: work.eventID, ingested: work.ingested, attempts: 0,
            due: clock.wall, history: JSONText.encode(DeliveryMemo(work)), payload: work.payload,
            lineage: work.lineage, deadLetter: work.deadLetter)
    }

    /// Lets redriven works run; they are in the pending set already.
    func redrive(_ works: [Work]) {
        for work in works {
            core.load(work, due: clock.now)
            // Loaded first: the key goes from its dead letter to the redriven work without a gap.
            if let key = work.key { core.unpark(work.delivery.subscription, key: key, now: clock.now) }
        }
        pump()
    }

    /// A redrive starts the clock anew: the event's age is why it may have died.
    private func expiry(of subscription: SubscriptionID) -> Instant {
        let seconds = deployment.subscription(subscription)?.retry.maximumEventAgeSeconds ?? 6 * 3600
        return clock.now + Int64(seconds) * 1000
    }

    /// Reads works of the pending set whose events are not in memory.
    func reload(_ id: SubscriptionID, _ deliveries: [Delivery]) {
        let journal = journal
        Task { @LoopActor in
            var entries: [PendingEntry] = []
            do {
                entries = try await files.run {
                    try deliveries.compactMap { delivery in
                        try journal.pending(delivery.subscription, after: delivery.ordinal - 1, limit: 1)
                            .first { $0.delivery == delivery }
                    }
                }
            } catch {
                // Each is asked for again a little later.
                log.error(
                    "cannot read the pending set", metadata: ["subscription": "\(id.value)", "error": "\(error)"])
            }
            core.reloaded(id, asked: deliveries, found: entries.map { work(pending: $0) }, now: clock.now)
            pump()
        }
    }

    /// Loads what an earlier life left in the pending set.
    package func load(_ entry: PendingEntry) {
        let settings = deployment.subscription(entry.delivery.subscription)
        let longest = max(
            (settings?.policy ?? DeliveryPolicy()).maximumInterval,
            JSONText.decode(DeliveryMemo.self, from: entry.history)?.attempts.last?.retryAfter ?? 0)
        core.load(work(pending: entry), due: clock.instant(due: entry.due, longest: longest))
    }

    private func work(pending entry: PendingEntry) -> Work {
        let settings = deployment.subscription(entry.delivery.subscription)
        let policy = settings?.policy ?? DeliveryPolicy()
        let memo = JSONText.decode(DeliveryMemo.self, from: entry.history)
        let isRedrive = entry.state == .redriven || entry.deadLetter != nil
        return Work(
            delivery: entry.delivery, source: .pending(deadLetter: entry.deadLetter), eventID: entry.eventID,
            ingested: entry.ingested,
            expires: isRedrive
                ? expiry(of: entry.delivery.subscription)
                : expiry(ingested: entry.ingested, for: entry.delivery.subscription, maximumAge: policy.maximumAge),
            payload: entry.payload, lineage: entry.lineage, history: memo?.attempts ?? [], alone: memo?.alone ?? false,
            parked: memo?.parked, key: key(of: entry.payload, for: entry.delivery.subscription),
            bytes: bytes(of: entry.payload, for: entry.delivery.subscription), arrived: clock.now)
    }
}
