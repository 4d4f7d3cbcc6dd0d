import AppConfig
import EventModel
import Journal
import SluiceRuntime
import Testing

@Suite("Shards")
struct ShardTests {
    @Test("streams keep their shards over deployments; another number opens new ones")
    func plan() {
        func plan(_ shards: Int?, over before: [StreamSettings], _ ruleSet: Int64) -> [StreamSettings] {
            StreamSettings.plan(
                shards.map { [StreamDefinition(name: "s", shards: $0)] } ?? [], over: before, ruleSet: ruleSet, now: 7)
        }
        var streams = plan(2, over: [], 1)
        #expect(streams.first?.generations == [.init(firstShard: 0, shards: 2, ruleSet: 1)])
        streams = plan(2, over: streams, 2)
        #expect(streams.first?.generations.count == 1 && streams.first?.created == 7)
        streams = plan(3, over: streams, 3)
        #expect(streams.first?.generations.last == .init(firstShard: 2, shards: 3, ruleSet: 3))
        streams = plan(nil, over: streams, 4)
        #expect(streams.first?.isRemoved == true)
        streams = plan(3, over: streams, 5)
        #expect(streams.first?.isRemoved == nil && streams.first?.generations.count == 2)
        streams = plan(1, over: streams, 6)
        #expect(streams.first?.generations.last == .init(firstShard: 5, shards: 1, ruleSet: 6))
    }

    /// Rule set 1 has `shards` shards, and a rule for each pattern (nil: none) with the subscription of its number.
    private static func rules(_ number: Int64, shards: [Int], _ patterns: [String?]) throws -> RuleSet {
        var deployment = Deployment.empty
        deployment.ruleSet = number
        for (index, count) in shards.enumerated() {
            deployment.streams = StreamSettings.plan(
                [StreamDefinition(name: "s", shards: count)], over: deployment.streams, ruleSet: Int64(index + 1),
                now: 0)
        }
        for (index, pattern) in patterns.enumerated() {
            deployment.app.rules.append(
                RuleDefinition(
                    name: "r\(index)", bus: "stream/s", pattern: pattern ?? #"{"eventSource":["aws:kinesis"]}"#,
                    targets: []))
            deployment.subscriptions.append(
                SubscriptionSettings(
                    id: SubscriptionID(Int64(index + 1)), bus: "stream/s", rule: "r\(index)", target: "t",
                    function: "F",
                    inputFormat: .eventBridge, batchSize: 1, retry: RetryPolicy()))
        }
        return try RuleSet(deployment)
    }

    private static func record(
        _ router: EventRouter, _ key: String, _ data: String, hash: UInt128? = nil
    ) throws -> Append {
        let entry = PutRecordsEntry(
            partitionKey: key, data: String(decoding: Base64.encode(data.utf8), as: UTF8.self))
        return try #require(router.record(to: "s", id: "e", entry, explicitHash: hash, arrived: 1))
    }

    private static func router(_ rules: RuleSet) -> EventRouter {
        let router = EventRouter()
        router.prepare(rules)
        router.activate(rules.number)
        return router
    }

    @Test(
        "keys go where Kinesis puts them: by their MD5 in equal ranges",
        arguments: [
            // md5("a") = 0cc1…, md5("b") = 92eb…, md5("partition") = 7013…
            ("a", 0), ("b", 2), ("partition", 1),
        ])
    func keys(_ key: String, _ shard: Int) throws {
        let router = Self.router(try Self.rules(1, shards: [4], []))
        #expect(StreamRecordText.shard(of: try Self.record(router, key, "").payload) == shard)
    }

    @Test("an explicit hash chooses the shard to the last number of its range")
    func explicit() throws {
        let router = Self.router(try Self.rules(1, shards: [3], []))
        // The ranges that AWS gives a stream of three shards.
        for (hash, shard) in [
            ("0", 0), ("113427455640312821154458202477256070484", 0), ("113427455640312821154458202477256070485", 1),
            ("226854911280625642308916404954512140969", 1), ("226854911280625642308916404954512140970", 2),
            ("340282366920938463463374607431768211455", 2),
        ] {
            let record = try Self.record(router, "k", "", hash: UInt128(hash))
            #expect(StreamRecordText.shard(of: record.payload) == shard, "\(hash)")
        }
        #expect(
            router.record(to: "other", id: "e", .init(partitionKey: "k", data: ""), explicitHash: nil, arrived: 1)
                == nil)
    }

    @Test("patterns choose records by key and data; what is no JSON has no data")
    func patterns() throws {
        let router = Self.router(
            try Self.rules(
                1, shards: [1],
                [
                    nil, #"{"data":{"kind":["view"]}}"#, #"{"partitionKey":["k"]}"#,
                    #"{"data":{"kind":[{"exists":false}]}}"#,
                ]))
        func wanted(_ key: String, _ data: String) throws -> [Int64] {
            try Self.record(router, key, data).subscriptions.map(\.value).sorted()
        }
        #expect(try wanted("k", #"{"kind":"view"}"#) == [1, 2, 3])
        #expect(try wanted("x", #"{"kind":"buy"}"#) == [1])
        #expect(try wanted("k", "no json") == [1, 3, 4])
        #expect(try wanted("x", #"{"kind":"view"} and more"#) == [1, 4])
        #expect(router.unmatchable == nil)
    }

    @Test("a record that a deployment overtakes gets the new shards and the new rules")
    func rematch() throws {
        let router = Self.router(try Self.rules(1, shards: [2], [nil]))
        for (key, hash) in [("a", nil), ("b", nil), ("a", UInt128.max)] as [(String, UInt128?)] {
            let record = try Self.record(router, key, #"{"n":1}"#, hash: hash)
            router.prepare(try Self.rules(2, shards: [2, 4], [#"{"data":{"n":[1]}}"#, #"{"data":{"n":[2]}}"#]))
            let moved = router.rematch(record, ruleSet: 2)
            #expect(moved.ruleSet == 2 && moved.subscriptions.map(\.value) == [1])
            // Shards 2 to 5 are open: the key's own, or one in the range of the shard that was chosen for it.
            let shard = try #require(StreamRecordText.shard(of: moved.payload))
            #expect(shard == (hash != nil ? 4 : key == "a" ? 2 : 4), "\(key)")
            #expect(moved.marks != nil)
        }
        // A stream that is gone: nobody wants it, and it stays in its log.
        router.prepare(try Self.rules(3, shards: [], []))
        let record = try Self.record(router, "a", "{}")
        #expect(router.rematch(record, ruleSet: 3).subscriptions.isEmpty)
    }
}
