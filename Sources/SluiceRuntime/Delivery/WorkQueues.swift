/// A double-ended queue of works. Taking from the front and giving back what was taken are O(1) amortised: the array is
/// compacted when half of it is spent, or when what is spent holds more bytes than a few works may.
package struct WorkQueue: Sendable {
    private var works: [Work] = []
    private var head = 0
    /// Bytes of the payloads before `head`, which are still in memory.
    package private(set) var spentBytes = 0
    private static let maximumSpentBytes = 1 << 20
    /// Bytes of the payloads.
    private(set) var bytes = 0
    /// Works of the pending set, and the bytes of their payloads.
    private(set) var retries = 0
    private(set) var retryBytes = 0

    package init() {}

    package var count: Int { works.count - head }
    var isEmpty: Bool { head == works.count }
    var all: ArraySlice<Work> { works[head...] }
    var first: Work? { head < works.count ? works[head] : nil }

    private mutating func count(_ work: Work, _ sign: Int) { count(work.payload.count, work.isPending, sign) }

    private mutating func count(_ size: Int, _ isPending: Bool, _ sign: Int) {
        bytes += sign * size
        guard isPending else { return }
        retries += sign
        retryBytes += sign * size
    }

    package mutating func append(_ work: Work) {
        count(work, 1)
        works.append(work)
    }

    package mutating func prepend(_ work: Work) {
        count(work, 1)
        guard head > 0 else { return works.insert(work, at: 0) }
        head -= 1
        spentBytes -= min(spentBytes, works[head].payload.count)
        works[head] = work
    }

    mutating func prepend(_ front: [Work]) {
        guard front.count > head else {
            for work in front.reversed() { prepend(work) }
            return
        }
        for work in front { count(work, 1) }
        works.replaceSubrange(0..<head, with: front)
        (head, spentBytes) = (0, 0)
    }

    package mutating func popFirst() -> Work? {
        guard let work = first else { return nil }
        removeFirst()
        return work
    }

    /// Drops the first one, which must be there.
    mutating func removeFirst() {
        let size = works[head].payload.count
        count(size, works[head].isPending, -1)
        head += 1
        spentBytes += size
        // In proportion to what is left, so that moving it costs each work a little and never all of them.
        if head == works.count {
            works.removeAll(keepingCapacity: works.capacity <= 4096)
            (head, spentBytes) = (0, 0)
        } else if head * 2 > works.count, head > 256 || spentBytes > Self.maximumSpentBytes {
            works.removeFirst(head)
            (head, spentBytes) = (0, 0)
        }
    }

    /// Takes out what `isWanted` names, in order. O(n).
    mutating func extract(where isWanted: (Work) -> Bool) -> [Work] {
        var taken: [Work] = []
        var kept: [Work] = []
        for work in works[head...] {
            if isWanted(work) { taken.append(work) } else { kept.append(work) }
        }
        works = kept
        (head, spentBytes) = (0, 0)
        for work in taken { count(work, -1) }
        return taken
    }

    mutating func update(_ body: (inout Work) -> Void) {
        for index in head..<works.count { body(&works[index]) }
    }
}

extension Work {
    fileprivate var isPending: Bool {
        if case .pending = source { true } else { false }
    }
}

/// Works ordered by when they are due: a binary heap.
struct DueHeap: Sendable {
    private var items: [(due: Instant, work: Work)] = []

    var count: Int { items.count }
    var isEmpty: Bool { items.isEmpty }
    var first: (due: Instant, work: Work)? { items.first }
    var firstDue: Instant? { items.first?.due }
    /// Of the payloads.
    private(set) var bytes = 0

    mutating func insert(_ work: Work, due: Instant) {
        bytes += work.payload.count
        items.append((due, work))
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child].due < items[parent].due else { break }
            items.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popFirst(dueBy now: Instant) -> Work? {
        guard let first = items.first, first.due <= now else { return nil }
        bytes -= first.work.payload.count
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < items.count && items[child].due < items[least].due {
                least = child
            }
            guard least != parent else { break }
            items.swapAt(parent, least)
            parent = least
        }
        return first.work
    }

    /// Payloads stay as they are.
    mutating func update(_ body: (inout Work) -> Void) {
        for index in items.indices { body(&items[index].work) }
    }
}
