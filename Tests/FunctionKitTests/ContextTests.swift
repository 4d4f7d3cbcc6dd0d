import FunctionKit
import FunctionTesting
import Synchronization
import Testing

@Suite("The context", .timeLimit(.minutes(5)))
struct ContextTests {
    private func run(
        _ host: TestHost = TestHost(), _ body: @escaping @Sendable (Context) async throws -> Void
    ) async -> TestInvocation {
        await host.invoke(
            ClosureHandler(bytes: { _, context in
                try await body(context)
                return []
            }), payload: [])
    }

    @Test("what a handler knows of its invocation")
    func facts() async throws {
        struct Rules: Codable, Equatable { var limit: Int }
        var settings = TestHost.Settings()
        settings.functionName = "F"
        settings.functionVersion = 3
        settings.timeout = .seconds(30)
        settings.environment = ["STAGE": "test"]
        settings.configuration = ["limit": 5]
        let host = TestHost(settings: settings)
        let worker = try await host.start(
            ClosureHandler(bytes: { _, context in
                #expect(context.functionName == "F")
                #expect(context.functionVersion == 3)
                #expect(context.attempt == 2)
                #expect(context.environment["STAGE"] == "test")
                #expect(context.remainingTime > .seconds(20) && context.remainingTime <= .seconds(30))
                #expect(context.deadline > ContinuousClock.now)
                let rules = try context.configuration(as: Rules.self)
                #expect(rules == Rules(limit: 5))
                return Array("\(context.requestID) \(context.invocationID)".utf8)
            }))
        let first = await worker.invoke(payload: [1], attempt: 2)
        let second = await worker.invoke(payload: [1], attempt: 2)
        #expect(first.failure == nil)
        let ids = [first, second].map { String(decoding: $0.output ?? [], as: UTF8.self).split(separator: " ") }
        #expect(ids[0].first != ids[1].first)
        #expect(ids[0].last == ids[1].last)
    }

    @Test("a configuration that does not fit says which key")
    func configuration() async {
        struct Rules: Codable { var limit: Int }
        var settings = TestHost.Settings()
        settings.configuration = ["limit": "five"]
        let run = await run(TestHost(settings: settings)) { _ = try $0.configuration(as: Rules.self) }
        #expect(run.failure?.code == "InvalidConfiguration")
        #expect(run.failure?.message.contains("limit: expected an integer, found the string \"five\"") == true)
    }

    @Test("events: typed, raw, and what EventBridge would refuse")
    func events() async {
        struct Detail: Codable { var rows: Int }
        let host = TestHost()
        let result = await run(host) { context in
            let id = try await context.events.put(
                source: "my.app", detailType: "Converted", detail: Detail(rows: 25), resources: ["r"])
            #expect(!id.isEmpty)
            let ids = try await context.events.put([
                .init(source: "my.app", detailType: "A", rawDetail: Array(#"{"x":1.10}"#.utf8), bus: "other"),
                .init(source: "my.app", detailType: "B", rawDetail: Array("{}".utf8)),
            ])
            #expect(Set(ids + [id]).count == 3)
            for bad in ["[]", "{", ""] {
                let error = await #expect(throws: HostRefusal.self) {
                    try await context.events.put([.init(source: "s", detailType: "t", rawDetail: Array(bad.utf8))])
                }
                #expect(error?.code == .invalidEvent)
            }
            await #expect(throws: HostRefusal.self) {
                try await context.events.put(source: "aws.s3", detailType: "Object Created", detail: Detail(rows: 1))
            }
        }
        #expect(result.failure == nil)
        #expect(host.sentEvents.map(\.detailType) == ["Converted", "A", "B"])
        #expect(host.sentEvents.map(\.detail) == [["rows": 25], ["x": .number(JSONNumber("1.10")!)], [:]])
        #expect(host.sentEvents.map(\.bus) == [nil, "other", nil])
        let failed = await run(host) { context in
            try await context.events.put(source: "my.app", detailType: "Lost", detail: Detail(rows: 1))
            throw CancellationError()
        }
        #expect(failed.effects.count == 1)
        #expect(host.sentEvents.count == 3)
    }

    @Test("catalog: an unknown table is made, a known one grows, a changed schema is a new version")
    func catalog() async {
        let host = TestHost()
        @Sendable func register(_ key: String, _ columns: [TableColumn], from version: Int?) async -> TestInvocation {
            await run(host) { context in
                let base = try await context.catalog.table("db", "t")
                #expect(base?.version == version)
                try await context.objects.put("clean", key, "12345")
                try await context.catalog.register(
                    TableFile(
                        database: "db", table: "t", file: .init(bucket: "clean", key: key), rows: 2, columns: columns,
                        location: "clean/db/t/", properties: ["owner": "me"]),
                    base: base)
            }
        }
        let name = TableColumn(name: "name", type: "string")
        #expect(await register("a", [name], from: nil).failure == nil)
        #expect(await register("b", [name], from: 1).failure == nil)
        #expect(host.table("db", "t")?.version == 1)
        #expect(host.table("db", "t")?.rowCount == 4)
        #expect(host.table("db", "t")?.byteCount == 10)
        #expect(await register("c", [name, TableColumn(name: "n", type: "bigint")], from: 1).failure == nil)
        #expect(host.table("db", "t")?.version == 2)
        #expect(host.table("db", "t")?.properties == ["owner": "me"])
    }

    @Test("Swift concurrency works in a handler: child tasks, sleeping, the main actor, detached tasks")
    func concurrency() async {
        let host = TestHost()
        let result = await run(host) { context in
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        try await Task.sleep(for: .microseconds(100))
                        try await context.objects.put("out", "\(index)", "x")
                        return index
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 190)
            let onMain = await MainActor.run { 1 }
            async let other = Task.detached { 2 }.value
            #expect(await onMain + other == 3)
        }
        #expect(result.failure == nil)
        #expect(host.keys("out").count == 20)
    }

    @Test("a context that outlives its handler is refused")
    func afterwards() async throws {
        let host = TestHost()
        let kept = Mutex<Context?>(nil)
        let result = await run(host) { context in kept.withLock { $0 = context } }
        #expect(result.failure == nil)
        let context = try #require(kept.withLock { $0 })
        let error = await #expect(throws: HostRefusal.self) { try await context.objects.put("out", "late", "x") }
        #expect(error?.code == .invocationEnded)
        #expect(error?.message.hasPrefix("createStage was asked of the context after the handler had returned") == true)
        #expect(host.keys("out") == [])
    }

    @Test("log lines: levels, metadata, and one line each")
    func logging() async {
        var settings = TestHost.Settings()
        settings.logLevel = .info
        let result = await run(TestHost(settings: settings)) { context in
            context.logger.debug("not built: \(Self.never())")
            var logger = context.logger
            logger[metadataKey: "table"] = "t"
            logger.warning("two\nlines", metadata: ["rows": "\(25)", "why": ["a \"b\"", "c"]])
            context.logger.critical("plain")
        }
        #expect(
            result.logs == [
                LogLine(level: .warning, text: #"two\nlines rows=25 table=t why="[a \"b\", c]""#),
                LogLine(level: .critical, text: "plain"),
            ])
    }

    private static func never() -> String {
        Issue.record("a message below the level was built")
        return ""
    }
}
