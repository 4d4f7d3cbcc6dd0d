import GRDB

/// The pending set and the dead letters against what subscriptions count of them. Both move while they are read, so a
/// subscription whose counts were the same before and after is compared with what was seen; any other one by itself, in
/// one transaction, as far as that is short.
extension JournalAudit {
    func compareUnsettled(_ cores: [SubscriptionCore], into report: inout AuditReport) throws {
        let before = try read(Self.kept)
        var counted: [SubscriptionID: AuditCounts] = [:]
        try countPending(cores, &counted, &report)
        try countDeadLetters(&counted)
        let after = try read(Self.kept)
        for (id, kept) in before.sorted(by: { $0.key < $1.key }) {
            guard let now = after[id] else { continue }
            let isStill = now == kept
            if isStill, (counted[id] ?? AuditCounts()) == kept { continue }
            try compare(id, isStill: isStill, &report)
        }
    }

    private static func kept(_ db: Database) throws -> [SubscriptionID: AuditCounts] {
        var kept: [SubscriptionID: AuditCounts] = [:]
        for core in try StoredState.subscriptions(db) { kept[core.record.id] = AuditCounts(core) }
        return kept
    }

    /// By state, all of it, in slices.
    private func countPending(
        _ cores: [SubscriptionCore], _ counted: inout [SubscriptionID: AuditCounts], _ report: inout AuditReport
    ) throws {
        let settled = Dictionary(uniqueKeysWithValues: cores.map { ($0.record.id, $0.settled) })
        var last: Int64 = 0
        while true {
            let (count, found) = try read { db -> (Int, [String]) in
                let rows = try HotStatement(
                    cached: db,
                    "SELECT rowid, subscription, ordinal, position, state FROM pending WHERE rowid > ? ORDER BY rowid LIMIT ?"
                )
                rows.bind(1, last)
                rows.bind(2, slice)
                defer { rows.reset() }
                var (count, found): (Int, [String]) = (0, [])
                var fresh: [SubscriptionID: SubscriptionCore?] = [:]
                while try rows.step() {
                    count += 1
                    last = rows.int64(0)
                    let delivery = Delivery(
                        subscription: SubscriptionID(rows.int64(1)), position: rows.int64(3), ordinal: rows.int64(2))
                    let id = delivery.subscription
                    counted[id, default: AuditCounts()].add(try PendingEntry.State(stored: rows.int64(4)))
                    // What was settled at the first look is so for ever.
                    if settled[id]?.contains(delivery.ordinal) == true { continue }
                    if fresh[id] == nil { fresh[id] = .some(try StoredState.subscriptions(db, only: id).first) }
                    guard let known = fresh[id], let core = known else {
                        found.append(AuditTally.unknown(id, entries: 1))
                        continue
                    }
                    if !core.settled.contains(delivery.ordinal) { found.append(AuditTally.stillWaiting(delivery)) }
                }
                return (count, found)
            }
            report.findings += found.prefix(max(0, 100 - report.findings.count))
            if count < slice { return }
        }
    }

    private func countDeadLetters(_ counted: inout [SubscriptionID: AuditCounts]) throws {
        var last: Int64 = 0
        while true {
            let count = try read { db -> Int in
                let rows = try HotStatement(
                    cached: db, "SELECT id, subscription, state FROM dead_letter WHERE id > ? ORDER BY id LIMIT ?")
                rows.bind(1, last)
                rows.bind(2, slice)
                defer { rows.reset() }
                var count = 0
                while try rows.step() {
                    count += 1
                    last = rows.int64(0)
                    let state = try DeadLetter.State(stored: rows.int64(2))
                    counted[SubscriptionID(rows.int64(1)), default: AuditCounts()].add(state)
                }
                return count
            }
            if count < slice { return }
        }
    }

    /// One subscription in one transaction. What is large and does not stand still is compared by its sums, which
    /// indexes have; what is large and stands still must be counted whole, for then something is wrong.
    private func compare(_ id: SubscriptionID, isStill: Bool, _ report: inout AuditReport) throws {
        let (findings, isWhole) = try read { db -> ([String], Bool) in
            guard let core = try StoredState.subscriptions(db, only: id).first else { return ([], true) }
            let kept = AuditCounts(core)
            func count(_ sql: String) throws -> Int64 {
                try Int64.fetchOne(db, sql: "SELECT count(*) FROM \(sql)", arguments: [id.value]) ?? 0
            }
            let pending = try count("pending WHERE subscription = ?")
            let dead = try count("dead_letter WHERE subscription = ? AND state = 1")
            let letters = try count("dead_letter WHERE subscription = ?")
            guard isStill || pending + letters <= Int64(slice) else {
                let differences = [
                    AuditCounts.difference("the pending set", kept: kept.pending, counted: pending, id),
                    AuditCounts.difference("dead", kept: kept.dead, counted: dead, id),
                ]
                return (differences.compactMap(\.self), false)
            }
            return (try Self.counted(id, db).differences(of: kept, id), true)
        }
        report.findings += findings
        if !isWhole {
            report.notes.append(
                "subscription \(id.value) moved while it was counted: its pending set and its dead letters were compared by "
                    + "their sums, not by the state of each entry")
        }
    }

    private static func counted(_ id: SubscriptionID, _ db: Database) throws -> AuditCounts {
        var counts = AuditCounts()
        func each(_ table: String, _ add: (Int64, Int64) throws -> Void) throws {
            let rows = try Row.fetchAll(
                db, sql: "SELECT state, count(*) AS count FROM \(table) WHERE subscription = ? GROUP BY state",
                arguments: [id.value])
            for row in rows { try add(row.stored("state"), row.stored("count")) }
        }
        try each("pending") { counts.add(try PendingEntry.State(stored: $0), $1) }
        try each("dead_letter") { counts.add(try DeadLetter.State(stored: $0), $1) }
        return counts
    }
}
