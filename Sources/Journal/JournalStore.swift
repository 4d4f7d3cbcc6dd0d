/// A durable log with its subscriptions, and the state that must change together with it.
///
/// One writer, many readers. `SQLiteJournal` and `InMemoryJournal` behave alike (one conformance suite); a later
/// implementation may share its store with other hosts, so nothing here speaks of SQLite.
package protocol JournalStore: AnyObject, Sendable {
    /// Queues a batch; `completion` is called on the journal's thread, in commit order, once the batch is durable or
    /// has failed as a whole. A batch that is refused for its own content fails alone, not its neighbours.
    /// - Parameter mayWait: nobody waits for it; it is committed with the next batch that may not wait, or when `hurry`
    ///   is called, which its caller does before long.
    func submit(
        _ batch: consuming Batch, mayWait: Bool,
        completion: @escaping @Sendable (Result<Receipt, JournalError>) -> Void)

    /// Commits what may wait now.
    func hurry()

    /// Called on the journal's thread after each transaction, before the completions of its batches, with the records
    /// it appended, in order of position. Set once, before the first submit.
    func observeAppends(_ observer: @escaping @Sendable ([CommittedRecord]) -> Void)

    /// Called on the journal's thread for a record whose rule set is no longer the one in force. What it returns is
    /// what is appended: the same event, with the subscriptions and the lineage that the rule set in force gives it.
    func setRematch(_ rematch: @escaping @Sendable (Append, _ ruleSet: Int64) -> Append)

    // MARK: Reading. Safe from any thread; blocking: call on a file thread, page through long results.

    /// The state to start from; `boot` has been raised durably.
    func recover() throws(JournalError) -> RecoveredState
    /// What a subscription has not settled in the log, in order, after `after`: at most `limit` records, and no more of
    /// them than together have `bytes` bytes of payload (but one in any case).
    func waiting(
        _ subscription: SubscriptionID, after: Position, limit: Int, bytes: Int
    ) throws(JournalError) -> [CommittedRecord]
    /// The first position to which a deployment's rule set applies; nil for one that there never was.
    func position(ofRuleSet ruleSet: Int64) throws(JournalError) -> Position?
    /// The record at a position; nil where it was trimmed or is not there yet.
    func record(at position: Position) throws(JournalError) -> StoredRecord?
    /// At most `limit` records after a position, and no more of them than together have `bytes` bytes of payload (but
    /// one in any case).
    func records(log: String?, after: Position, limit: Int, bytes: Int) throws(JournalError) -> [StoredRecord]
    /// The newest `limit` records, oldest of them first.
    func lastRecords(log: String?, limit: Int) throws(JournalError) -> [StoredRecord]
    /// The newest record of a bus with the event's id; copies that replays deliver (`ReplayLog`) are passed over.
    func record(eventID: String) throws(JournalError) -> StoredRecord?
    /// The copies of an event that replays have delivered, above a position, oldest first. Blocking.
    func replays(ofEvent id: String, after: Position) throws(JournalError) -> [StoredRecord]
    /// The first position whose record was ingested at `time` or later, to within one commit; head + 1 if there is
    /// none. Clocks may have stepped back: look at each record's own time.
    func position(ingestedFrom time: Milliseconds) throws(JournalError) -> Position
    /// The last position whose record was ingested before `time`, to within one commit; 0 if there is none. Clocks may
    /// have stepped back, here too.
    func position(ingestedBefore time: Milliseconds) throws(JournalError) -> Position
    /// At most `limit` entries, and no more of them than together have `bytes` bytes of payload and history (but one in
    /// any case): the end is an empty page.
    func pending(
        _ subscription: SubscriptionID?, after ordinal: Int64, limit: Int, bytes: Int
    ) throws(JournalError) -> [PendingEntry]
    /// Bounded by the filter's `limit` and `bytes`, likewise.
    func deadLetters(_ filter: DeadLetterFilter) throws(JournalError) -> [DeadLetter]
    /// What dead letters after `id` keep of their inputs, without their events: those that are dead or being redriven
    /// and keep something, at most `limit` of them.
    func keptInputs(after id: Int64, limit: Int) throws(JournalError) -> [(id: Int64, input: [UInt8])]
    /// How many dead letters a filter chooses, whatever its limit, and the highest id among them (0 for none).
    func deadLetterCount(_ filter: DeadLetterFilter) throws(JournalError) -> (count: Int, lastID: Int64)
    /// In whatever state it is; nil where there is none of that id.
    func deadLetter(id: Int64) throws(JournalError) -> DeadLetter?
    /// Those that are dead, by target, code and fingerprint; in the order of these.
    func deadLetterGroups() throws(JournalError) -> [DeadLetterGroup]
    /// What the index knows of an object; nil where it does not exist.
    func object(bucket: String, key: String) throws(JournalError) -> ObjectRecord?
    /// In key order after `after`.
    func objects(bucket: String, prefix: String, after: String?, limit: Int) throws(JournalError) -> [ObjectRecord]
    /// By bucket, from the last commit: nothing is counted, so it may be asked every second. Of buckets without objects
    /// there may be no entry.
    func objectTotals() -> [String: ObjectTotals]
    /// Newest attempts first, older than `before`; nil: of all functions.
    func invocations(function: String?, before: AttemptID?, limit: Int) throws(JournalError) -> [InvocationRecord]
    /// Nil where nothing of the attempt was worth keeping, or it was trimmed.
    func invocation(_ attempt: AttemptID) throws(JournalError) -> InvocationRecord?
    /// Every attempt that had the event, oldest first.
    func invocations(eventID: String) throws(JournalError) -> [InvocationRecord]
    /// The newest version of each table, by database and name; nil: of all databases.
    func tables(database: String?) throws(JournalError) -> [StoredTable]
    /// The newest version.
    func table(database: String, table: String) throws(JournalError) -> StoredTable?
    /// All versions, oldest first, each with the sums of the files that were written with it.
    func tableVersions(database: String, table: String) throws(JournalError) -> [StoredTable]
    /// In the order of keys after `after`, whichever version they were written with.
    func tableFiles(database: String, table: String, after: String?, limit: Int) throws(JournalError) -> [CatalogFile]
    /// The entry of one file, whichever table it belongs to.
    func tableFile(bucket: String, key: String) throws(JournalError) -> CatalogFile?
    /// All versions, by name and number.
    func functions() throws(JournalError) -> [FunctionRecord]
    /// A value of the runtime, by its name.
    func value(name: String) throws(JournalError) -> [UInt8]?
    /// Values whose names begin so, in the order of names.
    func values(prefix: String) throws(JournalError) -> [(name: String, body: [UInt8])]

    /// Counts of one subscription from the last commit.
    func progress() throws(JournalError) -> [SubscriptionProgress]
    /// Recounts everything from the log, the pending set and the dead letters, while work goes on. Blocking.
    func recount() throws(JournalError) -> AuditReport

    /// Drops the oldest records that every subscription has settled and that were ingested before `limit`, none behind
    /// `end`, and the invocations that started before `limit`. Their counts stay. Blocking.
    @discardableResult
    func trim(settledBelow limit: Milliseconds, upTo end: Position) throws(JournalError) -> TrimReport

    /// With less than `bytes` free on its disk, batches that only bring new work are refused with `diskFull`. Blocking.
    func setMinimumFree(_ bytes: Int64)

    /// Bytes that must be free on the disk before refused producers are taken again; 0 while they are taken. It is
    /// looked at when a producer comes: until then it may be larger than 0 while there is room again.
    var freeBytesWanted: Int64 { get }

    /// Has the end look like a loss to the next opening: what the host before left behind is not counted yet.
    func leaveUnclean()

    /// Commits what is queued, then stops. Later submits fail with `closed`.
    func close()
}

extension JournalStore {
    @discardableResult
    package func trim(settledBelow limit: Milliseconds) throws(JournalError) -> TrimReport {
        try trim(settledBelow: limit, upTo: .max)
    }

    package func submit(
        _ batch: consuming Batch, completion: @escaping @Sendable (Result<Receipt, JournalError>) -> Void
    ) {
        submit(batch, mayWait: false, completion: completion)
    }

    package func records(log: String?, after: Position, limit: Int) throws(JournalError) -> [StoredRecord] {
        try records(log: log, after: after, limit: limit, bytes: .max)
    }

    package func waiting(
        _ subscription: SubscriptionID, after: Position, limit: Int
    ) throws(JournalError) -> [CommittedRecord] {
        try waiting(subscription, after: after, limit: limit, bytes: .max)
    }

    package func pending(
        _ subscription: SubscriptionID?, after ordinal: Int64, limit: Int
    ) throws(JournalError) -> [PendingEntry] {
        try pending(subscription, after: ordinal, limit: limit, bytes: .max)
    }
}

/// A record as the dispatcher gets it. A class because it goes from hand to hand between threads: handing it on costs
/// one reference count, and not one for each of its parts.
package final class CommittedRecord: Sendable {
    package let position: Position
    package let log: String
    package let eventID: String
    package let ingested: Milliseconds
    package let payload: [UInt8]
    package let lineage: [UInt8]
    /// Who wants it. From `waiting`, only the one asked for.
    package let deliveries: Deliveries

    package convenience init(
        position: Position, log: String, eventID: String, ingested: Milliseconds, payload: [UInt8], lineage: [UInt8],
        deliveries: [Delivery]
    ) {
        self.init(
            position: position, log: log, eventID: eventID, ingested: ingested, payload: payload, lineage: lineage,
            deliveries: Deliveries(deliveries))
    }

    package init(
        position: Position, log: String, eventID: String, ingested: Milliseconds, payload: [UInt8], lineage: [UInt8],
        deliveries: Deliveries
    ) {
        self.position = position
        self.log = log
        self.eventID = eventID
        self.ingested = ingested
        self.payload = payload
        self.lineage = lineage
        self.deliveries = deliveries
    }

    /// The same for some of those who want it.
    package func wanted(by deliveries: [Delivery]) -> CommittedRecord {
        CommittedRecord(
            position: position, log: log, eventID: eventID, ingested: ingested, payload: payload, lineage: lineage,
            deliveries: deliveries)
    }
}

/// What `trim` removed.
package struct TrimReport: Sendable, Hashable {
    package var records: Int64
    package var bytes: Int64

    package init(records: Int64 = 0, bytes: Int64 = 0) {
        self.records = records
        self.bytes = bytes
    }
}

/// A record as it lies in the log.
package typealias StoredRecord = CommittedRecord

/// A version of a table, with the sums of its files.
package struct StoredTable: Sendable, Hashable {
    package var database: String
    package var table: String
    package var version: Int
    package var body: [UInt8]
    package var files: Int64
    package var rows: Int64
    package var bytes: Int64

    package init(
        database: String, table: String, version: Int, body: [UInt8], files: Int64, rows: Int64, bytes: Int64
    ) {
        self.database = database
        self.table = table
        self.version = version
        self.body = body
        self.files = files
        self.rows = rows
        self.bytes = bytes
    }
}

/// Dead letters of one target with the same code and fingerprint.
package struct DeadLetterGroup: Sendable, Hashable {
    package var target: String
    package var code: String
    package var fingerprint: String
    /// The newest message of the group.
    package var message: String
    /// The id of the newest one.
    package var newest: Int64
    package var count: Int64
    package var first: Milliseconds
    package var last: Milliseconds

    package init(
        target: String, code: String, fingerprint: String, message: String, newest: Int64, count: Int64,
        first: Milliseconds, last: Milliseconds
    ) {
        self.target = target
        self.code = code
        self.fingerprint = fingerprint
        self.message = message
        self.newest = newest
        self.count = count
        self.first = first
        self.last = last
    }
}

/// Where a subscription stands. Conservation: `matched = succeeded + dropped + superseded + purged + waiting + retrying
/// + parked + redriven + dead`, where `waiting` and the pending ones (retrying, parked, redriven) include what is in
/// flight.
package struct SubscriptionProgress: Sendable, Hashable {
    package var subscription: SubscriptionRecord
    /// Everything at or below this ordinal has left the log's care.
    package var floor: Int64
    /// The position of the record with ordinal `floor` (0 at the start).
    package var floorPosition: Position
    package var matched: Int64
    package var succeeded: Int64
    package var dropped: Int64
    package var superseded: Int64
    package var purged: Int64
    package var waiting: Int64
    package var retrying: Int64
    package var parked: Int64
    package var redriven: Int64
    package var dead: Int64

    package init(
        subscription: SubscriptionRecord, floor: Int64, floorPosition: Position, matched: Int64, succeeded: Int64,
        dropped: Int64, superseded: Int64, purged: Int64, waiting: Int64, retrying: Int64, parked: Int64,
        redriven: Int64, dead: Int64
    ) {
        self.subscription = subscription
        self.floor = floor
        self.floorPosition = floorPosition
        self.matched = matched
        self.succeeded = succeeded
        self.dropped = dropped
        self.superseded = superseded
        self.purged = purged
        self.waiting = waiting
        self.retrying = retrying
        self.parked = parked
        self.redriven = redriven
        self.dead = dead
    }
}

/// What a host goes on from.
package struct RecoveredState: Sendable {
    package var boot: Int64
    /// False after a clean close.
    package var wasUnclean: Bool
    package var ruleSet: Int64
    /// The runtime's JSON of the deployment in force; nil in a new data folder.
    package var deployment: [UInt8]?
    package var subscriptions: [SubscriptionProgress]
    /// Decided and not yet settled: to be finished before anything is dispatched or scanned.
    package var decisions: [(attempt: AttemptID, body: [UInt8])]
    package var head: Position
    /// The lowest subscription id never used: ids of removed subscriptions stay theirs.
    package var nextSubscription: SubscriptionID

    package init(
        boot: Int64, wasUnclean: Bool, ruleSet: Int64, deployment: [UInt8]?, subscriptions: [SubscriptionProgress],
        decisions: [(attempt: AttemptID, body: [UInt8])], head: Position,
        nextSubscription: SubscriptionID = SubscriptionID(1)
    ) {
        self.boot = boot
        self.wasUnclean = wasUnclean
        self.ruleSet = ruleSet
        self.deployment = deployment
        self.subscriptions = subscriptions
        self.decisions = decisions
        self.head = head
        self.nextSubscription = nextSubscription
    }
}
