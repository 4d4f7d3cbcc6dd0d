/// Everything an `InMemoryJournal` holds. Batches change it through `apply`, which puts everything back if one fails.
struct InMemoryState: Sendable {
    struct PendingKey: Hashable, Sendable {
        var subscription: SubscriptionID
        var ordinal: Int64
    }

    /// Names compare as bytes, as in SQLite: two spellings of one Unicode text are two object keys.
    struct Name: Hashable, Sendable, Comparable {
        var parts: [[UInt8]]

        init(_ parts: String...) { self.parts = parts.map { Array($0.utf8) } }

        static func < (lhs: Self, rhs: Self) -> Bool {
            for (left, right) in zip(lhs.parts, rhs.parts) where left != right {
                return left.lexicographicallyPrecedes(right)
            }
            return lhs.parts.count < rhs.parts.count
        }
    }

    struct Decision: Sendable {
        var sequence: Int64
        var body: [UInt8]
    }

    struct Seen: Sendable {
        var position: Position
        var ingested: Milliseconds
    }

    struct TableVersion: Sendable {
        var database: String
        var table: String
        var version: Int
        var body: [UInt8]
    }

    var boot: Int64 = 1
    var wasUnclean = false
    var ledger = Ledger()
    var deployment: [UInt8]?
    var deploymentPositions: [Int64: Position] = [:]
    /// Position of `log[0]`, less one.
    var trimmed: Position = 0
    var log: [CommittedRecord] = []
    /// Matched records in what was trimmed, by subscription.
    var trimmedMatches: [SubscriptionID: Int64] = [:]
    var pending: [PendingKey: PendingEntry] = [:]
    var deadLetters: [Int64: DeadLetter] = [:]
    var decisions: [AttemptID: Decision] = [:]
    var nextDecision: Int64 = 1
    var objects: [Name: ObjectRecord] = [:]
    var invocations: [AttemptID: InvocationRecord] = [:]
    var tables: [Name: TableVersion] = [:]
    var tableVersions: [Name: [Int: TableVersion]] = [:]
    var files: [Name: CatalogFile] = [:]
    var functions: [Name: FunctionRecord] = [:]
    var values: [Name: [UInt8]] = [:]
    var valueNames: [Name: String] = [:]
    var deduplication: [Name: Seen] = [:]

    private var undo: [@Sendable (inout InMemoryState) -> Void] = []

    init() {}

    /// Sets or removes a value, remembering what was there.
    private mutating func set<Key: Hashable & Sendable, Value: Sendable>(
        _ path: any WritableKeyPath<InMemoryState, [Key: Value]> & Sendable, _ key: Key, _ value: Value?
    ) {
        let old = self[keyPath: path][key]
        undo.append { $0[keyPath: path][key] = old }
        self[keyPath: path][key] = value
    }

    /// Does all of the batch or nothing. The appends have been matched by the rule set in force.
    mutating func apply(_ batch: Batch) throws(JournalError) -> (Receipt, Position) {
        ledger.begin()
        undo.removeAll(keepingCapacity: true)
        let start = ledger.head
        let oldDeployment = deployment
        do {
            for change in batch.control { try apply(change) }
            var receipt = Receipt(appended: [], deadLetters: [])
            for append in batch.appends { receipt.appended.append(try apply(append)) }
            try ledger.settle(batch.settlements)
            for change in batch.pending { try apply(change) }
            for change in batch.deadLetters {
                if let id = try apply(change) { receipt.deadLetters.append(id) }
            }
            for change in batch.decisions { try apply(change) }
            for change in batch.objects { apply(change) }
            for change in batch.catalog { apply(change) }
            for record in batch.invocations { set(\.invocations, record.attempt, record) }
            try ledger.proveConservation()
            return (receipt, start)
        } catch {
            ledger.rollback()
            log.removeLast(log.count - Int(start - trimmed))
            deployment = oldDeployment
            for step in undo.reversed() { step(&self) }
            throw error
        }
    }

    private mutating func apply(_ change: ControlChange) throws(JournalError) {
        switch change {
        case .deploy(let ruleSet, let body):
            try ledger.deploy(ruleSet)
            deployment = body
            set(\.deploymentPositions, ruleSet, ledger.head + 1)
        case .putSubscription(let record): _ = try ledger.put(record)
        case .removeSubscription(let id): try ledger.remove(id)
        case .putFunction(let record): set(\.functions, Name(record.name, String(record.version)), record)
        case .putValue(let name, let body):
            set(\.values, Name(name), body)
            set(\.valueNames, Name(name), name)
        case .removeValue(let name): set(\.values, Name(name), nil)
        }
    }

    private mutating func apply(_ append: Append) throws(JournalError) -> Receipt.Appended {
        let wanted = append.subscriptions
        if let id = append.deduplicationID {
            let key = Name(append.log, id)
            if let seen = deduplication[key], Deduplication.isFresh(seen.ingested, at: append.ingested) {
                return .duplicate(of: seen.position)
            }
            set(\.deduplication, key, Seen(position: ledger.head + 1, ingested: append.ingested))
        }
        let (position, deliveries) = try ledger.append(wanted)
        log.append(
            CommittedRecord(
                position: position, log: append.log, eventID: append.eventID, ingested: append.ingested,
                payload: append.payload(at: position), lineage: append.lineage, deliveries: deliveries))
        return .at(position)
    }

    private mutating func apply(_ change: PendingChange) throws(JournalError) {
        switch change {
        case .put(let entry):
            let key = PendingKey(subscription: entry.delivery.subscription, ordinal: entry.delivery.ordinal)
            try ledger.put(entry.delivery, from: pending[key]?.state, to: entry.state)
            set(\.pending, key, entry)
        case .finish(let delivery, let outcome):
            let key = PendingKey(subscription: delivery.subscription, ordinal: delivery.ordinal)
            try ledger.finish(delivery, from: pending[key]?.state, outcome)
            set(\.pending, key, nil)
        }
    }

    private mutating func apply(_ change: DeadLetterChange) throws(JournalError) -> Int64? {
        switch change {
        case .insert(var letter):
            letter.id = try ledger.insertDeadLetter(letter)
            set(\.deadLetters, letter.id, letter)
            return letter.id
        case .update(let letter):
            let old = try known(letter.id)
            guard old.delivery.subscription == letter.delivery.subscription else {
                throw JournalError(.constraint, "Dead letter \(letter.id) cannot move to another subscription.")
            }
            try ledger.moveDeadLetter(old.delivery.subscription, from: old.state, to: letter.state)
            set(\.deadLetters, letter.id, letter)
        case .setState(let id, let state):
            var letter = try known(id)
            try ledger.moveDeadLetter(letter.delivery.subscription, from: letter.state, to: state)
            letter.state = state
            set(\.deadLetters, id, letter)
        }
        return nil
    }

    private func known(_ id: Int64) throws(JournalError) -> DeadLetter {
        guard let letter = deadLetters[id] else { throw .unknownDeadLetter(id) }
        return letter
    }

    private mutating func apply(_ change: DecisionChange) throws(JournalError) {
        switch change {
        case .decide(let attempt, let body):
            set(\.decisions, attempt, Decision(sequence: decisions[attempt]?.sequence ?? nextDecision, body: body))
            nextDecision += 1
        case .clear(let attempt):
            guard decisions[attempt] != nil else { throw .unknownDecision(attempt) }
            set(\.decisions, attempt, nil)
        }
    }

    private mutating func apply(_ change: ObjectIndexChange) {
        switch change {
        case .put(let record): set(\.objects, Name(record.bucket, record.key), record)
        case .remove(let bucket, let key): set(\.objects, Name(bucket, key), nil)
        case .removeVersion(let bucket, let key, let etag):
            let name = Name(bucket, key)
            if objects[name]?.etag == etag { set(\.objects, name, nil) }
        case .announce(let bucket, let key, let of, let sequencer, let eventID):
            let name = Name(bucket, key)
            guard var record = objects[name], record.sequencer == of else { return }
            record.sequencer = sequencer
            record.eventID = eventID
            set(\.objects, name, record)
        case .refresh(let fresh):
            let name = Name(fresh.bucket, fresh.key)
            guard var record = objects[name], record.etag == fresh.etag else { return }
            record.arrived = record.arrival
            record.device = fresh.device
            record.inode = fresh.inode
            record.size = fresh.size
            record.modified = fresh.modified
            record.changed = fresh.changed
            record.sample = fresh.sample
            set(\.objects, name, record)
        }
    }

    private mutating func apply(_ change: CatalogChange) {
        switch change {
        case .putTable(let database, let table, let version, let body):
            let name = Name(database, table)
            let row = TableVersion(database: database, table: table, version: version, body: body)
            set(\.tables, name, row)
            var versions = tableVersions[name] ?? [:]
            if versions[version] == nil { versions[version] = row }
            set(\.tableVersions, name, versions)
        case .removeTable(let database, let table):
            set(\.tables, Name(database, table), nil)
            set(\.tableVersions, Name(database, table), nil)
            for (key, file) in files where file.database == database && file.table == table { set(\.files, key, nil) }
        case .putFile(let file): set(\.files, Name(file.bucket, file.key), file)
        case .removeFile(let bucket, let key):
            let name = Name(bucket, key)
            if objects[name] == nil { set(\.files, name, nil) }
        }
    }
}

/// The five minutes in which a deduplication id, scoped to its log, stands for one record.
enum Deduplication {
    static let window: Milliseconds = 300_000

    /// A clock that was set back must not keep an id alive for longer than the window, hence both directions.
    static func isFresh(_ seen: Milliseconds, at now: Milliseconds) -> Bool { abs(now - seen) < window }
}

extension JournalError {
    static func unknownDeadLetter(_ id: Int64) -> JournalError {
        JournalError(.constraint, "There is no dead letter \(id).")
    }

    static func unknownDecision(_ attempt: AttemptID) -> JournalError {
        JournalError(.constraint, "Attempt \(attempt) has no decision to clear; was it settled before?")
    }
}
