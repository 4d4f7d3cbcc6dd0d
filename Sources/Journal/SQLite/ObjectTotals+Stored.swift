import GRDB
import Synchronization

extension ObjectTotals {
    /// Counts the index, once for each opening of a journal: the writer goes on from there. The halves of a size are
    /// summed apart, for SQLite's own sum refuses what does not fit.
    static func stored(_ db: Database) throws -> [String: ObjectTotals] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT bucket, count(*) AS objects, sum(size >> 32) AS high, sum(size & 4294967295) AS low FROM object
                GROUP BY bucket
                """)
        var totals: [String: ObjectTotals] = [:]
        for row in rows {
            let (high, low): (Int64, Int64) = (try row.stored("high"), try row.stored("low"))
            totals[try row.stored("bucket")] = ObjectTotals(
                objects: try row.stored("objects"), sum: Int128(high) << 32 + Int128(low))
        }
        return totals
    }
}

extension SQLiteJournal {
    package func objectTotals() -> [String: ObjectTotals] { queue.published.withLock { $0.objects } }
}
