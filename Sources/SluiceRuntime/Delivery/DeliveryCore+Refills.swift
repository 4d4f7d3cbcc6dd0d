package import Journal

/// Works that lie only in the log: of keys that are held back, or for which there was no room in memory.
extension DeliveryCore {
    // MARK: Asking

    /// A free key has nothing in memory and something in the log.
    mutating func getHungry(_ key: String, at position: Int) {
        guard let line = subscriptions[position].lines[key], let from = line.spilledFrom else { return }
        if hasNothingLeft(line, at: position) { return stopBeingHungry(key, at: position) }
        // Nobody is on the way that was begun.
        if subscriptions[position].hungry.isEmpty, !subscriptions[position].sweep.isAsked {
            subscriptions[position].sweep.end = 0
        }
        let sweep = subscriptions[position].sweep
        // What is left to the log while a reading of that is under way may be over when its answer comes.
        let isMet = from > sweep.at && (!sweep.isAsked || line.asked < sweep.asked || from > sweep.end)
        if line.rides != sweep.number, isMet {
            _ = subscriptions[position].lines.update(key) { $0.rides = sweep.number }
        }
        subscriptions[position].hungry.insert(key)
    }

    /// Whether what the line has left to the log has come, or is over.
    func hasNothingLeft(_ line: KeyLine, at position: Int) -> Bool {
        guard let from = line.spilledFrom, from <= line.spilledTo else { return true }
        return line.rides == subscriptions[position].sweep.number
            && subscriptions[position].sweep.at >= line.spilledTo
    }

    /// Nothing of the key is left in the log.
    mutating func stopBeingHungry(_ key: String, at position: Int) {
        subscriptions[position].hungry.remove(key)
        let isIdle = subscriptions[position].lines.update(key) { line in
            line.leftNothing()
            return line.isIdle
        }
        // What came back and stood behind what was left to the log is the next one now.
        if isIdle == true { subscriptions[position].lines.remove(key) } else { promote(key, at: position) }
    }

    /// The sweep has gone by something of the key.
    mutating func getOff(_ key: String, at position: Int) {
        _ = subscriptions[position].lines.update(key) { $0.rides = 0 }
        if subscriptions[position].hungry.contains(key) { getHungry(key, at: position) }
    }

    /// What is to be read now for keys.
    mutating func keyRefill(at position: Int) -> KeyRefill? {
        // What an earlier policy left behind comes first: a key's refill would read the same records.
        if subscriptions[position].hasLeftovers { return leftoverToRead(at: position) }
        guard !subscriptions[position].hungry.isEmpty, !subscriptions[position].sweep.isAsked,
            !subscriptions[position].isHeld, let policy = subscriptions[position].rules.keys,
            subscriptions[position].ready.count < window.refill,
            subscriptions[position].ready.bytes < window.refillBytes
        else { return nil }
        if subscriptions[position].sweep.at >= subscriptions[position].sweep.end { beginWay(at: position) }
        subscriptions[position].sweep.asked += 1
        subscriptions[position].sweep.isAsked = true
        let room = window.lines + window.refill - subscriptions[position].lines.sum.held
        return KeyRefill(
            path: policy.path, after: subscriptions[position].sweep.at, through: subscriptions[position].sweep.end,
            limit: min(max(1, window.refill), max(room, subscriptions[position].sweep.reach)),
            number: subscriptions[position].sweep.asked)
    }

    /// The sweep goes back to the oldest place that a hungry key waits for, or forward where all are far ahead.
    private mutating func beginWay(at position: Int) {
        let (keys, sweep) = (subscriptions[position].hungry, subscriptions[position].sweep)
        var (first, last) = (Position.max, Position(0))
        for key in keys {
            guard let line = subscriptions[position].lines[key], let from = line.spilledFrom else { continue }
            // Of what rides nothing lies between its place and the sweep's.
            first = min(first, line.rides == sweep.number ? max(from, sweep.at &+ 1) : from)
            last = max(last, line.spilledTo)
        }
        if first - 1 > sweep.at, first - 1 - sweep.at > window.refill {
            subscriptions[position].sweep.number += 1
            subscriptions[position].sweep.at = first - 1
        } else {
            subscriptions[position].sweep.at = min(sweep.at, first - 1)
        }
        subscriptions[position].sweep.end = last
        let (number, at) = (subscriptions[position].sweep.number, subscriptions[position].sweep.at)
        for key in keys {
            _ = subscriptions[position].lines.update(key) { line in
                if let from = line.spilledFrom, from > at { line.rides = number }
            }
        }
    }

    // MARK: Answers

    /// The answer to `.refillKeys`: all records that wait in `(after, end]`, in order.
    package mutating func refilledKeys(
        _ id: SubscriptionID, _ refill: KeyRefill, with records: [KeyedRecord], end: Position, now: Instant,
        traits: (CommittedRecord, DeliveryRules) -> DeliveryTraits
    ) {
        guard let position = index[id] else { return }
        if refill.leftover != nil {
            return readLeftover(refill, with: records, end: end, at: position, now: now, traits: traits)
        }
        // Another deployment has come, or what it has found is settled by now.
        guard subscriptions[position].sweep.isAsked, refill.number == subscriptions[position].sweep.asked,
            let policy = rules(at: position).keys
        else { return }
        subscriptions[position].sweep.isAsked = false
        let number = subscriptions[position].sweep.number
        var met: [String] = []
        var hasBrought = false
        for item in records {
            let place = item.record.position
            guard let key = item.key, let line = subscriptions[position].lines[key], let from = line.spilledFrom,
                from <= place, let delivery = item.record.deliveries.first(where: { $0.subscription == id }),
                subscriptions[position].known[delivery.ordinal] == nil
            else { continue }
            let isRiding = line.rides == number
            guard isRiding || from > refill.after, line.asked < refill.number, takes(line, key, policy, at: position)
            else {
                guard isRiding else { continue }
                _ = subscriptions[position].lines.update(key) { line in
                    line.spilledFrom = place
                    line.rides = 0
                }
                met.append(key)
                continue
            }
            var traits = traits(item.record, rules(at: position))
            traits.expires = expiry(traits.expires, ofKey: key, at: place, in: position, now: now)
            let work = Work(item.record, delivery, traits, now: now)
            _ = subscriptions[position].lines.update(key) { line in
                line.insert(work)
                guard place < line.spilledTo else { return line.leftNothing() }
                line.spilledFrom = place + 1
                line.spilled = max(0, line.spilled - 1)
                line.rides = number
            }
            met.append(key)
            hasBrought = true
        }
        finishStep(end, hasBrought: hasBrought, met: met, at: position)
        forgetFreed(after: records.count, at: position)
        forgetKnown(at: position)
    }

    /// Whether a line takes what the sweep has met. A free key that has nothing gets on, however full the others are.
    private func takes(_ line: KeyLine, _ key: String, _ policy: KeyPolicy, at position: Int) -> Bool {
        // What is in `ready` may be what was met.
        guard line.arrived == 0, !line.isHeldBack(policy) else { return false }
        // Asked as `promote` asks that made it hungry: otherwise the two would call each other again and again.
        let isJoining = subscriptions[position].assemblingKeys.contains(key)
        if line.next == nil, line.promoted == 0, line.isFree(policy, isJoining: isJoining) { return true }
        let sum = subscriptions[position].lines.sum
        // More than arriving works may take: where these have filled the lines, free keys would come one by one.
        return line.waiting.count < window.line && sum.held < window.lines + window.refill
            && sum.heldBytes < window.lineBytes + window.refillBytes
    }

    private mutating func finishStep(_ end: Position, hasBrought: Bool, met: [String], at position: Int) {
        subscriptions[position].sweep.at = end
        let reach = subscriptions[position].sweep.reach
        subscriptions[position].sweep.reach =
            hasBrought ? KeySweep.leastReach : min(reach * 4, max(window.refill, KeySweep.leastReach))
        var promoted: Set<String> = []
        for key in met where promoted.insert(key).inserted {
            subscriptions[position].hungry.remove(key)
            // A long way through the log brings new ones again and again: in front they would keep the others waiting.
            promote(key, at: position, comesLast: true)
        }
        guard end >= subscriptions[position].sweep.end || !isAnybodyOnTheWay(at: position) else { return }
        subscriptions[position].sweep.end = min(end, subscriptions[position].sweep.end)
        // Those that are left have nothing more, or are held back again, or wait for the next way.
        for key in subscriptions[position].hungry {
            subscriptions[position].hungry.remove(key)
            promote(key, at: position)
        }
    }

    /// Whether the rest of this way may bring something of a key that waits: those that were late are not on it,
    /// however far it goes. Looks for another such key only where the one found before is served.
    private mutating func isAnybodyOnTheWay(at position: Int) -> Bool {
        let (number, end) = (subscriptions[position].sweep.number, subscriptions[position].sweep.end)
        func isOn(_ key: String) -> Bool {
            guard let line = subscriptions[position].lines[key], let from = line.spilledFrom else { return false }
            return line.rides == number && from <= end
        }
        if let rider = subscriptions[position].sweep.rider, subscriptions[position].hungry.contains(rider), isOn(rider)
        {
            return true
        }
        let rider = subscriptions[position].hungry.first(where: isOn)
        subscriptions[position].sweep.rider = rider
        return rider != nil
    }

    /// A refill could not be read: asked again at the next pump.
    package mutating func refillKeysFailed(_ id: SubscriptionID, _ refill: KeyRefill) {
        guard let position = index[id] else { return }
        if refill.leftover != nil {
            if let asked = asked(refill, at: position) { subscriptions[position].leftovers[asked].isAsked = false }
        } else if refill.number == subscriptions[position].sweep.asked {
            subscriptions[position].sweep.isAsked = false
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
        for attempt in settling.values where attempt.subscription == id {
            note(attempt.works.filter { !attempt.back.contains($0.delivery.ordinal) })
        }
        note(subscriptions[position].assembling)
        if subscriptions[position].lines[key]?.promoted ?? 0 > 0 {
            note(subscriptions[position].ready.all.filter(\.isPromoted))
        }
    }

    /// Forgets what no reading can bring any more: it lies before whatever is still to be read.
    mutating func forgetKnown(at position: Int) {
        let count = subscriptions[position].known.count
        guard count > 0, count >= 1024 || !subscriptions[position].hasLeftovers else { return }
        let first = subscriptions[position].leftovers.map(\.at).min() ?? .max
        for (ordinal, work) in subscriptions[position].known where work.position <= first {
            if let key = work.key, let from = subscriptions[position].lines[key]?.spilledFrom, from <= work.position {
                continue
            }
            subscriptions[position].known[ordinal] = nil
        }
    }
}
