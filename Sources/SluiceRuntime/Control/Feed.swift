import Synchronization

/// Hands what happens to whoever listens at the moment (`events tail`, `logs --follow`). A listener that does not keep
/// up loses the oldest, never the host's time.
package final class Feed<Element: Sendable>: Sendable {
    private struct State {
        var listeners: [Int: AsyncThrowingStream<Element, any Error>.Continuation] = [:]
        var last = 0
        var closed = false
    }

    private let state = Mutex(State())

    package init() {}

    package var hasListeners: Bool { state.withLock { !$0.listeners.isEmpty } }

    package func send(_ element: Element) {
        for continuation in state.withLock({ Array($0.listeners.values) }) { continuation.yield(element) }
    }

    /// A stream of what is sent from now on; it ends when the consumer leaves or the feed closes.
    package func listen() -> AsyncThrowingStream<Element, any Error> {
        let (stream, continuation) = AsyncThrowingStream<Element, any Error>.makeStream(
            bufferingPolicy: .bufferingNewest(10_000))
        let (id, closed) = state.withLock { state in
            state.last += 1
            if !state.closed { state.listeners[state.last] = continuation }
            return (state.last, state.closed)
        }
        if closed { continuation.finish() }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    package func close() {
        let listeners = state.withLock { state in
            state.closed = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for continuation in listeners { continuation.finish() }
    }
}
