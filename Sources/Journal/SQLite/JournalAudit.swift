import GRDB

/// Recounts a journal file: the promise of conservation, checked from what is stored and nothing else.
enum JournalAudit {
    private struct Snapshot {
        var tally: AuditTally
        var head: Position
        var segments: [Int64]
        var first: Position
    }

    /// What does not add up; empty: all is well. The control tables are read in one transaction; the log up to then
    /// does not change any more and is read page by page. A trim meanwhile makes it begin again.
    static func run(_ pool: DatabasePool) throws -> [String] {
        for _ in 0..<3 {
            var snapshot = try pool.read { try Self.snapshot($0) }
            if try countLog(&snapshot, pool) { return snapshot.tally.findings() }
        }
        return ["the log was trimmed again and again during the audit; try once more"]
    }

    private static func snapshot(_ db: Database) throws -> Snapshot {
        let stored = try StoredState(db)
        var tally = AuditTally(cores: stored.cores, head: stored.head, firstOrdinals: stored.firstOrdinals)
        let pending = try HotStatement(cached: db, "SELECT subscription, ordinal, position, state FROM pending")
        defer { pending.reset() }
        while try pending.step() {
            tally.addPending(
                Delivery(
                    subscription: SubscriptionID(pending.int64(0)), position: pending.int64(2),
                    ordinal: pending.int64(1)),
                try PendingEntry.State(stored: pending.int64(3)))
        }
        let letters = try HotStatement(
            cached: db, "SELECT subscription, state, count(*) FROM dead_letter GROUP BY subscription, state")
        defer { letters.reset() }
        while try letters.step() {
            tally.addDeadLetter(
                SubscriptionID(letters.int64(0)), try DeadLetter.State(stored: letters.int64(1)),
                count: letters.int64(2))
        }
        let trimmed = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'trimmed_records'") ?? 0
        let segments = try Row.fetchAll(db, sql: "SELECT id, first FROM segment ORDER BY id")
        let first: Position = segments.first?["first"] ?? 1
        if first != trimmed + 1 {
            tally.problem("the log starts at \(first), but \(trimmed) records were trimmed")
        }
        return Snapshot(tally: tally, head: stored.head, segments: segments.map { $0["id"] }, first: first)
    }

    /// False if a segment disappeared meanwhile.
    private static func countLog(_ snapshot: inout Snapshot, _ pool: DatabasePool) throws -> Bool {
        var cursor = snapshot.first - 1
        while cursor < snapshot.head {
            let (page, isThere) = try pool.read { db -> (LogReader.Page?, Bool) in
                let first = try Int64.fetchOne(db, sql: "SELECT min(first) FROM segment") ?? 0
                guard first == snapshot.first else { return (nil, false) }
                return (try LogReader(db).page(after: cursor), true)
            }
            guard isThere else { return false }
            guard let page else { break }
            for chunk in page.chunks {
                for entry in try chunk.entries() where entry.position <= snapshot.head {
                    snapshot.tally.add(position: entry.position, deliveries: entry.deliveries)
                }
            }
            cursor = page.end
        }
        for segment in snapshot.segments {
            let counted = try pool.read { db -> (rows: Int64, decided: Int64)? in
                let first = try Int64.fetchOne(db, sql: "SELECT min(first) FROM segment") ?? 0
                guard first == snapshot.first else { return nil }
                return (
                    try Int64.fetchOne(db, sql: "SELECT count(*) FROM log_\(segment)") ?? 0,
                    try Int64.fetchOne(db, sql: "SELECT coalesce(sum(last - first + 1), 0) FROM match_\(segment)") ?? 0
                )
            }
            guard let counted else { return false }
            if counted.rows != counted.decided {
                snapshot.tally.problem(
                    "segment \(segment) has \(counted.rows) records, but decisions for \(counted.decided)")
            }
        }
        return true
    }
}

extension SQLiteJournal {
    package func audit() throws(JournalError) -> [String] {
        do { return try JournalAudit.run(pool) } catch {
            throw JournalError(storage: error, doing: "auditing the journal", path: folder.database)
        }
    }

    /// Audits a data folder without opening it for work: for `sluice doctor`, whether or not a host runs.
    package static func audit(dataFolder: String) throws(JournalError) -> [String] {
        let folder = DataFolder(dataFolder)
        do {
            try Connections.checkFormat(folder.database)
            let pool = try Connections.readers(folder.database, count: 1)
            let findings = try JournalAudit.run(pool)
            try pool.close()
            return findings
        } catch {
            throw JournalError(storage: error, doing: "auditing the journal", path: folder.database)
        }
    }
}
