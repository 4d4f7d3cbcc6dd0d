/// Due times in order, with cheap cancellation: a binary heap whose cancelled entries stay until they surface or until
/// they outnumber the living, so that a million cancelled time limits do not pile up. Pure; no clock, no I/O.
package struct TimerHeap<Value> {
    private struct Entry {
        var due: UInt64
        /// Ties go to the one that was added first.
        var id: UInt64
    }

    private var entries: [Entry] = []
    private var values: [UInt64: Value] = [:]
    private var lastID: UInt64 = 0

    package init() {}

    /// How many entries wait (cancelled ones do not count).
    package var count: Int { values.count }

    /// How many places the heap occupies, cancelled ones included; for tests of the compaction.
    package var storedCount: Int { entries.count }

    /// Adds a value that is due at `due` (nanoseconds of any one clock) and returns its number, never 0.
    package mutating func insert(_ value: Value, due: UInt64) -> UInt64 {
        lastID += 1
        values[lastID] = value
        entries.append(Entry(due: due, id: lastID))
        siftUp(entries.count - 1)
        return lastID
    }

    /// Takes an entry out; nil when it has fired or was removed before.
    @discardableResult
    package mutating func remove(_ id: UInt64) -> Value? {
        guard let value = values.removeValue(forKey: id) else { return nil }
        if entries.count > 64, entries.count > values.count * 2 { compact() }
        return value
    }

    /// When the earliest entry is due; nil when none waits.
    package mutating func nextDue() -> UInt64? {
        dropCancelled()
        return entries.first?.due
    }

    /// Takes out the earliest entry that is due at `now`.
    package mutating func popDue(now: UInt64) -> Value? {
        dropCancelled()
        guard let first = entries.first, first.due <= now else { return nil }
        removeFirst()
        return values.removeValue(forKey: first.id)
    }

    private mutating func dropCancelled() {
        while let first = entries.first, values[first.id] == nil { removeFirst() }
    }

    private mutating func compact() {
        entries.removeAll { values[$0.id] == nil }
        // A sorted array is a heap.
        entries.sort(by: Self.precedes)
    }

    private static func precedes(_ a: Entry, _ b: Entry) -> Bool {
        a.due != b.due ? a.due < b.due : a.id < b.id
    }

    private mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(entries[child], entries[parent]) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in (2 * parent + 1)...(2 * parent + 2)
            where child < entries.count && Self.precedes(entries[child], entries[least]) {
                least = child
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
