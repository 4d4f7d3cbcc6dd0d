import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Redrives to one version", .timeLimit(.minutes(3)))
    struct RedriveVersionTests {
        /// Of two versions of `Faulty` the first may write where the second, which is in force, may not.
        private static func with(_ body: (HostProcess) async throws -> Void) async throws {
            let app = try TestApp.faulty()
            try app.edit("Functions/Faulty/function.yaml") {
                $0.replacing("write: [outbox]", with: "write: [outbox, secret]")
                    + "\nenvironment: {CONTENT: one}\n"
            }
            try await HostProcess.with(app) { host in
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacing("write: [outbox, secret]", with: "write: [outbox]")
                        .replacing("CONTENT: one", with: "CONTENT: two")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                try await body(host)
            }
        }

        /// Letters of events that the first version can handle, by the keys of what it writes.
        private static func letters(_ keys: [String], _ host: HostProcess) async throws -> [Int64] {
            var ids: [Int64] = []
            for key in keys {
                let outcome = try await host.outcome(FaultyRequest("put-version", bucket: "secret", key: key))
                ids.append(try #require(outcome.letter).summary.id)
            }
            return ids
        }

        @Test("The version asked for runs, whichever is in force, and what fails there says so")
        func version() async throws {
            try await Self.with { host in
                let ids = try await Self.letters(["k0", "k1"], host)
                let hopeless = try #require(try await host.outcome(FaultyRequest("throw")).letter).summary.id
                for (wrong, hint) in [
                    ("Faulty@9", "there are versions 1, 2"), ("Faulty@x", "there are versions 1, 2"),
                    ("Nobody@1", "sluice functions list"),
                ] {
                    for dryRun in [true, false] {
                        let error = await #expect(throws: APIError.self) {
                            try await host.client.redrive(
                                RedriveRequest(selection: .init(ids: ids), dryRun: dryRun, to: wrong))
                        }
                        #expect(error?.message.contains(wrong) == true, "\(String(describing: error))")
                        #expect(error?.hint?.contains(hint) == true, "\(String(describing: error))")
                    }
                }
                let dry = try await run(
                    TestApp.sluice,
                    ["dlq", "redrive", "\(ids[0])", "--to", "Faulty@1", "--dry-run", "--data", host.data])
                #expect(
                    dry.ending == .exited(0)
                        && dry.output.contains("1 dead letter would be delivered again to Faulty@1"),
                    "\(dry)")

                let sent = try await run(
                    TestApp.sluice, ["dlq", "redrive", "\(ids[0])", "--to", "Faulty@1", "--data", host.data])
                #expect(sent.ending == .exited(0), "\(sent)")
                #expect(text(of: host.bucket("secret") + "/k0") == "one")
                #expect(try await host.client.deadLetter(id: ids[0]).summary.state == "redriven")
                #expect(try await host.client.listRedrives().first?.to == "Faulty@1")
                // The one that is in force goes by the function's name.
                let current = try await host.over(
                    host.client.redrive(RedriveRequest(selection: .init(ids: [ids[1]]), to: "Faulty@2")).id)
                #expect(current.failed == 1 && current.to == "Faulty", "\(current)")

                let failed = try await host.over(
                    host.client.redrive(RedriveRequest(selection: .init(ids: [hopeless]), to: "Faulty@1")).id)
                #expect(failed.failed == 1, "\(failed)")
                let group = try #require(
                    try await host.client.deadLetterGroups().first { $0.code == "Deliberate" })
                #expect(group.function == "Faulty" && group.ranBy == "Faulty@1", "\(group)")
                let attempts = try await host.client.deadLetter(id: hopeless).attempts
                #expect(attempts.last?.version == 1, "\(attempts)")
                // Rules have the version in force again.
                _ = try await host.outcome(FaultyRequest("put-version", bucket: "outbox", key: "x"))
                #expect(text(of: host.bucket("outbox") + "/x") == "two")
            }
        }

        @Test("A host that is killed meanwhile goes on to that version")
        func restart() async throws {
            try await Self.with { host in
                let keys = (0..<6).map { "k\($0)" }
                _ = try await Self.letters(keys, host)
                let job = try await host.client.redrive(
                    RedriveRequest(selection: .init(all: true), rate: 4, to: "Faulty@1"))
                _ = try await host.wait(for: "the first of them") {
                    try await host.client.redriveJob(id: job.id).succeeded > 0 ? true : nil
                }
                await host.end(SIGKILL)
                try await host.start()
                let over = try await host.over(job.id)
                #expect(over.succeeded == 6 && over.failed == 0 && over.to == "Faulty@1", "\(over)")
                #expect(keys.map { text(of: host.bucket("secret") + "/" + $0) } == keys.map { _ in "one" })
            }
        }

        @Test("What is being redriven says by which job, and what waits for a paused target says so at once")
        func underWay() async throws {
            try await Self.with { host in
                let id = try #require(try await host.outcome(FaultyRequest("throw")).letter).summary.id
                let rule = try #require(try await host.client.listRules(bus: nil).first).name
                _ = try await host.client.pauseRule(
                    bus: "default", name: rule, request: PauseRequest(paused: true, reason: "a test"))
                func redrive(_ more: String...) async throws -> ProgramResult {
                    try await run(TestApp.sluice, ["dlq", "redrive", "\(id)", "--data", host.data] + more)
                }
                let started = try await redrive("--no-wait")
                #expect(started.ending == .exited(0), "\(started)")
                #expect(started.errors.contains("\(rule)/Faulty is paused (by hand: a test)"), "\(started)")
                #expect(!started.errors.contains("Ctrl-C"), "\(started)")
                let job = try #require(try await host.client.listRedrives().first).id
                _ = try await host.wait(for: "the letter to be under way") {
                    try await host.client.deadLetter(id: id).redrivenBy == job ? true : nil
                }
                let again = try await redrive()
                #expect(again.ending == .exited(1), "\(again)")
                #expect(again.errors.contains("there is no dead letter \(id) (redriving, by job \(job))"), "\(again)")
                #expect(again.errors.contains("sluice dlq jobs \(job)"), "\(again)")
                _ = try await host.client.pauseRule(bus: "default", name: rule, request: PauseRequest(paused: false))
                #expect(try await host.over(job).failed == 1)
                #expect(try await host.client.deadLetter(id: id).redrivenBy == nil)
            }
        }
    }
}
