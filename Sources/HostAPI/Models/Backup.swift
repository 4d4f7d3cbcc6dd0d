/// `backup`: where to.
package struct BackupRequest: Codable, Sendable, Hashable {
    /// An absolute path; the folder must not hold a journal yet.
    package var destination: String
    /// Also the objects of all buckets.
    package var withBuckets: Bool?

    package init(destination: String, withBuckets: Bool? = nil) {
        self.destination = destination
        self.withBuckets = withBuckets
    }
}

/// What was copied.
package struct BackupResult: Codable, Sendable, Hashable {
    /// A bucket's objects as the copied journal has them, and what of them was not as it says.
    package struct Bucket: Codable, Sendable, Hashable {
        package var name: String
        package var objects: Int64
        package var bytes: Int64
        /// Went since the journal was copied: in the copy they count as deleted.
        package var missing: Int64
        /// Replaced since; the copy has the newer version, which triggers there.
        package var replaced: Int64
        /// Left out, for somebody went on writing them.
        package var changing: Int64
        /// The first of the missing and of those left out.
        package var keys: [String]

        package init(name: String) {
            self.name = name
            (objects, bytes, missing, replaced, changing, keys) = (0, 0, 0, 0, 0, [])
        }
    }

    package var destination: String
    package var journalBytes: Int64
    /// Versions of functions.
    package var modules: Int
    /// Nil: they were not asked for.
    package var buckets: [Bucket]?

    package init(destination: String, journalBytes: Int64, modules: Int, buckets: [Bucket]? = nil) {
        self.destination = destination
        self.journalBytes = journalBytes
        self.modules = modules
        self.buckets = buckets
    }
}
