package import Journal

/// Works that lie only in the log: of keys that are held back, and of the keys of earlier policies.
extension DeliveryCore {
    // MARK: Reading back

    /// The refills that keys need whose works lie only in the log.
    mutating func keyRefills(at position: Int) -> [KeyRefill] {
        // What an earlier policy left behind comes first: a key's refill would read the same records.
        if subscriptions[position].hasLeftovers { return leftoversToRead(at: position) }
        guard let policy = subscriptions[position].rules.keys else { return [] }
        var refills: [KeyRefill] = []
        for key in subscriptions[position].hungry.sorted() {
            guard let line = subscriptions[position].lines[key], !line.isRefilling, let from = line.spilledFrom else {
                continue
            }
            subscriptions[position].lines[key]!.isRefilling = true
            refills.append(
                KeyRefill(
                    key: key, path: policy.path, after: from - 1, through: subscriptions[position].loaded,
                    limit: max(1, window.line), generation: subscriptions[position].generation))
        }
        subscriptions[position].hungry = []
        return refills
    }

    /// As many as there is room for in memory, those first that lie furthest back.
    private mutating func leftoversToRead(at position: Int) -> [KeyRefill] {
        var room = window.refill - subscriptions[position].ready.count
        guard room > 0, subscriptions[position].ready.bytes < window.refillBytes else { return [] }
        var leftovers = subscriptions[position].leftovers
        for leftover in leftovers where leftover.isAsked { room -= leftover.refill.limit }
        guard room > 0 else { return [] }
        leftovers.sort { ($0.refill.after, $0.refill.key) < ($1.refill.after, $1.refill.key) }
        var refills: [KeyRefill] = []
        for index in leftovers.indices where room > 0 && !leftovers[index].isAsked {
            leftovers[index].isAsked = true
            refills.append(leftovers[index].refill)
            room -= leftovers[index].refill.limit
        }
        subscriptions[position].leftovers = leftovers
        return refills
    }

    /// The answer to `.refillKey`: records of the key in order, from `(after, end]`.
    package mutating func refilledKey(
        _ id: SubscriptionID, _ refill: KeyRefill, with records: [CommittedRecord], end: Position, now: Instant,
        traits: (CommittedRecord, DeliveryRules) -> DeliveryTraits
    ) {
        guard let position = index[id] else { return }
        let isCurrent = !refill.isLeftover
        if isCurrent {
            // Asked by a policy before the one in force, for which the same key may be read again by now.
            guard refill.generation == subscriptions[position].generation else { return }
        } else {
            guard let asked = asked(refill, at: position) else { return }
            if end < refill.through {
                subscriptions[position].leftovers[asked].refill.after = end
                subscriptions[position].leftovers[asked].isAsked = false
            } else {
                subscriptions[position].leftovers.remove(at: asked)
            }
        }
        // A refill of a policy that is no longer in force, whose range is asked for as a leftover, or of a line that
        // has got older works since.
        if isCurrent,
            subscriptions[position].lines[refill.key]?.spilledFrom != refill.after + 1
                || subscriptions[position].lines[refill.key]?.isRefilling != true
                || subscriptions[position].rules.keys?.path != refill.path
        {
            guard subscriptions[position].lines[refill.key]?.isRefilling == true else { return }
            subscriptions[position].lines[refill.key]!.isRefilling = false
            return promote(refill.key, at: position)
        }
        for record in records {
            guard let delivery = record.deliveries.first(where: { $0.subscription == id }) else { continue }
            var traits = traits(record, rules(at: position))
            if isCurrent {
                traits.expires = expiry(
                    traits.expires, ofKey: refill.key, at: record.position, in: position, now: now)
            }
            let work = Work(record, delivery, traits, now: now)
            if isCurrent {
                guard subscriptions[position].known[delivery.ordinal] == nil else { continue }
                subscriptions[position].lines[refill.key, default: KeyLine()].insert(work)
            } else if subscriptions[position].known[delivery.ordinal] == nil {
                subscriptions[position].known[delivery.ordinal] = KnownWork(position: record.position)
                arrive(work, at: position)
            }
        }
        if isCurrent {
            var line = subscriptions[position].lines[refill.key] ?? KeyLine()
            line.isRefilling = false
            line.spilled = max(0, line.spilled - records.count)
            if end >= subscriptions[position].loaded {
                line.spilledFrom = nil
                line.spilled = 0
            } else {
                line.spilledFrom = end + 1
            }
            subscriptions[position].lines[refill.key] = line
            forgetFreed(at: position)
            forgetKnown(at: position)
            promote(refill.key, at: position)
        } else {
            forgetFreed(at: position)
            forgetKnown(at: position)
        }
    }

    private func asked(_ refill: KeyRefill, at position: Int) -> Int? {
        subscriptions[position].leftovers.firstIndex { $0.isAsked && $0.refill == refill }
    }

    /// A key's refill could not be read: asked again at the next pump.
    package mutating func refillKeyFailed(_ id: SubscriptionID, _ refill: KeyRefill) {
        guard let position = index[id] else { return }
        if refill.isLeftover {
            guard let asked = asked(refill, at: position) else { return }
            subscriptions[position].leftovers[asked].isAsked = false
        } else if refill.generation == subscriptions[position].generation {
            subscriptions[position].lines[refill.key]?.isRefilling = false
            subscriptions[position].hungry.insert(refill.key)
        }
    }

    // MARK: What is not to be brought again

    /// Notes what of a key is under way behind the place from which the others are left to the log.
    mutating func know(_ key: String, behind from: Position, at position: Int) {
        let id = subscriptions[position].id
        func note(_ works: [Work]) {
            for work in works where work.key == key && work.source == .log && work.delivery.position > from {
                subscriptions[position].known[work.delivery.ordinal] = KnownWork(
                    position: work.delivery.position, key: key)
            }
        }
        for attempt in running.values where attempt.subscription == id { note(attempt.works) }
        for attempt in settling.values where attempt.subscription == id { note(attempt.works) }
        note(subscriptions[position].assembling)
        if subscriptions[position].lines[key]?.promoted ?? 0 > 0 {
            note(subscriptions[position].ready.all.filter(\.isPromoted))
        }
    }

    /// Forgets what no reading can bring any more: it lies before whatever is still to be read.
    private mutating func forgetKnown(at position: Int) {
        let count = subscriptions[position].known.count
        guard count > 0, count >= 1024 || !subscriptions[position].hasLeftovers else { return }
        let first = subscriptions[position].leftovers.map(\.refill.after).min() ?? .max
        for (ordinal, work) in subscriptions[position].known where work.position <= first {
            if let key = work.key, let from = subscriptions[position].lines[key]?.spilledFrom, from <= work.position {
                continue
            }
            subscriptions[position].known[ordinal] = nil
        }
    }
}

/// A work that is in memory, or over. `key`: whose line has left older ones to the log while it was under way; nil: it
/// came as a leftover of an earlier key policy.
struct KnownWork: Sendable {
    var position: Position
    var key: String?
}
