/// Keys to look at, in the order in which they first came up; what comes up again before its turn is looked at once.
struct LookQueue {
    private var order: [ByteKey] = []
    private var head = 0
    private var causes: [ByteKey: LookCause] = [:]

    var isEmpty: Bool { causes.isEmpty }
    var count: Int { causes.count }

    func cause(_ key: String) -> LookCause? { causes[ByteKey(key)] }

    mutating func add(_ key: String, _ cause: LookCause) {
        let name = ByteKey(key)
        if causes[name]?.formUnion(cause) == nil {
            causes[name] = cause
            order.append(name)
        }
    }

    /// Puts keys before all others, in this order.
    mutating func putBack(_ keys: [(key: String, cause: LookCause)]) {
        var first: [ByteKey] = []
        for (key, cause) in keys {
            let name = ByteKey(key)
            if causes[name]?.formUnion(cause) == nil {
                causes[name] = cause
                first.append(name)
            }
        }
        order.replaceSubrange(..<head, with: first)
        head = 0
    }

    mutating func next() -> (key: String, cause: LookCause)? {
        guard head < order.count else { return nil }
        let name = order[head]
        head += 1
        if head == order.count {
            order.removeAll(keepingCapacity: order.count < 10_000)
            head = 0
        }
        guard let cause = causes.removeValue(forKey: name) else { return nil }
        return (name.string, cause)
    }
}

/// Keys to look at again at a later time: files with a writer, and what a publication is about to settle. Times are
/// monotonic nanoseconds.
struct LookLater {
    private struct Entry {
        var cause: LookCause
        var delay: Int64
        var due: Int64
    }

    private var entries: [ByteKey: Entry] = [:]
    /// A binary heap by due time; outdated items stay until they come up.
    private var heap: [(due: Int64, key: ByteKey)] = []

    var count: Int { entries.count }
    var keys: [String] { entries.keys.map(\.string) }

    /// When the first is due. May be too early by an outdated item, which costs one look at the heap.
    var nextDue: Int64? { heap.first?.due }

    /// `delay` is doubled with every time that the key comes here again before `take` or `remove` found it resolved.
    mutating func add(_ key: String, _ cause: LookCause, now: Int64, delay: Int64, atMost limit: Int64) {
        let name = ByteKey(key)
        let earlier = entries[name]
        let wait = min(max(earlier.map { $0.delay * 2 } ?? 0, delay), max(limit, delay))
        entries[name] = Entry(cause: cause.union(earlier?.cause ?? []), delay: wait, due: now + wait)
        push((now + wait, name))
    }

    /// Takes the keys that are due. They stay known here, so that their delay grows if they come back; `resolve` ends
    /// that.
    mutating func due(now: Int64, limit: Int) -> [(key: String, cause: LookCause)] {
        var result: [(String, LookCause)] = []
        while result.count < limit, let first = heap.first, first.due <= now {
            pop()
            if let entry = entries[first.key], entry.due == first.due {
                result.append((first.key.string, entry.cause))
            }
        }
        return result
    }

    /// The key was decided on. Returns why it had been waiting.
    @discardableResult
    mutating func resolve(_ key: String) -> LookCause? {
        entries.removeValue(forKey: ByteKey(key))?.cause
    }

    func cause(_ key: String) -> LookCause? { entries.isEmpty ? nil : entries[ByteKey(key)]?.cause }

    private mutating func push(_ item: (due: Int64, key: ByteKey)) {
        heap.append(item)
        var child = heap.count - 1
        while child > 0, heap[(child - 1) / 2].due > heap[child].due {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func pop() {
        let last = heap.removeLast()
        if heap.isEmpty { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].due < heap[least].due
            {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
