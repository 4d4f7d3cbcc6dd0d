/// What working with buckets can fail with.
package struct ObjectStoreError: Error, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure; `description` is the code users see.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String
        fileprivate let isPermanent: Bool

        private init(_ description: String, permanent: Bool = true) {
            self.description = description
            isPermanent = permanent
        }

        /// The bucket has no object under that key.
        package static let noSuchKey = Code("NoSuchKey")
        /// The host's user may not read or write there. Somebody may yet correct the permissions.
        package static let accessDenied = Code("AccessDenied", permanent: false)
        /// A create-only publication found an object under its key.
        package static let keyExists = Code("KeyExists")
        /// An overwriting publication found a version that the journal does not know (or somebody writing to it).
        package static let conflict = Code("Conflict")
        /// The object is no longer the version that was asked for.
        package static let objectChanged = Code("ObjectChanged")
        /// The text cannot be a key: see `ObjectKey`.
        package static let invalidKey = Code("InvalidKey")
        /// What is there is not a regular file reached without symbolic links.
        package static let notRegular = Code("NotRegular")
        /// The disk or the quota is full.
        package static let noSpace = Code("NoSpace", permanent: false)
        /// The file system is mounted read-only.
        package static let readOnly = Code("ReadOnly", permanent: false)
        /// A publication cannot succeed however often it is tried.
        package static let publishFailed = Code("PublishFailed")
        /// A staged file still has a writer, another name, or is not the file that was made.
        package static let stageInvalid = Code("StageInvalid")
        /// The attempt staged more bytes than it may.
        package static let stagingQuota = Code("StagingQuotaExceeded")
        /// An fsync failed: what it covered must be taken as lost, and is never synced a second time.
        package static let syncFailed = Code("SyncFailed")
        /// The folder cannot be a bucket.
        package static let bucketRefused = Code("BucketRefused")
        /// The bucket's folder is not the one whose objects the journal knows: a disk may not be mounted.
        package static let bucketLost = Code("BucketLost")
        /// Another host has the bucket's folder.
        package static let bucketInUse = Code("BucketInUse")
        /// Any other failed system call; usually worth another try.
        package static let inputOutput = Code("InputOutput", permanent: false)

        package static func == (lhs: Self, rhs: Self) -> Bool { lhs.description == rhs.description }
        package func hash(into hasher: inout Hasher) { hasher.combine(description) }
    }

    package var code: Code
    /// What happened, where, why, and what to do next.
    package var message: String
    package var bucket: String
    package var key: String?
    /// Where in the file system, relative to the bucket unless absolute.
    package var path: String?
    /// The system's error number, 0 when no system call failed.
    package var errno: Int32
    package var cause: (any Error)?
    private var permanence: Bool?

    /// `permanent` overrides what the code says of itself.
    package init(
        _ code: Code, _ message: String, bucket: String, key: String? = nil, path: String? = nil, errno: Int32 = 0,
        permanent: Bool? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.bucket = bucket
        self.key = key
        self.path = path
        self.errno = errno
        self.cause = cause
        permanence = permanent
    }

    /// Trying the same again cannot succeed. What is not permanent is retried with backoff.
    package var isPermanent: Bool { permanence ?? code.isPermanent }

    package var description: String {
        let place = key.map { "\(bucket)/\($0)" } ?? path.map { "\(bucket): \($0)" } ?? bucket
        return "\(message) (\(code), \(place))"
    }
}
