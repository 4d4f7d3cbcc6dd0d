/// `lifecycle:` of a bucket.
enum LifecycleReader {
    private enum State: String, CaseIterable {
        case enabled = "ENABLED"
        case disabled = "DISABLED"
    }

    static func read(_ reader: inout MappingReader) -> [LifecycleRule]? {
        guard let nodes = reader.list("lifecycle") else { return nil }
        var rules: [LifecycleRule] = []
        for (index, node) in nodes.enumerated() {
            guard var inner = MappingReader(node, subject: "a lifecycle rule", file: reader.file) else { continue }
            let id = inner.string("id") ?? "rule-\(index + 1)"
            let prefix = inner.string("prefix") ?? ""
            let enabled = (inner.choice("state", State.self) ?? .enabled) == .enabled
            let seconds = expiration(&inner)
            inner.finish(
                later: [
                    "transitions": "a bucket is a folder; there is one storage class",
                    "noncurrentVersionExpiration": "older versions of a key are not kept",
                    "abortIncompleteMultipartUpload": "what was not finished is removed at the next start",
                ],
                instead: [
                    "expires": "expiration", "expire": "expiration", "status": "state", "filter": "prefix",
                    "days": "expiration", "name": "id",
                ])
            if !Names.isRule(id) {
                reader.file.report(
                    .invalidValue, "`\(id)` cannot be the id of a lifecycle rule", at: inner.place(of: "id"),
                    hint: Names.ruleRule)
            }
            if rules.contains(where: { $0.id == id }) {
                reader.file.report(.duplicateName, "a second lifecycle rule `\(id)`", at: inner.place(of: "id"))
            }
            if prefix.hasPrefix("/") {
                reader.file.report(
                    .invalidValue, "keys do not begin with a slash, so the prefix `\(prefix)` has none",
                    at: inner.place(of: "prefix"), hint: "write prefix: \(prefix.drop { $0 == "/" })")
            }
            guard let seconds else { continue }
            rules.append(LifecycleRule(id: id, prefix: prefix, expirationSeconds: seconds, enabled: enabled))
        }
        return rules.isEmpty ? nil : rules
    }

    /// `{days: N}` or `{hours: N}`, in seconds.
    private static func expiration(_ reader: inout MappingReader) -> Int64? {
        guard var inner = reader.reader("expiration") else {
            if !reader.has("expiration") { reader.missing("expiration", hint: "write expiration: {days: 30}") }
            return nil
        }
        let days = inner.integer("days", in: 1...36_500)
        let hours = inner.integer("hours", in: 1...876_000)
        inner.finish(
            later: ["date": "say how long objects are kept: {days: 30}"],
            instead: ["day": "days", "hour": "hours", "seconds": "hours", "minutes": "hours"])
        if inner.has("days"), inner.has("hours") {
            reader.file.report(
                .invalidValue, "`expiration` has either `days` or `hours`", at: inner.place(of: "hours"))
            return nil
        }
        if !inner.has("days"), !inner.has("hours") {
            inner.missing("days", hint: "write expiration: {days: 30}, or {hours: 6}")
        }
        return days.map { Int64($0) * 86_400 } ?? hours.map { Int64($0) * 3600 }
    }
}
