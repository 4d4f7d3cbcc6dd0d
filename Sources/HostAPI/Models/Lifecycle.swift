/// `buckets lifecycle`: removes expired objects.
package struct LifecycleRequest: Codable, Sendable, Hashable {
    /// Nil: all buckets.
    package var bucket: String?
    /// Tells, and removes nothing.
    package var dryRun: Bool

    package init(bucket: String? = nil, dryRun: Bool = false) {
        self.bucket = bucket
        self.dryRun = dryRun
    }
}

/// What a pass found for one rule of a bucket.
package struct LifecycleReport: Codable, Sendable, Hashable {
    package var bucket: String
    package var rule: String
    package var prefix: String
    /// `30 days`
    package var expiration: String
    package var expired: Int64
    package var bytes: Int64
    /// Expired, and kept because something waiting, running or dead is about it.
    package var needed: Int64
    package var removed: Int64
    /// The first keys that went, or would go.
    package var keys: [String]

    package init(
        bucket: String, rule: String, prefix: String, expiration: String, expired: Int64, bytes: Int64, needed: Int64,
        removed: Int64, keys: [String]
    ) {
        self.bucket = bucket
        self.rule = rule
        self.prefix = prefix
        self.expiration = expiration
        self.expired = expired
        self.bytes = bytes
        self.needed = needed
        self.removed = removed
        self.keys = keys
    }
}
