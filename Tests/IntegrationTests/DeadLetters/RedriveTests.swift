import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Redrives", .timeLimit(.minutes(3)))
    struct RedriveTests {
        @Test("By event pattern and time range; to another function; with an audit trail that outlives the host")
        func choosing() async throws {
            let app = try TestApp.faulty()
            // The same module under another name, which may write where the first one may not.
            try app.write(
                "Functions/Mended/function.yaml",
                app.read("Functions/Faulty/function.yaml").replacing("write: [outbox]", with: "write: [outbox, secret]")
            )
            try await HostProcess.with(app) { host in
                // One after the other: so are their ids.
                for number in 0..<6 {
                    let outcome = try await host.outcome(FaultyRequest("put", bucket: "secret", key: "k\(number)"))
                    #expect(outcome.letter?.summary.code == "AccessDenied")
                }
                let all = try await host.deadLetters()

                let pattern = #"{"detail": {"key": [{"suffix": "1"}, "k3"]}}"#
                let dry = try await host.client.redrive(
                    RedriveRequest(selection: .init(eventPattern: pattern), dryRun: true))
                #expect(dry.selected == 2 && dry.letters.map(\.id) == [all[1].id, all[3].id])
                let listed = try await host.client.listDeadLetters(.init(eventPattern: pattern), page: PageRequest())
                #expect(listed.items.map(\.id) == [all[1].id, all[3].id])
                #expect(
                    try await host.client.redrive(
                        RedriveRequest(selection: .init(since: all[5].died, until: all[5].died), dryRun: true)
                    ).selected == 0)
                #expect(
                    try await host.client.redrive(
                        RedriveRequest(selection: .init(since: all[0].died), dryRun: true)
                    ).selected == 6)
                await #expect(throws: APIError.self) {
                    try await host.client.redrive(RedriveRequest(selection: .init(eventPattern: "{\"a\":1}")))
                }
                await #expect(throws: APIError.self) {
                    try await host.client.redrive(RedriveRequest(selection: .init(all: true), to: "Nobody"))
                }

                // To the other function: settled where it failed.
                let job = try await host.client.redrive(
                    RedriveRequest(selection: .init(eventPattern: pattern), to: "Mended", by: "a test"))
                let over = try await host.over(job.id)
                #expect(over.succeeded == 2 && over.failed == 0 && over.to == "Mended", "\(over)")
                #expect(host.keys("secret") == ["k1", "k3"])
                #expect(try await host.client.deadLetter(id: all[1].id).summary.state == "redriven")
                // To its own again: dead again, with the reason.
                let again = try await host.over(
                    host.client.redrive(RedriveRequest(selection: .init(ids: [all[0].id, all[2].id]))).id)
                #expect(again.failed == 2 && again.succeeded == 0)

                // The trail: who, which, and what came of each; also after a restart.
                await host.end(SIGKILL)
                try await host.start()
                let jobs = try await host.client.listRedrives()
                #expect(jobs.map(\.id) == [again.id, over.id] && jobs[1].by == "a test")
                #expect(jobs[1].selection?.eventPattern == pattern && jobs[1].started != nil && jobs[1].ended != nil)
                #expect(
                    try await host.client.redriveOutcomes(id: over.id, page: 1).map { "\($0.deadLetter) \($0.state)" }
                        == [all[1].id, all[3].id].map { "\($0) succeeded" })
                #expect(
                    try await host.client.redriveOutcomes(id: again.id, page: 1).map(\.code) == [
                        "AccessDenied", "AccessDenied",
                    ])
                let status = try await host.settled()
                let faulty = try #require(status.subscriptions.first { $0.function == "Faulty" })
                #expect(faulty.matched == 6 && faulty.succeeded == 2 && faulty.dead == 4, "\(faulty)")
                let purged = try await host.client.purge(.init(eventPattern: #"{"detail": {"key": ["k0", "k1"]}}"#))
                #expect(purged.purged == 1)
            }
        }

        @Test("Edited in an editor or from a file: checked, sent, and the original stays to be seen")
        func edited() async throws {
            try await HostProcess.with(.faulty()) { host in
                let event = try await host.put(FaultyRequest("throw", bucket: "outbox", key: "x"))
                let letter = try #require(try await host.outcome(of: event).letter)
                let (id, original) = (letter.summary.id, letter.payload.text)
                func redrive(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> ProgramResult
                {
                    try await run(
                        TestApp.sluice, ["dlq", "redrive", "\(id)", "--data", host.data] + arguments,
                        environment: environment)
                }
                let file = temporaryFolder("edit") + "/event.json"
                func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: file)) }

                // What is no event, or not this one, is refused.
                for wrong in [
                    "{", "[]", "{\"id\": \"\(event)\"}", original.replacing(event, with: "another"),
                    original.replacing("\"detail\":{", with: "\"detail\":[{").replacing("\"}}", with: "\"}]}"),
                ] {
                    try write(wrong)
                    let result = try await redrive(["--edit-with", file])
                    #expect(result.ending == .exited(1), "\(wrong): \(result)")
                }
                #expect(try await host.deadLetters().map(\.id) == [id])

                // Edited, and still wrong: dead again, with the original event.
                try write(original.replacing("\"throw\"", with: "\"no such mode\""))
                #expect(try await redrive(["--edit-with", file]).ending == .exited(1))
                let failed = try await host.client.deadLetter(id: id)
                #expect(failed.summary.code == "UnknownMode" && failed.summary.state == "dead")
                #expect(failed.payload.text == original, "\(failed.payload.text)")
                #expect(failed.edits?.count == 1 && failed.edits?[0].payload.text.contains("no such mode") == true)

                // Not edited after all.
                #expect(
                    try await run(
                        TestApp.sluice, ["dlq", "redrive", "\(id)", "--edit", "--data", host.data],
                        environment: ["EDITOR": "true", "VISUAL": ""]
                    ).output.contains("nothing was sent"))

                // In an editor that changes the mode: sent, and told by the handler's work.
                let editor = temporaryFolder("editor") + "/editor.sh"
                try Data("#!/bin/sh\nsed -i 's/no such mode/put-signed/' \"$1\"\n".utf8).write(
                    to: URL(filePath: editor))
                #expect(chmod(editor, 0o755) == 0)
                let done = try await redrive(["--edit"], ["EDITOR": editor, "VISUAL": ""])
                #expect(done.ending == .exited(0), "\(done)")
                let made = text(of: host.bucket("outbox") + "/x").split(separator: " ").map(String.init)
                #expect(made.prefix(2) == [event, "dead-letter/\(id)"], "\(made)")
                let shown = try await host.client.deadLetter(id: id)
                #expect(shown.payload.text == original && shown.edits?.count == 2 && shown.edits?[1].by != nil)
                let jobs = try await run(TestApp.sluice, ["dlq", "jobs", "--data", host.data])
                #expect(jobs.ending == .exited(0) && jobs.output.contains("edited"), "\(jobs)")
                // Nothing is left to edit, which is said before an editor opens.
                let over = try await redrive(["--edit"], ["EDITOR": "false", "VISUAL": ""])
                #expect(over.errors.contains("there is no dead letter \(id) (redriven)"), "\(over)")
            }
        }

        @Test("Edited to name another object, the event brings that object's bytes and not those that were kept")
        func editedKey() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.move("id,a\n1,x\n", to: "landing-zone", "db/t/good.csv")
                try await expectTable(host, "db", files: 1, rows: 1)
                try host.move("id,a\n1,x\n2\n", to: "landing-zone", "db/t/bad.csv")
                let letter = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
                #expect(letter.code == "MalformedRow")
                let payload = try await host.client.deadLetter(id: letter.id).payload.text
                let file = temporaryFolder("edit") + "/event.json"
                try Data(payload.replacing("bad.csv", with: "good.csv").utf8).write(to: URL(filePath: file))
                let done = try await run(
                    TestApp.sluice,
                    ["dlq", "redrive", "\(letter.id)", "--edit-with", file, "--wait", "--data", host.data])
                let again = try await host.client.deadLetter(id: letter.id)
                #expect(done.ending == .exited(0) && again.summary.state == "redriven", "\(done) \(again.summary)")
                try await expectTable(host, "db", files: 1, rows: 1)
            }
        }

        @Test("What a dead letter says to do, works: reproduced in the shadow, its input printed")
        func reproduced() async throws {
            try await HostProcess.with(.faulty()) { host in
                let letter = try #require(
                    try await host.outcome(FaultyRequest("put", bucket: "secret", key: "x")).letter)
                let id = letter.summary.id
                let shown = try await run(TestApp.sluice, ["dlq", "show", "\(id)", "--data", host.data])
                #expect(shown.output.contains("sluice dlq reproduce \(id)"), "\(shown)")
                let failing = try await run(TestApp.sluice, ["dlq", "reproduce", "\(id)", "--data", host.data])
                #expect(failing.ending == .exited(1) && failing.output.contains("AccessDenied"), "\(failing)")
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacing("write: [outbox]", with: "write: [outbox, secret]")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                let before = try await host.client.status().head
                let mended = try await run(TestApp.sluice, ["dlq", "reproduce", "\(id)", "--data", host.data])
                #expect(mended.ending == .exited(0) && mended.output.contains("would put secret/x"), "\(mended)")
                #expect(host.keys("secret") == [] && host.staging == [])
                #expect(try await host.client.status().head == before)
                #expect(try await host.deadLetters().map(\.id) == [id])
                let input = try await run(TestApp.sluice, ["dlq", "show", "\(id)", "--input", "--data", host.data])
                #expect(input.output == letter.payload.text + "\n")
            }
        }
    }
}

extension HostProcess {
    /// Waits until a redrive is over.
    func over(_ id: String) async throws -> RedriveJob {
        try await wait(for: "the redrive to end") {
            let job = try await client.redriveJob(id: id)
            return job.isOver ? job : nil
        }
    }
}
