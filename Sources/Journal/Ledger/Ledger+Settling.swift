/// Where deliveries go from the log, and back: each change takes from one place what it gives to another.
extension Ledger {
    // MARK: Settlements

    /// All of a batch: who holds the ledger in a class pays for each call.
    mutating func settle(_ settlements: [Settlement]) throws(JournalError) {
        for settlement in settlements { try settle(settlement) }
    }

    private mutating func settle(_ settlement: Settlement) throws(JournalError) {
        let delivery = settlement.delivery
        let position = try settledPosition(of: delivery.subscription)
        guard delivery.ordinal >= 1, delivery.ordinal <= entries[position].core.matched else {
            throw JournalError(
                .constraint,
                "A settlement names ordinal \(delivery.ordinal) of subscription \(delivery.subscription.value), which "
                    + "has \(entries[position].core.matched) matched records.")
        }
        let isNew = change(position) {
            guard $0.settle(delivery) else { return false }
            $0.count(settlement.outcome)
            return true
        }
        guard isNew else {
            throw JournalError(
                .constraint,
                "Ordinal \(delivery.ordinal) of subscription \(delivery.subscription.value) (position "
                    + "\(delivery.position)) is settled already; it cannot be settled as "
                    + "\(settlement.outcome.rawValue)."
            )
        }
        if settlement.outcome == .pended || settlement.outcome == .dead { unproven.insert(position) }
    }

    /// Neighbours in a batch are mostly one subscription's, or go through the same subscriptions again and again: the
    /// look-up by id would cost more than all else that a settlement does.
    private mutating func settledPosition(of id: SubscriptionID) throws(JournalError) -> Int {
        let last = lastSettled
        if isEntry(last, of: id) { return last }
        if last < entries.count, isEntry(entries[last].following, of: id) {
            lastSettled = entries[last].following
            return lastSettled
        }
        lastSettled = try position(of: id, for: "A settlement")
        remember(lastSettled, after: last)
        return lastSettled
    }

    // MARK: Pending set and dead letters

    /// An entry of the pending set was inserted (`old` nil) or replaced.
    mutating func put(_ delivery: Delivery, from old: PendingEntry.State?, to new: PendingEntry.State)
        throws(JournalError)
    {
        let position = try position(of: delivery.subscription, for: "A pending entry")
        change(position) {
            if let old { $0.count(old, -1) }
            $0.count(new, 1)
        }
        unproven.insert(position)
    }

    /// An entry left the pending set.
    mutating func finish(
        _ delivery: Delivery, from old: PendingEntry.State?, _ outcome: Settlement.Outcome
    ) throws(JournalError) {
        let position = try position(of: delivery.subscription, for: "A finished pending entry")
        guard let old else {
            throw JournalError(
                .constraint,
                "Ordinal \(delivery.ordinal) of subscription \(delivery.subscription.value) is not in the pending set; "
                    + "it cannot finish as \(outcome.rawValue).")
        }
        guard outcome != .pended else {
            throw JournalError(.constraint, "A pending entry cannot finish as pended; put it again instead.")
        }
        change(position) {
            $0.count(old, -1)
            $0.count(outcome)
        }
        unproven.insert(position)
    }

    mutating func insertDeadLetter(_ letter: DeadLetter) throws(JournalError) -> Int64 {
        try moveDeadLetter(letter.delivery.subscription, from: nil, to: letter.state, mustBeKnown: true)
        scalars.lastDeadLetter += 1
        return scalars.lastDeadLetter
    }

    /// A dead letter changed its state. One of a subscription that has been removed is counted nowhere.
    mutating func moveDeadLetter(
        _ id: SubscriptionID, from old: DeadLetter.State?, to new: DeadLetter.State, mustBeKnown: Bool = false
    ) throws(JournalError) {
        guard let position = index[id] else {
            if mustBeKnown { _ = try position(of: id, for: "A dead letter") }
            return
        }
        change(position) {
            if let old { $0.count(old, -1) }
            $0.count(new, 1)
        }
        unproven.insert(position)
    }

    /// Called after each batch: what it took from one place must have arrived in another.
    mutating func proveConservation() throws(JournalError) {
        defer { unproven.removeAll(keepingCapacity: true) }
        for position in unproven {
            let core = entries[position].core
            guard core.imbalance == 0 else {
                throw JournalError(
                    .constraint,
                    "The batch does not conserve subscription \(core.record.id.value): "
                        + (core.imbalance > 0
                            ? "\(core.imbalance) deliveries would be lost"
                            : "\(-core.imbalance) would be counted twice")
                        + ". A settlement as pended or dead needs its pending entry or dead letter in the same batch, "
                        + "and so does the way back.")
            }
        }
    }
}
