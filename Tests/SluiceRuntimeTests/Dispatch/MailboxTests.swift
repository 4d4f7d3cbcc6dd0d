import Journal
import SluiceRuntime
import Testing

@Suite("The dispatcher's mailbox")
struct MailboxTests {
    private func record(_ position: Position, to subscriptions: [Int64], bytes: Int) -> CommittedRecord {
        CommittedRecord(
            position: position, log: "default", eventID: "e\(position)", ingested: 0,
            payload: [UInt8](repeating: 0, count: bytes), lineage: [],
            deliveries: subscriptions.map {
                Delivery(subscription: SubscriptionID($0), position: position, ordinal: position)
            })
    }

    @Test("Only the first to put something in an empty box has to say so")
    func waking() {
        let box = BoundedMailbox(limit: 1000)
        #expect(!box.put([]))
        #expect(box.put([record(1, to: [1], bytes: 10)]))
        #expect(!box.put([record(2, to: [1], bytes: 10)]))
        #expect(box.take().records.map(\.position) == [1, 2])
        #expect(box.put([record(3, to: [1], bytes: 10)]))
    }

    @Test("Beyond its bound records are only noted, however small they are, until it is emptied")
    func bounded() {
        let box = BoundedMailbox(limit: 1000)
        _ = box.put([record(1, to: [1, 2], bytes: 2000), record(2, to: [2], bytes: 10), record(3, to: [1], bytes: 10)])
        #expect(!box.put([record(4, to: [2], bytes: 0)]))
        let contents = box.take()
        #expect(contents.records.map(\.position) == [1])
        #expect(contents.noted == [SubscriptionID(1): 3, SubscriptionID(2): 4])
        _ = box.put([record(5, to: [1], bytes: 0)])
        #expect(box.take().records.map(\.position) == [5])
    }

    @Test("What was only noted is read back from the log, and comes in its order")
    func readBack() {
        var core = DeliveryCore(boot: 1, globalLimit: 9, seed: 1)
        core.setFunction("f", limit: 9)
        let id = SubscriptionID(1)
        core.setSubscription(id, function: "f", policy: DeliveryPolicy(), batchSize: 1, loaded: 0, newest: 0)
        let records = (1...4 as ClosedRange<Position>).map { record($0, to: [1], bytes: 10) }
        core.accept(records[0]) { _ in .max }
        core.note([id: 3])
        // Behind what is not in memory nothing is taken in.
        core.accept(records[3]) { _ in .max }
        var started: [Int64] = []
        for action in core.pump(now: 0) {
            switch action {
            case .start(let attempt): started += attempt.works.map(\.delivery.ordinal)
            case .refill(id, let after, let limit):
                #expect(after == 1)
                core.refilled(id, with: Array(records[1...]), limit: limit) { _, _ in .max }
            default: Issue.record("\(action)")
            }
        }
        for case .start(let attempt) in core.pump(now: 0) { started += attempt.works.map(\.delivery.ordinal) }
        #expect(started == [1, 2, 3, 4])
    }
}
