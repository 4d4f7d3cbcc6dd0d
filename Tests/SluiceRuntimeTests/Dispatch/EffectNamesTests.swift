import AppConfig
import Journal
import SluiceRuntime
import Testing
import UVLoop

/// The names of generated keys and of events: always the same for the same event, never its neighbour's.
@Suite("Names of effects")
@LoopActor
struct EffectNamesTests {
    private func context(
        _ events: String..., subscription: Int64 = 7, isBatch: Bool = true, rule: String = "r"
    ) -> AttemptContext {
        let works = events.enumerated().map { index, event in
            Work(
                delivery: Delivery(
                    subscription: SubscriptionID(subscription), position: Int64(index) + 1, ordinal: Int64(index) + 1),
                source: .log, eventID: event, ingested: 0, expires: .max, payload: [], lineage: [])
        }
        var version = FunctionVersion(
            name: "f", version: 1, digest: "", modulePath: "", definition: FunctionDefinition(name: "f"), created: 0)
        version.isBatch = isBatch
        return AttemptContext(
            attempt: DeliveryCore.Attempt(
                id: AttemptID(boot: 1, number: 1), subscription: SubscriptionID(subscription), function: "f",
                works: works),
            version: version,
            settings: SubscriptionSettings(
                id: SubscriptionID(subscription), bus: "default", rule: rule, target: "t", function: "f",
                inputFormat: .eventBridge, batchSize: 10, retry: RetryPolicy()),
            started: 0, startedWall: 0)
    }

    @Test("A record that is tried again alone has its own keys, not those that its neighbour was given")
    func keys() throws {
        let batch = context("A", "B")
        // A fails before it asks; B's file is published under B's first key.
        let published = try batch.nextKeyHash(of: 1)
        let retried = context("A")
        #expect(try retried.nextKeyHash(of: 0) != published)
        // B, redelivered or replayed in whatever batch, replaces its own.
        #expect(try context("C", "D", "B").nextKeyHash(of: 2) == published)
        #expect(try context("B").nextKeyHash(of: 0) == published)
        #expect(try context("B", subscription: 99).nextKeyHash(of: 0) == published)
        #expect(try context("B", rule: "other").nextKeyHash(of: 0) != published)
        // The second is another one, and the same again in another order of asking.
        let second = try batch.nextKeyHash(of: 1)
        let other = context("B", "A")
        _ = try other.nextKeyHash(of: 1)
        #expect(try other.nextKeyHash(of: 0) == published)
        #expect(try other.nextKeyHash(of: 0) == second)
    }

    @Test("Two records' events are two, however the batch is put together")
    func events() throws {
        let batch = context("A", "B")
        let b = try batch.nextEventIDs(1, of: 1)
        let a = try batch.nextEventIDs(2, of: 0)
        #expect(Set(a + b).count == 3)
        #expect(try context("A").nextEventIDs(2, of: 0) == a)
        #expect(try context("A").nextEventIDs(1, of: 0) + [] == [a[0]])
        // A replay's subscription is its own: its events are not taken for the first ones.
        #expect(try context("A", subscription: 99).nextEventIDs(1, of: 0) != [a[0]])
    }

    @Test("What belongs to the batch as a whole is named after all of its events")
    func wholeBatch() throws {
        let whole = try context("A", "B").nextKeyHash(of: nil)
        #expect(try context("A", "B").nextKeyHash(of: nil) == whole)
        #expect(try context("A", "C").nextKeyHash(of: nil) != whole)
        #expect(try context("A").nextKeyHash(of: nil) != whole)
        let one = context("A")
        #expect(try one.nextKeyHash(of: nil) != one.nextKeyHash(of: 0))
        #expect(try one.nextEventIDs(1, of: nil) != one.nextEventIDs(1, of: 0))
        // A handler of single events has nothing but the whole.
        #expect(try context("A", isBatch: false).nextKeyHash(of: nil) == context("A").nextKeyHash(of: 0))
    }

    @Test("The idempotency key of a batch stands for just its records, and each record has its own")
    func invocationIDs() {
        let (both, first) = (context("A", "B"), context("A"))
        #expect(first.invocationID == "A-7")
        #expect(both.invocationID.hasPrefix("batch-"))
        #expect(both.invocationID != context("A", "C").invocationID)
        #expect(both.invocationID == context("A", "B").invocationID)
        #expect(InvocationIDs.text(of: first.attempt.works) == "A-7")
        #expect(InvocationIDs.text(of: both.attempt.works) == "\(both.invocationID)\nA-7\nB-7")
        #expect(InvocationIDs.text(of: []) == "")
    }

    @Test("A record that is not there is refused")
    func unknownRecord() {
        #expect(throws: (any Error).self) { try context("A").nextKeyHash(of: 1) }
        #expect(throws: (any Error).self) { try context("A").nextEventIDs(1, of: -1) }
    }
}
