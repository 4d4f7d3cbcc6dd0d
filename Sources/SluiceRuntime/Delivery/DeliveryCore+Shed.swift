package import Journal

/// Works that wait to be tried again and whose events are not in memory: a backlog of a million retries is then a
/// million small entries, and each is read back from the pending set when it is due.
///
/// Where deliveries go by key, it stays: the order of a key needs nothing else of an event. Where a deployment brings
/// keys, or others, what was shed before joins them when it is read back.
extension DeliveryCore {
    /// Keeps a work until it is due; without its event where there are enough with one.
    mutating func retain(_ work: Work, due: Instant, at position: Int, keepingEvent: Bool = false) {
        var work = work
        let (count, bytes) = (subscriptions[position].retrying.count, subscriptions[position].retrying.bytes)
        if count >= window.retries || bytes + work.payload.count > window.retryBytes,
            case .pending = work.source,
            // A lane has works of several subscriptions, and ordinals are theirs.
            !keepingEvent, work.note?.lane == nil
        {
            work.shed()
        }
        subscriptions[position].retrying.insert(work, due: due)
    }

    /// How many due retries there is room for: beyond it they stay where they are, whatever the time. What stands in
    /// its key's line is no burden of the queue.
    func roomForRetries(_ position: Int) -> Int {
        // Each delivery that takes this room has an answer to come, which brings it back.
        guard bytesOfDueRetries(position) < max(1, window.retryBytes) else { return 0 }
        return max(1, window.retries) - subscriptions[position].ready.retries - subscriptions[position].reading.count
    }

    private func bytesOfDueRetries(_ position: Int) -> Int {
        subscriptions[position].ready.retryBytes + subscriptions[position].readingBytes
    }

    /// Takes what is due: what has its event goes to the front of the queue, for it is older than anything from the
    /// log; what has none is to be read.
    mutating func promoteDue(at position: Int, now: Instant) -> [Delivery] {
        guard let due = subscriptions[position].retrying.firstDue, due <= now, !subscriptions[position].isHeld else {
            return []
        }
        var wanted: [Delivery] = []
        var early: [Work] = []
        var isDone = false
        // Again while there is room: works with keys may have gone into their lines.
        while !isDone {
            var works: [Work] = []
            let room = roomForRetries(position)
            var bytes = bytesOfDueRetries(position)
            var taken = 0
            isDone = true
            while taken < room, bytes < window.retryBytes || taken == 0,
                let work = subscriptions[position].retrying.popFirst(dueBy: now)
            {
                if work.isShed, standsBehind(work, at: position) {
                    early.append(work)
                    continue
                }
                taken += 1
                if work.isShed {
                    subscriptions[position].reading[work.delivery.ordinal] = work
                    subscriptions[position].readingBytes += work.shedBytes
                    bytes += work.shedBytes
                    wanted.append(work.delivery)
                } else {
                    bytes += work.payload.count
                    works.append(work)
                    isDone = subscriptions[position].rules.keys == nil
                }
            }
            putBack(works, at: position)
        }
        // Read now they would fill the memory while they wait for older ones of their keys.
        for work in early { subscriptions[position].retrying.insert(work, due: Self.later(now, 1000)) }
        return wanted
    }

    /// An older one of its key is to run before it.
    private func standsBehind(_ work: Work, at position: Int) -> Bool {
        guard let key = work.key, subscriptions[position].rules.keys?.isOrdered == true,
            let first = subscriptions[position].lines[key]?.ahead.first
        else { return false }
        return first < work.delivery.ordinal
    }

    /// The answer to `.reload`: the works as the pending set has them. One that is not there yet, or as the attempt
    /// before had left it (its entry is on its way into the journal), is asked for again a little later.
    package mutating func reloaded(_ id: SubscriptionID, asked: [Delivery], found: [Work], now: Instant) {
        guard let position = index[id] else { return }
        let loaded = Dictionary(found.map { ($0.delivery.ordinal, $0) }, uniquingKeysWith: { first, _ in first })
        var works: [Work] = []
        for delivery in asked {
            guard let shed = subscriptions[position].reading.removeValue(forKey: delivery.ordinal) else { continue }
            subscriptions[position].readingBytes -= shed.shedBytes
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
