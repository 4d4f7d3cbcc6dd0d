/// A bucket as the host sees it.
package struct BucketInfo: Codable, Sendable, Hashable {
    package var name: String
    package var path: String
    package var objects: Int64
    package var bytes: Int64
    /// `inotify`, `polling`, `mixed`, `off`
    package var watching: String
    /// What needs attention: refused names, folders that are polled, why it is off.
    package var notes: [String]

    package init(
        name: String, path: String, objects: Int64, bytes: Int64, watching: String, notes: [String] = []
    ) {
        self.name = name
        self.path = path
        self.objects = objects
        self.bytes = bytes
        self.watching = watching
        self.notes = notes
    }
}

/// `buckets trigger`: make `Object Created` events for what is there.
package struct TriggerRequest: Codable, Sendable, Hashable {
    package var prefix: String
    /// Events a second; nil: as fast as there is room.
    package var rate: Double?
    package var dryRun: Bool

    package init(prefix: String = "", rate: Double? = nil, dryRun: Bool = false) {
        self.prefix = prefix
        self.rate = rate
        self.dryRun = dryRun
    }
}

/// Answer to `buckets trigger`.
package struct TriggerResult: Codable, Sendable, Hashable {
    /// How many objects are beneath the prefix.
    package var objects: Int64

    package init(objects: Int64) {
        self.objects = objects
    }
}
