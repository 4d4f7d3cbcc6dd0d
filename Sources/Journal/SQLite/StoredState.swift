import GRDB

/// What a journal file says, read in one transaction: what the writer starts from, and what an audit compares with.
struct StoredState {
    var cores: [SubscriptionCore] = []
    var head: Position = 0
    var ruleSet: Int64 = 0
    var lastDeadLetter: Int64 = 0
    var lastSubscription: Int64 = 0
    var boot: Int64 = 0
    var isClean = true
    var logs: [String: Int64] = [:]
    var segment: OpenSegment
    /// First ordinal still in the log, of subscriptions with trimmed records.
    var firstOrdinals: [SubscriptionID: Int64] = [:]

    var ledger: Ledger {
        Ledger(
            cores: cores, head: head, ruleSet: ruleSet, lastDeadLetter: lastDeadLetter,
            lastSubscription: lastSubscription)
    }

    /// Reads the control tables and the open segment's decisions: what a subscription matched is stored with its
    /// settlements, later matches are in that segment.
    init(_ db: Database) throws {
        guard let row = try Row.fetchOne(db, sql: "SELECT id, first FROM segment ORDER BY id DESC LIMIT 1") else {
            throw MalformedBlob(what: "journal: it has no segment", at: 0)
        }
        segment = OpenSegment(id: try row.stored("id"), first: try row.stored("first"))
        for row in try Row.fetchAll(db, sql: "SELECT name, value FROM meta") {
            let value: Int64 = try row.stored("value")
            switch try row.stored("name") as String {
            case "boot": boot = value
            case "clean": isClean = value != 0
            case "last_subscription": lastSubscription = value
            default: break
            }
        }
        for row in try Row.fetchAll(db, sql: "SELECT id, name FROM log") {
            logs[try row.stored("name")] = try row.stored("id")
        }
        ruleSet = try Int64.fetchOne(db, sql: "SELECT max(rule_set) FROM deployment") ?? 0
        lastDeadLetter = try Int64.fetchOne(db, sql: "SELECT max(id) FROM dead_letter") ?? 0
        cores = try Self.subscriptions(db)
        try readSegment(db)
        for row in try Row.fetchAll(db, sql: "SELECT subscription, count FROM trimmed_match") {
            let (first, isOverflow) = (try row.stored("count") as Int64).addingReportingOverflow(1)
            guard !isOverflow else { throw MalformedBlob(what: "column count", at: 0) }
            firstOrdinals[SubscriptionID(try row.stored("subscription"))] = first
        }
    }

    private mutating func readSegment(_ db: Database) throws {
        let rows = try HotStatement(
            cached: db, "SELECT first, ingested, bytes, decisions FROM match_\(segment.id) ORDER BY first")
        defer { rows.reset() }
        var next = segment.first
        while try rows.step() {
            let chunk = try DecisionChunk(first: rows.int64(0), decoding: rows.blob(3))
            guard chunk.first == next else {
                throw MalformedBlob(what: "log: position \(next) is missing", at: 0)
            }
            next = chunk.last + 1
            segment.add(chunk.members, bytes: rows.int64(2), ingested: rows.int64(1))
        }
        head = next - 1
        for index in cores.indices {
            guard let count = segment.matches[cores[index].record.id] else { continue }
            cores[index].matched = max(cores[index].matched, count.first + count.count - 1)
        }
    }
}

/// The segment that appends go to.
struct OpenSegment: Sendable {
    var id: Int64
    var first: Position
    var bytes: Int64 = 0
    /// The newest time of ingestion in it.
    var ingested: Milliseconds = 0
    var matches: [SubscriptionID: (first: Int64, count: Int64)] = [:]

    init(id: Int64, first: Position) {
        self.id = id
        self.first = first
    }

    mutating func add(_ members: [DecisionChunk.Member], bytes: Int64, ingested: Milliseconds) {
        // A size for deciding when to begin another segment; a damaged one is no reason to stop.
        self.bytes &+= bytes
        self.ingested = max(self.ingested, ingested)
        for member in members {
            matches[member.subscription, default: (member.firstOrdinal, 0)].count += member.count
        }
    }
}
