import FunctionKit
import FunctionTesting
import Synchronization
import Testing

@Suite("Kinds of handlers", .timeLimit(.minutes(5)))
struct HandlerTests {
    struct Order: Codable, Sendable {
        var id: Int
        var total: Double
    }

    struct Sum: Handler {
        func handle(_ event: Event<[Order]>, context: Context) async throws -> [String: Double] {
            ["total": event.detail.reduce(0) { $0 + $1.total }]
        }
    }

    struct Silent: Handler {
        func handle(_ event: Event<ObjectCreated>, context: Context) async throws {
            context.logger.info("seen", metadata: ["key": "\(event.detail.object.key)"])
        }
    }

    struct Reverse: BytesHandler {
        func handle(_ payload: [UInt8], context: Context) async throws -> [UInt8] { payload.reversed() }
    }

    /// Fails the orders without a total, in AWS's words.
    struct Load: Handler {
        static var takesBatches: Bool { true }

        func handle(_ events: [Event<Order>], context: Context) async throws -> BatchItemFailures {
            BatchItemFailures(events.filter { $0.detail.total == 0 }.map(\.id))
        }
    }

    @Test("a handler of arrays names the events that failed")
    func itemFailures() async throws {
        #expect(Load.takesBatches && !Sum.takesBatches)
        let events = [(1, 2.5), (2, 0)].map { id, total in
            Event(id: "e\(id)", detailType: "T", source: "test", time: .now, detail: Order(id: id, total: total))
        }
        let run = try await TestHost().invoke(Load(), events)
        #expect(
            String(decoding: run.output ?? [], as: UTF8.self) == #"{"batchItemFailures":[{"itemIdentifier":"e2"}]}"#)
    }

    private func event<Detail: Encodable>(_ detail: Detail) -> Event<Detail> {
        Event(id: "1", detailType: "T", source: "test", time: .now, detail: detail)
    }

    @Test("a typed handler: event in, JSON out")
    func typed() async throws {
        let run = try await TestHost().invoke(Sum(), event([Order(id: 1, total: 1.5), Order(id: 2, total: 2)]))
        #expect(try run.decodedOutput(as: [String: Double].self) == ["total": 3.5])
    }

    @Test("a typed handler without output")
    func void() async {
        let host = TestHost()
        host.put("in", "a b.csv", "x")
        let run = await host.invoke(Silent(), objectCreated: "in", "a b.csv")
        #expect(run.output == [])
        #expect(run.logs == [LogLine(level: .info, text: #"seen key="a b.csv""#)])
    }

    @Test("a bytes handler gets what was delivered")
    func bytes() async {
        let run = await TestHost().invoke(Reverse(), payload: [1, 2, 0xFF])
        #expect(run.output == [0xFF, 2, 1])
    }

    @Test("closures of every kind")
    func closures() async throws {
        let host = TestHost()
        let typed = ClosureHandler { (order: Order, _: Context) in order.id }
        #expect(try await host.invoke(typed, Order(id: 7, total: 0)).output == Array("7".utf8))
        let void = ClosureHandler { (_: Order, _: Context) in }
        #expect(try await host.invoke(void, Order(id: 7, total: 0)).output == [])
        let raw = ClosureHandler(bytes: { payload, _ in payload + [0] })
        #expect(await host.invoke(raw, payload: [1]).output == [1, 0])
    }

    @Test("an event that does not decode is a permanent error that names the member")
    func invalidEvent() async throws {
        let host = TestHost()
        let run = try await host.invoke(Silent(), event(["bucket": ["name": 5]]))
        #expect(run.failure?.code == "InvalidEvent")
        #expect(run.failure?.retry == false)
        #expect(
            run.failure?.message
                == "the event is no Event<ObjectCreated>: detail.version: the member \"version\" is missing")
        let broken = await host.invoke(Silent(), payload: Array("{\"a\":".utf8))
        #expect(broken.failure?.code == "InvalidEvent")
        #expect(broken.failure?.message.contains("line 1, column 6") == true)
    }

    enum Trouble: Error, CustomStringConvertible {
        case column(String)
        var description: String { if case .column(let name) = self { "column \(name) is bad" } else { "" } }
    }

    struct Coded: CodedError {
        var errorCode: String { "SchemaMismatch" }
        var errorMessage: String { "column total, row 3: \"x\" is no number" }
        var retry: Bool? { false }
    }

    private func failure(_ error: any Error) async -> TestInvocation.Failure? {
        await TestHost().invoke(ClosureHandler(bytes: { _, _ in throw error }), payload: []).failure
    }

    @Test("thrown errors become code, message and retry")
    func errors() async throws {
        #expect(
            await failure(HandlerError(code: "EmptyFile", message: "m", retry: false))
                == .init(code: "EmptyFile", message: "m", retry: false))
        #expect(
            await failure(Trouble.column("a"))
                == .init(code: "HandlerTests.Trouble", message: "column a is bad", retry: nil))
        #expect(await failure(Coded())?.code == "SchemaMismatch")
        #expect(await failure(CancellationError())?.code == "CancellationError")
        #expect(
            await failure(HostRefusal(code: .noSuchKey, message: "gone"))
                == .init(code: "NoSuchKey", message: "gone", retry: nil))
        struct Local: Error { var a = 1 }
        #expect(await failure(Local())?.code == "Local")
    }

    struct Orders: BatchHandler {
        func handle(_ records: [Record<Order>], context: Context) async throws -> [RecordResult] {
            await records.results { record in
                if record.event.total < 0 { throw HandlerError(code: "Negative", message: "no", retry: true) }
                try await record.context.objects.put("out", "\(record.event.id)", "x")
            }
        }
    }

    @Test("a batch: each record its result and its effects, and what does not decode is not handed in")
    func batch() async throws {
        let host = TestHost()
        let payload = Array(#"[{"id":1,"total":1},{"id":2},{"id":3,"total":-1},{"id":4,"total":2}]"#.utf8)
        let run = await host.invoke(Orders(), payload: payload, isBatch: true)
        #expect(
            run.records == [
                .ok,
                .failed(
                    .init(
                        code: "InvalidEvent",
                        message: "record 1 is no Order: [1].total: the member \"total\" is missing", retry: false)),
                .failed(.init(code: "Negative", message: "no", retry: true)), .ok,
            ])
        #expect(host.keys("out") == ["1", "4"])
        #expect(run.effects.map(\.record) == [0, 3])
    }

    @Test("a record's keys and idempotency key are its own, whatever batch it comes in")
    func recordIdentity() async throws {
        struct Names: Codable, Hashable {
            var keys: [String]
            var invocation: String
        }
        func run(_ ids: [Int]) async throws -> (batch: Names, records: [Int: Names]) {
            let found = Mutex<(Names?, [Int: Names])>((nil, [:]))
            let handler = BatchClosureHandler<Order> { records, context in
                func names(_ context: Context) async throws -> Names {
                    var keys: [String] = []
                    for _ in 0..<2 { keys.append(try await context.objects.generateKey("out", prefix: "k-")) }
                    return Names(keys: keys, invocation: context.invocationID)
                }
                for record in records {
                    let names = try await names(record.context)
                    found.withLock { $0.1[record.event.id] = names }
                }
                let whole = try await names(context)
                found.withLock { $0.0 = whole }
                return records.map { _ in .ok }
            }
            let run = try await TestHost().invoke(handler, batch: ids.map { Order(id: $0, total: 1) })
            #expect(run.failure == nil)
            return try found.withLock { (try #require($0.0), $0.1) }
        }
        let (three, pair, alone) = (try await run([1, 2, 3]), try await run([3, 2]), try await run([2]))
        #expect(three.records[2] == pair.records[2] && three.records[2] == alone.records[2])
        #expect(three.records[3] == pair.records[3])
        #expect(Set(three.records.values.map(\.invocation)).count == 3)
        #expect(Set(three.records.values.flatMap(\.keys)).count == 6)
        #expect(three.batch.invocation != pair.batch.invocation)
        #expect(!three.records.values.map(\.invocation).contains(three.batch.invocation))
        #expect(Set(three.batch.keys + pair.batch.keys).isDisjoint(with: three.records.values.flatMap(\.keys)))
    }

    @Test("a batch with the wrong number of results fails as a whole")
    func malformedAnswer() async throws {
        let host = TestHost()
        let handler = BatchClosureHandler<Order> { records, context in
            try await context.objects.put("out", "a", "x")
            return records.dropLast().map { _ in .ok }
        }
        let run = try await host.invoke(handler, batch: [Order(id: 1, total: 1), Order(id: 2, total: 1)])
        #expect(run.failure?.code == "MalformedAnswer")
        #expect(host.keys("out") == [])
    }

    @Test("effects of the batch itself wait until no record fails")
    func batchEffects() async throws {
        let host = TestHost()
        let handler = BatchClosureHandler<Order> { records, context in
            try await context.objects.put("out", "all-\(records.count)", "x")
            return records.map { $0.event.total < 0 ? .failed(CancellationError()) : .dropped }
        }
        _ = try await host.invoke(handler, batch: [Order(id: 1, total: 1), Order(id: 2, total: -1)])
        #expect(host.keys("out") == [])
        let run = try await host.invoke(handler, batch: [Order(id: 1, total: 1)])
        #expect(run.records == [.dropped])
        #expect(host.keys("out") == ["all-1"])
    }

    @Test("a single event given to a batch handler is a batch of one")
    func batchOfOne() async throws {
        let host = TestHost()
        #expect(try await host.invoke(Orders(), Order(id: 9, total: 1)).failure == nil)
        #expect(host.keys("out") == ["9"])
        #expect(try await host.invoke(Orders(), Order(id: 9, total: -1)).failure?.code == "Negative")
    }
}
