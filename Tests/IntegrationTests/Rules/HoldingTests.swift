import FunctionJSON
import Gateway
import Glibc
import HostAPI
import Testing

extension Integration {
    @Suite("Deliveries that are held back", .timeLimit(.minutes(4)))
    struct HoldingTests {
        private static let rules = """
            name: ordered
            pattern: {source: [test.ordered]}
            targets:
              - function: Faulty
                ordering: {key: detail.key, onExhausted: park}
                retryPolicy: {maximumRetryAttempts: 0}
            """

        private func put(_ host: HostProcess, _ mode: String, key: String) async throws {
            let detail = try RawJSON(#"{"mode":"\#(mode)","key":"\#(key)"}"#)
            let receipt = try await host.client.putEvents(
                EventSubmission(entries: [EventEntry(source: "test.ordered", detailType: "T", detail: detail)]))
            #expect(receipt.results.allSatisfy { $0.eventID != nil })
        }

        private func wait(_ host: HostProcess, _ what: String, until holds: (SubscriptionStatus) -> Bool) async throws {
            _ = try await host.wait(for: what) {
                let rule = try await host.client.rule(bus: "default", name: "ordered")
                return rule.subscriptions.first(where: holds)
            }
        }

        @Test(
            "A dead letter parks its key and a pause holds the rule, both over a crash; then everything goes on in order"
        )
        func parkedAndPaused() async throws {
            let app = try TestApp.faulty()
            try app.write("Events/rules/ordered.yaml", Self.rules)
            try await HostProcess.with(app) { host in
                for (mode, key) in [("throw", "a"), ("ok", "a"), ("ok", "b"), ("ok", "a")] {
                    try await put(host, mode, key: key)
                }
                try await wait(host, "the parked key") { status in
                    status.dead == 1 && status.parked == 2 && status.succeeded == 1 && status.parkedKeys == 1
                }
                let paused = try await host.client.pauseRule(
                    bus: "default", name: "ordered", request: PauseRequest(paused: true, reason: "a test"))
                #expect(paused.subscriptions.first?.state == "paused")
                try await put(host, "ok", key: "b")

                _ = await host.end(SIGKILL)
                try await host.start()
                try await wait(host, "what is held back after a crash") { status in
                    status.pauseReason == "by hand: a test" && status.parkedKeys == 1 && status.succeeded == 1
                }
                let resumed = try await host.client.pauseRule(
                    bus: "default", name: "ordered", request: PauseRequest(paused: false, target: "Faulty"))
                #expect(resumed.subscriptions.first?.pauseReason == nil)
                try await wait(host, "the other key's event") { $0.succeeded == 2 && $0.parked == 2 }

                #expect(try await host.client.purge(DeadLetterSelection(function: "Faulty")).purged == 1)
                try await wait(host, "the freed key's events") {
                    $0.succeeded == 4 && $0.parked == 0 && $0.waiting == 0
                }
                await #expect(throws: APIError.self) {
                    try await host.client.pauseRule(
                        bus: "default", name: "ordered", request: PauseRequest(paused: true, target: "nobody"))
                }
            }
        }
    }
}
