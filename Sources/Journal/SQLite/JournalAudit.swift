import GRDB

/// Recounts a journal file: the promise of conservation, checked from what is stored and nothing else.
///
/// Everything is read in slices, each in a transaction of its own, so that the WAL can be checkpointed in between
/// however large the journal is. The log up to the first look does not change any more; for what moves meanwhile see
/// `JournalAudit+Unsettled`.
struct JournalAudit {
    let pool: DatabasePool
    /// Rows that one transaction looks at.
    let slice: Int
    /// For how long one transaction may check the pages of a table; nil: for as long as it takes, where nobody writes.
    let patience: Duration?
    /// Called when no transaction is open.
    let between: () throws -> Void

    /// What the journal said at the first look.
    private struct Snapshot {
        var tally: AuditTally
        var cores: [SubscriptionCore]
        var head: Position
        var segments: [Int64]
        var first: Position
    }

    /// A trim meanwhile makes it begin again.
    func run() throws -> AuditReport {
        var damage = AuditReport()
        try checkPages(into: &damage)
        // What is recounted over damaged pages is worth nothing, and may not be read at all.
        guard damage.damage.isEmpty else { return damage }
        for _ in 0..<3 {
            var snapshot = try read { try Self.snapshot($0) }
            guard try countLog(&snapshot) else { continue }
            var report = damage
            report.findings = snapshot.tally.findings()
            report.subscriptions = snapshot.cores.count
            report.records = snapshot.tally.records
            report.head = snapshot.head
            try compareUnsettled(snapshot.cores, into: &report)
            return report
        }
        var report = AuditReport()
        report.findings = ["the log was trimmed again and again during the audit; try once more"]
        return report
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try between()
        return try pool.read(body)
    }

    private static func snapshot(_ db: Database) throws -> Snapshot {
        let stored = try StoredState(db)
        var tally = AuditTally(cores: stored.cores, head: stored.head, firstOrdinals: stored.firstOrdinals)
        let trimmed = try Int64.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'trimmed_records'") ?? 0
        let segments = try Row.fetchAll(db, sql: "SELECT id, first FROM segment ORDER BY id")
        let first: Position = try segments.first?.stored("first") ?? 1
        if first != trimmed + 1 {
            tally.problem("the log starts at \(first), but \(trimmed) records were trimmed")
        }
        return Snapshot(
            tally: tally, cores: stored.cores, head: stored.head, segments: try segments.map { try $0.stored("id") },
            first: first)
    }

    /// False if a segment disappeared meanwhile.
    private func countLog(_ snapshot: inout Snapshot) throws -> Bool {
        let first = snapshot.first
        func read<Value>(_ body: (Database) throws -> Value) throws -> Value? {
            try self.read { db in
                let now = try Int64.fetchOne(db, sql: "SELECT min(first) FROM segment") ?? 0
                return now == first ? try body(db) : nil
            }
        }
        var cursor = first - 1
        while cursor < snapshot.head {
            let after = cursor
            guard let next = try read({ try LogReader($0).page(after: after, most: slice) }) else { return false }
            guard let page = next else { break }
            for chunk in page.chunks {
                for entry in try chunk.entries() where entry.position <= snapshot.head {
                    snapshot.tally.add(position: entry.position, deliveries: entry.deliveries)
                }
            }
            cursor = page.end
        }
        for segment in snapshot.segments {
            let decided = try read { db in
                try Row.fetchOne(
                    db,
                    sql: """
                        SELECT coalesce(min(first), 0) AS first, coalesce(max(last), -1) AS last,
                        coalesce(sum(last - first + 1), 0) AS count FROM match_\(segment)
                        """)
            }
            guard let decided else { return false }
            let (last, count): (Position, Int64) = try (decided?.stored("last") ?? -1, decided?.stored("count") ?? 0)
            var (rows, position): (Int64, Position) = try (0, (decided?.stored("first") ?? 0) &- 1)
            while position < last {
                let range = (position, min(last, position + Int64(slice)))
                let some = try read { db in
                    try Int64.fetchOne(
                        db, sql: "SELECT count(*) FROM log_\(segment) WHERE position > ? AND position <= ?",
                        arguments: [range.0, range.1]) ?? 0
                }
                guard let some else { return false }
                rows += some
                position = range.1
            }
            if rows != count {
                snapshot.tally.problem("segment \(segment) has \(rows) records, but decisions for \(count)")
            }
        }
        return true
    }
}

extension SQLiteJournal {
    /// A full segment is checked in less, and at full rate the WAL stays below its limit.
    package static let checkPatience = Duration.milliseconds(250)

    package func recount() throws(JournalError) -> AuditReport {
        do {
            return try JournalAudit(pool: pool, slice: Self.auditSlice, patience: Self.checkPatience, between: {}).run()
        } catch {
            throw JournalError(storage: error, doing: "auditing the journal", path: folder.database)
        }
    }

    /// Audits a data folder without opening it for work: for `sluice doctor` where no host runs.
    /// - Parameters:
    ///   - slice: rows that are read in one transaction.
    ///   - patience: for how long one transaction may check a table's pages, where somebody writes all the same.
    ///   - between: called between two of them.
    package static func recount(
        dataFolder: String, slice: Int = auditSlice, patience: Duration? = nil, between: () throws -> Void = {}
    ) throws(JournalError) -> AuditReport {
        let folder = DataFolder(dataFolder)
        do {
            try Connections.checkFormat(folder.database)
            let pool = try Connections.readers(folder.database, count: 1)
            let report = try withoutActuallyEscaping(between) {
                try JournalAudit(pool: pool, slice: slice, patience: patience, between: $0).run()
            }
            try pool.close()
            return report
        } catch {
            throw JournalError(storage: error, doing: "auditing the journal", path: folder.database)
        }
    }

    /// Some tens of milliseconds' work.
    package static let auditSlice = 20_000
}
