package import FunctionProtocol
package import Journal
package import ObjectStore
import UVLoop

/// An attempt's outcome between commit 1 and commit 2: all that is needed to finish it, in this life or the next.
package struct Decision: Codable, Sendable {
    /// One delivery that this outcome settles.
    package struct Settled: Codable, Sendable, Hashable {
        package var delivery: Delivery
        /// False: in the log; true: in the pending set.
        package var isPending: Bool
        package var deadLetter: Int64?
        package var dropped: Bool
    }

    /// An event or record that is appended when the outcome is.
    package struct OutboxEvent: Codable, Sendable {
        package var id: String
        /// Or the log of a stream.
        package var bus: String
        /// The whole envelope, or record, as JSON text.
        package var payload: String
        /// It tells of this outcome; the handler did not ask for it.
        package var isOutcome: Bool?
        /// The work of a batch whose it is; nil: the whole invocation's.
        package var record: Int?
    }

    package var attempt: AttemptID
    /// The attempt whose staging folder holds the files: another one when a kept outcome is taken up again.
    package var staging: StagingAttempt
    /// The name it was kept under after a failed publication; removed with commit 2.
    package var parked: String?
    package var invocationID: String
    package var function: String
    package var version: Int
    package var rule: String
    package var subscription: SubscriptionID?
    package var attemptNumber: Int
    package var eventIDs: [String]
    package var started: Milliseconds
    package var durationMicroseconds: Int64
    package var coldStart: Bool
    /// The handler's output, as text.
    package var output: String
    package var logFile: String
    package var logOffset: Int64
    package var logLength: Int64
    package var settled: [Settled]
    /// Of what this invocation as a whole produces.
    package var lineage: Lineage
    /// Of what each work of a batch produces, where any has: each has come its own way.
    package var lineages: [Lineage]?
    /// Whose the publications are, like `OutboxEvent.record`; nil: all the whole invocation's.
    package var owners: [Int?]?
    /// In the order in which they are made.
    package var publications: [Publication]
    package var outbox: [OutboxEvent]
    package var files: [RegisterFileRequest]
    /// Of the events that tell of its deletions; nil: a handler has asked for them.
    package var deletionReason: String?
    /// Why the invocation did not succeed as a whole: the failure of a record that is not settled by this; nil: it did.
    package var partial: Failure?

    /// The buckets in which it has staged files.
    package var buckets: Set<String> { Set(publications.map(\.bucket)) }

    /// The buses and streams into which the handler has put something.
    var logs: Set<String> { Set(outbox.lazy.filter { $0.isOutcome != true }.map(\.bus)) }

    /// The names under which nothing else may be decided until this is settled.
    package var locks: Set<String> {
        Set(publications.map { Self.lock(bucket: $0.bucket, key: $0.key) })
            .union(files.map { Self.lock(database: $0.database, table: $0.table) })
    }

    /// As the journal keeps it.
    @LoopActor
    func encoded(on files: FileThreads) async -> [UInt8] {
        // Of many effects it takes a while, and others want the loop.
        let count = publications.count + outbox.count + self.files.count
        let bytes = outbox.reduce(200 * count) { $0 + $1.payload.utf8.count }
        return bytes < 1 << 18 ? JSONText.encode(self) : await files.run { JSONText.encode(self) }
    }

    package static func lock(bucket: String, key: String) -> String { "object \(bucket)/\(key)" }
    package static func lock(database: String, table: String) -> String { "table \(database).\(table)" }
}
