import Foundation
import Gateway
import HostAPI
import Journal
import Testing

extension Integration {
    /// What a start does with decided outcomes that it cannot finish.
    @Suite("Outcomes that recovery cannot finish", .timeLimit(.minutes(5)))
    struct LeftOutcomeTests {
        @Test("One that contradicts the journal, or cannot be read, stops no start and loses no file; the doctor tells")
        func left() async throws {
            let host = HostProcess(try .faulty())
            do {
                try await left(host)
            } catch {
                await host.remove()
                throw error
            }
            await host.remove()
        }

        private func left(_ host: HostProcess) async throws {
            try #require(try await host.startUntilReadyOrEnd(environment: ["SLUICE_CRASH_AT": "runtime.decided"]))
            _ = try? await host.put(FaultyRequest("put", bucket: "outbox", key: "x.txt"))
            #expect(await host.ended() == .exited(137))
            // What it was to settle is settled already.
            let decided = try await change(host) { journal, state, batch in
                for progress in state.subscriptions {
                    for record in try journal.waiting(progress.subscription.id, after: 0, limit: 10) {
                        batch.settlements += record.deliveries.map { Settlement($0, .succeeded) }
                    }
                }
            }
            let contradicting = try #require(decided.first)
            try await host.start()
            #expect(host.logText.contains("contradicts the journal"), "\(host.logText)")
            #expect(try await leftOutcomes(host) == ["\(contradicting)"])
            #expect(try await host.outcome(FaultyRequest("ok")).state == "settled")
            #expect(host.keys("outbox") == ["x.txt"])
            #expect(await host.end() == .exited(0))

            // And one whose row is damaged: its files may be all that is left of its work.
            let unreadable = AttemptID(boot: 1, number: 999)
            _ = try await change(host) { _, _, batch in
                batch.decisions.append(.decide(unreadable, body: Array("{\"attempt\":".utf8)))
            }
            let staged = "outbox/.sluice/\(unreadable)/0"
            try host.copy("kept", to: "outbox", ".sluice/\(unreadable)/0")
            try host.copy("not kept", to: "outbox", ".sluice/1-1000/0")
            try await host.start()
            #expect(host.logText.contains("cannot be read"), "\(host.logText)")
            #expect(try await leftOutcomes(host) == ["\(contradicting)", "\(unreadable)"])
            #expect(host.staging.contains(staged) && !host.staging.contains("outbox/.sluice/1-1000/0"))
            #expect(try await host.outcome(FaultyRequest("ok")).state == "settled")
            #expect(await host.end() == .exited(0))

            // Repaired, all is well.
            _ = try await change(host) { _, _, batch in
                batch.decisions += [.clear(contradicting), .clear(unreadable)]
            }
            try await host.start()
            #expect(try await leftOutcomes(host) == [])
            #expect(host.staging == [])
            try await host.expectGoodOrder()
        }

        @Test("A batch whose outcome cannot be put into place after a crash: each dead letter keeps its own input")
        func batch() async throws {
            let app = try TestApp.faulty()
            try app.write(
                "Functions/FaultyBatch/function.yaml",
                """
                description: puts one object for a whole batch
                reservedConcurrency: 1
                grants: {read: [inbox], write: [outbox]}
                module: \(TestApp.programs)/libFaultyBatch.so
                """)
            try app.write(
                "Events/rules/pair.yaml",
                """
                name: pair
                pattern:
                  source: [aws.s3]
                  detail-type: [Object Created]
                  detail: {bucket: {name: [inbox]}}
                targets: [{function: FaultyBatch, batchSize: 2}]
                """)
            try await HostProcess.with(app) { host in
                // Both are there when the host comes, so that they are one batch.
                #expect(await host.end() == .exited(0))
                for name in ["one", "two"] { try host.copy(name, to: "inbox", name) }
                _ = try await host.startUntilReadyOrEnd(environment: ["SLUICE_CRASH_AT": "runtime.decided"])
                #expect(await host.ended() == .exited(137))
                try host.copy("in the way", to: "outbox", "d")
                try await host.start()
                let letters = try await host.deadLetters()
                #expect(letters.map(\.code) == ["PublishFailed", "PublishFailed"])
                var kept: [String: String] = [:]
                for letter in letters {
                    kept[letter.subject] = text(of: try await host.client.deadLetter(id: letter.id).input?.path ?? "")
                }
                #expect(kept == ["inbox/one": "one", "inbox/two": "two"])
                #expect(host.keys("outbox") == ["d"])
                _ = try await host.wait(for: "staging to be empty") { host.staging.isEmpty ? true : nil }
            }
        }

        /// The attempts that the doctor names.
        private func leftOutcomes(_ host: HostProcess) async throws -> [String] {
            let check = try #require(try await host.client.doctor().checks.first { $0.name == "outcomes" })
            #expect((check.state == .failed) == !check.details.isEmpty)
            return check.details.compactMap { $0.split(separator: " ").dropFirst().first?.dropLast() }.map(String.init)
        }

        /// Writes into the journal of a host that does not run; the attempts of the outcomes that are decided.
        private func change(
            _ host: HostProcess, _ body: @escaping @Sendable (SQLiteJournal, RecoveredState, inout Batch) throws -> Void
        ) async throws -> [AttemptID] {
            let data = host.data
            return try await blocking {
                Result {
                    let journal = try SQLiteJournal(dataFolder: data)
                    defer { journal.close() }
                    let state = try journal.recover()
                    var batch = Batch()
                    try body(journal, state, &batch)
                    _ = try journal.commitBlocking(batch)
                    return state.decisions.map(\.attempt)
                }
            }.get()
        }
    }
}
