import HostAPI
import SluiceRuntime
import Testing
import UVLoop

@Suite("The metrics of deliveries", .timeLimit(.minutes(1)))
@LoopActor
struct MetricsTextTests {
    @Test("Every number of a subscription has its family, with the subscription's labels; a gap is told")
    func families() {
        var tally = AttemptTally()
        tally.noteStart(waitMilliseconds: 7)
        tally.noteRetry()
        tally.noteRetry()
        tally.note(microseconds: 2_000_000, coldStart: true)
        // Two of the matched are nowhere.
        let status = SubscriptionStatus(
            bus: "b", rule: "r\"1\"", target: "t", function: "F", matched: 57, succeeded: 1, dropped: 2, superseded: 3,
            purged: 4, waiting: 5, retrying: 6, parked: 7, redriven: 8, dead: 19, inFlight: 9, oldestAgeSeconds: 12.5)
        var text = PrometheusText()
        text.add([
            DeliverySample(status: status, tally: tally),
            DeliverySample(
                status: .init(
                    bus: "default", rule: "idle", target: "t", function: "F")),
        ])
        let lines = Set(text.text.split(separator: "\n").map(String.init))
        let labels = #"{bus="b",rule="r\"1\"",target="t",function="F"}"#
        let expected = [
            "matched_total": "57", "succeeded_total": "1", "dropped_total": "2", "superseded_total": "3",
            "purged_total": "4", "waiting": "5", "in_flight": "9", "retrying": "6", "parked": "7", "redriven": "8",
            "dead": "19", "unaccounted": "2", "oldest_age_seconds": "12.5", "retries_total": "2",
            "cold_starts_total": "1", "duration_seconds_count": "1", "duration_seconds_sum": "2.0",
            "wait_seconds_count": "1",
        ]
        for (name, value) in expected {
            #expect(lines.contains("sluice_deliveries_\(name)\(labels) \(value)"), "\(name): \(text.text)")
        }
        let idle = #"{bus="default",rule="idle",target="t",function="F"}"#
        #expect(lines.contains("sluice_deliveries_oldest_age_seconds\(idle) 0.0"))
        #expect(lines.contains("sluice_deliveries_unaccounted\(idle) 0"))
        // A family is begun once, before its samples.
        #expect(lines.count { $0.hasPrefix("# TYPE") } == 17)
        let bucket = #"sluice_deliveries_wait_seconds_bucket{bus="b",rule="r\"1\"",target="t",function="F",le=""#
        #expect(lines.contains(bucket + #"0.005"} 0"#) && lines.contains(bucket + #"0.01"} 1"#))
        #expect(lines.contains(bucket + #"+Inf"} 1"#))
    }

    @Test("A host's deliveries are in its metrics and its status: retries, cold starts, age, and no gap")
    func host() async throws {
        let host = try await HostInProcess(
            rules: [
                "r":
                    "pattern: {source: [shop]}\ntargets: [{function: InC, retryPolicy: {maximumRetryAttempts: 3, intervalSeconds: 300, jitterStrategy: NONE}}]"
            ])
        _ = try await host.put(["fine"])
        let status = try await host.wait {
            try await host.control.status().subscriptions.first { $0.succeeded == 1 }
        }
        #expect(status.coldStarts == 1 && status.retries == 0 && status.oldestAgeSeconds == nil, "\(status)")
        _ = try await host.put(["again"])
        let waiting = try await host.wait {
            try await host.control.status().subscriptions.first { $0.retrying == 1 }
        }
        #expect(waiting.retries == 1 && waiting.oldestAgeSeconds != nil && waiting.unaccounted == 0, "\(waiting)")
        let text = try await host.control.metrics()
        let labels = #"{bus="default",rule="r",target="InC",function="InC"}"#
        for line in ["retries_total\(labels) 1", "cold_starts_total\(labels) 1", "retrying\(labels) 1"] {
            #expect(text.contains("sluice_deliveries_\(line)\n"), "\(text)")
        }
        for line in ["sluice_retries_total{function=\"InC\"} 1", "sluice_cold_starts_total{function=\"InC\"} 1"] {
            #expect(text.contains(line + "\n"), "\(text)")
        }
        await host.stop()
    }
}
