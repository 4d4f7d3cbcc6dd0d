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
