import Journal

/// Deliveries by key. See `KeyLine` for where a work can be.
extension DeliveryCore {
    /// A work from the log comes into memory.
    mutating func arrive(_ work: Work, at position: Int) {
        guard let key = work.key, let policy = subscriptions[position].rules.keys else {
            return subscriptions[position].ready.append(work)
        }
        var work = work
        work.expires = expiry(
            work.expires, ofKey: key, at: work.delivery.position, in: position, now: work.arrived)
        var line = subscriptions[position].lines[key]
        if let known = line, known.spilledFrom != nil, hasNothingLeft(known, at: position) {
            stopBeingHungry(key, at: position)
            line = subscriptions[position].lines[key]
        }
        let mustWait: Bool
        if let line {
            let isBlocked =
                line.running >= policy.concurrency || (policy.isOrdered && (!line.ahead.isEmpty || line.parked > 0))
            // Behind an older one that is still in `ready` it goes there too: the line holds what is older than these.
            // What lies behind the line's place in the log comes from there, whatever is in `ready`.
            let isBehind = line.spilledFrom.map { work.delivery.position >= $0 } ?? false
            mustWait =
                isBehind
                || line.arrived == 0
                    && (!line.waiting.isEmpty || line.spilledFrom != nil || (isBlocked && line.promoted == 0))
        } else {
            mustWait = false
        }
        if mustWait {
            hold(work, at: position)
        } else {
            subscriptions[position].lines[key, default: KeyLine()].arrived += 1
            subscriptions[position].ready.append(work)
        }
    }

    /// Keeps a work in its key's line, or leaves it to the log where this line, or all of them together, are full.
    private mutating func hold(_ work: Work, at position: Int) {
        guard let key = work.key else { return }
        var work = work
        work.isPromoted = false
        guard case .log = work.source else {
            return subscriptions[position].lines[key, default: KeyLine()].insert(work)
        }
        let place = work.delivery.position
        let line = subscriptions[position].lines[key] ?? KeyLine()
        if let from = line.spilledFrom, place >= from {
            // Which half of a failed batch it is in is known here alone.
            guard work.group == 0 else {
                subscriptions[position].known[work.delivery.ordinal] = KnownWork(position: place, key: key)
                return subscriptions[position].lines[key, default: KeyLine()].insert(work)
            }
            if place <= subscriptions[position].sweep.at { getOff(key, at: position) }
        } else {
            let isYoungest = line.waiting.last.map { $0.delivery.position < place } ?? true
            let isFull = isCrowded(line, at: position) || (isYoungest && line.waiting.count >= window.line)
            guard isFull, work.group == 0, leave(key, from: place, at: position) else {
                return subscriptions[position].lines[key, default: KeyLine()].insert(work)
            }
        }
        func lengthen(_ line: inout KeyLine) {
            line.spilled += 1
            line.spilledTo = max(line.spilledTo, place)
        }
        lengthen(&subscriptions[position].lines[key, default: KeyLine()])
        subscriptions[position].known[work.delivery.ordinal] = nil
    }

    /// Whether lines together hold as much as they may. Dead letters hold their keys back until somebody looks at them:
    /// what stands behind these may take a part only, so that there is room for keys that wait for a while.
    private func isCrowded(_ line: KeyLine, at position: Int) -> Bool {
        let (sum, part) = (subscriptions[position].lines.sum, line.parked > 0 ? 4 : 1)
        return sum.held >= max(1, window.lines / part) || sum.heldBytes >= max(1, window.lineBytes / part)
    }

    /// Leaves what waits of a key to the log, from a place on.
    /// - Returns: false where half of a failed batch is among it.
    private mutating func leave(_ key: String, from place: Position, at position: Int) -> Bool {
        let line = subscriptions[position].lines[key] ?? KeyLine()
        var left: [Work] = []
        if let last = line.waiting.last, last.delivery.position >= place {
            left = line.waiting.filter { $0.source == .log && $0.delivery.position >= place }
            guard left.allSatisfy({ $0.group == 0 }) else { return false }
        }
        let asked = subscriptions[position].sweep.asked
        func shorten(_ line: inout KeyLine) {
            if !left.isEmpty { line.removeAll { $0.source == .log && $0.delivery.position >= place } }
            line.spilledFrom = min(place, line.spilledFrom ?? place)
            line.spilledTo = max(line.spilledTo, left.last?.delivery.position ?? place)
            line.spilled += left.count
            line.asked = asked
            line.rides = 0
        }
        shorten(&subscriptions[position].lines[key, default: KeyLine()])
        if line.youngest > place { know(key, behind: place, at: position) }
        for work in left { subscriptions[position].known[work.delivery.ordinal] = nil }
        return true
    }

    /// A work of `ready` is looked at for the batch being put together: true if it may join.
    mutating func admit(_ work: Work, at position: Int) -> Bool {
        guard let key = work.key, let policy = subscriptions[position].rules.keys,
            let line = subscriptions[position].lines[key]
        else { return true }
        return line.admits(
            work, policy: policy, isJoining: subscriptions[position].assemblingKeys.contains(key))
    }

    /// A work of `ready` that may not start now goes into its line.
    mutating func lineUp(_ work: Work, at position: Int) {
        leaveReady(work, at: position)
        hold(work, at: position)
        // An older one may have come into the line while this one was at the front.
        if let key = work.key { promote(key, at: position) }
    }

    /// A work of `ready` joins the batch being put together.
    mutating func take(_ work: Work, at position: Int) {
        guard let key = work.key, subscriptions[position].rules.keys != nil else { return }
        leaveReady(work, at: position)
        if subscriptions[position].assemblingKeys.insert(key).inserted {
            subscriptions[position].lines[key, default: KeyLine()].running += 1
        }
        func note(_ line: inout KeyLine) {
            line.ahead.removeAll { $0 == work.delivery.ordinal }
            line.youngest = max(line.youngest, work.delivery.position)
        }
        note(&subscriptions[position].lines[key, default: KeyLine()])
    }

    private mutating func leaveReady(_ work: Work, at position: Int) {
        guard let key = work.key else { return }
        _ = subscriptions[position].lines.update(key) { line in
            if work.isPromoted { line.promoted -= 1 } else { line.arrived -= 1 }
        }
    }

    /// Moves the oldest of a key's line to the front of `ready` if it may start (or join the batch being put together).
    /// - Parameter comesLast: it was read back for its key with many others, and goes behind what is in `ready`.
    mutating func promote(_ key: String, at position: Int, comesLast: Bool = false) {
        guard let line = subscriptions[position].lines[key], let policy = subscriptions[position].rules.keys,
            line.promoted == 0
        else { return }
        let isJoining = subscriptions[position].assemblingKeys.contains(key)
        guard let first = line.next else {
            if line.spilledFrom != nil {
                // What came into `ready` before is looked at first: it may be among what lies in the log now.
                if line.arrived == 0, line.isFree(policy, isJoining: isJoining) { getHungry(key, at: position) }
            } else if line.isIdle {
                subscriptions[position].lines.remove(key)
            }
            return
        }
        guard line.admits(first, policy: policy, isJoining: isJoining) else {
            if line.isHeldBack(policy), isCrowded(line, at: position),
                let first = line.waiting.first(where: { $0.source == .log })
            {
                _ = leave(key, from: first.delivery.position, at: position)
            }
            return
        }
        func takeFirst(_ line: inout KeyLine) -> Work {
            line.promoted += 1
            line.youngest = max(line.youngest, first.delivery.position)
            return line.removeFirst()
        }
        var work = takeFirst(&subscriptions[position].lines[key, default: KeyLine()])
        work.isPromoted = true
        // Behind what has come of its own key it must not be.
        if comesLast, line.arrived == 0 {
            subscriptions[position].ready.append(work)
        } else {
            subscriptions[position].ready.prepend(work)
        }
    }

    /// A work that is to run (again) before younger ones of its key: from the pending set, or given back.
    mutating func putBack(_ works: [Work], at position: Int) {
        var keys: [String] = []
        for work in works.reversed() {
            guard let key = work.key, subscriptions[position].rules.keys != nil else {
                subscriptions[position].ready.prepend(work)
                continue
            }
            if work.source != .log {
                subscriptions[position].lines[key, default: KeyLine()].putAhead(work.delivery.ordinal)
            }
            var work = work
            work.isPromoted = false
            subscriptions[position].lines[key, default: KeyLine()].insert(work)
            if keys.last != key { keys.append(key) }
        }
        for key in keys { promote(key, at: position) }
    }

    /// An attempt's keys are free again.
    mutating func releaseKeys(of works: [Work], at position: Int) {
        guard subscriptions[position].rules.keys != nil else { return }
        for key in Set(works.compactMap(\.key)) {
            _ = subscriptions[position].lines.update(key) { $0.running -= 1 }
        }
    }

    static func later(_ now: Instant, _ span: Int64) -> Instant {
        let (sum, overflow) = now.addingReportingOverflow(span)
        return overflow ? .max : sum
    }
}
