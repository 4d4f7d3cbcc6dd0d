import Gateway
import HostAPI
import Testing

@Suite("Streams", .timeLimit(.minutes(5)))
struct StreamTests {
    @Test("A tail gives each event as it comes, and the host learns when its reader leaves")
    func tail() async throws {
        try await Harness.with { running in
            var changes = running.host.tailChanges.makeAsyncIterator()
            let reader = Task {
                var ids: [String] = []
                for try await record in try await running.client.tailEvents(EventQuery(bus: "default")) {
                    ids.append(record.id)
                    if ids.count == 2 { break }
                }
                return ids
            }
            #expect(await changes.next() == "begun")
            running.host.send(FakeHost.record("one"))
            running.host.send(FakeHost.record("two"))
            let ids = try await reader.value
            #expect(ids == ["one", "two"])
            // Nothing more is sent: leaving alone must be noticed.
            #expect(await changes.next() == "left")
        }
    }

    @Test("A quiet tail does not keep a host from stopping, and ends without an error")
    func stop() async throws {
        let ids = try await Harness.with { running in
            var changes = running.host.tailChanges.makeAsyncIterator()
            let reader = Task {
                var ids: [String] = []
                for try await record in try await running.client.tailEvents(EventQuery()) { ids.append(record.id) }
                return ids
            }
            #expect(await changes.next() == "begun")
            running.host.send(FakeHost.record("one"))
            await running.stop()
            return try await reader.value
        }
        #expect(ids.isEmpty || ids == ["one"])
    }

    @Test("Ten thousand lines, across many reads")
    func manyLines() async throws {
        try await Harness.with { running in
            var count = 0
            for try await line in try await running.client.logs(LogQuery(function: "F", requestID: "1-1", tail: 10_000))
            {
                #expect(line.message == "line \(count)")
                #expect(line.function == "F" && line.requestID == "1-1")
                count += 1
            }
            #expect(count == 10_000)
        }
    }

    @Test("A reader that takes nothing keeps a host from reading on: what is between them has a bound")
    func slowReader() async throws {
        try await Harness.with { running in
            let lines = try await running.client.logs(LogQuery(function: "Endless", tail: 0))
            var iterator = lines.makeAsyncIterator()
            let first = try await iterator.next()
            #expect(first?.message.utf8.count == 10_000)
            // The host stops taking lines: sockets, and some megabytes here.
            var seen = -1
            while running.host.endlessLines != seen {
                seen = running.host.endlessLines
                try await Task.sleep(for: .milliseconds(300))
            }
            #expect(seen < 3000)
            // And goes on when the reader does.
            for _ in 0..<5000 { _ = try await iterator.next() }
            #expect(running.host.endlessLines > 5000)
        }
    }

    @Test("A stream that fails half-way is an error to its reader, after the lines before")
    func failing() async throws {
        try await Harness.with { running in
            var count = 0
            await #expect(throws: (any Error).self) {
                for try await _ in try await running.client.logs(LogQuery(function: "Broken", tail: 3)) { count += 1 }
            }
            #expect(count == 3)
        }
    }
}
