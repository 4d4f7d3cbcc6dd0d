import GRDB

/// What one transaction of the writer has collected.
struct Transaction {
    /// Appended, in order of position.
    var records: [CommittedRecord] = []
    /// Of the log of each of them.
    var logIDs: [Int64] = []
    var chunk = DecisionChunkBuilder()
    var payloadBytes: Int64 = 0
    var newestIngested: Milliseconds = 0
    var settlements: Int64 = 0
    /// Names of logs first used by it.
    var newLogs: [String] = []
    var deduplicated = 0
    /// By how much it changes the totals of buckets.
    var objects: [String: ObjectTotals] = [:]
    /// It closed a segment and opened the next.
    var hasRolled = false
    var savedSegment = OpenSegment(id: 0, first: 0)
    var savedLog: SegmentStatements?

    mutating func start(segment: OpenSegment) { savedSegment = segment }
}

/// The statements that write to one segment.
struct SegmentStatements {
    /// Rows that `insertRecords` takes.
    static let rows = 8

    let insertRecord: HotStatement
    /// Several rows at once: to begin and end a statement, and to find the end of the table, costs half of a row.
    let insertRecords: HotStatement
    let insertChunk: HotStatement

    init(_ db: Database, segment: Int64) throws {
        let insert = "INTO log_\(segment) (position, log, ingested, event_id, payload, lineage) VALUES"
        insertRecord = try HotStatement(db, "INSERT \(insert) (?,?,?,?,?,?)")
        // With ABORT, the default, SQLite would keep a copy of every page that the statement changes, to take back its
        // first rows alone; here a failure takes back the transaction.
        insertRecords = try HotStatement(
            db, "INSERT OR FAIL \(insert) " + Array(repeating: "(?,?,?,?,?,?)", count: Self.rows).joined(separator: ",")
        )
        insertChunk = try HotStatement(
            db, "INSERT INTO match_\(segment) (first, last, ingested, bytes, decisions, hashes) VALUES (?,?,?,?,?,?)")
    }
}

/// The other statements that run for every batch.
struct WriterStatements {
    let saveProgress: HotStatement
    let saveBlock: HotStatement
    let removeBlock: HotStatement
    let findDuplicate: HotStatement
    let saveDuplicate: HotStatement
    let forgetDuplicates: HotStatement
    let pendingState: HotStatement
    let putPending: HotStatement
    let removePending: HotStatement
    let deadLetterState: HotStatement
    let putDeadLetter: HotStatement
    let setDeadLetterState: HotStatement
    let decide: HotStatement
    let decided: HotStatement
    let clearDecision: HotStatement
    let objectSize: HotStatement
    let putObject: HotStatement
    let removeObject: HotStatement
    let removeVersion: HotStatement
    let announceObject: HotStatement
    let refreshObject: HotStatement
    let putInvocation: HotStatement
    let putInvocationEvent: HotStatement

    init(_ db: Database) throws {
        func statement(_ sql: String) throws -> HotStatement { try HotStatement(db, sql) }
        saveProgress = try statement(
            """
            INSERT OR REPLACE INTO progress (subscription, floor, anchor_ordinal, anchor_position, matched, succeeded,
            dropped, superseded, purged, retrying, parked, redriven, dead, settled) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)
            """)
        saveBlock = try statement("INSERT OR REPLACE INTO settled_block (subscription, block, settled) VALUES (?,?,?)")
        removeBlock = try statement("DELETE FROM settled_block WHERE subscription = ? AND block = ?")
        findDuplicate = try statement("SELECT rowid, position, ingested FROM deduplication WHERE log = ? AND id = ?")
        saveDuplicate = try statement(
            "INSERT OR REPLACE INTO deduplication (log, id, position, ingested) VALUES (?,?,?,?)")
        // Rows come in order of time, give or take: twice as many as were written may go, so the table keeps its size.
        // What a clock that was ahead has left is as dead as what is old, and must not stand before it.
        forgetDuplicates = try statement(
            """
            DELETE FROM deduplication WHERE rowid IN (SELECT rowid FROM deduplication ORDER BY rowid LIMIT ?1)
            AND (ingested < ?2 OR ingested > ?3)
            """)
        pendingState = try statement("SELECT state FROM pending WHERE subscription = ? AND ordinal = ?")
        putPending = try statement(
            """
            INSERT INTO pending (subscription, ordinal, position, state, event_id, ingested, attempts, due, dead_letter,
            history, lineage, payload) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
            ON CONFLICT (subscription, ordinal) DO UPDATE SET position = excluded.position, state = excluded.state,
            event_id = excluded.event_id, ingested = excluded.ingested, attempts = excluded.attempts,
            due = excluded.due, dead_letter = excluded.dead_letter, history = excluded.history,
            lineage = excluded.lineage, payload = excluded.payload
            """)
        removePending = try statement("DELETE FROM pending WHERE subscription = ? AND ordinal = ?")
        deadLetterState = try statement("SELECT state, subscription FROM dead_letter WHERE id = ?")
        putDeadLetter = try statement(
            """
            INSERT OR REPLACE INTO dead_letter (id, subscription, position, ordinal, state, target, rule, event_id,
            ingested, died, code, message, condition, fingerprint, attempts, history, input, lineage, payload)
            VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
            """)
        setDeadLetterState = try statement("UPDATE dead_letter SET state = ? WHERE id = ?")
        decide = try statement(
            """
            INSERT INTO decision (boot, number, body) VALUES (?,?,?)
            ON CONFLICT (boot, number) DO UPDATE SET body = excluded.body
            """)
        decided = try statement("SELECT 1 FROM decision WHERE boot = ? AND number = ?")
        clearDecision = try statement("DELETE FROM decision WHERE boot = ? AND number = ?")
        objectSize = try statement("SELECT size FROM object WHERE bucket = ? AND key = ?")
        putObject = try statement(
            """
            INSERT OR REPLACE INTO object (bucket, key, device, inode, size, modified, changed, sample, etag, sequencer,
            event_id, arrived) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
            """)
        removeObject = try statement("DELETE FROM object WHERE bucket = ? AND key = ?")
        removeVersion = try statement("DELETE FROM object WHERE bucket = ? AND key = ? AND etag = ?")
        announceObject = try statement(
            "UPDATE object SET sequencer = ?, event_id = ? WHERE bucket = ? AND key = ? AND sequencer = ?")
        refreshObject = try statement(
            """
            UPDATE object SET device = ?, inode = ?, size = ?, modified = ?, changed = ?, sample = ?,
            arrived = CASE arrived WHEN 0 THEN changed / 1000000 ELSE arrived END
            WHERE bucket = ? AND key = ? AND etag = ?
            """)
        putInvocation = try statement(
            """
            INSERT OR REPLACE INTO invocation (boot, number, id, subscription, function, version, event_ids, attempt,
            started, duration, outcome, code, message, cold_start, log_file, log_offset, log_length, details)
            VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
            """)
        putInvocationEvent = try statement(
            "INSERT OR IGNORE INTO invocation_event (event_id, boot, number) VALUES (?,?,?)")
    }
}
