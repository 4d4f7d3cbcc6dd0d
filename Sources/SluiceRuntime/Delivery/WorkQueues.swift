/// A double-ended queue of works. Taking from the front is O(1) amortised: the array is compacted when half is spent.
struct WorkQueue: Sendable {
    private var works: [Work] = []
    private var head = 0

    var count: Int { works.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ work: Work) {
        works.append(work)
    }

    mutating func prepend(_ front: [Work]) {
        guard !front.isEmpty else { return }
        works.replaceSubrange(0..<head, with: front)
        head = 0
    }

    /// The first work and, up to `limit`, those after it that may share its batch.
    mutating func takeBatch(upTo limit: Int) -> [Work] {
        guard head < works.count else { return [] }
        let first = works[head]
        var end = head + 1
        if !first.isSolitary {
            while end < works.count, end - head < limit, works[end].group == first.group, !works[end].isSolitary {
                end += 1
            }
        }
        let taken = Array(works[head..<end])
        head = end
        if head > 256, head * 2 > works.count {
            works.removeFirst(head)
            head = 0
        }
        return taken
    }
}

/// Works ordered by when they are due: a binary heap.
struct DueHeap: Sendable {
    private var items: [(due: Instant, work: Work)] = []

    var count: Int { items.count }
    var first: (due: Instant, work: Work)? { items.first }

    mutating func insert(_ work: Work, due: Instant) {
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
}
