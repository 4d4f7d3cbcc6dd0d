/// Sizes and limits of a `SQLiteJournal`. The defaults are what was measured to be best on two cores and an ordinary
/// SSD; tests make them small.
package struct JournalOptions: Sendable {
    /// A segment is closed at the first commit after it holds this many bytes of payload, or this many records.
    package var segmentBytes: Int64 = 64 << 20
    package var segmentRecords: Int64 = 250_000
    /// A transaction takes queued batches until it has about this many records or bytes.
    package var batchRecords = 1_000
    package var batchBytes = 4 << 20
    /// The background checkpoint runs whenever the WAL has grown by this much.
    package var checkpointBytes: Int64 = 2 << 20
    /// Above this the writer itself looks for the moment to finish a checkpoint, so that the WAL starts anew.
    package var lastPassBytes: Int64 = 12 << 20
    /// ... which is when no more than this is left to copy; as long as it has grown by no more than a half since, no
    /// more than half of this.
    package var lastPassRemaining: Int64 = 1_600 << 10
    /// Above this commits wait for the checkpoint. The commit that goes beyond it is as large as it is, so that the WAL
    /// stays below 64 MB with the largest that were seen (some 10 MB, of dead letters sent again).
    package var walLimitBytes: Int64 = 48 << 20
    /// Where a subscription has more waiting than this, in records or, by the mean of the open segment's, in bytes,
    /// checkpoints leave what they copy in the kernel's cache. As much is held in memory of a subscription; what is
    /// beyond that will be read from the database.
    package var cachedBacklog: Int64 = 8_192
    package var cachedBacklogBytes: Int64 = 16 << 20
    /// Space kept for settling what was accepted when the disk is full; 0 for none.
    package var ballastBytes: Int64 = 64 << 20
    /// With less than this free on the file system, producers are refused.
    package var minimumFreeBytes: Int64 = 64 << 20
    /// Connections that read at the same time.
    package var readers = 4
    /// Accept file systems on which fsync and locks cannot be trusted. Only for trying Sluice out.
    package var allowsAnyFileSystem = false
    /// How long a commit waits for another process that writes to the database (say, somebody's SQLite shell).
    package var busySeconds = 5.0
    /// Asked instead of SQLite whether a commit fails: a result code of SQLite, or nil. For tests of disk errors.
    package var commitFault: (@Sendable () -> Int32?)?
    /// So many background checkpoints lose the last of what they copy. For tests of disk errors.
    package var copyFaults: Int32 = 0
    /// Called on the journal's threads at each named point; a test may block or look there.
    package var atPoint: (@Sendable (JournalPoint) -> Void)?

    package init() {}

    /// What may be left to copy for the writer's own pass, with a WAL of that size. Every commit waits for such a pass:
    /// so there are few of them, and as long as there is time each has little to do. With a slow disk under full load
    /// a background pass always leaves much: longer passes are better than a WAL at its limit.
    package func lastPassLimit(at size: Int64) -> Int64 {
        switch size {
        case ...lastPassBytes: 0
        case ...(lastPassBytes / 2 * 3): lastPassRemaining / 2
        case ...(lastPassBytes * 2): lastPassRemaining
        case ...(lastPassBytes * 3): lastPassRemaining * 2
        default: lastPassRemaining * 4
        }
    }

    /// What there is to copy when a background pass is to begin: passes follow each other when it is time for the
    /// writer's own, so that what they leave is little. Never what the writer would take itself: both would contend.
    package func passBytes(at size: Int64) -> Int64 {
        size > lastPassBytes ? lastPassLimit(at: size) : checkpointBytes
    }
}

/// The named moments of the journal's life at which a crash must lose nothing. With
/// `SLUICE_CRASH_AT=journal.<name>[:n]` in the environment the process kills itself there, at the n-th arrival.
package enum JournalPoint: String, Sendable, CaseIterable {
    /// All rows of a transaction are written, nothing is durable.
    case beforeCommit = "before-commit"
    /// Durable; nobody has been told.
    case afterCommit = "after-commit"
    /// Observer and completions have been called.
    case afterCompletion = "after-completion"
    /// A segment was closed and the next one made, not committed yet.
    case segmentRolled = "segment-rolled"
    /// A segment was dropped, not committed yet.
    case segmentDropped = "segment-dropped"
    /// The background checkpoint copied pages; the database file is not synced yet.
    case checkpointCopied = "checkpoint-copied"
    /// ... and now it is.
    case checkpointSynced = "checkpoint-synced"
    /// The ballast file was given up to a full disk.
    case ballastReleased = "ballast-released"
    /// The clean-shutdown mark is durable.
    case closed = "closed"
}
