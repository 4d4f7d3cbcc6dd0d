import AppConfig
import Testing

@Suite("How a target is delivered")
struct DeliveryOptionsTests {
    private func target(_ keys: String) throws -> TargetDefinition {
        let rule = "pattern: {source: [a]}\ntargets:\n  - function: CSVToParquet\n" + keys
        let host =
            "buckets: {landing-zone: , clean-zone: }\nbuses: {orders: }\ndownstreams:\n"
            + "  warehouse: {rateLimit: 20/s, concurrency: 4}\n  mail:\n"
        let app = try TestApp.load(TestApp.files(["Events/rules/csv-landed.yaml": rule, "sluice.yaml": host]))
        #expect(
            app.definition.downstreams == [
                DownstreamDefinition(name: "mail"),
                DownstreamDefinition(name: "warehouse", rateLimit: RateLimit(count: 20, per: 1000), concurrency: 4),
            ])
        return try #require(app.definition.rules.first?.targets.first)
    }

    @Test("every key")
    func everyKey() throws {
        let target = try target(
            """
                ordering: {key: detail.object.key, onExhausted: park}
                batchSize: 100
                maximumBatchingWindowInSeconds: 2.5
                maximumBatchBytes: 256 MB
                batchBytesOf: object
                rateLimit: 600/m
                downstream: warehouse
                circuitBreaker: {failures: 5, windowInSeconds: 30, retryAfterInSeconds: 10}
                retryPolicy: {on: [TimedOut], never: [Broken, Worse]}

            """)
        let delivery = try #require(target.delivery)
        #expect(delivery.keys == .init(path: "detail.object.key", parks: true))
        #expect(delivery.batchWindowSeconds == 2.5)
        #expect(delivery.batchBytes == 256_000_000)
        #expect(delivery.batchBytesOf == .object)
        #expect(delivery.rateLimit == RateLimit(count: 600, per: 60_000))
        #expect(delivery.rateLimit?.description == "600/m")
        #expect(delivery.downstream == "warehouse")
        #expect(delivery.breaker == .init(failures: 5, windowSeconds: 30, retryAfterSeconds: 10))
        #expect(target.retry.on == ["TimedOut"])
        #expect(target.retry.never == ["Broken", "Worse"])
    }

    @Test("what is left out")
    func defaults() throws {
        #expect(try target("").delivery == nil)
        #expect(try target("    ordering: {key: id}\n").delivery?.keys == .init(path: "id"))
        #expect(try target("    ordering: {key: id, onExhausted: continue}\n").delivery?.keys?.parks == false)
        #expect(
            try target("    keyConcurrency: {key: detail.customer, concurrency: 3}\n").delivery?.keys
                == .init(path: "detail.customer", concurrency: 3, isOrdered: false))
    }

    @Test(
        "what cannot be",
        arguments: [
            ("ordering: {}", "no `key`"), ("ordering: {key: a..b}", "no path into an event"),
            ("ordering: {key: a, onFailure: park}", "called `onExhausted`"),
            ("ordering: {key: a, onExhausted: wait}", "continue, park"),
            ("ordering: {key: a}\n    keyConcurrency: {key: a, concurrency: 2}", "one at a time for each key"),
            ("keyConcurrency: {key: a}", "no `concurrency`"), ("rateLimit: 10", "10/s"), ("rateLimit: 10/d", "10/s"),
            ("rateLimit: 0/s", "10/s"), ("rateLimit: -1/s", "10/s"), ("downstream: warehose", "`warehouse`"),
            ("maximumBatchBytes: many", "64 MB"), ("maximumBatchBytes: 9999999999999999 GB", "64 MB"),
            ("batchBytesOf: object", "maximumBatchBytes"), ("circuitBreaker: {}", "no `failures`"),
            ("circuitBreaker: {failures: 0}", "from 1 to 1000"),
            ("maximumBatchingWindowInSeconds: 301", "from 0 to 300"), ("orderingKey: a", "called `ordering`"),
        ])
    func mistakes(text: String, says: String) throws {
        do {
            _ = try target("    \(text)\n")
            Issue.record("accepted: \(text)")
        } catch let error as ConfigError {
            let words = error.findings.map { "\($0.message) \($0.hint ?? "")" }.joined(separator: "\n")
            #expect(words.contains(says), "\(text): \(words)")
            #expect(error.findings.allSatisfy { $0.line != nil })
        }
    }
}
