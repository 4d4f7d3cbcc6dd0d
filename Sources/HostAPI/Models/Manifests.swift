/// `manifests list`: a manifest whose files are waited for.
package struct ManifestInfo: Codable, Sendable, Hashable {
    package var rule: String
    package var bus: String
    package var bucket: String
    package var key: String
    package var files: Int
    /// What is not as the manifest says, one sentence a file; nil: not looked at yet.
    package var missing: [String]?
    package var arrived: APITime
    /// When what is missing becomes a dead letter.
    package var deadline: APITime

    package init(
        rule: String, bus: String, bucket: String, key: String, files: Int, missing: [String]?, arrived: APITime,
        deadline: APITime
    ) {
        self.rule = rule
        self.bus = bus
        self.bucket = bucket
        self.key = key
        self.files = files
        self.missing = missing
        self.arrived = arrived
        self.deadline = deadline
    }
}
