import FunctionKit
import FunctionTesting
import Testing

@Suite("Streams", .timeLimit(.minutes(5)))
struct StreamsTests {
    struct Click: Codable, Sendable, Hashable {
        var page: String
        var isBad: Bool?
    }

    private func run(
        _ host: TestHost, _ body: @escaping @Sendable (Context) async throws -> Void
    ) async -> TestInvocation {
        await host.invoke(
            ClosureHandler(bytes: { _, context in
                try await body(context)
                return []
            }), payload: [])
    }

    @Test("bytes, texts and values are put as they are, in order, when the invocation succeeds")
    func puts() async {
        let host = TestHost()
        let result = await run(host) { context in
            let ids = [
                try await context.streams.put([0xFF, 1], partitionKey: "a", to: "raw"),
                try await context.streams.put("plain \"text\"", partitionKey: "b", to: "clicks"),
                try await context.streams.put(
                    json: Click(page: "/"), partitionKey: "b", to: "clicks", explicitHashKey: "7"),
            ]
            let more = try await context.streams.put(
                [
                    .init(Array("x".utf8), partitionKey: "c"), .init("y", partitionKey: "d"),
                    try .init(json: Click(page: "/z"), partitionKey: "e", explicitHashKey: "0"),
                ], to: "clicks")
            #expect(Set(ids + more).count == 6)
            #expect(try await context.streams.put([], to: "clicks") == [])
            #expect(host.records("clicks").isEmpty)
        }
        #expect(result.failure == nil && result.effects.count == 6)
        #expect(host.records("raw").map(\.data) == [[0xFF, 1]])
        let clicks = host.records("clicks")
        #expect(clicks.map(\.text) == ["plain \"text\"", #"{"page":"/"}"#, "x", "y", #"{"page":"/z"}"#])
        #expect(clicks.map(\.partitionKey) == ["b", "b", "c", "d", "e"])
        #expect(clicks.map(\.sequenceNumber) == clicks.map(\.sequenceNumber).sorted())
        guard case .putRecord(let put) = result.effects[2].action else { return #expect(Bool(false)) }
        #expect(put.explicitHashKey == "7" && put.stream == "clicks" && put.partitionKey == "b")

        let failed = await run(host) { context in
            try await context.streams.put("lost", partitionKey: "a", to: "clicks")
            throw CancellationError()
        }
        #expect(failed.effects.count == 1 && host.records("clicks").count == 5)
    }

    @Test("what the host refuses")
    func refusals() async {
        var settings = TestHost.Settings()
        settings.streams = ["clicks", "secret"]
        settings.grants = .init(streams: ["clicks", "other"])
        let host = TestHost(settings: settings)
        let result = await run(host) { context in
            func refusal(
                _ key: String = "k", _ stream: String = "clicks", hash: String? = nil, bytes: Int = 1
            ) async -> HostRefusal.Code? {
                let data = [UInt8](repeating: 0, count: bytes)
                do {
                    try await context.streams.put(data, partitionKey: key, to: stream, explicitHashKey: hash)
                    return nil
                } catch {
                    return (error as? HostRefusal)?.code
                }
            }
            #expect(await refusal("k", "other") == .noSuchStream)
            #expect(await refusal("k", "secret") == .accessDenied)
            #expect(await refusal("") == .invalidRecord)
            #expect(await refusal(String(repeating: "é", count: 257)) == .invalidRecord)
            #expect(await refusal("k", hash: "340282366920938463463374607431768211456") == .invalidRecord)
            #expect(await refusal("k", hash: "-1") == .invalidRecord)
            #expect(await refusal(bytes: (1 << 20) + 1) == .invalidRecord)
            #expect(await refusal(bytes: 1 << 20) == nil)
            let many = (0..<501).map { Context.Streams.Entry("\($0)", partitionKey: "k") }
            await #expect(throws: HostRefusal.self) { try await context.streams.put(many, to: "clicks") }
            // One bad record refuses the call, and names itself.
            let error = await #expect(throws: HostRefusal.self) {
                try await context.streams.put(
                    [.init("good", partitionKey: "k"), .init("bad", partitionKey: "")], to: "clicks")
            }
            #expect(error?.message.contains("record 2 of 2 for stream clicks") == true)
            try await context.streams.put(Array(many.prefix(500)), to: "clicks")
        }
        #expect(result.failure == nil)
        #expect(host.records("clicks").count == 501)
    }

    struct Sessions: BatchHandler {
        func handle(_ records: [Record<StreamRecord>], context: Context) async throws -> [RecordResult] {
            await records.results { record in
                let click = try record.event.decode(Click.self)
                try await record.context.streams.put(
                    json: click, partitionKey: record.event.partitionKey, to: "sessions")
                if click.isBad == true { throw HandlerError(code: "Bad", message: "it says so", retry: true) }
            }
        }
    }

    @Test("a batch of records: what a failed one put goes with it, what is no JSON is InvalidRecord")
    func batch() async throws {
        let host = TestHost()
        let records = [
            try host.streamRecord("clicks", partitionKey: "ada", json: Click(page: "/")),
            host.streamRecord("clicks", partitionKey: "bob", #"{"page":7}"#),
            host.streamRecord("clicks", partitionKey: "ada", [0xFF]),
            try host.streamRecord("clicks", partitionKey: "eve", json: Click(page: "/", isBad: true)),
            host.streamRecord("clicks", partitionKey: "ada", #"{"page":"/2"}"#),
        ]
        let run = try await host.invoke(Sessions(), batch: records)
        let codes = run.records?.map { if case .failed(let failure) = $0 { failure.code } else { "ok" } }
        #expect(codes == ["ok", "InvalidRecord", "InvalidRecord", "Bad", "ok"])
        guard case .failed(let failure)? = run.records?[1] else { return #expect(Bool(false)) }
        #expect(failure.retry == false)
        #expect(
            failure.message
                == "the data of record \(records[1].sequenceNumber) of stream clicks, partition key \"bob\", is no Click: "
                + "page: expected a string, found the number 7 at byte 8")
        #expect(host.records("sessions").map(\.text) == [#"{"page":"/"}"#, #"{"page":"/2"}"#])
        // What came out is the next function's input.
        let next = try await host.invoke(Sessions(), batch: host.records("sessions"))
        #expect(next.failure == nil && host.records("sessions").count == 4)
    }

    @Test("a handler in AWS's form")
    func envelope() async throws {
        let host = TestHost()
        let records = ["1", "x"].map { host.streamRecord("clicks", partitionKey: "k", $0) }
        let handler = ClosureHandler { (event: KinesisEvent, _: Context) in
            BatchItemFailures(event.records.filter { $0.text == "x" }.map(\.sequenceNumber))
        }
        let output = try await host.invoke(handler, KinesisEvent(records: records))
            .decodedOutput(as: BatchItemFailures.self)
        #expect(output == BatchItemFailures([records[1].sequenceNumber]))
    }
}
