import Dispatch
import Foundation
import GRDB
import GRDBSQLite

/// What SQLite itself can do on this disk: the same records into one plain table, with the journal's settings, page
/// size and checkpoints, and nothing else; log and database are written as SQLite does it by itself.
package enum RawFloor {
    /// What SQLite alone does.
    package struct Result: Sendable {
        package var eventsPerSecond: Double
        package var commitMilliseconds: [Double]
    }

    /// Appends `payloads` over and over, `batch` to a transaction, until `events` are durable. Blocking.
    static func run(folder: String, events: Int, batch: Int, payloads: [[UInt8]]) throws -> Result {
        let path = folder + "/raw.sqlite"
        let options = JournalOptions()
        let connection = try Connections.writer(path, logWrites: .plain)
        let checkpointer = Checkpointer(options) { _ in }
        try checkpointer.start(path, logWrites: .plain)
        defer {
            checkpointer.stop()
            try? connection.close()
            for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
        }
        return try connection.inDatabase { db in
            try db.execute(
                sql: """
                    CREATE TABLE raw (
                        position INTEGER PRIMARY KEY, log INTEGER NOT NULL, ingested INTEGER NOT NULL,
                        event_id TEXT NOT NULL, payload BLOB NOT NULL, lineage BLOB NOT NULL)
                    """)
            let begin = try HotStatement(db, "BEGIN IMMEDIATE")
            let commit = try HotStatement(db, "COMMIT")
            let insert = try HotStatement(
                db, "INSERT INTO raw (position, log, ingested, event_id, payload, lineage) VALUES (?,?,?,?,?,?)")
            let wal = WALKeeper(db, checkpointer, options)
            defer { wal.stop() }
            var commits: [Double] = []
            let started = ContinuousClock.now
            var position = 0
            while position < events {
                let begun = ContinuousClock.now
                try begin.run()
                for _ in 0..<min(batch, events - position) {
                    position += 1
                    insert.bind(1, position)
                    insert.bind(2, 1)
                    insert.bind(3, 1_700_000_000_000 + position)
                    insert.bind(4, "event-\(position)")
                    try insert.withBlob(5, payloads[position % payloads.count]) {
                        insert.bind(6, [])
                        try insert.run()
                    }
                }
                try commit.run()
                commits.append(Double((ContinuousClock.now - begun).microseconds) / 1_000)
                wal.afterCommit()
            }
            let took = Double((ContinuousClock.now - started).microseconds) / 1_000_000
            return Result(eventsPerSecond: Double(events) / took, commitMilliseconds: commits)
        }
    }
}
