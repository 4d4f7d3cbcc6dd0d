import Testing
import UVLoop

@Suite("Timer heap")
struct TimerHeapTests {
    @Test("Entries come out by due time, ties in the order they were added")
    func order() {
        var heap = TimerHeap<Int>()
        var random = SystemRandomNumberGenerator()
        let dues = (0..<500).map { _ in UInt64.random(in: 0..<50, using: &random) }
        for (index, due) in dues.enumerated() { _ = heap.insert(index, due: due) }
        var popped: [Int] = []
        while let value = heap.popDue(now: 1000) { popped.append(value) }
        #expect(popped == dues.indices.sorted { (dues[$0], $0) < (dues[$1], $1) })
    }

    @Test("What is not due stays, and what was cancelled never comes")
    func dueAndCancelled() {
        var heap = TimerHeap<String>()
        _ = heap.insert("late", due: 20)
        let cancelled = heap.insert("cancelled", due: 5)
        _ = heap.insert("early", due: 10)
        #expect(heap.remove(cancelled) == "cancelled")
        #expect(heap.remove(cancelled) == nil)
        #expect(heap.nextDue() == 10)
        #expect(heap.popDue(now: 9) == nil)
        #expect(heap.popDue(now: 10) == "early")
        #expect(heap.popDue(now: 19) == nil)
        #expect(heap.count == 1)
    }

    @Test("A hundred thousand cancelled entries do not pile up")
    func compaction() {
        var heap = TimerHeap<Int>()
        _ = heap.insert(-1, due: 1_000_000)
        for number in 0..<100_000 { heap.remove(heap.insert(number, due: 2_000_000)) }
        #expect(heap.count == 1)
        #expect(heap.storedCount <= 128)
        #expect(heap.popDue(now: .max) == -1)
    }
}
