import SluiceRuntime
import Testing

@Suite("Feeds of what happens", .timeLimit(.minutes(1)))
struct FeedTests {
    @Test("a listener gets what is sent from then on, and the end")
    func order() async throws {
        let feed = Feed<Int> { _ in 1 }
        feed.send(0)
        let listener = feed.listen()
        for number in 1...3000 { feed.send(number) }
        for number in 1...3000 { #expect(try await listener.next() == number) }
        async let next = listener.next()
        feed.send(7)
        #expect(try await next == 7)
        feed.close()
        #expect(try await listener.next() == nil)
        #expect(try await feed.listen().next() == nil)
    }

    @Test("a listener that does not keep up loses the oldest: by their number, and by their bytes")
    func slow() async throws {
        let feed = Feed<Int> { $0 }
        let listener = feed.listen()
        for _ in 0..<Feed<Int>.maximumWaiting { feed.send(1) }
        feed.send(2)
        for _ in 1..<Feed<Int>.maximumWaiting { #expect(try await listener.next() == 1) }
        #expect(try await listener.next() == 2)
        let other = Feed<Int> { $0 }
        let large = other.listen()
        for number in 0..<40 { other.send((1 << 20) + number) }
        #expect(try await large.next() == (1 << 20) + 25)
        // One that is larger than all there is room for comes all the same.
        other.send(1 << 30)
        #expect(try await large.next() == 1 << 30)
    }

    /// With each element comes a reference, as with the host's own.
    private final class Element: Sendable {}

    @Test("a listener that has stalled with a full queue costs the sender next to nothing")
    func stalled() async throws {
        let feed = Feed<Element> { _ in 1 }
        let (listener, element) = (feed.listen(), Element())
        // Copying the queue for each would take minutes.
        for _ in 0..<400_000 { feed.send(element) }
        #expect(try await listener.next() != nil)
    }

    @Test("what was sent before the end is read before the end")
    func lastWords() async throws {
        let feed = Feed<Int> { _ in 1 }
        let (early, late) = (feed.listen(), feed.listen())
        async let waiting = early.next()
        feed.send(1)
        feed.send(2)
        #expect(try await waiting == 1)
        feed.close()
        feed.send(3)
        #expect(try await early.next() == 2)
        #expect(try await early.next() == nil)
        for number in 1...2 { #expect(try await late.next() == number) }
        #expect(try await late.next() == nil)
        #expect(try await feed.listen().next() == nil)
    }

    @Test("a reader that is cancelled ends, and a listener that is let go is forgotten")
    func leaving() async throws {
        let feed = Feed<Int> { _ in 1 }
        var listener: Feed<Int>.Subscription? = feed.listen()
        let reader = Task { [listener] in try await listener?.next() }
        reader.cancel()
        #expect(try await reader.value == nil)
        #expect(!feed.hasListeners)
        listener = feed.listen()
        #expect(feed.hasListeners)
        listener = nil
        #expect(!feed.hasListeners)
    }
}
