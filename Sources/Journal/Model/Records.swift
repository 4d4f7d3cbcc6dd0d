/// A record of the object index: the version of a key that the journal knows.
package struct ObjectRecord: Sendable, Hashable {
    package var bucket: String
    package var key: String
    package var device: UInt64
    package var inode: UInt64
    package var size: Int64
    /// Nanoseconds since 1970.
    package var modified: Int64
    package var changed: Int64
    /// Sampled content hash; tells a touched file from a changed one.
    package var sample: UInt64
    package var etag: String
    /// Rises with every version of the bucket; hexadecimal, 16 digits.
    package var sequencer: String
    /// The event that announced this version; empty if it was adopted in silence.
    package var eventID: String
    /// When this version came: its event's ingestion, or the ctime of a file that was adopted in silence. It stays
    /// while stamps change and the version is announced again. 0: from before the journal kept it.
    package var arrived: Milliseconds

    package init(
        bucket: String, key: String, device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64,
        sample: UInt64, etag: String, sequencer: String, eventID: String, arrived: Milliseconds = 0
    ) {
        self.bucket = bucket
        self.key = key
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
        self.sample = sample
        self.etag = etag
        self.sequencer = sequencer
        self.eventID = eventID
        self.arrived = arrived
    }

    /// When this version came, as well as it is known.
    package var arrival: Milliseconds { arrived == 0 ? changed / 1_000_000 : arrived }
}

/// What was read of a key may be out of date when it is written: changes that follow from it name the version that they
/// are about, and do nothing where the key has another one by now, or none.
package enum ObjectIndexChange: Sendable {
    case put(ObjectRecord)
    case remove(bucket: String, key: String)
    /// The version with this etag is gone.
    case removeVersion(bucket: String, key: String, etag: String)
    /// The version that had the sequencer `of` was announced again, by the event `eventID`.
    case announce(bucket: String, key: String, of: String, sequencer: String, eventID: String)
    /// Other stamps of the version with the record's etag; its sequencer, its event and its arrival stay.
    case refresh(ObjectRecord)
}

/// One finished invocation; kept when it had effects, log output or an error.
package struct InvocationRecord: Sendable {
    package var attempt: AttemptID
    package var invocationID: String
    package var subscription: SubscriptionID?
    package var function: String
    package var version: Int
    package var eventIDs: [String]
    package var attemptNumber: Int
    package var started: Milliseconds
    package var durationMicroseconds: Int64
    /// `succeeded`, `failed`, `dead`, …
    package var outcome: String
    package var code: String
    package var message: String
    package var coldStart: Bool
    /// Output, effects, backtrace (JSON), opaque here.
    package var details: [UInt8]
    /// Where its log lines are: see the runtime's log store.
    package var logFile: String
    package var logOffset: Int64
    package var logLength: Int64

    package init(
        attempt: AttemptID, invocationID: String, subscription: SubscriptionID?, function: String, version: Int,
        eventIDs: [String], attemptNumber: Int, started: Milliseconds, durationMicroseconds: Int64, outcome: String,
        code: String = "", message: String = "", coldStart: Bool, details: [UInt8] = [], logFile: String = "",
        logOffset: Int64 = 0, logLength: Int64 = 0
    ) {
        self.attempt = attempt
        self.invocationID = invocationID
        self.subscription = subscription
        self.function = function
        self.version = version
        self.eventIDs = eventIDs
        self.attemptNumber = attemptNumber
        self.started = started
        self.durationMicroseconds = durationMicroseconds
        self.outcome = outcome
        self.code = code
        self.message = message
        self.coldStart = coldStart
        self.details = details
        self.logFile = logFile
        self.logOffset = logOffset
        self.logLength = logLength
    }
}

/// The catalog as rows: the runtime owns the model (schemas, evolution), the journal keeps it.
package enum CatalogChange: Sendable {
    /// Inserts or replaces a table's current state; `body` is the runtime's JSON. A version not seen before is also
    /// kept in the table's history.
    case putTable(database: String, table: String, version: Int, body: [UInt8])
    case removeTable(database: String, table: String)
    /// Inserts or replaces one file of a table.
    case putFile(CatalogFile)
    /// A file of a table whose object is gone; nothing where the object index knows the key (after the batch's own
    /// changes of it).
    case removeFile(bucket: String, key: String)
}

/// A file of a table, and the columns that it was written with.
package struct CatalogFile: Sendable, Hashable {
    package var database: String
    package var table: String
    package var bucket: String
    package var key: String
    package var rows: Int64
    package var bytes: Int64
    package var partition: [String]
    package var schemaVersion: Int

    package init(
        database: String, table: String, bucket: String, key: String, rows: Int64, bytes: Int64, partition: [String],
        schemaVersion: Int
    ) {
        self.database = database
        self.table = table
        self.bucket = bucket
        self.key = key
        self.rows = rows
        self.bytes = bytes
        self.partition = partition
        self.schemaVersion = schemaVersion
    }
}

/// Changes of what the host runs, written by the same single writer as everything else.
package enum ControlChange: Sendable {
    /// A deployment: from the position it commits at, records are matched with rule set `ruleSet`. `body` is the
    /// runtime's JSON of the whole app definition.
    case deploy(ruleSet: Int64, body: [UInt8])
    /// Makes the subscription known under its natural key, or changes its state.
    case putSubscription(SubscriptionRecord)
    /// Only once nothing of it is unsettled.
    case removeSubscription(SubscriptionID)
    case putFunction(FunctionRecord)
    /// A named value of the runtime (redrive jobs, bucket adoption, …).
    case putValue(name: String, body: [UInt8])
    case removeValue(name: String)
}

/// A subscription as the journal keeps it.
package struct SubscriptionRecord: Sendable, Hashable {
    package var id: SubscriptionID
    /// `default`, …
    package var log: String
    package var rule: String
    package var target: String
    /// `active`, `paused`, `draining`
    package var state: String

    package init(id: SubscriptionID, log: String, rule: String, target: String, state: String = "active") {
        self.id = id
        self.log = log
        self.rule = rule
        self.target = target
        self.state = state
    }
}

/// A version of a function; versions are never changed.
package struct FunctionRecord: Sendable, Hashable {
    package var name: String
    package var version: Int
    /// SHA-256 of module and configuration: the same content is the same version.
    package var digest: String
    package var created: Milliseconds
    /// The runtime's JSON.
    package var body: [UInt8]

    package init(name: String, version: Int, digest: String, created: Milliseconds, body: [UInt8]) {
        self.name = name
        self.version = version
        self.digest = digest
        self.created = created
        self.body = body
    }
}
