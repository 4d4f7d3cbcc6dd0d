import GRDB
import Synchronization

/// Reading the log. Long reads go page by page, each in a transaction of its own.
extension SQLiteJournal {
    package func recover() throws(JournalError) -> RecoveredState {
        let published = queue.published.withLock { $0 }
        let (deployment, decisions) = try read("reading the decisions") { db in
            let body = try Row.fetchOne(db, sql: "SELECT body FROM deployment ORDER BY rule_set DESC LIMIT 1")
            let rows = try Row.fetchAll(db, sql: "SELECT boot, number, body FROM decision ORDER BY sequence")
            return (
                try body?.bytes("body"),
                try rows.map { row in
                    (
                        attempt: try AttemptID(boot: row.stored("boot"), number: row.stored("number")),
                        body: try row.bytes("body")
                    )
                }
            )
        }
        return RecoveredState(
            boot: published.boot, wasUnclean: published.wasUnclean, ruleSet: published.ruleSet, deployment: deployment,
            subscriptions: try progress(), decisions: decisions, head: published.head,
            nextSubscription: SubscriptionID(published.lastSubscription + 1))
    }

    package func progress() throws(JournalError) -> [SubscriptionProgress] {
        let cores = queue.published.withLock { $0.cores }.values.sorted { $0.record.id < $1.record.id }
        var result: [SubscriptionProgress] = []
        result.reserveCapacity(cores.count)
        for core in cores { result.append(core.progress(floorPosition: try floorPosition(core))) }
        return result
    }

    /// Settled out of order, the floor may have run ahead of the anchor: its position is in the decisions after it.
    private func floorPosition(_ core: SubscriptionCore) throws(JournalError) -> Position? {
        guard core.anchorOrdinal < core.settled.floor else { return nil }
        var cursor = core.anchorPosition
        while true {
            let (found, end) = try read("looking for a position") { db -> (Position?, Position?) in
                guard let page = try LogReader(db).page(after: cursor) else { return (nil, nil) }
                for chunk in page.chunks {
                    guard let member = chunk.members.first(where: { $0.subscription == core.record.id }),
                        member.firstOrdinal + member.count > core.settled.floor
                    else { continue }
                    guard
                        let match = try chunk.matches(of: core.record.id).first(where: {
                            $0.ordinal >= core.settled.floor
                        })
                    else { continue }
                    // The record itself may be trimmed: then just before the next one is the best that can be said.
                    return (match.ordinal == core.settled.floor ? match.position : match.position - 1, page.end)
                }
                return (nil, page.end)
            }
            if let found { return found }
            guard let end else { return nil }
            cursor = end
        }
    }

    package func waiting(
        _ subscription: SubscriptionID, after: Position, limit: Int, bytes: Int
    ) throws(JournalError) -> [CommittedRecord] {
        let (core, head) = queue.published.withLock { ($0.cores[subscription], $0.head) }
        guard let core, core.waiting > 0, limit > 0 else { return [] }
        var cursor = max(after, core.anchorPosition)
        var result: [CommittedRecord] = []
        var room = (records: limit, bytes: bytes)
        // Most records are usually wanted, and few of a long log at a time: what is missing is read in further pages
        // that grow.
        var most = min(limit * 2, LogReader.recordsPerPage)
        while cursor < head, room.records > 0, room.bytes > 0 {
            let (records, wanted, end) = try read("reading what is waiting") {
                [room] db -> ([CommittedRecord], Int, Position?) in
                let reader = LogReader(db)
                guard let page = try reader.page(after: cursor, most: most) else { return ([], 0, nil) }
                var wanted: [(position: Position, deliveries: [Delivery])] = []
                search: for chunk in page.chunks {
                    guard let member = chunk.members.first(where: { $0.subscription == subscription }),
                        !core.settled.contains(all: member.firstOrdinal...(member.firstOrdinal + member.count - 1))
                    else { continue }
                    for match in try chunk.matches(of: subscription)
                    where match.position > cursor && match.position <= head && !core.settled.contains(match.ordinal) {
                        wanted.append(
                            (
                                match.position,
                                [Delivery(subscription: subscription, position: match.position, ordinal: match.ordinal)]
                            ))
                        if wanted.count == room.records { break search }
                    }
                }
                let records = try reader.records(
                    segment: page.segment, wanted, names: try LogNames(db), bytes: room.bytes)
                return (records, wanted.count, page.end)
            }
            result += records
            guard let end, records.count == wanted else { break }
            cursor = end
            room.records -= records.count
            room.bytes -= records.reduce(0) { $0 + $1.payload.count }
            most = min(most * 4, LogReader.recordsPerPage)
        }
        return result
    }

    package func position(ofRuleSet ruleSet: Int64) throws(JournalError) -> Position? {
        try read("looking for a deployment") { db in
            try Int64.fetchOne(db, sql: "SELECT position FROM deployment WHERE rule_set = ?", arguments: [ruleSet])
        }
    }

    package func record(at position: Position) throws(JournalError) -> StoredRecord? {
        try read("reading a record") { db in
            let reader = LogReader(db)
            guard position > 0, let page = try reader.page(before: position, limit: 1),
                let entry = try page.chunks.first?.entries().first(where: { $0.position == position })
            else { return nil }
            return try reader.records(
                segment: page.segment, [(position, entry.deliveries)], names: try LogNames(db)
            ).first
        }
    }

    package func records(
        log: String?, after: Position, limit: Int, bytes: Int
    ) throws(JournalError) -> [StoredRecord] {
        var cursor = max(0, after)
        var result: [StoredRecord] = []
        var space = bytes
        while result.count < limit, space > 0 {
            let room = limit - result.count
            let (records, end) = try read("reading the log") { [space] db -> ([StoredRecord], Position?) in
                let reader = LogReader(db)
                let names = try LogNames(db)
                let only = log.map { names.id(of: $0) ?? -1 }
                // A log that has never had a record.
                guard only != -1, let page = try reader.page(after: cursor) else { return ([], nil) }
                var wanted: [(position: Position, deliveries: [Delivery])] = []
                for chunk in page.chunks where only.map({ chunk.logs.contains($0) }) ?? true {
                    for entry in try chunk.entries() where entry.position > cursor && only ?? entry.log == entry.log {
                        wanted.append((entry.position, entry.deliveries))
                    }
                    if wanted.count >= room { break }
                }
                wanted.removeLast(max(0, wanted.count - room))
                let found = try reader.records(segment: page.segment, wanted, names: names, bytes: space)
                return (found, found.count < wanted.count ? nil : page.end)
            }
            result += records
            space -= bytes == .max ? 0 : records.reduce(0) { $0 + $1.payload.count }
            guard let end else { break }
            cursor = end
        }
        return result
    }

    package func lastRecords(log: String?, limit: Int) throws(JournalError) -> [StoredRecord] {
        var cursor = queue.published.withLock { $0.head }
        var newestFirst: [StoredRecord] = []
        while cursor > 0, newestFirst.count < limit {
            let room = limit - newestFirst.count
            let (records, end) = try read("reading the log") { db -> ([StoredRecord], Position) in
                let reader = LogReader(db)
                let names = try LogNames(db)
                let only = log.map { names.id(of: $0) ?? -1 }
                guard only != -1, let page = try reader.page(before: cursor, limit: LogReader.chunksPerPage) else {
                    return ([], 0)
                }
                var wanted: [(position: Position, deliveries: [Delivery])] = []
                for chunk in page.chunks where only.map({ chunk.logs.contains($0) }) ?? true {
                    for entry in try chunk.entries().reversed()
                    where entry.position <= cursor && only ?? entry.log == entry.log {
                        wanted.append((entry.position, entry.deliveries))
                    }
                    if wanted.count >= room { break }
                }
                wanted.removeLast(max(0, wanted.count - room))
                let found = try reader.records(segment: page.segment, wanted.reversed(), names: names)
                return (found.reversed(), page.end)
            }
            newestFirst += records
            cursor = end
        }
        return newestFirst.reversed()
    }

    package func record(eventID: String) throws(JournalError) -> StoredRecord? {
        let hash = EventIDHash.hash(eventID)
        var cursor = queue.published.withLock { $0.head }
        while cursor > 0 {
            let (found, end) = try read("looking for an event") { db -> (Position?, Position) in
                try Self.find(eventID, hash, upTo: cursor, LogReader(db))
            }
            if let found, let record = try record(at: found), !ReplayLog.isReplay(record.log) { return record }
            cursor = found.map { $0 - 1 } ?? end
        }
        return nil
    }

    package func replays(ofEvent id: String, after: Position) throws(JournalError) -> [StoredRecord] {
        let hash = EventIDHash.hash(id)
        var cursor = queue.published.withLock { $0.head }
        var copies: [StoredRecord] = []
        while cursor > after {
            let (found, end) = try read("looking for an event's replays") { db -> (Position?, Position) in
                try Self.find(id, hash, upTo: cursor, LogReader(db))
            }
            if let found, found > after, let record = try record(at: found), ReplayLog.isReplay(record.log) {
                copies.append(record)
            }
            cursor = found.map { $0 - 1 } ?? end
        }
        return copies.reversed()
    }

    /// Looks through the hashes of one page, newest first.
    private static func find(
        _ eventID: String, _ hash: UInt32, upTo position: Position, _ reader: LogReader
    ) throws -> (Position?, Position) {
        guard let segment = try reader.segment(of: position) else { return (nil, 0) }
        let rows = try HotStatement(
            cached: reader.db,
            "SELECT first, hashes FROM match_\(segment.id) WHERE first <= ? ORDER BY first DESC LIMIT ?")
        let name = try HotStatement(cached: reader.db, "SELECT event_id FROM log_\(segment.id) WHERE position = ?")
        rows.bind(1, position)
        rows.bind(2, LogReader.chunksPerPage)
        defer {
            rows.reset()
            name.reset()
        }
        var lowest: Position?
        while try rows.step() {
            let first = rows.int64(0)
            lowest = first
            let candidates = rows.withBlob(1) { bytes -> [Position] in
                (0..<bytes.count / 4).reversed().compactMap { index in
                    let value = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
                    return value == hash ? first + Int64(index) : nil
                }
            }
            for candidate in candidates where candidate <= position {
                name.reset()
                name.bind(1, candidate)
                if try name.step(), name.text(0) == eventID { return (candidate, candidate) }
            }
        }
        return (nil, (lowest ?? segment.first) - 1)
    }

    package func position(ingestedFrom time: Milliseconds) throws(JournalError) -> Position {
        let head = queue.published.withLock { $0.head }
        return try read("looking for a time") { db in
            let segments = try Row.fetchAll(
                db, sql: "SELECT id FROM segment WHERE last IS NULL OR ingested >= ? ORDER BY id", arguments: [time])
            for segment in segments {
                let id: Int64 = try segment.stored("id")
                let sql = "SELECT first FROM match_\(id) WHERE ingested >= ? ORDER BY first LIMIT 1"
                if let first = try Int64.fetchOne(db, sql: sql, arguments: [time]) { return first }
            }
            return head + 1
        }
    }

    package func position(ingestedBefore time: Milliseconds) throws(JournalError) -> Position {
        let head = queue.published.withLock { $0.head }
        return try read("looking for a time") { db in
            // The newest first: who asks wants one of these.
            var end = head
            for segment in try Row.fetchAll(db, sql: "SELECT id, first FROM segment ORDER BY id DESC") {
                let id: Int64 = try segment.stored("id")
                let sql = "SELECT first FROM match_\(id) WHERE ingested < ? ORDER BY first DESC LIMIT 1"
                if let first = try Int64.fetchOne(db, sql: sql, arguments: [time]) {
                    let next = "SELECT first FROM match_\(id) WHERE first > ? ORDER BY first LIMIT 1"
                    return try Int64.fetchOne(db, sql: next, arguments: [first]).map { $0 - 1 } ?? end
                }
                end = try (segment.stored("first") as Int64) - 1
            }
            return 0
        }
    }
}
