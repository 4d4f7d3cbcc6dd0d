import Journal

/// What stands in line for one key of a subscription.
///
/// The works of a key are in one of five places: in attempts (`running`), due later (`ahead` names their ordinals), in
/// `waiting`, in the subscription's `ready` queue, or only in the log (from `spilledFrom` on). In that order they are
/// older to younger, but for works that were redriven: these are ahead of all others. A work enters `ready` from
/// `waiting` when its key is free (promoted; at the front, or at the end where it was read back just now), or on
/// arrival, behind everything of its key.
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
    private(set) var waiting: [Work] = []
    /// Those of `waiting` that are from the log, and the bytes of their payloads.
    private(set) var held = 0
    private(set) var heldBytes = 0
    /// From this position on the key's works are not in memory, but for those that the subscription's `known` names.
    var spilledFrom: Position?
    /// The youngest of those.
    var spilledTo: Position = 0
    /// How many those are, as far as the log has been read.
    var spilled = 0
    /// The reading that was under way, or was the last, when `spilledFrom` came to be or went back: what that finds may
    /// be over by now.
    var asked = 0
    /// The sweep (`KeySweep`) that has gone by none of its works since `spilledFrom`.
    var rides = 0
    /// The youngest of the key that has been on its way to an attempt.
    var youngest: Position = 0

    var isIdle: Bool {
        running == 0 && ahead.isEmpty && parked == 0 && arrived == 0 && promoted == 0 && waiting.isEmpty
            && spilledFrom == nil
    }

    /// The next that may start, if that is in memory: what came back although older ones were left to the log stands
    /// behind these.
    var next: Work? {
        guard let first = waiting.first else { return nil }
        if let from = spilledFrom, case .log = first.source, first.delivery.position >= from { return nil }
        return first
    }

    /// Whether an attempt of it may start, whatever waits: `isJoining` as below.
    func isFree(_ policy: KeyPolicy, isJoining: Bool) -> Bool {
        (isJoining || running < policy.concurrency) && !isHeldBack(policy)
    }

    /// A retry or a dead letter holds it back, for how long nobody knows.
    func isHeldBack(_ policy: KeyPolicy) -> Bool { policy.isOrdered && (!ahead.isEmpty || parked > 0) }

    /// Whether a work may join an attempt now; `isJoining`: an attempt that has works of this key already.
    func admits(_ work: Work, policy: KeyPolicy, isJoining: Bool) -> Bool {
        guard isJoining || running < policy.concurrency else { return false }
        if let from = spilledFrom, case .log = work.source, work.delivery.position >= from { return false }
        guard policy.isOrdered else { return true }
        let ordinal = work.delivery.ordinal
        // What never ran and is older still goes first: another deployment's keys may have let the younger one by.
        if let first = ahead.first, ordinal >= first { return ordinal == first }
        return parked == 0 && (waiting.first.map { $0.delivery.ordinal >= ordinal } ?? true)
    }

    /// Keeps a work that must wait, by its place in the log.
    mutating func insert(_ work: Work) {
        let ordinal = work.delivery.ordinal
        count(work, 1)
        if let last = waiting.last, last.delivery.ordinal > ordinal {
            waiting.insert(work, at: waiting.firstIndex { $0.delivery.ordinal > ordinal } ?? waiting.count)
        } else {
            waiting.append(work)
        }
    }

    mutating func removeFirst() -> Work {
        let work = waiting.removeFirst()
        count(work, -1)
        return work
    }

    /// Nothing of it lies only in the log.
    mutating func leftNothing() {
        (spilledFrom, spilledTo, spilled) = (nil, 0, 0)
    }

    mutating func removeAll(where isUnwanted: (Work) -> Bool) {
        var kept: [Work] = []
        for work in waiting {
            if isUnwanted(work) { count(work, -1) } else { kept.append(work) }
        }
        waiting = kept
    }

    /// Payloads and sources stay as they are.
    mutating func update(_ body: (inout Work) -> Void) {
        for at in waiting.indices { body(&waiting[at]) }
    }

    private mutating func count(_ work: Work, _ sign: Int) {
        guard case .log = work.source else { return }
        held += sign
        heldBytes += sign * work.payload.count
    }

    /// A work that is to be tried again before everything younger.
    mutating func putAhead(_ ordinal: Int64) {
        guard !ahead.contains(ordinal) else { return }
        ahead.insert(ordinal, at: ahead.firstIndex { $0 > ordinal } ?? ahead.count)
    }
}
