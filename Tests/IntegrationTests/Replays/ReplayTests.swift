import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Replays", .timeLimit(.minutes(5)))
    struct ReplayTests {
        private static func range(_ name: String, _ change: (inout ReplayRequest) -> Void = { _ in }) -> ReplayRequest {
            var request = ReplayRequest(
                name: name, from: APITime(milliseconds: 0), to: APITime(milliseconds: 4_000_000_000_000), by: "test"
            )
            change(&request)
            return request
        }

        @Test("Events go through the rule again, with replay-name, and a killed host goes on; nothing is done twice")
        func replay() async throws {
            try await HostProcess.with(.faulty()) { host in
                let ids = try await host.put(
                    (0..<400).map { FaultyRequest("put-replayed", bucket: "outbox", key: "k/\($0)") })
                _ = try await host.put((0..<50).map { _ in FaultyRequest("ok") })
                let before = try await host.settled()
                #expect(text(of: host.bucket("outbox") + "/k/7") == "\(ids[7]) first")

                let started = try await host.client.startReplay(
                    Self.range("again.1") {
                        $0.rules = ["faulty"]
                        $0.eventPattern = #"{"detail": {"mode": ["put-replayed"]}}"#
                        $0.rate = 400
                    })
                #expect(started.state == .running)
                for _ in 0..<2 {
                    _ = try await host.wait(for: "some of it") {
                        let replay = try await host.client.replay(name: "again.1")
                        return replay.succeeded > 20 || replay.isOver ? true : nil
                    }
                    await host.end(SIGKILL)
                    try await host.start()
                }
                let over = try await host.over(replay: "again.1")
                #expect(over.state == .completed && over.replayed == 400 && over.deliveries == 400, "\(over)")
                let dead = try await host.deadLetters().map { "\($0.subject) \($0.code): \($0.message)" }
                #expect(over.succeeded == 400 && over.dead == 0 && over.waiting == 0, "\(over) \(dead)")
                for (number, id) in ids.enumerated() {
                    #expect(text(of: host.bucket("outbox") + "/k/\(number)") == "\(id) again.1")
                }
                #expect(host.keys("outbox").count == 400)
                // The rule's own subscription has nothing to do with it, and the archive has its events once.
                let status = try await host.settled()
                let own = try #require(status.subscriptions.first { $0.rule == "faulty" && $0.bus == "default" })
                let first = try #require(before.subscriptions.first { $0.rule == "faulty" })
                #expect(own.matched == first.matched && own.succeeded == first.succeeded)
                #expect(status.subscriptions.allSatisfy { $0.bus == "default" }, "\(status.subscriptions)")
                #expect(try await host.client.event(id: ids[3]).record.bus == "default")
                let error = await #expect(throws: APIError.self) {
                    try await host.client.startReplay(Self.range("again.1"))
                }
                #expect(error?.code == "ResourceAlreadyExists")
            }
        }

        @Test("To one version of a function; what fails is a dead letter; cancelled replays stop")
        func versions() async throws {
            let app = try TestApp.faulty()
            try app.edit("Functions/Faulty/function.yaml") { $0 + "\nenvironment: {CONTENT: one}\n" }
            try await HostProcess.with(app) { host in
                _ = try await host.outcome(FaultyRequest("put-version", bucket: "outbox", key: "x"))
                _ = try await host.outcome(FaultyRequest("throw"))
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacing("CONTENT: one", with: "CONTENT: two")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                _ = try await host.client.purge(.init(all: true))
                for (name, function, said) in [
                    ("new", "Faulty", "two"), ("old", "Faulty@1", "one"), ("v2", "Faulty@2", "two"),
                ] {
                    _ = try await host.client.startReplay(Self.range(name) { $0.function = function })
                    let over = try await host.over(replay: name)
                    #expect(over.replayed == 2 && over.succeeded == 1 && over.dead == 1, "\(over)")
                    #expect(text(of: host.bucket("outbox") + "/x") == said)
                }
                let letters = try await host.deadLetters()
                #expect(letters.map(\.function) == ["Faulty", "Faulty@1", "Faulty"], "\(letters)")
                // What was dead already is dead twice: it is said which came first.
                let twice = try await run(TestApp.sluice, ["replay", "show", "v2", "--data", host.data])
                #expect(
                    twice.output.contains(
                        "1 of them has an older dead letter as well: sluice dlq purge \(letters[0].id) \(letters[1].id)"
                    ),
                    "\(twice)")
                // Redriven to the version that failed, also after a restart.
                #expect(await host.end() == .exited(0))
                try await host.start()
                #expect(try await host.redrive(.init(ids: [letters[1].id])).failed == 1)
                _ = try await host.client.purge(.init(all: true))
                await host.end()
                try await host.start()
                #expect(try await host.client.status().subscriptions.allSatisfy { $0.bus == "default" })
                #expect(try await host.client.replay(name: "old").dead == 1)

                for wrong in ["Nobody", "Faulty@9", "Faulty@x"] {
                    await #expect(throws: APIError.self) {
                        try await host.client.startReplay(Self.range("w") { $0.function = wrong })
                    }
                }
                await #expect(throws: APIError.self) {
                    try await host.client.startReplay(Self.range("w") { $0.rules = ["nothing"] })
                }
                await #expect(throws: APIError.self) { try await host.client.startReplay(Self.range("a name")) }
                await #expect(throws: APIError.self) {
                    try await host.client.startReplay(Self.range("w") { $0.to = $0.from })
                }

                _ = try await host.put((0..<300).map { _ in FaultyRequest("ok") })
                try await host.settled()
                _ = try await host.client.startReplay(Self.range("slow") { $0.rate = 20 })
                #expect(try await host.client.cancelReplay(name: "slow").state != .running)
                let cancelled = try await host.over(replay: "slow")
                #expect(cancelled.state == .cancelled && cancelled.replayed < 300, "\(cancelled)")
            }
        }

        @Test("A dry run leaves the world as it was, and tells what another version does differently")
        func shadow() async throws {
            let app = try TestApp.faulty()
            try app.edit("Functions/Faulty/function.yaml") {
                $0 + "\nenvironment: {CONTENT: \"id,v\\n1,a\\n2,b\\n3,c\\n\"}\n"
            }
            try await HostProcess.with(app) { host in
                func put(_ mode: String, _ key: String) async throws {
                    #expect(try await host.outcome(FaultyRequest(mode, bucket: "outbox", key: key)).letter == nil)
                }
                for key in ["a.csv", "b.csv", "replaced.csv", "gone.csv", "plain.txt"] {
                    try await put("put-version", key)
                }
                try await put("put-generated", "")
                #expect(try await host.outcome(FaultyRequest("throw")).letter != nil)
                try host.copy("somebody else's", to: "outbox", "replaced.csv")
                try FileManager.default.removeItem(atPath: host.bucket("outbox") + "/gone.csv")
                _ = try await host.wait(for: "the changes to be known") {
                    let events = try await host.client.listEvents(
                        EventQuery(source: "aws.s3"), page: PageRequest(limit: 2))
                    return events.items.first.map { $0.event.text.contains("gone.csv") } == true
                        || events.items.last.map { $0.event.text.contains("gone.csv") } == true ? true : nil
                }
                try await host.settled()

                // The same version: the same effects, but for what is no longer there to compare.
                let same = try await world(unchangedBy: "same", of: host) { _ in }
                let shadow = try #require(same.shadow)
                #expect(
                    same.replayed == 7 && same.deliveries == 7 && same.succeeded == 6 && same.failed == 1, "\(same)")
                #expect(shadow.objects.same == 4 && shadow.objects.unknown == 2 && shadow.objects.differences == 0)
                #expect(shadow.events.same == 5 && shadow.events.differences == 0 && shadow.failures.same == 1)
                #expect(shadow.isEqual && shadow.differences.count == 2, "\(shadow.differences)")
                let notes = shadow.differences.map { "\($0.subject): \($0.note ?? "")" }.joined(separator: "\n")
                #expect(notes.contains("replaced.csv: the original's object was replaced since"))
                #expect(notes.contains("gone.csv: the original's object was deleted since"))

                // Another version: one row changed, one gone, one new.
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacing("1,a\\n2,b\\n3,c", with: "4,d\\n1,A\\n2,b")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                let changed = try await world(unchangedBy: "changed", of: host) { $0.rules = ["faulty"] }
                let report = try #require(changed.shadow)
                #expect(
                    report.objects.changed == 3 && report.objects.same == 1 && report.events.changed == 5, "\(report)")
                #expect(report.rows.added == 2 && report.rows.removed == 2 && report.rows.changed == 2)
                let csv = try #require(report.differences.first { $0.subject == "outbox/a.csv" }?.rows)
                #expect(csv.keys == ["id"] && csv.rowsBefore == 3 && csv.rowsAfter == 3)
                #expect(
                    csv.examples.contains {
                        $0.change == "changed" && $0.before == ["1", "a"] && $0.after == ["1", "A"]
                    })
                // The first version by its number does what it did.
                let old = try await world(unchangedBy: "old", of: host) { $0.function = "Faulty@1" }
                #expect(old.shadow?.objects.same == 4 && old.shadow?.isEqual == true)

                // A version that fails is told from the original's success.
                try host.app.edit("Functions/Faulty/function.yaml") { text in
                    text.split(separator: "\n").map {
                        $0.hasPrefix("environment:") ? "environment: {CONTENT: fail}" : $0
                    }
                    .joined(separator: "\n")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                let failing = try await world(unchangedBy: "failing", of: host) { $0.examples = 2 }
                #expect(failing.failed == 6 && failing.dead == 0)
                #expect(failing.shadow?.failures.added == 5 && failing.shadow?.failures.same == 1)
                #expect(failing.shadow?.differences.count == 2 && failing.shadow?.isEqual == false)
                let said = try await run(TestApp.sluice, ["replay", "show", "failing", "--data", host.data])
                #expect(said.output.contains("ThisVersion") && said.output.contains("COMPLETED"), "\(said)")
                let dry = try await run(
                    TestApp.sluice,
                    ["replay", "start", "cli", "--from", "1d", "--dry-run", "--data", host.data, "--rule", "faulty"])
                #expect(dry.ending == .exited(1) && dry.output.contains("Beside the original run"), "\(dry)")
            }
        }

        @Test("A dry run compares nothing that was made of a batch of several with what is made of one")
        func batch() async throws {
            let app = try TestApp.faulty()
            try app.write(
                "Functions/FaultyBatch/function.yaml",
                """
                description: puts one object for a whole batch
                grants: {read: [inbox], write: [outbox]}
                module: \(TestApp.programs)/libFaultyBatch.so
                """)
            try app.write(
                "Events/rules/pair.yaml",
                """
                name: pair
                pattern: {source: [aws.s3], detail-type: [Object Created], detail: {bucket: {name: [inbox]}}}
                targets: [{function: FaultyBatch, batchSize: 2, maximumBatchingWindowInSeconds: 300}]
                """)
            try await HostProcess.with(app) { host in
                for name in ["one", "two"] { try host.copy(name, to: "inbox", name) }
                _ = try await host.wait(for: "the batch") { host.keys("outbox").isEmpty ? nil : true }
                try await host.settled()
                let over = try await world(unchangedBy: "dry", of: host) { $0.rules = ["pair"] }
                let shadow = try #require(over.shadow)
                #expect(over.succeeded == 2 && over.failed == 0, "\(over)")
                #expect(shadow.objects.unknown == 2 && shadow.isEqual, "\(shadow)")
                #expect(shadow.differences.allSatisfy { $0.note == "the original run was a batch" }, "\(shadow)")
            }
        }

        /// Runs a dry run and checks that nothing but its own row is different afterwards.
        private func world(
            unchangedBy name: String, of host: HostProcess, _ change: (inout ReplayRequest) -> Void
        ) async throws -> ReplayInfo {
            let before = try await World(host)
            _ = try await host.client.startReplay(
                Self.range(name) {
                    $0.dryRun = true
                    change(&$0)
                })
            let over = try await host.over(replay: name)
            #expect(over.state == .completed, "\(over)")
            _ = try await host.wait(for: "staging to be empty") { host.staging.isEmpty ? true : nil }
            let after = try await World(host)
            #expect(after.files == before.files)
            #expect(after.journal == before.journal)
            #expect(after.logs == before.logs)
            return over
        }
    }
}
