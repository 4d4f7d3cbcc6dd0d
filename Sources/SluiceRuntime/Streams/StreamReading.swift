import EventModel
package import Journal

/// Reading a stream beside its functions: where to begin, and page by page. Blocking: on a file thread.
package struct StreamReading: Sendable {
    let settings: StreamSettings
    let journal: any JournalStore
    let now: Milliseconds

    /// A shard with the positions that its records lie between.
    package struct Shard: Sendable, Hashable {
        package var number: Int
        package var parents: [Int]
        package var hashes: ClosedRange<UInt128>
        /// None of its records is before it.
        package var first: Position
        /// None of its records is after it; nil while it is open.
        package var last: Position?
    }

    private var log: String { StreamLog.name(of: settings.name) }

    /// Records before it can be read no more.
    private var horizon: Milliseconds { now - settings.retention }

    /// Open shards and, before them, closed ones that may have records within the retention.
    package func shards() throws -> [Shard] {
        let oldest = try journal.position(ingestedFrom: horizon)
        var shards: [Shard] = []
        for (index, generation) in settings.generations.enumerated() {
            let first = try journal.position(ofRuleSet: generation.ruleSet) ?? 1
            let next = settings.generations.indices.contains(index + 1) ? settings.generations[index + 1] : nil
            let end = try next.flatMap { try journal.position(ofRuleSet: $0.ruleSet) }
            let last = next.map { _ in max((end ?? first) - 1, first - 1) }
            if let last, last < oldest { continue }
            let map = ShardMap(count: generation.shards)
            let before = index > 0 ? settings.generations[index - 1] : nil
            let parents = before.map { ShardMap(count: $0.shards) }
            for number in 0..<generation.shards {
                let hashes = map.range(of: number)
                var ancestors: [Int] = []
                if let before, let parents {
                    let reach = parents.index(of: hashes.lowerBound)...parents.index(of: hashes.upperBound)
                    ancestors = reach.map { before.firstShard + $0 }
                }
                shards.append(
                    Shard(
                        number: generation.firstShard + number, parents: ancestors, hashes: hashes, first: first,
                        last: last))
            }
        }
        return shards
    }

    /// What to read after, to begin with the first record that arrived at a time or later.
    package func position(from time: Milliseconds) throws -> Position {
        let time = max(time, horizon)
        var after = try journal.position(ingestedFrom: time) - 1
        // The journal knows it to within one commit.
        while true {
            let found = try journal.records(log: log, after: after, limit: 256, bytes: Self.readBytes)
            guard let last = found.last else { return after }
            if let first = found.first(where: { $0.ingested >= time }) { return first.position - 1 }
            after = last.position
        }
    }

    /// The first record that can be read, or one of the same commit.
    func oldest() throws -> StoredRecord? {
        try journal.records(log: log, after: position(from: 0), limit: 1).first
    }

    package func newest() throws -> StoredRecord? { try journal.lastRecords(log: log, limit: 1).last }

    /// A page of records.
    package struct Page: Sendable {
        package var records: [StoredRecord]
        package var next: Position
        package var behind: Milliseconds
        package var isEnd: Bool
    }

    /// The records after a position, of one shard or of all; `limit` and `bytes` bound what comes.
    package func page(after: Position, shard: Int?, limit: Int, bytes: Int) throws -> Page {
        // All up to it can be read, and nothing can come before it any more.
        let head = try journal.lastRecords(log: nil, limit: 1).last?.position ?? 0
        let closed = try shard.flatMap(end)
        var page = Page(records: [], next: after, behind: 0, isEnd: false)
        var (size, looked) = (0, (records: 0, bytes: 0))
        search: while page.next < head {
            let found = try journal.records(
                log: log, after: page.next, limit: Self.readRecords, bytes: min(Self.readBytes, bytes))
            guard let last = found.last else {
                // Other logs' records need not be looked through again.
                page.next = head
                break
            }
            for record in found {
                // The rest comes with the next page, which may begin with one that is larger than all of this.
                if !page.records.isEmpty, size + record.payload.count > bytes { break search }
                page.next = record.position
                page.behind = max(1, now - record.ingested)
                guard record.ingested >= horizon,
                    shard == nil || StreamRecordText.shard(of: record.payload) == shard
                else { continue }
                page.records.append(record)
                size += record.payload.count
                if page.records.count == limit { break search }
            }
            page.next = last.position
            looked.records += found.count
            looked.bytes += found.reduce(0) { $0 + $1.payload.count }
            // What others wrote to their shards lies in between, however much it is.
            if looked.records >= Self.maximumExamined || looked.bytes >= 4 * bytes { break }
        }
        if page.next >= head { page.behind = 0 }
        if let closed, page.next >= min(closed, head) { page.isEnd = true }
        return page
    }

    /// What is read from the journal at a time.
    private static let (readRecords, readBytes) = (1000, 2 << 20)

    /// Where a closed shard ends; nil for an open one. One whose records have all left the retention has ended before.
    private func end(of shard: Int) throws -> Position? {
        guard let open = settings.generations.last, shard < open.firstShard else { return nil }
        return try shards().first { $0.number == shard }?.last ?? 0
    }

    /// Records that one page looks at: those of other shards lie between its own.
    private static let maximumExamined = 10_000
}
