import AppConfig
import Journal
import SluiceRuntime
import Synchronization
import Testing

/// An event is matched before it is in the log; a deployment may get there first.
@Suite("Events that a deployment overtakes", .timeLimit(.minutes(2)))
struct RematchTests {
    private static let hard =
        #"{"Z":[{"exists":false}],"a":{"p":["1"],"q":["1"]},"b":{"p":["1"],"q":["1"]},"c":{"p":["1"],"q":["1"]},"#
        + #""d":{"p":["1"],"q":["no"]}}"#

    /// Arrays in which the fields of `hard` have too many combinations.
    private static var event: [UInt8] {
        let pairs = (0..<400).map { _ in #"{"p":"1"},{"p":"1","q":"1"}"# }.joined(separator: ",")
        let last = (0..<400).map { _ in #"{"p":"1"},{"q":"no"}"# }.joined(separator: ",")
        return Array("{\"a\":[\(pairs)],\"b\":[\(pairs)],\"c\":[\(pairs)],\"d\":[\(last)],\"s\":\"shop\"}".utf8)
    }

    /// Rules 1 and 2 of a deployment, each with the subscription of its number.
    private static func deployment(_ number: Int64, _ patterns: [String]) -> Deployment {
        var deployment = Deployment.empty
        deployment.ruleSet = number
        deployment.app.buses = [BusDefinition(name: "default")]
        for (index, pattern) in patterns.enumerated() {
            let name = "rule-\(index + 1)"
            deployment.app.rules.append(RuleDefinition(name: name, pattern: pattern, targets: []))
            deployment.subscriptions.append(
                SubscriptionSettings(
                    id: SubscriptionID(Int64(index + 1)), bus: "default", rule: name, target: "t", function: "F",
                    inputFormat: .eventBridge, batchSize: 1, retry: RetryPolicy()))
        }
        return deployment
    }

    /// What the log has of the event when deployment 2 commits between its matching, by deployment 1, and its append.
    private func appended(_ before: [String], _ after: [String], lineage: Lineage? = nil) async throws
        -> CommittedRecord
    {
        let router = EventRouter()
        let journal = InMemoryJournal()
        let records = Mutex<[CommittedRecord]>([])
        journal.setRematch { append, ruleSet in router.rematch(append, ruleSet: ruleSet) }
        journal.observeAppends { new in records.withLock { $0 += new } }
        var start = Batch()
        for id in [1, 2] as [Int64] {
            start.control.append(
                .putSubscription(
                    SubscriptionRecord(id: SubscriptionID(id), log: "default", rule: "rule-\(id)", target: "t")))
        }
        start.control.append(.deploy(ruleSet: 1, body: []))
        _ = try await journal.commit(start)
        router.prepare(try RuleSet(Self.deployment(1, before)))
        router.activate(1)
        let announcer = ObjectAnnouncer(journal: journal, router: router, clock: HostClock(), boot: 1)
        let append = announcer.append(
            bus: "default", id: "e", payload: Self.event, lineage: lineage.map { JSONText.encode($0) } ?? [])
        #expect(append.ruleSet == 1)
        router.prepare(try RuleSet(Self.deployment(2, after)))
        var deploy = Batch()
        deploy.control.append(.deploy(ruleSet: 2, body: []))
        _ = try await journal.commit(deploy)
        var batch = Batch()
        batch.appends = [append]
        _ = try await journal.commit(batch)
        return try #require(records.withLock { $0.last })
    }

    private func undecided(_ record: CommittedRecord) -> [Int64] {
        [1, 2].filter { Lineage.isUndecided(SubscriptionID($0), in: record.lineage) }
    }

    private func wanted(_ record: CommittedRecord) -> [Int64] { record.deliveries.map(\.subscription.value).sorted() }

    @Test("A rule that cannot decide only when the event is matched again gets it marked, not lost")
    func newlyUndecided() async throws {
        let record = try await appended([#"{"s":["no"]}"#, #"{"s":["shop"]}"#], [Self.hard, #"{"s":["shop"]}"#])
        #expect(wanted(record) == [1, 2])
        #expect(undecided(record) == [1])
    }

    @Test("A rule that can decide when the event is matched again loses the mark")
    func newlyDecided() async throws {
        let before = [Self.hard, #"{"s":["shop"]}"#]
        let matching = try await appended(before, [#"{"s":["shop"]}"#, Self.hard])
        #expect(wanted(matching) == [1, 2])
        #expect(undecided(matching) == [2])
        let other = try await appended(before, [#"{"s":["no"]}"#, #"{"s":["shop"]}"#])
        #expect(wanted(other) == [2])
        #expect(undecided(other) == [])
        #expect(other.lineage.isEmpty)
    }

    @Test("The chain of invocations that led to the event is kept")
    func hops() async throws {
        let chain = Lineage(hops: [.init(event: "x", rule: "r", function: "F", subject: "s")])
        let record = try await appended([Self.hard], [#"{"s":["no"]}"#, Self.hard], lineage: chain)
        #expect(undecided(record) == [2])
        #expect(JSONText.decode(Lineage.self, from: record.lineage)?.hops == chain.hops)
        let clear = try await appended([Self.hard], [#"{"s":["shop"]}"#], lineage: chain)
        #expect(JSONText.decode(Lineage.self, from: clear.lineage) == chain)
    }
}
