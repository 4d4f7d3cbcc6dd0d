package import Journal

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
        let line = subscriptions[position].lines[key]
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

    /// Keeps a work in its key's line, or leaves it to the log when the line is long.
    private mutating func hold(_ work: Work, at position: Int) {
        guard let key = work.key else { return }
        var work = work
        work.isPromoted = false
        guard case .log = work.source else {
            return subscriptions[position].lines[key, default: KeyLine()].insert(work)
        }
        let line = subscriptions[position].lines[key] ?? KeyLine()
        if let from = line.spilledFrom, work.delivery.position >= from {
            subscriptions[position].lines[key]!.spilled += 1
            subscriptions[position].known[work.delivery.ordinal] = nil
        } else if line.waiting.count >= window.line, let last = line.waiting.last,
            last.delivery.position < work.delivery.position
        {
            let from = work.delivery.position
            subscriptions[position].lines[key]!.spilledFrom = from
            subscriptions[position].lines[key]!.spilled = 1
            subscriptions[position].known[work.delivery.ordinal] = nil
            know(key, behind: from, at: position)
            guard line.arrived > 0 else { return }
            let others = subscriptions[position].ready.extract {
                $0.key == key && !$0.isPromoted && $0.source == .log && $0.delivery.position > from
            }
            subscriptions[position].lines[key]!.arrived -= others.count
            subscriptions[position].lines[key]!.spilled += others.count
            for other in others { subscriptions[position].known[other.delivery.ordinal] = nil }
        } else {
            subscriptions[position].lines[key, default: KeyLine()].insert(work)
        }
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
        subscriptions[position].lines[key]!.ahead.removeAll { $0 == work.delivery.ordinal }
    }

    private mutating func leaveReady(_ work: Work, at position: Int) {
        guard let key = work.key else { return }
        if work.isPromoted {
            subscriptions[position].lines[key]?.promoted -= 1
        } else {
            subscriptions[position].lines[key]?.arrived -= 1
        }
    }

    /// Moves the oldest of a key's line to the front of `ready` if it may start (or join the batch being put together).
    mutating func promote(_ key: String, at position: Int) {
        guard let line = subscriptions[position].lines[key] else { return }
        guard let policy = subscriptions[position].rules.keys else { return }
        guard line.promoted == 0 else { return }
        guard let first = line.waiting.first else {
            if line.spilledFrom != nil, line.parked == 0 || !policy.isOrdered {
                subscriptions[position].hungry.insert(key)
            } else if line.isIdle {
                subscriptions[position].lines[key] = nil
            }
            return
        }
        var rest = line
        rest.waiting.removeFirst()
        guard
            rest.admits(
                first, policy: policy, isJoining: subscriptions[position].assemblingKeys.contains(key))
        else { return }
        subscriptions[position].lines[key]!.waiting.removeFirst()
        subscriptions[position].lines[key]!.promoted += 1
        var work = first
        work.isPromoted = true
        subscriptions[position].ready.prepend(work)
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
            subscriptions[position].lines[key]?.running -= 1
        }
    }

    // MARK: Parking

    /// Whether it waits for `setParked`.
    package func isUntold(_ id: SubscriptionID) -> Bool { index[id].map { subscriptions[$0].untold != nil } ?? false }

    /// How many dead letters hold back which keys, all of them: from what the journal has while nothing of the
    /// subscription runs. What was counted before does not count.
    package mutating func setParked(_ id: SubscriptionID, _ counts: [String: Int]) {
        guard let position = index[id], subscriptions[position].rules.keys?.parks == true else { return }
        let freed = subscriptions[position].untold ?? [:]
        subscriptions[position].untold = nil
        for key in Array(subscriptions[position].lines.keys) { subscriptions[position].lines[key]!.parked = 0 }
        for (key, count) in counts where count > 0 {
            subscriptions[position].lines[key, default: KeyLine()].parked = count
        }
        for (key, instant) in freed.sorted(by: { $0.key < $1.key }) where counts[key] == nil {
            renew(key, at: position, now: instant)
        }
        for key in subscriptions[position].lines.keys.sorted() { promote(key, at: position) }
    }

    /// Which keys dead letters hold back cannot be told: nothing starts until it is (`setParked`).
    package mutating func setUntold(_ id: SubscriptionID) {
        guard let position = index[id], subscriptions[position].rules.keys?.parks == true else { return }
        if subscriptions[position].untold == nil { subscriptions[position].untold = [:] }
    }

    /// A dead letter holds its key back.
    package mutating func park(_ id: SubscriptionID, key: String) {
        guard let position = index[id], subscriptions[position].rules.keys?.parks == true else { return }
        subscriptions[position].lines[key, default: KeyLine()].parked += 1
    }

    /// A dead letter of the key was redriven or purged.
    package mutating func unpark(_ id: SubscriptionID, key: String, now: Instant) {
        guard let position = index[id] else { return }
        guard subscriptions[position].untold == nil else {
            // Who counts the dead letters does not find it any more.
            subscriptions[position].untold?[key] = now
            return
        }
        guard let parked = subscriptions[position].lines[key]?.parked, parked > 0 else { return }
        subscriptions[position].lines[key]!.parked = parked - 1
        if parked == 1 { renew(key, at: position, now: now) }
        promote(key, at: position)
    }

    /// What was held back by no fault of its own has its whole time again.
    private mutating func renew(_ key: String, at position: Int, now: Instant) {
        let age = subscriptions[position].rules.retry.maximumAge
        let pause = subscriptions[position].flow.pause
        func extend(_ work: inout Work) {
            // What a pause that goes on adds at its end counts from the work's arrival.
            let added = pause.map { max(0, now - max($0.since, work.arrived)) } ?? 0
            work.expires = max(work.expires, Self.later(now, age) - added)
        }
        let line = subscriptions[position].lines[key] ?? KeyLine()
        for at in line.waiting.indices { extend(&subscriptions[position].lines[key]!.waiting[at]) }
        if line.arrived + line.promoted > 0 {
            subscriptions[position].ready.update { if $0.key == key, $0.source == .log { extend(&$0) } }
        }
        // What is not in memory has it when it is read.
        if line.spilledFrom != nil || subscriptions[position].isBehind || subscriptions[position].hasLeftovers {
            subscriptions[position].freed[key] = FreedKey(
                at: now, through: max(subscriptions[position].newest, subscriptions[position].loaded))
        }
    }

    /// When a work from the log is too old: its key may have been held back.
    func expiry(
        _ expires: Instant, ofKey key: String, at place: Position, in position: Int, now: Instant
    ) -> Instant {
        guard let freed = subscriptions[position].freed[key] else { return expires }
        return freed.expiry(
            expires, of: place, maximumAge: subscriptions[position].rules.retry.maximumAge,
            pause: subscriptions[position].flow.pause, now: now)
    }

    /// Forgets keys of which nothing is left to be read that was there when they became free.
    mutating func forgetFreed(at position: Int) {
        guard !subscriptions[position].freed.isEmpty else { return }
        let (isBehind, loaded) = (subscriptions[position].isBehind, subscriptions[position].loaded)
        subscriptions[position].freed = subscriptions[position].freed.filter { key, freed in
            if isBehind && freed.through > loaded || subscriptions[position].hasLeftovers { return true }
            return subscriptions[position].lines[key]?.spilledFrom.map { $0 <= freed.through } ?? false
        }
    }

    static func later(_ now: Instant, _ span: Int64) -> Instant {
        let (sum, overflow) = now.addingReportingOverflow(span)
        return overflow ? .max : sum
    }
}
