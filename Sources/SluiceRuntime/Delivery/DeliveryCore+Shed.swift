package import Journal

/// Works that wait to be tried again and whose events are not in memory: a backlog of a million retries is then a million
/// small entries, and each is read back from the pending set when it is due.
///
/// Only where deliveries go by no key: the order of a key needs nothing but the key, and that is in the event. Where a
/// deployment brings keys, what was shed before joins them when it is read back.
extension DeliveryCore {
    /// Keeps a work until it is due; without its event where there are enough with one.
    mutating func retain(_ work: Work, due: Instant, at position: Int, keepingEvent: Bool = false) {
        var work = work
        if subscriptions[position].retrying.count >= window.retries, subscriptions[position].rules.keys == nil,
            case .pending = work.source,
            // A lane has works of several subscriptions, and ordinals are theirs.
            !keepingEvent, work.note?.lane == nil
        {
            work.shed()
        }
        subscriptions[position].retrying.insert(work, due: due)
    }

    /// How many due retries there is room for: beyond it they stay where they are, whatever the time. What goes by key
    /// stands in its key's line, and is no burden of the queue.
    func roomForRetries(_ position: Int) -> Int {
        guard subscriptions[position].rules.keys == nil else { return .max }
        return max(1, window.retries) - subscriptions[position].ready.retries - subscriptions[position].reading.count
    }

    /// Takes what is due: what has its event goes to the front of the queue, for it is older than anything from the log;
    /// what has none is to be read.
    mutating func promoteDue(at position: Int, now: Instant) -> [Delivery] {
        guard let due = subscriptions[position].retrying.firstDue, due <= now, !subscriptions[position].isHeld else {
            return []
        }
        var works: [Work] = []
        var wanted: [Delivery] = []
        let room = roomForRetries(position)
        while works.count + wanted.count < room, let work = subscriptions[position].retrying.popFirst(dueBy: now) {
            if work.isShed {
                subscriptions[position].reading[work.delivery.ordinal] = work
                wanted.append(work.delivery)
            } else {
                works.append(work)
            }
        }
        putBack(works, at: position)
        return wanted
    }

    /// The answer to `.reload`: the works as the pending set has them. One that is not there yet, or as the attempt before had
    /// left it (its entry is on its way into the journal), is asked for again a little later.
    package mutating func reloaded(_ id: SubscriptionID, asked: [Delivery], found: [Work], now: Instant) {
        guard let position = index[id] else { return }
        let loaded = Dictionary(found.map { ($0.delivery.ordinal, $0) }, uniquingKeysWith: { first, _ in first })
        var works: [Work] = []
        for delivery in asked {
            guard let shed = subscriptions[position].reading.removeValue(forKey: delivery.ordinal) else { continue }
            guard var work = loaded[delivery.ordinal], work.delivery == delivery,
                work.history.count >= shed.shedAttempts
            else {
                subscriptions[position].retrying.insert(shed, due: Self.later(now, 1000))
                continue
            }
            // What pauses have added to its age is known here alone.
            work.expires = shed.expires
            work.arrived = shed.arrived
            works.append(work)
        }
        putBack(works, at: position)
    }
}

extension Work {
    /// Leaves what the pending set has.
    mutating func shed() {
        isShed = true
        shedAttempts = history.count
        payload = []
        lineage = []
        history = []
    }
}
