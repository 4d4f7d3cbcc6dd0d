import Journal
import SluiceRuntime
import Testing

@Suite("Queues of works")
struct WorkQueueTests {
    private func work(_ number: Int64, bytes: Int) -> Work {
        Work(
            delivery: Delivery(subscription: SubscriptionID(1), position: number, ordinal: number), source: .log,
            eventID: "e\(number)", ingested: 0, expires: .max, payload: Array(repeating: 0, count: bytes), lineage: [])
    }

    @Test("What was taken out does not stay in memory: no more of it than of what waits, and nothing in the end")
    func spent() {
        for bytes in [10, 1 << 20] {
            var queue = WorkQueue()
            for number in 1...40 { queue.append(work(Int64(number), bytes: bytes)) }
            for number in 1...40 {
                #expect(queue.popFirst()?.delivery.ordinal == Int64(number))
                #expect(queue.spentBytes <= max(1 << 20, queue.count * bytes), "\(number)")
            }
            #expect(queue.popFirst() == nil && queue.spentBytes == 0 && queue.count == 0)
            // One at a time, as a queue that keeps up has them.
            for number in 1...10 {
                queue.append(work(Int64(number), bytes: bytes))
                #expect(queue.popFirst() != nil && queue.spentBytes == 0)
            }
            queue.append(work(1, bytes: bytes))
            queue.append(work(2, bytes: bytes))
            queue.append(work(3, bytes: bytes))
            let first = queue.popFirst()
            if let first { queue.prepend(first) }
            #expect(queue.spentBytes == 0 && queue.count == 3)
            #expect(queue.popFirst()?.delivery.ordinal == 1 && queue.popFirst()?.delivery.ordinal == 2)
        }
    }
}
