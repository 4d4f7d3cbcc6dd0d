import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Success and failure destinations", .timeLimit(.minutes(5)))
    struct DestinationTests {
        private static let buses = "\nbuses: {outcomes: {}}\n"
        /// Writes a file for each outcome, named after its kind and the event that was handled.
        private static let listener = """
            name: listener
            bus: outcomes
            pattern: {source: [lambda]}
            targets:
              - function: Faulty
                onSuccess: {bus: default}
                inputTransformer:
                  inputPathsMap:
                    condition: $.detail.requestContext.condition
                    handled: $.detail.requestPayload.id
                    id: $.id
                    time: $.time
                  inputTemplate: |
                    {"version": "0", "id": <id>, "detail-type": "x", "source": "s", "account": "0", "time": <time>,
                     "region": "r", "resources": [],
                     "detail": {"mode": "put", "bucket": "outbox", "key": "<condition>/<handled>.txt"}}
            """

        private static func app() throws -> TestApp {
            let app = try TestApp.faulty()
            try app.edit("sluice.yaml") { $0 + buses }
            try app.edit("Events/rules/faulty.yaml") {
                $0 + "\n    onSuccess: {bus: outcomes}\n    onFailure: {bus: outcomes}\n"
            }
            try app.write("Events/rules/listener.yaml", listener)
            return app
        }

        @Test("A rule reacts to every outcome once, with and without effects, whenever the host is lost")
        func reactions() async throws {
            try await HostProcess.with(Self.app()) { host in
                var expected: Set<String> = []
                let one = try await host.outcome(FaultyRequest("ok"))
                #expect(one.state == "settled")
                let made = try await host.put(FaultyRequest("put", bucket: "outbox", key: "made.txt"))
                let dead = try await host.put(FaultyRequest("throw"))
                let retried = try await host.put(FaultyRequest("throw-transient"))
                expected = [
                    "made.txt", "Success/\(made).txt", "PermanentError/\(dead).txt", "RetriesExhausted/\(retried).txt",
                ]
                try await host.settled()
                #expect(expected.isSubset(of: host.keys("outbox")), "\(host.keys("outbox"))")
                #expect(host.keys("outbox").count == 5)

                // The listener's own outcomes went to the default bus, in Lambda's shape.
                let told = try await host.client.listEvents(
                    EventQuery(bus: "default", source: "lambda"), page: PageRequest(limit: 100)
                ).items
                #expect(told.count == 4)
                #expect(
                    told.allSatisfy {
                        $0.event.text.contains(#""detail-type":"Lambda Function Invocation Result - Success""#)
                            && $0.event.text.contains(#""responsePayload":"put""#)
                    })

                // Many, with the host lost in their midst.
                let many = try await host.put(
                    (0..<120).map { number in
                        number % 3 == 0
                            ? FaultyRequest("throw")
                            : number % 3 == 1
                                ? FaultyRequest("ok") : FaultyRequest("put", bucket: "outbox", key: "m/\(number)")
                    })
                for writes in [3, 9] {
                    _ = await host.journalWrites(writes)
                    await host.end(SIGKILL)
                    try await host.start()
                }
                try await host.settled()
                var counts: [String: Int] = [:]
                var after: String?
                repeat {
                    let page = try await host.client.listEvents(
                        EventQuery(bus: "outcomes", source: "lambda"), page: PageRequest(limit: 500, after: after))
                    for record in page.items {
                        let detail = try JSONDocument(parsing: record.event.bytes).root["detail"]
                        counts[detail?["requestPayload"]?["id"]?.string ?? "?", default: 0] += 1
                    }
                    after = page.next
                } while after != nil
                #expect(
                    many.allSatisfy { counts[$0] == 1 } && counts.count == 124, "\(counts.filter { $0.value != 1 })")
                #expect(
                    Set(many.map { "\($0).txt" }).isSubset(
                        of: host.keys("outbox").compactMap { $0.split(separator: "/").last.map(String.init) }))
            }
        }

        @Test("A failure that only recovery finds is told as well, once")
        func recovered() async throws {
            let host = HostProcess(try Self.app())
            do {
                try #require(try await host.startUntilReadyOrEnd(environment: ["SLUICE_CRASH_AT": "runtime.decided"]))
                _ = try? await host.put(FaultyRequest("put", bucket: "outbox", key: "taken.txt"))
                #expect(await host.ended() == .exited(137))
                // Somebody takes the key before the host is there again.
                try host.copy("somebody's", to: "outbox", "taken.txt")
                for _ in 0..<2 {
                    try await host.start()
                    try await host.settled()
                    let letters = try await host.deadLetters()
                    #expect(letters.map(\.code) == ["KeyExists"], "\(letters)")
                    let told = try await host.client.listEvents(
                        EventQuery(bus: "outcomes", source: "lambda"), page: PageRequest(limit: 100)
                    ).items
                    #expect(told.count == 1)
                    #expect(told.first?.event.text.contains("\"errorType\":\"KeyExists\"") == true, "\(told)")
                    await host.end(SIGKILL)
                }
            } catch {
                await host.remove()
                throw error
            }
            await host.remove()
        }

        @Test("A function whose failures start it ends at the hop budget")
        func loop() async throws {
            let app = try Self.app()
            try app.write(
                "Events/rules/listener.yaml",
                """
                name: listener
                bus: outcomes
                pattern: {source: [lambda]}
                targets: [{function: Faulty, onFailure: {bus: outcomes}}]
                """)
            try await HostProcess.with(app) { host in
                #expect(try await host.outcome(FaultyRequest("throw")).state == "dead")
                try await host.settled()
                let codes = try await host.deadLetters().map(\.code)
                #expect(codes.count == 17 && codes.last == "HopBudgetExceeded", "\(codes)")
                #expect(codes.dropFirst().dropLast().allSatisfy { $0 == "InvalidEvent" }, "\(codes)")
            }
        }
    }
}
