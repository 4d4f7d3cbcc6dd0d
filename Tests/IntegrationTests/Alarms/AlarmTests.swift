import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

/// What names one event of a batch as failed.
private func failuresBody(_ id: String) -> String {
    #"{"batchItemFailures": [{"itemIdentifier": "\#(id)"}]}"#
}

extension Integration {
    @Suite("Alarms, webhooks and commands", .timeLimit(.minutes(5)))
    struct AlarmTests {
        @Test("An alarm rings once for each change, over a lost host, and rules on its events reach a command")
        func rings() async throws {
            let app = try TestApp.faulty()
            defer { app.remove() }
            let told = app.folder + "/told.jsonl"
            try app.write("Events/alarms/dead.yaml", "metric: DeadLetters\nthreshold: 0\nperiod: 1\n")
            try app.write(
                "Events/alarms/file.yaml",
                "expectedFile: {bucket: inbox, key: [{suffix: .csv}], by: cron(0 6 * * ? *)}\n")
            try app.write(
                "Events/rules/alarmed.yaml",
                """
                name: alarmed
                pattern: {source: [aws.cloudwatch], detail-type: [CloudWatch Alarm State Change]}
                targets:
                  - id: note
                    command: {run: [/bin/sh, -c, 'cat >> "$FILE" && echo >> "$FILE"'], environment: {FILE: \(told)}}
                """)
            func events() -> [String] {
                let text = (try? String(contentsOfFile: told, encoding: .utf8)) ?? ""
                return text.split(separator: "\n").compactMap { line in
                    guard let root = try? JSONDocument(parsing: Array(line.utf8)).root else { return nil }
                    return root["detail"]?["state"]?["value"]?.string
                }
            }
            try await HostProcess.with(app) { host in
                let before = try await host.client.listAlarms()
                #expect(before.map(\.name) == ["dead", "file"] && before.allSatisfy { $0.state == "OK" }, "\(before)")
                #expect(try await host.outcome(FaultyRequest("throw")).state == "dead")
                _ = try await host.wait(for: "the alarm to be told") { events() == ["ALARM"] ? true : nil }
                // More of the same, and a lost host: nothing more is told.
                #expect(try await host.outcome(FaultyRequest("throw")).state == "dead")
                await host.end(SIGKILL)
                try await host.start()
                #expect(try await host.client.listAlarms().first?.state == "ALARM")
                #expect(try await host.client.status().alarms?.first?.state == "ALARM")
                #expect(try await host.client.metrics().contains("sluice_alarm{alarm=\"dead\"} 1"))
                _ = try await host.client.purge(DeadLetterSelection(all: true))
                _ = try await host.wait(for: "the alarm's end to be told") { events() == ["ALARM", "OK"] ? true : nil }
                let log = try await host.client.listEvents(
                    EventQuery(source: "aws.cloudwatch"), page: PageRequest(limit: 100)
                ).items
                #expect(log.count == 2, "\(log)")

                // Rules that no object has met yet: asked for through the socket.
                try app.edit("sluice.yaml") {
                    $0.replacingOccurrences(
                        of: "inbox: {}", with: "inbox: {lifecycle: [{prefix: tmp/, expiration: {days: 1}}]}")
                }
                #expect(try await host.client.deploy(DeployRequest(app: app.folder)).accepted)
                try host.copy("new", to: "inbox", "tmp/new.csv")
                let lifecycle = try await host.client.lifecycle(LifecycleRequest(dryRun: true))
                #expect(lifecycle.map(\.expiration) == ["1 day"] && lifecycle.map(\.expired) == [0], "\(lifecycle)")
                #expect(try await host.client.metrics().contains("sluice_schedules{state=\"broken\"} 0"))

                // A pause is told as well.
                _ = try await host.client.pauseRule(
                    bus: "default", name: "faulty", request: PauseRequest(paused: true, reason: "lunch"))
                _ = try await host.client.pauseRule(
                    bus: "default", name: "faulty", request: PauseRequest(paused: false))
                let pauses = try await host.client.listEvents(
                    EventQuery(source: "sluice.targets"), page: PageRequest(limit: 100)
                ).items
                #expect(
                    pauses.map { $0.event.text.contains("\"Target Paused\"") } == [false, true], "\(pauses)")
                #expect(pauses.last?.event.text.contains("by hand: lunch") == true)
            }
        }

        @Test("An alarm whose own target fails does not ring for that: two events for one failure, and no more")
        func noLoop() async throws {
            let app = try TestApp.faulty()
            try app.write("Events/alarms/errors.yaml", "metric: Errors\nthreshold: 0\nperiod: 1\n")
            // It cannot read what it gets: every event of the alarm is a failure of its own.
            try app.write(
                "Events/rules/alarmed.yaml",
                "name: alarmed\npattern: {source: [aws.cloudwatch]}\ntargets: [{function: Faulty}]\n")
            try await HostProcess.with(app) { host in
                func events() async throws -> Int {
                    try await host.client.listEvents(
                        EventQuery(source: "aws.cloudwatch"), page: PageRequest(limit: 1000)
                    ).items.count
                }
                for round in 1...3 {
                    #expect(try await host.outcome(FaultyRequest("throw")).state == "dead")
                    // Rings, ends, and both have failed.
                    _ = try await host.wait(for: "the alarm to ring and to end") {
                        let letters = try await host.deadLetters().count { $0.rule == "alarmed" }
                        return letters >= 2 * round ? true : nil
                    }
                    // Had one of those failures counted, the next round would begin within an alarm, or with more
                    // events.
                    #expect(try await events() == 2 * round)
                    #expect(try await host.client.listAlarms().map(\.state) == ["OK"])
                }
            }
        }

        @Test("A webhook is tried again, waits as it is told, gives up what cannot help, and shows no secret")
        func webhooks() async throws {
            let server = try HookServer()
            defer { server.stop() }
            let app = try TestApp.faulty()
            try app.write(
                "Events/rules/hook.yaml",
                """
                name: hook
                pattern: {source: [test.hook]}
                targets:
                  - webhook:
                      url: http://127.0.0.1:\(server.port)/hook?key=hidden1
                      headers: {Authorization: {fromEnvironment: HOOK_TOKEN}, X-Plain: as it is}
                    inputTransformer:
                      inputPathsMap: {n: $.detail.n}
                      inputTemplate: '{"n": <n>}'
                    retryPolicy: {maximumRetryAttempts: 3, intervalSeconds: 0.01, jitterStrategy: NONE}
                """)
            try await HostProcess.with(app, environment: ["HOOK_TOKEN": "Bearer hidden2"]) { host in
                func put(_ n: Int) async throws -> Outcome {
                    let receipt = try await host.client.putEvents(
                        EventSubmission(entries: [
                            EventEntry(source: "test.hook", detailType: "Hook", detail: try RawJSON("{\"n\":\(n)}"))
                        ]))
                    let id = try #require(receipt.results.first?.eventID)
                    return try await host.outcome(of: id)
                }
                server.prepare(
                    HookServer.answer("500 Oops"), HookServer.answer("429 Slow", "Retry-After: 1\r\n"), "",
                    HookServer.answer("204 Done"))
                let began = ContinuousClock.now
                #expect(try await put(7).state == "settled")
                #expect(ContinuousClock.now - began >= .seconds(1))
                let requests = server.requests
                #expect(requests.count == 4)
                #expect(requests.allSatisfy { $0.line == "POST /hook?key=hidden1 HTTP/1.1" && $0.body == "{\"n\":7}" })
                #expect(requests.allSatisfy { $0.headers["authorization"] == "Bearer hidden2" })
                #expect(requests.allSatisfy { $0.headers["x-plain"] == "as it is" })
                #expect(Set(requests.compactMap { $0.headers["idempotency-key"] }).count == 1)

                server.prepare(HookServer.answer("404 Nothing", body: "who are you?"))
                let rejected = try await put(8)
                let letter = try #require(rejected.letter)
                #expect(letter.summary.code == "WebhookRejected" && letter.attempts.count == 1)
                #expect(letter.summary.function == "webhook:hook:webhook")
                #expect(
                    letter.summary.message
                        == "POST http://127.0.0.1:\(server.port)/hook answered 404: who are you?")
                // Sent again it is delivered.
                #expect(try await host.redrive(.init(all: true)).succeeded == 1)
                #expect(!host.logText.contains("hidden"), "\(host.logText)")
                let shown = "\(try await host.client.listRules(bus: nil))" + "\(try await host.client.status())"
                #expect(!shown.contains("hidden"))
            }
        }

        @Test("A batch's answer names the events that failed: they alone come again; one that makes no sense fails all")
        func itemFailures() async throws {
            let server = try HookServer()
            defer { server.stop() }
            let app = try TestApp.faulty()
            try app.write(
                "Events/rules/many.yaml",
                """
                name: many
                pattern: {source: [test.many]}
                targets:
                  - webhook: {url: "http://127.0.0.1:\(server.port)/"}
                    batchSize: 3
                    maximumBatchingWindowInSeconds: 20
                    retryPolicy: {maximumRetryAttempts: 2, intervalSeconds: 0.01}
                """)
            try await HostProcess.with(app) { host in
                @Sendable func ids(_ request: HookServer.Request) -> [String] {
                    guard let root = try? JSONDocument(parsing: Array(request.body.utf8)).root else { return [] }
                    return root.elements.compactMap { $0["id"]?.string }
                }
                func putThree() async throws {
                    let receipt = try await host.client.putEvents(
                        EventSubmission(
                            entries: try (1...3).map {
                                EventEntry(source: "test.many", detailType: "N", detail: try RawJSON("{\"n\":\($0)}"))
                            }))
                    #expect(receipt.results.count == 3)
                    try await host.settled()
                }
                server.prepare { HookServer.answer("200 OK", body: ids($0).count == 3 ? failuresBody(ids($0)[1]) : "") }
                try await putThree()
                let first = server.requests.map(ids)
                #expect(first.map(\.count) == [3, 1] && first[1].first == first[0][1], "\(first)")
                // Of a batch two thirds of which succeeded nobody says that it failed.
                let hook = try #require(try await host.client.status().functions.first { $0.name.hasPrefix("webhook") })
                #expect([hook.succeeded, hook.partial, hook.failed] == [1, 1, 0], "\(hook)")
                let status = try await host.sluice("status").output
                #expect(status.contains(/SUCCEEDED +PARTIAL +FAILED/), "\(status)")
                #expect(status.contains(#/many/webhook +- +ready +0 +0 +\d+ +0 +1 +1 +0 /#), "\(status)")
                server.prepare(HookServer.answer("200 OK", body: failuresBody("nobody")))
                try await putThree()
                // The malformed answer fails the batch, which is halved until each has been told alone.
                let second = server.requests.dropFirst(2).map { ids($0).count }
                #expect(second.first == 3 && second.dropFirst().reduce(0, +) == 3, "\(second)")
                #expect(try await host.deadLetters().isEmpty)
            }
        }

        @Test("A command that fails, or runs too long, is a dead letter with its output; what is refused says why")
        func commands() async throws {
            let app = try TestApp.faulty()
            func rule(_ name: String, _ script: String, _ rest: String = "") -> String {
                """
                name: \(name)
                pattern: {source: [test.\(name)]}
                targets:
                  - command: {run: [/bin/sh, -c, '\(script)'], timeout: 0.5}
                    retryPolicy: {maximumRetryAttempts: 1, intervalSeconds: 0.01, never: [Exit65]}
                """
            }
            try app.write(
                "Events/rules/seven.yaml", rule("seven", "echo attempt $SLUICE_ATTEMPT of $SLUICE_RULE; exit 7"))
            try app.write("Events/rules/data.yaml", rule("data", "exit 65"))
            try app.write("Events/rules/slow.yaml", rule("slow", "sleep 100"))
            try await HostProcess.with(app) { host in
                func put(_ source: String) async throws -> DeadLetterDetail {
                    let receipt = try await host.client.putEvents(
                        EventSubmission(entries: [
                            EventEntry(source: "test.\(source)", detailType: "Run", detail: try RawJSON("{}"))
                        ]))
                    let id = try #require(receipt.results.first?.eventID)
                    let outcome = try await host.outcome(of: id)
                    return try #require(outcome.letter)
                }
                let seven = try await put("seven")
                #expect(seven.summary.code == "Exit7" && seven.attempts.count == 2)
                #expect(
                    seven.attempts.map { $0.logs.map(\.message) } == [["attempt 1 of seven"], ["attempt 2 of seven"]])
                #expect(seven.summary.message == "/bin/sh ended with exit code 7: attempt 2 of seven")
                let data = try await put("data")
                #expect(data.summary.code == "Exit65" && data.attempts.count == 1)
                let slow = try await put("slow")
                #expect(slow.summary.code == "TimedOut" && slow.attempts.count == 2)
                // A deployment with a bad target changes nothing.
                try app.write(
                    "Events/rules/bad.yaml", "pattern: {source: [x]}\ntargets: [{webhook: {url: nonsense}}]\n")
                let refused = try await host.client.deploy(DeployRequest(app: app.folder))
                #expect(!refused.accepted)
                #expect(
                    refused.findings.contains { $0.message.contains("no http or https URL") }, "\(refused.findings)")
            }
        }
    }
}
