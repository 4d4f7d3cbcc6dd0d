/// One entry of a bucket's `lifecycle:`, in S3's words: objects beneath a prefix expire after a while.
package struct LifecycleRule: Codable, Sendable, Hashable {
    /// Unique within the bucket.
    package var id: String
    /// Empty: all objects.
    package var prefix: String
    /// Counted from the arrival of an object's version.
    package var expirationSeconds: Int64
    package var enabled: Bool

    package init(id: String, prefix: String = "", expirationSeconds: Int64, enabled: Bool = true) {
        self.id = id
        self.prefix = prefix
        self.expirationSeconds = expirationSeconds
        self.enabled = enabled
    }

    /// `30 days`, `6 hours`
    package var inWords: String {
        let hours = expirationSeconds / 3600
        let (number, unit) = hours % 24 == 0 ? (hours / 24, "day") : (hours, "hour")
        return "\(number) \(unit)\(number == 1 ? "" : "s")"
    }
}
