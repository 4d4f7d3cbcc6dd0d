import CLinux
import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("What a host tells of itself", .timeLimit(.minutes(3)))
    struct ObservationTests {
        /// The shipped functions, and the faulty one on what they make: it cannot read that and fails.
        private static func app() throws -> TestApp {
            let app = try TestApp.everything()
            try app.write(
                "Events/rules/second-hop.yaml",
                """
                name: second-hop
                pattern: {source: [aws.s3], detail-type: [Object Created], detail: {bucket: {name: [clean-zone]}}}
                targets: [{function: Faulty}]

                """)
            return app
        }

        @Test("what everybody waits for has short turns on a processor, handlers have the usual ones")
        func turns() async throws {
            // As the kernel gives them to who asks for nothing; older ones tell nobody.
            let usual = clinux_turn(0)
            try await HostProcess.with(.faulty()) { host in
                #expect(try await host.outcome(FaultyRequest("ok")).state == "settled")
                var turns: [String: Set<UInt64>] = [:]
                for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(host.pid)/task") {
                    let name = text(of: "/proc/\(host.pid)/task/\(thread)/comm").prefix { $0 != "\n" && $0 != "#" }
                    turns[String(name), default: []].insert(clinux_turn(try #require(pid_t(thread))))
                }
                let short = min(usual, 100_000)
                for name in ["journal-writer", "NIO-SGLTN-1-"] { #expect(turns[name] == [short], "\(name)") }
                // Threads that it has started are called as it is.
                #expect(turns["sluice-loop"]?.contains(short) == true)
                #expect(turns["journal-ckpt"] == [usual])
                #expect(!host.workers.isEmpty)
                for process in host.descendants { #expect(clinux_turn(process) == usual) }
            }
        }

        @Test("trace shows one tree, whichever of its parts is asked for; metrics and status agree with it")
        func traceAndMetrics() async throws {
            try await HostProcess.with(Self.app()) { host in
                try host.move("n\n1\n", to: "landing-zone", "db/t/one.csv")
                let letter = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
                try await host.settled()
                let key = try #require(host.keys("clean-zone").first)
                for id in ["landing-zone/db/t/one.csv", "clean-zone/\(key)", letter.eventID, "\(letter.id)"] {
                    let trace = try await host.client.trace(id: id)
                    #expect(trace.root.subject == "landing-zone/db/t/one.csv", "\(id)")
                    #expect(trace.isBeginningGone == false && trace.isCut == false)
                    let first = try #require(trace.root.deliveries.first)
                    #expect(first.delivery.rule == "csv-landed" && first.delivery.state == "settled")
                    let put = try #require(first.invocations.first?.effects.first { $0.effect.kind == "put" })
                    #expect(put.effect.subject == "clean-zone/\(key)")
                    let second = try #require(put.events.first)
                    #expect(second.id == letter.eventID)
                    #expect(second.deliveries.first?.delivery.deadLetter == letter.id)
                    #expect(second.deliveries.first?.invocations.first?.summary.code == letter.code)
                    let attempt = try #require(first.invocations.first?.summary.requestID)
                    #expect(try await host.client.trace(id: attempt).focus == trace.root.id)
                }
                for unknown in ["landing-zone/none.csv", "no-such-event", "99", "99-99"] {
                    await #expect(throws: APIError.self, "\(unknown)") { _ = try await host.client.trace(id: unknown) }
                }

                let metrics = try await host.client.metrics()
                let csv = "{bus=\"default\",rule=\"csv-landed\",target=\"CSVToParquet\",function=\"CSVToParquet\"}"
                let hop = "{bus=\"default\",rule=\"second-hop\",target=\"Faulty\",function=\"Faulty\"}"
                for line in [
                    "sluice_up 1", "sluice_events_accepted_total 2",
                    "sluice_deliveries_matched_total\(csv) 1", "sluice_deliveries_succeeded_total\(csv) 1",
                    "sluice_deliveries_dead\(hop) 1", "sluice_deliveries_unaccounted\(hop) 0",
                    "sluice_invocations_total{function=\"CSVToParquet\",outcome=\"succeeded\"} 1",
                    "sluice_invocation_duration_seconds_count{function=\"CSVToParquet\"} 1",
                    "sluice_delivery_wait_seconds_bucket{function=\"CSVToParquet\",le=\"+Inf\"} 1",
                ] {
                    #expect(metrics.split(separator: "\n").contains { $0 == line }, "\(line)\n\(metrics)")
                }
            }
        }

        @Test("A backup is a data folder that starts, with its dead letters and functions, and is not overwritten")
        func backup() async throws {
            let copy = temporaryFolder("copy") + "/data"
            try await HostProcess.with(Self.app()) { host in
                try host.move("n\n1\n", to: "landing-zone", "a.csv")
                let letter = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
                let before = try await host.client.listEvents(
                    EventQuery(source: "aws.s3"), page: PageRequest(limit: 100))
                let result = try await host.client.backup(BackupRequest(destination: copy))
                #expect(result.modules == 5 && result.journalBytes > 0)
                await #expect(throws: APIError.self, "it is there already") {
                    _ = try await host.client.backup(BackupRequest(destination: copy))
                }
                await #expect(throws: APIError.self, "not absolute") {
                    _ = try await host.client.backup(BackupRequest(destination: "copy"))
                }
                let full = temporaryFolder("full")
                try "x".write(toFile: full + "/x", atomically: true, encoding: .utf8)
                let refused = try await host.sluice(["backup", full], code: 1)
                #expect(refused.errors.contains("\(full) is there and not empty"), "\(refused)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: full) == ["x"])
                let origin = host.data
                // The modules come with it: the folder that they were in may be gone.
                #expect(await host.end() == .exited(0))
                for arguments in [["-a", host.data + "/buckets", copy], ["-a", copy, host.data]] {
                    if arguments.last == host.data { try FileManager.default.removeItem(atPath: host.data) }
                    let copying = try ChildProcess(
                        "/usr/bin/cp", arguments, environment: ProcessInfo.processInfo.environment, output: 1, errors: 2
                    )
                    #expect(await copying.ended() == .exited(0))
                }
                try await host.start()
                #expect(
                    host.logText.contains("this data folder is a backup of \(origin), made at 2"), "\(host.logText)")
                #expect(!host.logText.contains("ended without stopping"))
                #expect(access(host.data + "/backup.json", F_OK) != 0, "it is no longer a copy of anything")
                #expect(try await host.deadLetters().map(\.id) == [letter.id])
                // Every file has another inode, and none starts anything.
                let events = try await host.client.listEvents(
                    EventQuery(source: "aws.s3"), page: PageRequest(limit: 100))
                #expect(events.items.map(\.id) == before.items.map(\.id))
                #expect(try await host.redrive(.init(all: true)).failed == 1)
                #expect(try await host.deadLetters().map(\.code) == [letter.code])
                try host.move("n\n1\n", to: "landing-zone", "db/t/one.csv")
                try await expectTable(host, "db", files: 1, rows: 1)
                try await host.expectGoodOrder()
            }
            try? FileManager.default.removeItem(atPath: copy)
        }
    }
}
