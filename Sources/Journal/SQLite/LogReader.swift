import GRDB

/// Reads the chain of segments in one read transaction.
struct LogReader {
    let db: Database

    struct Segment {
        var id: Int64
        var first: Position
    }

    /// Decisions of one segment, in order.
    struct Page {
        var segment: Int64
        var chunks: [DecisionChunk]
        /// Where the next page starts to look: its first position is above this.
        var end: Position
    }

    /// A page of decisions has about this many records at most: no read transaction may hold the WAL for long.
    static let recordsPerPage = 200_000
    static let chunksPerPage = 2_048

    init(_ db: Database) { self.db = db }

    func segment(of position: Position) throws -> Segment? {
        try segment("SELECT id, first FROM segment WHERE first <= ? ORDER BY first DESC LIMIT 1", position)
    }

    func segment(after position: Position) throws -> Segment? {
        try segment("SELECT id, first FROM segment WHERE first > ? ORDER BY first LIMIT 1", position)
    }

    private func segment(_ sql: String, _ position: Position) throws -> Segment? {
        let find = try HotStatement(cached: db, sql)
        find.bind(1, position)
        defer { find.reset() }
        return try find.step() ? Segment(id: find.int64(0), first: find.int64(1)) : nil
    }

    /// The decisions of about `most` records from `position + 1` on, of one segment; nil at the end of the log.
    func page(after position: Position, most: Int = recordsPerPage) throws -> Page? {
        guard position < .max else { return nil }
        var segment = try self.segment(of: position + 1) ?? self.segment(after: position)
        while let current = segment {
            let rows = try HotStatement(
                cached: db,
                """
                SELECT first, decisions FROM match_\(current.id) WHERE first >= coalesce(
                (SELECT max(first) FROM match_\(current.id) WHERE first <= ?1), 0) AND last >= ?1
                ORDER BY first LIMIT ?2
                """)
            rows.bind(1, position + 1)
            rows.bind(2, Self.chunksPerPage)
            defer { rows.reset() }
            var chunks: [DecisionChunk] = []
            var records = 0
            while records < most, try rows.step() {
                let chunk = try DecisionChunk(first: rows.int64(0), decoding: rows.blob(1))
                records += chunk.count
                chunks.append(chunk)
            }
            if let last = chunks.last { return Page(segment: current.id, chunks: chunks, end: last.last) }
            segment = try self.segment(after: current.first)
        }
        return nil
    }

    /// The decisions up to `position`, newest first, of one segment; nil at the beginning of the log. `end` is the
    /// position below which the next page lies, less one.
    func page(before position: Position, limit: Int) throws -> Page? {
        var segment = try self.segment(of: position)
        while let current = segment {
            let rows = try HotStatement(
                cached: db,
                "SELECT first, decisions FROM match_\(current.id) WHERE first <= ? ORDER BY first DESC LIMIT ?")
            rows.bind(1, position)
            rows.bind(2, min(limit, Self.chunksPerPage))
            defer { rows.reset() }
            var chunks: [DecisionChunk] = []
            var records = 0
            while records < Self.recordsPerPage, try rows.step() {
                let chunk = try DecisionChunk(first: rows.int64(0), decoding: rows.blob(1))
                records += chunk.count
                chunks.append(chunk)
            }
            if let last = chunks.last { return Page(segment: current.id, chunks: chunks, end: last.first - 1) }
            segment = try self.segment(of: current.first - 1)
        }
        return nil
    }

    /// The rows of a segment at the given places, which are in order.
    /// - Parameters:
    ///   - wanted: positions with what they were wanted by.
    ///   - bytes: no more rows than together have so many bytes of payload, but one in any case.
    func records(
        segment: Int64, _ wanted: [(position: Position, deliveries: [Delivery])], names: LogNames, bytes: Int = .max
    ) throws -> [CommittedRecord] {
        guard let first = wanted.first?.position, let last = wanted.last?.position else { return [] }
        var result: [CommittedRecord] = []
        result.reserveCapacity(wanted.count)
        var room = bytes
        /// False: the row does not fit any more.
        func take(_ row: HotStatement, _ deliveries: [Delivery]) throws -> Bool {
            room -= row.withBlob(4) { $0.count }
            guard room >= 0 || result.isEmpty else { return false }
            result.append(try Self.record(row, deliveries, names))
            return true
        }
        let columns = "SELECT position, log, ingested, event_id, payload, lineage FROM log_\(segment)"
        if last - first < Int64(wanted.count) * 2 {
            // Mostly neighbours: one pass over the range.
            let rows = try HotStatement(cached: db, columns + " WHERE position BETWEEN ? AND ? ORDER BY position")
            rows.bind(1, first)
            rows.bind(2, last)
            defer { rows.reset() }
            var next = 0
            while next < wanted.count, try rows.step() {
                guard rows.int64(0) == wanted[next].position else { continue }
                guard try take(rows, wanted[next].deliveries) else { return result }
                next += 1
            }
        } else {
            let row = try HotStatement(cached: db, columns + " WHERE position = ?")
            defer { row.reset() }
            for (position, deliveries) in wanted {
                row.reset()
                row.bind(1, position)
                guard try row.step() else { break }
                guard try take(row, deliveries) else { return result }
            }
        }
        guard result.count == wanted.count else {
            throw MalformedBlob(what: "log: records between \(first) and \(last) are missing", at: 0)
        }
        return result
    }

    private static func record(
        _ row: HotStatement, _ deliveries: [Delivery], _ names: LogNames
    ) throws -> CommittedRecord {
        CommittedRecord(
            position: row.int64(0), log: try names.name(of: row.int64(1)), eventID: row.text(3), ingested: row.int64(2),
            payload: row.blob(4), lineage: row.blob(5), deliveries: deliveries)
    }
}

/// Names of logs by the ids that records carry.
struct LogNames {
    private var names: [Int64: String] = [:]

    init(_ db: Database) throws {
        let rows = try HotStatement(cached: db, "SELECT id, name FROM log")
        defer { rows.reset() }
        while try rows.step() { names[rows.int64(0)] = rows.text(1) }
    }

    func name(of id: Int64) throws -> String {
        guard let name = names[id] else { throw MalformedBlob(what: "log: it has no log \(id)", at: 0) }
        return name
    }

    func id(of name: String) -> Int64? { names.first { $0.value == name }?.key }
}
