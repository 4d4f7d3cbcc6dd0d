import Journal

/// What stands in line for one key of a subscription.
///
/// The works of a key are in one of five places: in attempts (`running`), due later (`ahead` names their ordinals), in
/// `waiting`, in the subscription's `ready` queue, or only in the log (from `spilledFrom` on). In that order they are
/// older to younger, but for works that were redriven: these are ahead of all others. A work enters `ready` from
/// `waiting` when its key is free (promoted, at the front), or on arrival, behind everything of its key.
struct KeyLine: Sendable {
    /// Attempts (and the batch being put together) that hold works of this key.
    var running = 0
    /// Ordinals of what was tried and is to be tried again, or is redriven, and is in no attempt; ascending.
    var ahead: [Int64] = []
    /// Dead letters that hold the key back.
    var parked = 0
    /// Works in `ready` that came there on arrival, and whether one was promoted there.
    var arrived = 0
    var promoted = 0
    /// Ascending by ordinal.
    var waiting: [Work] = []
    /// From this position on the key's works are not in memory.
    var spilledFrom: Position?
    /// How many those are, as far as the log has been read.
    var spilled = 0
    var isRefilling = false

    var isIdle: Bool {
        running == 0 && ahead.isEmpty && parked == 0 && arrived == 0 && promoted == 0 && waiting.isEmpty
            && spilledFrom == nil
    }

    /// Whether a work may join an attempt now; `isJoining`: an attempt that has works of this key already.
    func admits(_ work: Work, policy: KeyPolicy, isJoining: Bool) -> Bool {
        guard isJoining || running < policy.concurrency else { return false }
        if let from = spilledFrom, case .log = work.source, work.delivery.position >= from { return false }
        guard policy.isOrdered else { return true }
        let ordinal = work.delivery.ordinal
        // What never ran and is older still goes first: another deployment's keys may have let the younger one by.
        if let first = ahead.first, ordinal >= first { return ordinal == first }
        return parked == 0 && (waiting.first.map { $0.delivery.ordinal > ordinal } ?? true)
    }

    /// Keeps a work that must wait, by its place in the log.
    mutating func insert(_ work: Work) {
        let ordinal = work.delivery.ordinal
        if let last = waiting.last, last.delivery.ordinal > ordinal {
            waiting.insert(work, at: waiting.firstIndex { $0.delivery.ordinal > ordinal } ?? waiting.count)
        } else {
            waiting.append(work)
        }
    }

    /// A work that is to be tried again before everything younger.
    mutating func putAhead(_ ordinal: Int64) {
        guard !ahead.contains(ordinal) else { return }
        ahead.insert(ordinal, at: ahead.firstIndex { $0 > ordinal } ?? ahead.count)
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
