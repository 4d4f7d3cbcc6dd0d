import Journal

/// What a dead letter held back has its whole time again.
extension DeliveryCore {
    /// What was held back by no fault of its own has its whole time again.
    mutating func renew(_ key: String, at position: Int, now: Instant) {
        let age = subscriptions[position].rules.retry.maximumAge
        let pause = subscriptions[position].flow.pause
        func extend(_ work: inout Work) {
            // What a pause that goes on adds at its end counts from the work's arrival.
            let added = pause.map { max(0, now - max($0.since, work.arrived)) } ?? 0
            work.expires = max(work.expires, Self.later(now, age) - added)
        }
        let line = subscriptions[position].lines[key] ?? KeyLine()
        _ = subscriptions[position].lines.update(key) { $0.update(extend) }
        if line.arrived + line.promoted > 0 {
            subscriptions[position].ready.update { if $0.key == key, $0.source == .log { extend(&$0) } }
        }
        // What is not in memory has it when it is read, and what may still be left to the log, too.
        if !line.isIdle || subscriptions[position].isBehind || subscriptions[position].hasLeftovers {
            subscriptions[position].freed[key] = FreedKey(
                at: now, through: max(subscriptions[position].newest, subscriptions[position].loaded))
        }
        forgetFreed(after: 1, at: position)
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

    /// Forgets keys of which nothing is left that was there when they became free. To look at all of them is dear where
    /// there are many, so it is done once for as many records as there are of them.
    mutating func forgetFreed(after records: Int, at position: Int) {
        guard !subscriptions[position].freed.isEmpty else { return }
        subscriptions[position].freedRest -= max(1, records)
        guard subscriptions[position].freedRest <= 0 else { return }
        let (isBehind, loaded) = (subscriptions[position].isBehind, subscriptions[position].loaded)
        let hasLeftovers = subscriptions[position].hasLeftovers
        let lines = subscriptions[position].lines
        subscriptions[position].freed = subscriptions[position].freed.filter { key, freed in
            if isBehind && freed.through > loaded || hasLeftovers { return true }
            guard let line = lines[key] else { return false }
            return line.arrived + line.promoted + line.running > 0 || !line.waiting.isEmpty
                || line.spilledFrom.map { $0 <= freed.through } ?? false
        }
        subscriptions[position].freedRest = subscriptions[position].freed.count
    }
}

/// A key that dead letters held back, and that is free again while works of it lie only in the log.
struct FreedKey: Sendable {
    var at: Instant
    /// What was there by then is at or before this position.
    var through: Position

    /// When a work of the key is too old, where it would be at `expires`: it has its whole time again.
    func expiry(_ expires: Instant, of place: Position, maximumAge: Int64, pause: Pause?, now: Instant) -> Instant {
        guard place <= through else { return expires }
        let held = pause.map { max(0, now - max($0.since, at)) } ?? 0
        return max(expires, DeliveryCore.later(DeliveryCore.later(at, held), maximumAge))
    }
}
