import Synchronization

/// Hands what happens to the listeners of the moment (`events tail`, `logs --follow`). A listener that does not keep
/// up loses the oldest, never the host's time nor its memory.
package final class Feed<Element: Sendable>: Sendable {
    private struct Listener {
        var waiting: Deque<Element> = Deque()
        var bytes = 0
        var reader: CheckedContinuation<Element?, Never>?
    }

    private struct State {
        var listeners: [Int: Listener] = [:]
        var last = 0
        var closed = false
    }

    /// What one listener may be behind.
    package static var maximumWaiting: Int { 10_000 }
    package static var maximumBytes: Int { 16 << 20 }

    private let state = Mutex(State())
    private let size: @Sendable (Element) -> Int

    /// - Parameter size: about how many bytes an element keeps.
    package init(size: @escaping @Sendable (Element) -> Int) {
        self.size = size
    }

    package var hasListeners: Bool { state.withLock { !$0.listeners.isEmpty } }

    package func send(_ element: Element) {
        let readers = state.withLock { state in
            var readers: [CheckedContinuation<Element?, Never>] = []
            guard !state.closed else { return readers }
            // Not the keys themselves: they share the dictionary, and changing it would copy every listener's queue.
            for id in Array(state.listeners.keys) {
                if let reader = state.listeners[id]?.reader {
                    state.listeners[id]?.reader = nil
                    readers.append(reader)
                } else {
                    add(element, to: &state.listeners[id])
                }
            }
            return readers
        }
        for reader in readers { reader.resume(returning: element) }
    }

    private func add(_ element: Element, to listener: inout Listener?) {
        guard var changed = listener.take() else { return }
        changed.waiting.append(element)
        changed.bytes += size(element)
        while changed.waiting.count > Self.maximumWaiting || changed.bytes > Self.maximumBytes,
            changed.waiting.count > 1,
            let oldest = changed.waiting.popFirst()
        {
            changed.bytes -= size(oldest)
        }
        listener = changed
    }

    /// What is sent from now on, until the subscription is let go or the feed closes.
    package func listen() -> Subscription {
        state.withLock { state in
            state.last += 1
            if !state.closed { state.listeners[state.last] = Listener() }
            return Subscription(feed: self, id: state.last)
        }
    }

    /// Nothing is sent any more. What a listener has not read yet it still gets, and then the end.
    package func close() {
        let readers = state.withLock { state in
            state.closed = true
            let ids = Array(state.listeners.keys)
            return ids.compactMap { state.listeners[$0]?.reader.take() }
        }
        for reader in readers { reader.resume(returning: nil) }
    }

    private func remove(_ id: Int) {
        state.withLock { $0.listeners.removeValue(forKey: id) }?.reader?.resume(returning: nil)
    }

    private func next(_ id: Int) async -> Element? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (element, isReady) = state.withLock { state -> (Element?, Bool) in
                    guard state.listeners[id] != nil else { return (nil, true) }
                    if let element = state.listeners[id]?.waiting.popFirst() {
                        state.listeners[id]?.bytes -= size(element)
                        return (element, true)
                    }
                    if state.closed { return (nil, true) }
                    state.listeners[id]?.reader = continuation
                    return (nil, false)
                }
                if isReady { continuation.resume(returning: element) }
            }
        } onCancel: {
            remove(id)
        }
    }

    /// One listener, read by one task at a time.
    package final class Subscription: Sendable {
        private let feed: Feed
        private let id: Int

        fileprivate init(feed: Feed, id: Int) {
            self.feed = feed
            self.id = id
        }

        deinit { feed.remove(id) }

        /// The next element; nil when the feed is closed or the reading task is cancelled.
        package func next() async throws -> Element? { await feed.next(id) }
    }
}

/// A queue whose first element goes without moving the others.
private struct Deque<Element> {
    private var elements: [Element?] = []
    private var start = 0

    var count: Int { elements.count - start }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard start < elements.count else { return nil }
        let element = elements[start].take()
        start += 1
        if start == elements.count {
            elements.removeAll(keepingCapacity: true)
            start = 0
        } else if start >= 1024, start * 2 > elements.count {
            elements.removeFirst(start)
            start = 0
        }
        return element
    }
}
