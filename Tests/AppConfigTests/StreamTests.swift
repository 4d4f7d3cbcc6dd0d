import AppConfig
import Testing

@Suite("Streams in an app")
struct StreamTests {
    private static let host =
        "buckets: {landing-zone: {}, clean-zone: {}}\nstreams:\n  clicks: {shards: 4, retentionHours: 48}\n  raw:\n"

    private static func app(_ rule: String, function: String = "", host: String = host) -> [String: String] {
        TestApp.files([
            "sluice.yaml": host, "Functions/CSVToParquet/function.yaml": function,
            "Events/rules/csv-landed.yaml": rule,
        ])
    }

    @Test("a stream has one shard and a day unless it says otherwise")
    func declared() throws {
        let app = try TestApp.load(Self.app("stream: clicks\ntargets: [{function: CSVToParquet}]")).definition
        #expect(
            app.streams == [
                StreamDefinition(name: "clicks", shards: 4, retentionHours: 48), StreamDefinition(name: "raw"),
            ])
        #expect(app.streams?.last?.shards == 1 && app.streams?.last?.retentionHours == 24)
        #expect(try TestApp.load(TestApp.files()).definition.streams == nil)
    }

    @Test("a rule on a stream takes every record, in order by partition key, for as long as the stream has it")
    func defaults() throws {
        let rule = try #require(
            try TestApp.load(Self.app("stream: clicks\ntargets: [{function: CSVToParquet}]")).definition.rules.first)
        #expect(rule.bus == "stream/clicks" && rule.pattern == #"{"eventSource":["aws:kinesis"]}"#)
        #expect(rule.targets.first?.delivery?.keys == DeliveryOptions.Keys(path: "kinesis.partitionKey"))
        #expect(rule.targets.first?.retry.maximumEventAgeSeconds == RetryPolicy.longestStreamAge)
    }

    @Test(
        "what a target says of order and retries counts",
        arguments: [
            ("ordering: none", nil, nil),
            ("ordering: {key: kinesis.partitionKey, onExhausted: park}", true, nil),
            ("keyConcurrency: {key: kinesis.partitionKey, concurrency: 2}", false, nil),
            ("retryPolicy: {maximumEventAgeInSeconds: 60}", true, 60),
            ("retryPolicy: {maximumRetryAttempts: 1}", true, nil),
        ] as [(String, Bool?, Int?)])
    func target(_ text: String, _ isOrdered: Bool?, _ age: Int?) throws {
        let target = try #require(
            try TestApp.load(Self.app("stream: clicks\ntargets: [{function: CSVToParquet, \(text)}]")).definition
                .rules.first?.targets.first)
        #expect(target.delivery?.keys?.isOrdered == isOrdered)
        #expect(target.retry.maximumEventAgeSeconds == age ?? RetryPolicy.longestStreamAge)
    }

    @Test("a pattern filters the records, and a grant lets a function put some")
    func pattern() throws {
        let app = try TestApp.load(
            Self.app(
                "stream: clicks\npattern: {data: {kind: [view]}}\ntargets: [{function: CSVToParquet, inputFormat: kinesis}]",
                function: "grants: {streams: [raw]}")
        ).definition
        #expect(app.rules.first?.pattern == #"{"data":{"kind":["view"]}}"#)
        #expect(app.rules.first?.targets.first?.inputFormat == .kinesis)
        let grants = try #require(app.functions.first?.grants)
        #expect(grants.mayPutRecords(stream: "raw") && !grants.mayPutRecords(stream: "clicks"))
    }

    @Test(
        "each mistake is named with its place",
        arguments: [
            ("stream: clickz\n", "", ConfigFinding.Code.unknownStream, 1, 9, "did you mean `clicks`?"),
            ("stream: clicks\nbus: default\n", "", .invalidValue, 1, 9, "either `bus` or `stream`"),
            ("stream: clicks\nschedule: rate(1 hour)\n", "", .invalidValue, 2, 11, "no `schedule`"),
            (
                "stream: clicks\npattern: {data: {a: [1]}}\nmanifest: {timeLimit: 5}\n", "", .invalidValue, 3, 11,
                "no `manifest`"
            ),
            ("stream: clicks\n", "grants: {streams: [row]}", .unknownStream, 1, 20, "did you mean `raw`?"),
            ("streamName: clicks\npattern: {source: [a]}\n", "", .unknownKey, 1, 1, "called `stream`"),
        ])
    func mistakes(
        _ rule: String, _ function: String, _ code: ConfigFinding.Code, _ line: Int, _ column: Int, _ says: String
    ) throws {
        let findings = try TestApp.findings(
            Self.app(rule + "targets: [{function: CSVToParquet}]\n", function: function))
        let finding = findings.first { $0.code == code }
        #expect(finding?.description.contains(says) == true, "\(findings)")
        #expect(finding?.line == line && finding?.column == column, "\(findings)")
    }

    @Test(
        "a stream that cannot be is refused",
        arguments: [
            ("streams: {clicks: {shards: 0}}", "from 1 to 1024"),
            ("streams: {clicks: {retentionHours: 9000}}", "from 1 to 8760"),
            ("streams: {clicks: {shardCount: 2}}", "called `shards`"),
            ("streams: {\"a/b\": {}}", "cannot be a stream's name"),
            ("streams: [clicks]", "must be a mapping"),
        ])
    func declarations(_ text: String, _ says: String) throws {
        let findings = try TestApp.findings(
            Self.app("pattern: {source: [a]}\ntargets: [{function: CSVToParquet}]", host: text))
        #expect(findings.contains { $0.description.contains(says) }, "\(findings)")
    }

    @Test("a function that may put records to the stream it takes them from is a possible loop")
    func loops() throws {
        let rule = "name: r\nstream: clicks\ntargets: [{function: CSVToParquet}]"
        func warnings(_ grants: String) throws -> [String] {
            try TestApp.load(Self.app(rule, function: "grants: {streams: \(grants)}")).warnings.map(\.description)
        }
        #expect(try warnings("[clicks]").contains { $0.contains("records of stream clicks") })
        #expect(try warnings("[\"*\"]").contains { $0.contains("possible loop") })
        #expect(try warnings("[raw]").isEmpty)
    }

    @Test("a target may be a stream or a bus")
    func forwards() throws {
        let rule = try #require(
            try TestApp.load(
                Self.app(
                    "pattern: {source: [shop]}\ntargets:\n- stream: clicks\n  partitionKeyPath: detail.user\n- bus: orders\n",
                    host: Self.host + "buses: {orders: {}}\n")
            ).definition.rules.first)
        #expect(
            rule.targets.map(\.forward) == [
                ForwardDefinition(kind: .stream, name: "clicks", partitionKeyPath: "detail.user"),
                ForwardDefinition(kind: .bus, name: "orders"),
            ])
        #expect(rule.targets.map(\.id) == ["stream", "bus"] && rule.targets.allSatisfy(\.isOutside))
    }

    @Test(
        "a target that cannot be is named with its place",
        arguments: [
            ("pattern: {source: [a]}\n", "stream: row", "unknown stream `row`"),
            ("pattern: {source: [a]}\n", "bus: order", "unknown event bus `order`"),
            ("pattern: {source: [a]}\n", "stream: raw, function: CSVToParquet", "one of `function`, `stream`"),
            ("pattern: {source: [a]}\n", "bus: default, inputPath: $.detail", "as it is"),
            ("pattern: {source: [a]}\n", "bus: default, partitionKeyPath: id", "for a target that is a stream"),
            ("pattern: {source: [a]}\n", "stream: raw, partitionKeyPath: a..b", "no path into an event"),
            ("stream: clicks\n", "bus: default", "no events"),
            ("pattern: {source: [a]}\n", "stream: raw, batchSize: 5", "one by one"),
        ])
    func badForwards(_ rule: String, _ target: String, _ says: String) throws {
        let findings = try TestApp.findings(Self.app(rule + "targets: [{\(target)}]"))
        #expect(findings.contains { $0.description.contains(says) }, "\(findings)")
    }

    @Test("a stream whose records go to itself is a possible loop; a field that records do not have is told of")
    func warnings() throws {
        func warnings(_ rule: String) throws -> [String] {
            try TestApp.load(Self.app(rule)).warnings.map(\.description)
        }
        #expect(try warnings("stream: raw\ntargets: [{stream: raw}]").contains { $0.contains("possible loop") })
        #expect(try warnings("stream: raw\ntargets: [{stream: clicks}]").isEmpty)
        let fields = try warnings("stream: raw\npattern: {source: [a], data: {b: [1]}}\ntargets: [{stream: clicks}]")
        #expect(fields.count == 1 && fields.first?.contains("no field `source`") == true, "\(fields)")
    }
}
