/// Which inotify watch is on which folder. A watch follows its folder's inode, the path here is where it was last seen.
struct WatchTable {
    private struct Entry {
        var path: ByteKey
        var generation: Int
    }

    private var entries: [Int32: Entry] = [:]
    private var watches: [ByteKey: Int32] = [:]
    /// Raised when a full scan begins: what the scan has not met again by its end is no longer in the bucket.
    private var generation = 0

    var count: Int { entries.count }

    func path(_ watch: Int32) -> String? { entries[watch]?.path.string }

    func contains(_ path: String) -> Bool { watches[ByteKey(path)] != nil }

    mutating func set(_ watch: Int32, _ path: String) {
        let key = ByteKey(path)
        // A folder that was moved within the bucket keeps its watch.
        if let old = entries[watch]?.path, old != key, watches[old] == watch { watches[old] = nil }
        entries[watch] = Entry(path: key, generation: generation)
        watches[key] = watch
    }

    /// The kernel has removed the watch.
    mutating func forget(_ watch: Int32) {
        guard let entry = entries.removeValue(forKey: watch) else { return }
        if watches[entry.path] == watch { watches[entry.path] = nil }
    }

    /// Forgets the folder and all below it; returns their watches, to be removed.
    mutating func drop(folder: String) -> [Int32] {
        let dropped = entries.filter { _, entry in
            entry.path.string.isSameBytes(as: folder) || entry.path.string.hasBytePrefix(folder + "/")
        }
        for watch in dropped.keys { forget(watch) }
        return Array(dropped.keys)
    }

    mutating func beginGeneration() {
        generation += 1
    }

    /// Forgets what was not set since `beginGeneration`; returns those watches, to be removed.
    mutating func dropOlderGenerations() -> [Int32] {
        let old = entries.filter { $0.value.generation < generation }
        for watch in old.keys { forget(watch) }
        return Array(old.keys)
    }
}
