import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Clocks that are set", .timeLimit(.minutes(5)))
    struct ClockTests {
        private typealias Clock = ShiftedClock

        private static let retries =
            "maximumRetryAttempts: 1\n      intervalSeconds: 2\n      maxDelaySeconds: 2\n      jitterStrategy: NONE"

        /// Runs `body` with a host whose wall clock can be set.
        private func with(
            _ edit: (TestApp) throws -> Void, _ body: (HostProcess, ShiftedClock) async throws -> Void
        ) async throws {
            let clock = try await ShiftedClock()
            defer { clock.remove() }
            let app = try TestApp.faulty()
            try app.edit("Events/rules/faulty.yaml") {
                $0.replacing("maximumRetryAttempts: 1\n      intervalSeconds: 0.05", with: Self.retries)
            }
            try app.setFaulty("timeout", "60")
            try edit(app)
            try await HostProcess.with(app, environment: clock.environment) { try await body($0, clock) }
        }

        /// The moments for which a schedule has put its event.
        private func moments(_ host: HostProcess) async throws -> [String] {
            try await host.client.listEvents(EventQuery(source: "aws.events"), page: PageRequest(limit: 1000)).items
                .compactMap { event in
                    let root = try? JSONDocument(parsing: event.event.bytes).root
                    return root?["time"]?.string
                }
        }

        @Test("Set forward and back by hours, a clock ages and hurries nothing that a running host has in hand")
        func jumps() async throws {
            let schedule =
                "name: tick\nschedule: rate(1 minute)\ntargets: [{function: Faulty, input: {detail: {mode: ok}}}]\n"
            try await with({ try $0.write("Events/schedules/tick.yaml", schedule) }) { host, clock in
                var told = 0
                for hours in [9, -9, 0] {
                    // One is at work, for less than its time limit; another waits to be tried again.
                    let gate = try Gate(host)
                    let held = try await host.put(gate.request)
                    let handler = try await gate.reached(host)
                    let retried = try await host.put(FaultyRequest("fail-once"))
                    _ = try await host.wait(for: "the first attempt") {
                        try await host.client.status().subscriptions.first { $0.rule == "faulty" }?.retrying == 1
                            ? true : nil
                    }
                    try clock.set(ahead: hours * Clock.hour)
                    let put = try await host.put(FaultyRequest("ok"))
                    for event in [retried, put] {
                        let outcome = try await host.outcome(of: event)
                        #expect(outcome.state == "settled", "\(hours): \(outcome)")
                    }
                    handler.open()
                    #expect(try await host.outcome(of: held).state == "settled")
                    guard hours == 9 else { continue }
                    // What passed in one jump is told once; the runner looks every ten seconds.
                    told = try await host.wait(for: "the schedule to see the clock") {
                        let count = try await moments(host).count
                        return count == 0 ? nil : count
                    }
                    #expect(told == 1)
                }
                let all = try await moments(host)
                #expect(Set(all).count == all.count, "\(all)")
                #expect(try await host.deadLetters().allSatisfy { $0.rule == "tick" })
            }
        }

        @Test(
            "Over a lost host and a clock that was set by hours, a retry is due after its own delay",
            arguments: [-10, 10])
        func lost(_ hours: Int) async throws {
            try await with({ _ in }) { host, clock in
                let event = try await host.put(FaultyRequest("fail-once"))
                _ = try await host.wait(for: "the first attempt") {
                    try await host.client.status().subscriptions.first?.retrying == 1 ? true : nil
                }
                await host.end(SIGKILL)
                try clock.set(ahead: hours * Clock.hour)
                try await host.start(environment: clock.environment)
                let outcome = try await host.outcome(of: event)
                // Also older than its six hours by the clock, it has the attempt that it was promised.
                #expect(outcome.state == "settled", "\(outcome)")
            }
        }

        @Test("Objects, quarantine, logs and kept inputs go when their days are over, and what is needed stays")
        func expiry() async throws {
            let lifecycle = """
                buckets:
                  inbox: {lifecycle: [{id: landed, expiration: {days: 30}}]}
                  outbox: {lifecycle: [{id: quarantine, prefix: q/, expiration: {days: 10}}]}
                  secret: {}
                logs: {retentionDays: 14}
                keptInputs: {retentionDays: 3}

                """
            let prepare = { (app: TestApp) in
                try app.write("sluice.yaml", lifecycle)
                // Such an event says nothing to the function: it fails with what the rule is about.
                try app.write(
                    "Events/rules/seen.yaml",
                    """
                    name: seen
                    pattern: {source: [aws.s3], detail-type: [Object Created], detail: {bucket: {name: [inbox]}}}
                    targets: [{function: Faulty, retryPolicy: {maximumRetryAttempts: 0}}]
                    """)
            }
            try await with(prepare) { host, clock in
                try host.copy("kept", to: "outbox", "keep.csv")
                try host.copy("rejected", to: "outbox", "q/rejected.csv")
                for name in ["needed", "purged"] { try host.copy("no JSON", to: "inbox", name) }
                try await host.put(FaultyRequest("speak"))
                let letters = try await host.wait(for: "the dead letters") {
                    let letters = try await host.deadLetters()
                    return letters.count == 2 ? letters : nil
                }
                let purged = try #require(letters.first { $0.subject == "inbox/purged" })
                _ = try await host.client.purge(DeadLetterSelection(ids: [purged.id]))
                try await host.settled()
                func logs() throws -> [String] {
                    try FileManager.default.contentsOfDirectory(atPath: host.data + "/logs/Faulty")
                }
                func kept() throws -> Int {
                    let folder = host.bucket("inbox") + "/.sluice/kept"
                    return (FileManager.default.enumerator(atPath: folder)?.allObjects.count) ?? 0
                }
                let before = (logs: try logs().count, kept: try kept())
                #expect(before.logs == 1 && before.kept >= 2, "\(before)")

                // Each day before one of the limits, and behind it.
                for (days, objects, hasLogs) in [
                    (9, ["inbox/needed", "inbox/purged", "outbox/keep.csv", "outbox/q/rejected.csv"], true),
                    (11, ["inbox/needed", "inbox/purged", "outbox/keep.csv"], true),
                    (31, ["inbox/needed", "outbox/keep.csv"], false),
                ] {
                    #expect(await host.end() == .exited(0))
                    try clock.set(ahead: days * Clock.day)
                    try await host.start(environment: clock.environment)
                    _ = try await host.wait(for: "what has expired to go (day \(days))") {
                        let there = ["inbox", "outbox"].flatMap { bucket in host.keys(bucket).map { "\(bucket)/\($0)" }
                        }
                        let isLogged = (try? logs().isEmpty) == false
                        return there == objects && isLogged == hasLogs ? true : nil
                    }
                    #expect(try kept() < before.kept)
                }
                // Told as any other deletion is.
                let gone = try await host.client.listEvents(
                    EventQuery(source: "aws.s3"), page: PageRequest(limit: 100)
                ).items.filter { $0.event.text.contains("Lifecycle Expiration") }
                #expect(gone.count == 2, "\(gone)")
                // The dead letter has what it needs.
                let letter = try #require(try await host.deadLetters().first)
                let detail = try await host.client.deadLetter(id: letter.id)
                let path = try #require(detail.input?.path)
                #expect(FileManager.default.fileExists(atPath: path))
                #expect(try await host.client.reproduce(deadLetter: letter.id).summary.code == letter.code)
            }
        }
    }
}
