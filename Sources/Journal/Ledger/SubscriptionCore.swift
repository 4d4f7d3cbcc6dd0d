/// Where one subscription stands, as a value: what a commit changes and a rollback puts back.
struct SubscriptionCore: Sendable {
    var record: SubscriptionRecord
    var settled = SettledSet()
    var matched: Int64 = 0
    var succeeded: Int64 = 0
    var dropped: Int64 = 0
    var superseded: Int64 = 0
    var purged: Int64 = 0
    var retrying: Int64 = 0
    var parked: Int64 = 0
    var redriven: Int64 = 0
    var dead: Int64 = 0
    /// The position of the record with ordinal `anchorOrdinal`, which is at or below the floor: where to look for what
    /// is waiting. Exact for the floor while settlements come in order.
    var anchorOrdinal: Int64 = 0
    var anchorPosition: Position = 0

    /// Blocks above the floor's that changed since they were stored, and those that have a row of their own.
    var dirtyBlocks: [Int64] = []
    var storedBlocks: Set<Int64> = []

    init(record: SubscriptionRecord) { self.record = record }

    /// Settled neither by an outcome nor by a move to the pending set or the dead letters.
    var waiting: Int64 { matched - settled.count }

    /// What the law of conservation finds too many (positive) or too few on its left side; 0 when it holds.
    var imbalance: Int64 {
        matched - (succeeded + dropped + superseded + purged + waiting + retrying + parked + redriven + dead)
    }

    mutating func count(_ outcome: Settlement.Outcome, _ change: Int64 = 1) {
        switch outcome {
        case .succeeded: succeeded += change
        case .dropped: dropped += change
        case .superseded: superseded += change
        // Counted by the pending set and by the dead letters that take it over.
        case .pended, .dead: break
        }
    }

    mutating func count(_ state: PendingEntry.State, _ change: Int64) {
        switch state {
        case .retrying: retrying += change
        case .parked: parked += change
        case .redriven: redriven += change
        }
    }

    mutating func count(_ state: DeadLetter.State, _ change: Int64) {
        switch state {
        case .dead: dead += change
        case .purged: purged += change
        // In the pending set again, or finished from there: counted there.
        case .redriving, .redriven: break
        }
    }

    /// Settles one delivery; false if it was settled.
    mutating func settle(_ delivery: Delivery) -> Bool {
        guard settled.insert(delivery.ordinal) else { return false }
        if delivery.ordinal <= settled.floor, delivery.ordinal > anchorOrdinal {
            anchorOrdinal = delivery.ordinal
            anchorPosition = delivery.position
        } else {
            let block = SettledSet.block(of: delivery.ordinal)
            if dirtyBlocks.last != block, !dirtyBlocks.contains(block) { dirtyBlocks.append(block) }
        }
        return true
    }

    /// As the protocol reports it; `floorPosition` is the anchor's unless the caller knows better.
    func progress(floorPosition: Position? = nil) -> SubscriptionProgress {
        SubscriptionProgress(
            subscription: record, floor: settled.floor, floorPosition: floorPosition ?? anchorPosition,
            matched: matched, succeeded: succeeded, dropped: dropped, superseded: superseded, purged: purged,
            waiting: waiting, retrying: retrying, parked: parked, redriven: redriven, dead: dead)
    }
}
