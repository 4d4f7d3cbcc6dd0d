/// What a bucket's watcher is doing, for `status` and `doctor`.
package struct BucketStatus: Sendable {
    /// A file that cannot be an object.
    package struct Refused: Sendable, Hashable {
        /// Relative to the bucket; bytes that are no UTF-8 are shown as replacement characters.
        package var path: String
        package var reason: String
    }

    /// A folder that is scanned from time to time, as the kernel does not report its changes.
    package struct PolledFolder: Sendable, Hashable {
        /// Relative to the bucket, empty for all of it.
        package var path: String
        /// Why it cannot be watched.
        package var reason: String
    }

    package var bucket: String
    /// The first scan of the bucket is done: from here on changes are reported as they happen.
    package var isReady = false
    package var isScanning = false
    /// All that was reported so far has been dealt with, and nothing waits.
    package var isIdle = false
    /// Files met by the scan that runs, or ran last.
    package var scanned = 0
    package var watchedFolders = 0
    /// Folders that are looked through from time to time instead of being watched.
    package var polled: [PolledFolder] = []
    /// Files that wait for their writer to close them, or for a publication to be settled.
    package var waiting = 0
    /// Changes that were committed.
    package var created = 0
    package var deleted = 0
    /// Files that were there before the bucket was known, and were not announced.
    package var adopted = 0
    /// How often the kernel's queue overflowed, each time followed by a scan.
    package var overflows = 0
    /// What is in the bucket and cannot be an object, or cannot be read (at most 1,000).
    package var refused: [Refused] = []
    package var refusedCount = 0
    /// The folder itself was moved, deleted or unmounted: nothing is reported any more.
    package var isLost = false
    /// The last failure of the sink, the index or the disk; nil once it has passed.
    package var failure: String?

    init(bucket: String) {
        self.bucket = bucket
    }
}
