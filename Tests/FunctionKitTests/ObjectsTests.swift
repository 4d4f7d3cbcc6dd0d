import FunctionKit
import FunctionTesting
import Glibc
import Testing

@Suite("Objects", .timeLimit(.minutes(5)))
struct ObjectsTests {
    private func run(
        _ host: TestHost, payload: [UInt8] = [], _ body: @escaping @Sendable (Context) async throws -> Void
    ) async -> TestInvocation {
        await host.invoke(
            ClosureHandler(bytes: { _, context in
                try await body(context)
                return []
            }), payload: payload)
    }

    @Test("an object as bytes, as text, as chunks, by descriptor and by path")
    func reading() async {
        let host = TestHost()
        let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        host.put("in", "data", content)
        host.put("in", "text", "grün")
        host.put("in", "latin", [0xE9])
        let result = await run(host) { context in
            let data = try await context.objects.get("in", "data")
            #expect(data.size == 300_000)
            #expect(try await data.read() == content)
            #expect(try await data.read(10..<20) == Array(content[10..<20]))
            #expect(try await data.read(299_990..<300_100) == Array(content[299_990...]))
            var sizes: [Int] = []
            var joined: [UInt8] = []
            for try await chunk in data.chunks(of: 131_072) {
                sizes.append(chunk.count)
                joined += chunk
            }
            #expect(sizes == [131_072, 131_072, 37_856])
            #expect(joined == content)
            let first = try await data.withDescriptor { descriptor in
                var byte: UInt8 = 0
                #expect(pread(descriptor, &byte, 1, 5) == 1)
                return byte
            }
            #expect(first == content[5])
            let size = try await data.withPath { path in
                var status = stat()
                #expect(stat(path, &status) == 0)
                return status.st_size
            }
            #expect(size == 300_000)
            data.close()
            await #expect(throws: HostRefusal.self) { try await data.read() }
            #expect(try await context.objects.get("in", "text").text() == "grün")
            await #expect(throws: HandlerError.self) { try await context.objects.get("in", "latin").text() }
            let info = try await context.objects.head("in", "text")
            #expect(info.size == 5)
            #expect(info.location.description == "in/text")
        }
        #expect(result.failure == nil)
    }

    @Test("a missing object can be caught by its code, and fails the attempt otherwise")
    func missing() async {
        let host = TestHost()
        let caught = await run(host) { context in
            do {
                _ = try await context.objects.get("in", "nothing")
                Issue.record("found")
            } catch HostRefusal.Code.accessDenied {
                Issue.record("wrong code")
            } catch HostRefusal.Code.noSuchKey {
                context.logger.notice("not there")
            }
        }
        #expect(caught.failure == nil)
        #expect(caught.logs.map(\.text) == ["not there"])
        let failed = await run(host) { _ = try await $0.objects.head("in", "nothing") }
        #expect(failed.failure?.code == "NoSuchKey")
        #expect(failed.failure?.message == "there is no object in/nothing")
    }

    @Test("puts become visible when the invocation succeeds, and only then")
    func commit() async throws {
        let host = TestHost()
        let failed = await run(host) { context in
            try await context.objects.put("out", "a", "1")
            #expect(host.object("out", "a") == nil)
            throw HandlerError(code: "X", message: "")
        }
        #expect(failed.effects.count == 1)
        #expect(host.keys("out") == [])
        let written = await run(host) { context in
            let rows = try await context.objects.put("out", "b/stream") { writer in
                try writer.write("head\n")
                try writer.write([0x31, 0x0A])
                _ = try "3\n".withCString { write(try writer.descriptor, $0, 2) }
                return 3
            }
            #expect(rows == 3)
            #expect(host.object("out", "b/stream") == nil)
        }
        #expect(written.failure == nil)
        #expect(host.text("out", "b/stream") == "head\n1\n3\n")
    }

    @Test("a stream whose writer throws is not put, and the handler may go on")
    func discard() async {
        let host = TestHost()
        let result = await run(host) { context in
            struct Stop: Error {}
            await #expect(throws: Stop.self) {
                try await context.objects.put("out", "half") { writer in
                    try writer.write("half")
                    throw Stop()
                }
            }
            try await context.objects.put("out", "whole", "whole")
        }
        #expect(result.failure == nil)
        #expect(host.keys("out") == ["whole"])
    }

    @Test("an existing object is not replaced by accident")
    func overwriting() async {
        let host = TestHost()
        host.put("out", "a", "old")
        let refused = await run(host) { context in
            try await context.objects.put("out", "a", "new")
            try await context.objects.put("out", "b", "new")
        }
        #expect(refused.failure?.code == "KeyExists")
        #expect(host.text("out", "a") == "old")
        #expect(host.keys("out") == ["a"])
        let replaced = await run(host) { try await $0.objects.put("out", "a", "new", overwrite: true) }
        #expect(replaced.failure == nil)
        #expect(host.text("out", "a") == "new")
    }

    @Test("copy, move, delete")
    func transfers() async {
        let host = TestHost()
        for key in ["a", "b", "c"] { host.put("in", key, key) }
        let result = await run(host) { context in
            try await context.objects.copy(from: .init(bucket: "in", key: "a"), to: .init(bucket: "out", key: "a2"))
            try await context.objects.move(from: .init(bucket: "in", key: "b"), to: .init(bucket: "out", key: "b2"))
            try await context.objects.delete("in", "c")
            await #expect(throws: HostRefusal.self) {
                try await context.objects.copy(from: .init(bucket: "in", key: "x"), to: .init(bucket: "out", key: "x"))
            }
            await #expect(throws: HostRefusal.self) { try await context.objects.put("out", "../x", "") }
        }
        #expect(result.failure == nil)
        #expect(host.keys("in") == ["a"])
        #expect(host.keys("out") == ["a2", "b2"])
    }

    @Test("grants are asked for reading and for writing")
    func grants() async {
        var settings = TestHost.Settings()
        settings.grants = .init(read: ["in"], write: ["out"])
        let host = TestHost(settings: settings)
        host.put("in", "a", "a")
        let result = await run(host) { context in
            _ = try await context.objects.get("in", "a")
            try await context.objects.put("out", "a", "a")
            for operation in [
                { @Sendable in _ = try await context.objects.get("out", "a") },
                { @Sendable in try await context.objects.put("in", "b", "") },
                { @Sendable in _ = try await context.events.put(source: "s", detailType: "t", detail: ["a": 1]) },
                { @Sendable in for try await _ in context.objects.list("other") {} },
                { @Sendable in
                    try await context.objects.move(
                        from: .init(bucket: "in", key: "a"), to: .init(bucket: "out", key: "c"))
                },
            ] {
                let error = await #expect(throws: HostRefusal.self) { try await operation() }
                #expect(error?.code == .accessDenied)
            }
        }
        #expect(result.failure == nil)
    }

    @Test("listing goes over pages in key order")
    func listing() async {
        let host = TestHost()
        for index in 0..<2345 { host.put("in", "p/\(index)", "x") }
        host.put("in", "q", "x")
        let result = await run(host) { context in
            var keys: [String] = []
            for try await object in context.objects.list("in", prefix: "p/") { keys.append(object.key) }
            #expect(keys.count == 2345)
            #expect(keys == keys.sorted())
            var pages: [Int] = []
            for try await page in context.objects.list("in", after: "p/1").pages { pages.append(page.count) }
            #expect(pages == [1000, 1000, 344])
        }
        #expect(result.failure == nil)
    }

    @Test("generated keys are the same for the same event, and differ within it")
    func generatedKeys() async throws {
        let host = TestHost()
        let handler = ClosureHandler(bytes: { _, context in
            var keys: [String] = []
            for _ in 0..<2 {
                keys.append(try await context.objects.generateKey("out", prefix: "t/", suffix: ".parquet"))
            }
            return try TapeEncoder().encode(keys)
        })
        let first: [String] = try await host.invoke(handler, payload: [1]).decodedOutput()
        let again: [String] = try await host.invoke(handler, payload: [1]).decodedOutput()
        let other: [String] = try await host.invoke(handler, payload: [2]).decodedOutput()
        #expect(first == again)
        #expect(Set(first + other).count == 4)
        #expect(first.allSatisfy { $0.hasPrefix("t/") && $0.hasSuffix(".parquet") })
    }
}
