import Foundation
import GRDB

/// The end of a transaction, and the chain of segments.
extension JournalWriter {
    /// Stores what the transaction collected: its records, one row of decisions, and the progress of the subscriptions
    /// it settled for. What a subscription matched is in the decisions, so an append alone writes no progress.
    func storeTransaction() throws(JournalError) {
        try attempt("appending to the log") { try storeRecords() }
        try attempt("writing decisions and progress") {
            if let first = transaction.records.first {
                let insert = log.insertChunk
                insert.bind(1, first.position)
                insert.bind(2, ledger.head)
                insert.bind(3, transaction.newestIngested)
                insert.bind(4, transaction.payloadBytes)
                insert.bind(5, transaction.chunk.encoded())
                insert.bind(6, transaction.chunk.hashes.bytes)
                try insert.run()
            }
            for index in ledger.unsaved where !ledger.entries[index].isRemoved { try storeProgress(of: index) }
            if transaction.deduplicated > 0 {
                statements.forgetDuplicates.bind(1, transaction.deduplicated * 2)
                statements.forgetDuplicates.bind(2, transaction.newestIngested - Deduplication.window)
                statements.forgetDuplicates.bind(3, transaction.newestIngested + Deduplication.window)
                try statements.forgetDuplicates.run()
            }
        }
    }

    private func storeRecords() throws {
        try transaction.records.withUnsafeBufferPointer { records in
            var next = 0
            while next < records.count {
                let several = records.count - next >= SegmentStatements.rows
                let count = several ? SegmentStatements.rows : 1
                try store(records, next..<next + count, with: several ? log.insertRecords : log.insertRecord)
                next += count
            }
        }
    }

    /// Binds the first of the records, and with it bound the others: nothing is copied.
    private func store(
        _ records: UnsafeBufferPointer<CommittedRecord>, _ range: Range<Int>, with insert: HotStatement,
        place: Int32 = 0
    ) throws {
        guard let index = range.first else { return try insert.run() }
        insert.bind(place + 1, records[index].position)
        insert.bind(place + 2, transaction.logIDs[index])
        insert.bind(place + 3, records[index].ingested)
        try insert.withText(place + 4, records[index].eventID) {
            try insert.withBlob(place + 5, records[index].payload) {
                try insert.withBlob(place + 6, records[index].lineage) {
                    try store(records, index + 1..<range.upperBound, with: insert, place: place + 6)
                }
            }
        }
    }

    private func storeProgress(of index: Int) throws {
        ledger.withCore(at: index) { core in
            // Decided here once, so that the rows below and the notes of them agree.
            core.dirtyBlocks.removeAll { $0 <= core.settled.floorBlock }
        }
        let core = ledger.entries[index].core
        let floorBlock = core.settled.floorBlock
        let save = statements.saveProgress
        save.bind(1, core.record.id.value)
        save.bind(2, core.settled.floor)
        save.bind(3, core.anchorOrdinal)
        save.bind(4, core.anchorPosition)
        save.bind(5, core.matched)
        save.bind(6, core.succeeded)
        save.bind(7, core.dropped)
        save.bind(8, core.superseded)
        save.bind(9, core.purged)
        save.bind(10, core.retrying)
        save.bind(11, core.parked)
        save.bind(12, core.redriven)
        save.bind(13, core.dead)
        save.bind(14, core.settled.above == 0 ? [] : core.settled.blocks[floorBlock]?.encoded() ?? [])
        try save.run()
        guard !core.dirtyBlocks.isEmpty || !core.storedBlocks.isEmpty else { return }
        let passed = core.storedBlocks.filter { $0 <= floorBlock }
        for block in passed {
            statements.removeBlock.bind(1, core.record.id.value)
            statements.removeBlock.bind(2, block)
            try statements.removeBlock.run()
        }
        for block in core.dirtyBlocks {
            guard let settled = core.settled.blocks[block] else { continue }
            statements.saveBlock.bind(1, core.record.id.value)
            statements.saveBlock.bind(2, block)
            statements.saveBlock.bind(3, settled.encoded())
            try statements.saveBlock.run()
        }
        ledger.withCore(at: index) { core in
            core.storedBlocks.subtract(passed)
            core.storedBlocks.formUnion(core.dirtyBlocks)
            core.dirtyBlocks = []
        }
    }

    // MARK: Segments

    /// Closes the open segment if it is full and makes the next, in the transaction in progress.
    func rollSegmentIfFull() throws(JournalError) {
        guard segment.bytes >= options.segmentBytes || ledger.head - segment.first + 1 >= options.segmentRecords else {
            return
        }
        try attempt("opening a segment") {
            let next = OpenSegment(id: segment.id + 1, first: ledger.head + 1)
            transaction.savedLog = log
            transaction.hasRolled = true
            try db.execute(
                sql: "UPDATE segment SET last = ?, bytes = ?, ingested = ? WHERE id = ?",
                arguments: [ledger.head, segment.bytes, segment.ingested, segment.id])
            for (subscription, match) in segment.matches {
                try db.execute(
                    sql: "INSERT INTO segment_match (segment, subscription, first_ordinal, count) VALUES (?, ?, ?, ?)",
                    arguments: [segment.id, subscription.value, match.first, match.count])
            }
            try db.execute(sql: Schema.segmentTables(next.id))
            try db.execute(sql: "INSERT INTO segment (id, first) VALUES (?, ?)", arguments: [next.id, next.first])
            // From here on the decisions of this segment are not read at a start: what they say must be stored.
            ledger.saveAll()
            log = try SegmentStatements(db, segment: next.id)
            segment = next
        }
        atPoint(.segmentRolled)
    }

    /// One step of a trim, in a transaction of its own; nil when nothing is left to drop. Drops the oldest segment if
    /// everything in it is settled, older than `limit` and not behind `end`, else some invocations that are older.
    func trimStep(settledBelow limit: Milliseconds, upTo end: Position) -> Result<TrimReport?, JournalError> {
        do throws(JournalError) {
            if let dropped = try dropOldestSegment(limit, end) { return .success(dropped) }
            return .success(try dropInvocations(limit) ? TrimReport() : nil)
        } catch {
            if db.isInsideTransaction { try? db.execute(sql: "ROLLBACK") }
            return .failure(error)
        }
    }

    /// True if there may be more.
    private func dropInvocations(_ limit: Milliseconds) throws(JournalError) -> Bool {
        try attempt("dropping invocations") {
            let rows = try Row.fetchAll(
                db, sql: "SELECT rowid, boot, number, event_ids, started FROM invocation ORDER BY rowid LIMIT 500")
            let old = try rows.prefix { try ($0.stored("started") as Int64) < limit }
            guard let last = old.last else { return false }
            try db.execute(sql: "BEGIN IMMEDIATE")
            for row in old {
                for event in try JSONTexts.decode(row.stored("event_ids")) {
                    try db.execute(
                        sql: "DELETE FROM invocation_event WHERE event_id = ? AND boot = ? AND number = ?",
                        arguments: [event, try row.stored("boot") as Int64, try row.stored("number") as Int64])
                }
            }
            try db.execute(
                sql: "DELETE FROM invocation WHERE rowid <= ?", arguments: [try last.stored("rowid") as Int64])
            try db.execute(sql: "COMMIT")
            return old.count == rows.count
        }
    }

    private func dropOldestSegment(_ limit: Milliseconds, _ end: Position) throws(JournalError) -> TrimReport? {
        try attempt("dropping a segment") { () -> TrimReport? in
            let oldest = try Row.fetchOne(
                db,
                sql: "SELECT id, first, last, bytes, ingested FROM segment WHERE last IS NOT NULL ORDER BY id LIMIT 1")
            guard let oldest, try (oldest.stored("ingested") as Int64) < limit,
                try (oldest.stored("last") as Int64) <= end
            else { return nil }
            let id: Int64 = try oldest.stored("id")
            let matches = try Row.fetchAll(
                db, sql: "SELECT subscription, first_ordinal, count FROM segment_match WHERE segment = ?",
                arguments: [id])
            for row in matches {
                // A subscription that was removed had nothing unsettled.
                guard let core = ledger.core(SubscriptionID(try row.stored("subscription"))) else { continue }
                let first: Int64 = try row.stored("first_ordinal")
                let count: Int64 = try row.stored("count")
                if count == 0 { continue }
                let (next, isOverflow) = first.addingReportingOverflow(count)
                guard count > 0, !isOverflow else { throw MalformedBlob(what: "matches of a segment", at: 0) }
                guard core.settled.contains(all: first...(next - 1)) else { return nil }
            }
            let records = try (oldest.stored("last") as Int64) &- (oldest.stored("first") as Int64) &+ 1
            try db.execute(sql: "BEGIN IMMEDIATE")
            for row in matches where try ledger.core(SubscriptionID(row.stored("subscription"))) != nil {
                try db.execute(
                    sql: """
                        INSERT INTO trimmed_match (subscription, count) VALUES (?, ?)
                        ON CONFLICT (subscription) DO UPDATE SET count = count + excluded.count
                        """, arguments: [try row.stored("subscription") as Int64, try row.stored("count") as Int64])
            }
            try db.execute(
                sql: "UPDATE meta SET value = value + ? WHERE name = 'trimmed_records'", arguments: [records])
            try db.execute(sql: "DELETE FROM segment_match WHERE segment = ?", arguments: [id])
            try db.execute(sql: "DELETE FROM segment WHERE id = ?", arguments: [id])
            try db.execute(sql: "DROP TABLE log_\(id); DROP TABLE match_\(id);")
            atPoint(.segmentDropped)
            try db.execute(sql: "COMMIT")
            return TrimReport(records: records, bytes: try oldest.stored("bytes"))
        }
    }
}
