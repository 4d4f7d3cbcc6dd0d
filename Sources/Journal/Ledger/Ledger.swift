/// The journal's rules without its storage: who gets which position and ordinal, what may be settled, and the law of
/// conservation. Both implementations run every batch through one of these, so they cannot drift apart.
///
/// Changes between `begin` and `commit` are undone by `rollback`. Not thread-safe: it belongs to the writer.
struct Ledger: Sendable {
    struct Entry: Sendable {
        var core: SubscriptionCore
        var isRemoved = false
        /// The last transaction that changed it, and the last that changed more than what it matched.
        fileprivate var touched: Int64 = 0
        fileprivate var settledIn: Int64 = 0
        /// The entry whose settlement came after one of this: where to look for the next one's.
        var following = 0
    }

    struct Scalars {
        var head: Position = 0
        var ruleSet: Int64 = 0
        var lastDeadLetter: Int64 = 0
        /// The highest subscription id ever used: an id is never used again, old decisions name it.
        var lastSubscription: Int64 = 0
    }

    private(set) var entries: [Entry] = []
    /// Entries changed by the transaction in progress.
    private(set) var touched: [Int] = []
    /// Those of them that must be stored: what was only matched is in the log.
    private(set) var unsaved: [Int] = []
    var index: [SubscriptionID: Int] = [:]
    var scalars = Scalars()
    private var saved = Scalars()
    private var undo: [(index: Int, entry: Entry)] = []
    private var entryCount = 0
    private var transaction: Int64 = 1
    /// Entries whose balance must be checked when the batch ends.
    var unproven: Set<Int> = []
    /// The subscriptions of the last append and their entries: neighbours in a log mostly want the same.
    private var lastSet: [SubscriptionID] = []
    private var lastPositions: [Int] = []
    /// The entry of the last settlement.
    var lastSettled = 0

    var head: Position { scalars.head }
    var ruleSet: Int64 { scalars.ruleSet }
    var lastSubscription: Int64 { scalars.lastSubscription }
    var lastDeadLetter: Int64 { scalars.lastDeadLetter }

    init() {}

    /// The state as recovered.
    init(
        cores: [SubscriptionCore], head: Position, ruleSet: Int64, lastDeadLetter: Int64, lastSubscription: Int64
    ) {
        entries = cores.map { Entry(core: $0) }
        for (position, core) in cores.enumerated() { index[core.record.id] = position }
        scalars = Scalars(
            head: head, ruleSet: ruleSet, lastDeadLetter: lastDeadLetter,
            lastSubscription: max(lastSubscription, cores.map(\.record.id.value).max() ?? 0))
        begin()
    }

    // MARK: Transactions

    mutating func begin() {
        saved = scalars
        undo.removeAll(keepingCapacity: true)
        touched.removeAll(keepingCapacity: true)
        unsaved.removeAll(keepingCapacity: true)
        unproven.removeAll(keepingCapacity: true)
        entryCount = entries.count
        transaction += 1
    }

    mutating func rollback() {
        scalars = saved
        entries.removeLast(entries.count - entryCount)
        for (position, entry) in undo { entries[position] = entry }
        index = [:]
        for (position, entry) in entries.enumerated() where !entry.isRemoved {
            index[entry.core.record.id] = position
        }
        forgetLastSet()
        begin()
    }

    private mutating func forgetLastSet() {
        lastSettled = 0
        lastSet = []
        lastPositions = []
    }

    /// Changes an entry, keeping what it was before this transaction.
    mutating func change<R>(
        _ position: Int, onlyMatched: Bool = false, _ body: (inout SubscriptionCore) -> R
    ) -> R {
        if entries[position].touched != transaction {
            if position < entryCount { undo.append((position, entries[position])) }
            entries[position].touched = transaction
            touched.append(position)
        }
        if !onlyMatched, entries[position].settledIn != transaction {
            entries[position].settledIn = transaction
            unsaved.append(position)
        }
        return body(&entries[position].core)
    }

    func position(of id: SubscriptionID, for what: @autoclosure () -> String) throws(JournalError) -> Int {
        guard let position = index[id] else {
            throw JournalError(
                .constraint, "\(what()) names subscription \(id.value), which the journal does not know.")
        }
        return position
    }

    /// Whether a place that was remembered has the subscription: what was there may have been taken back or removed.
    func isEntry(_ position: Int, of id: SubscriptionID) -> Bool {
        position < entries.count && entries[position].core.record.id == id && !entries[position].isRemoved
    }

    mutating func remember(_ position: Int, after last: Int) {
        if last < entries.count { entries[last].following = position }
    }

    // MARK: Control

    func core(_ id: SubscriptionID) -> SubscriptionCore? { index[id].map { entries[$0].core } }
    var cores: [SubscriptionCore] { entries.lazy.filter { !$0.isRemoved }.map(\.core) }

    mutating func deploy(_ ruleSet: Int64) throws(JournalError) {
        guard ruleSet > scalars.ruleSet else {
            throw JournalError(
                .constraint,
                "Rule set \(ruleSet) does not follow \(scalars.ruleSet), which is in force; give it a higher number.")
        }
        scalars.ruleSet = ruleSet
    }

    /// True if the subscription is new.
    mutating func put(_ record: SubscriptionRecord) throws(JournalError) -> Bool {
        if let position = index[record.id] {
            let known = entries[position].core.record
            guard known.log == record.log, known.rule == record.rule, known.target == record.target else {
                throw JournalError(
                    .constraint,
                    "Subscription \(record.id.value) is (\(known.log), \(known.rule), \(known.target)); it cannot "
                        + "become (\(record.log), \(record.rule), \(record.target)): make a new one and remove this.")
            }
            change(position) { $0.record = record }
            return false
        }
        guard record.id.value > scalars.lastSubscription else {
            throw JournalError(
                .constraint,
                "Subscription id \(record.id.value) was used before; the next free one is "
                    + "\(scalars.lastSubscription + 1)."
            )
        }
        let twin = entries.first {
            !$0.isRemoved && $0.core.record.log == record.log && $0.core.record.rule == record.rule
                && $0.core.record.target == record.target
        }
        if let twin {
            throw JournalError(
                .constraint,
                "(\(record.log), \(record.rule), \(record.target)) is subscription "
                    + "\(twin.core.record.id.value) already."
            )
        }
        scalars.lastSubscription = record.id.value
        entries.append(Entry(core: SubscriptionCore(record: record)))
        index[record.id] = entries.count - 1
        change(entries.count - 1) { _ in }
        return true
    }

    mutating func remove(_ id: SubscriptionID) throws(JournalError) {
        let position = try position(of: id, for: "A removal")
        let core = entries[position].core
        let unsettled = core.waiting + core.retrying + core.parked + core.redriven
        guard unsettled == 0 else {
            throw JournalError(
                .constraint, "Subscription \(id.value) still has \(unsettled) unsettled deliveries; settle them first.")
        }
        change(position) { _ in }
        entries[position].isRemoved = true
        index[id] = nil
        forgetLastSet()
    }

    // MARK: Appends

    /// Gives the next position, and the ordinal of each subscription.
    mutating func append(_ subscriptions: [SubscriptionID]) throws(JournalError) -> (Position, Deliveries) {
        if subscriptions != lastSet {
            var positions: [Int] = []
            positions.reserveCapacity(subscriptions.count)
            for id in subscriptions { positions.append(try position(of: id, for: "An append")) }
            guard Set(positions).count == positions.count else {
                throw JournalError(.constraint, "An append names a subscription twice.")
            }
            lastSet = subscriptions
            lastPositions = positions
        }
        let place = scalars.head + 1
        scalars.head = place
        if lastSet.count == 1 { return (place, Deliveries(append(0, at: place))) }
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(lastSet.count)
        for index in lastSet.indices { deliveries.append(append(index, at: place)) }
        return (place, Deliveries(deliveries))
    }

    /// For one of the subscriptions of `lastSet`.
    private mutating func append(_ index: Int, at place: Position) -> Delivery {
        let ordinal = change(lastPositions[index], onlyMatched: true) {
            $0.matched += 1
            return $0.matched
        }
        return Delivery(subscription: lastSet[index], position: place, ordinal: ordinal)
    }

    // MARK: Persistence

    /// Every subscription is to be stored with the transaction in progress.
    mutating func saveAll() {
        for position in entries.indices where !entries[position].isRemoved { change(position) { _ in } }
    }

    /// Lets the writer keep its own notes of what is stored in an entry.
    mutating func withCore(at position: Int, _ body: (inout SubscriptionCore) -> Void) { change(position, body) }
}
