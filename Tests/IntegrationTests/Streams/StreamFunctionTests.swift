import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    /// Records of streams through real functions. SLUICE_SOAK gives the number of rounds with kills (6), SLUICE_SEED
    /// makes them the ones of an earlier run.
    @Suite("Streams and functions", .timeLimit(.minutes(60)))
    struct StreamFunctionTests {
        private static func app(_ rule: String, function: String, _ more: String = "") throws -> TestApp {
            let app = try TestApp.faulty()
            try app.edit("sluice.yaml") { $0 + "\nstreams:\n  in: {shards: 3}\n  out: {shards: 2}\n" }
            try app.write(
                "Functions/\(function)/function.yaml", "module: \(TestApp.programs)/lib\(function).so\n\(more)\n")
            try app.write(
                "Events/rules/stream.yaml", "name: stream\nstream: in\ntargets: [{function: \(function), \(rule)}]\n")
            return app
        }

        private static func put(_ host: HostProcess, _ records: [(key: String, data: String)]) async throws {
            let submission = RecordSubmission(
                records: records.map {
                    .init(partitionKey: $0.key, data: Data($0.data.utf8).base64EncodedString())
                })
            _ = try await host.client.putRecords(stream: "in", submission: submission)
        }

        /// What a stream has, by partition key and in its order.
        private static func read(_ host: HostProcess, _ stream: String) async throws -> [String: [String]] {
            var found: [String: [String]] = [:]
            var after = try await host.client.streamPosition(stream: stream, start: .trimHorizon).after
            while true {
                let page = try await host.client.streamRecords(StreamQuery(stream: stream, after: after))
                for record in page.records {
                    let data = Data(base64Encoded: record.data).map { String(decoding: $0, as: UTF8.self) }
                    found[record.partitionKey, default: []].append(data ?? "?")
                }
                guard page.next.after > after else { return found }
                after = page.next.after
            }
        }

        @Test("Host or worker killed at any moment: what a function puts to a stream is there once, in order by key")
        func relay() async throws {
            let environment = ProcessInfo.processInfo.environment
            let rounds = Int(environment["SLUICE_SOAK"] ?? "") ?? 6
            let seed = UInt64(environment["SLUICE_SEED"] ?? "") ?? UInt64.random(in: 0...UInt64(UInt32.max))
            var random = SplitMix64(state: seed)
            let app = try Self.app("batchSize: 7", function: "Relay", "grants: {streams: [out]}")
            try await HostProcess.with(app) { host in
                var expected: [String: [String]] = [:]
                var struck = 0
                for round in 1...rounds {
                    let note = "seed \(seed), round \(round)"
                    let records = (0..<120).map { number in (key: "k\(number % 11)", data: "\(round)-\(number)") }
                    for (key, data) in records { expected[key, default: []].append(data) }
                    try await Self.put(host, records)
                    if await host.journalWrites(Int.random(in: 1...6, using: &random)) {
                        struck += 1
                        switch round % 3 {
                        case 0: await host.end(SIGKILL)
                        case 1: if let worker = host.workers.randomElement(using: &random) { kill(worker, SIGKILL) }
                        default: if let zygote = host.zygotes.randomElement(using: &random) { kill(zygote, SIGKILL) }
                        }
                    }
                    if !host.isRunning { try await host.start() }
                    _ = try await host.wait(for: "the records to be relayed (\(note))") {
                        let consumer = try await host.client.stream(name: "in").consumers.first
                        return consumer?.waiting == 0 && consumer?.dead == 0 ? true : nil
                    }
                    #expect(try await Self.read(host, "out") == expected, "\(note)")
                }
                print("stream rounds: seed \(seed), \(rounds) rounds, \(struck) struck at work")
                #expect(try await host.deadLetters() == [], "seed \(seed)")
            }
        }

        @Test(
            "A function as Lambda has them names the record at which it stopped; those behind it come again, uncharged")
        func stopper() async throws {
            let rule =
                "inputFormat: kinesis, batchSize: 10, maximumBatchingWindowInSeconds: 0.3, "
                + "retryPolicy: {maximumRetryAttempts: 1, intervalSeconds: 0.05}"
            try await HostProcess.with(Self.app(rule, function: "Stopper")) { host in
                try await Self.put(
                    host, [("1", "a"), ("2", "b"), ("3", "bad"), ("4", "c"), ("5", "d"), ("3", "e")])
                let letter = try await host.wait(for: "the bad record's dead letter") {
                    try await host.deadLetters().first
                }
                #expect(letter.code == "RecordFailed" && letter.attempts == 2, "\(letter)")
                let consumer = try await host.wait(for: "the others to be settled") {
                    let consumer = try await host.client.stream(name: "in").consumers.first
                    return consumer?.waiting == 0 ? consumer : nil
                }
                #expect(consumer.dead == 1)
                var handled: [String] = []
                for try await line in try await host.client.logs(LogQuery(function: "Stopper")) {
                    if line.message.hasPrefix("handled ") { handled.append(String(line.message.dropFirst(8))) }
                }
                #expect(handled.sorted() == ["a", "b", "c", "d", "e"], "\(handled)")
            }
        }
    }
}
