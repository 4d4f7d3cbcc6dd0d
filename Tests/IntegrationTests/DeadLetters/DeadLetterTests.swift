import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Dead letters", .timeLimit(.minutes(3)))
    struct DeadLetterTests {
        @Test("Listed in groups and one by one; a dry run sends nothing; what fails again is dead again")
        func listing() async throws {
            try await HostProcess.with(.faulty()) { host in
                for mode in ["throw", "throw", "throw", "no such mode"] {
                    #expect(try await host.outcome(FaultyRequest(mode)).state == "dead")
                }
                let groups = try await host.client.deadLetterGroups()
                #expect(
                    groups.map { "\($0.function) \($0.code) \($0.count)" }.sorted() == [
                        "Faulty Deliberate 3", "Faulty UnknownMode 1",
                    ])
                let one = try await run(
                    TestApp.sluice, ["dlq", "list", "--limit", "1", "--json", "--data", host.data])
                #expect(one.output.objects.count == 1 && one.errors.contains("there are more"), "\(one)")
                // What fails by hand is answered to the caller, and is no dead letter.
                #expect(try await host.invoke(FaultyRequest("forbidden")).summary.code == "AccessDenied")
                #expect(
                    host.logText.contains("a dead letter of a new kind") && !host.logText.contains("AccessDenied"))
                let letters = try await host.deadLetters()
                #expect(letters.map(\.id) == letters.map(\.id).sorted() && letters.count == 4)
                let ofOne = try await host.client.listDeadLetters(
                    DeadLetterSelection(code: "UnknownMode"), page: PageRequest())
                #expect(ofOne.items.map(\.code) == ["UnknownMode"])

                let dry = try await host.client.redrive(
                    RedriveRequest(selection: DeadLetterSelection(function: "Faulty"), dryRun: true))
                #expect(
                    dry.isDryRun == true && dry.state == .completed && dry.selected == 4
                        && dry.letters.map(\.id) == letters.map(\.id))
                #expect(try await host.deadLetters() == letters)

                let job = try await host.redrive(DeadLetterSelection(ids: [letters[0].id]))
                #expect(job.sent == 1 && job.failed == 1 && job.succeeded == 0, "\(job)")
                #expect(try await host.deadLetters().count == 4)
                let error = await #expect(throws: APIError.self) {
                    try await host.client.redrive(RedriveRequest(selection: DeadLetterSelection()))
                }
                #expect(error?.code == "InvalidRequest")

                // One wrong id among right ones: nothing is done, and it is named.
                for command in [["redrive"], ["redrive", "--dry-run"], ["purge"], ["purge", "--dry-run"]] {
                    let wrong = try await run(
                        TestApp.sluice,
                        ["dlq"] + command + ["\(letters[0].id)", "98765", "--data", host.data])
                    #expect(
                        wrong.ending == .exited(1) && wrong.errors.contains("there is no dead letter 98765; nothing"),
                        "\(command) \(wrong)")
                }
                #expect(try await host.deadLetters().map(\.id) == letters.map(\.id))

                #expect(try await host.client.purge(DeadLetterSelection(code: "Deliberate")).purged == 3)
                let gone = try await run(
                    TestApp.sluice,
                    ["dlq", "purge", "\(letters[0].id)", "\(letters.last?.id ?? 0)", "--data", host.data])
                #expect(gone.errors.contains("\(letters[0].id) (purged)"), "\(gone)")
                let left = try await host.deadLetters()
                #expect(left.map(\.code) == ["UnknownMode"], "\(left)")
                let status = try await host.settled()
                let faulty = try #require(status.subscriptions.first { $0.function == "Faulty" })
                #expect(faulty.matched == 4 && faulty.purged == 3 && faulty.dead == 1, "\(faulty)")
            }
        }

        @Test("Redriven once the cause is gone: the same event, marked, to the function that failed")
        func redrive() async throws {
            try await HostProcess.with(.faulty()) { host in
                // A key that is taken, and then free.
                try host.copy("taken", to: "outbox", "x.txt")
                let event = try await host.put(FaultyRequest("put-signed", bucket: "outbox", key: "x.txt"))
                let letter = try #require(try await host.outcome(of: event).letter)
                #expect(letter.summary.code == "KeyExists" && letter.summary.eventID == event)
                // The handler had no complaint, its outcome had: figures and logs say so.
                let faultyNow = try await host.client.status().functions.first { $0.name == "Faulty" }
                #expect(faultyNow?.succeeded == 0 && faultyNow?.failed == 1, "\(String(describing: faultyNow))")
                let said = try await run(TestApp.sluice, ["logs", "Faulty", "--json", "--data", host.data]).output
                #expect(said.contains("failed: KeyExists: "), "\(said)")
                #expect(host.logText.contains("a dead letter of a new kind"), "\(host.logText)")
                try FileManager.default.removeItem(atPath: host.bucket("outbox") + "/x.txt")
                let job = try await host.redrive(DeadLetterSelection(ids: [letter.summary.id]))
                #expect(job.succeeded == 1, "\(job)")
                let made = text(of: host.bucket("outbox") + "/x.txt").split(separator: " ").map(String.init)
                #expect(made.prefix(2) == [event, "dead-letter/\(letter.summary.id)"], "\(made)")

                // A grant that was missing, and is deployed.
                #expect(try await host.outcome(FaultyRequest("forbidden")).letter?.summary.code == "AccessDenied")
                try host.copy("secret", to: "secret", "x")
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacingOccurrences(of: "read: [inbox, outbox]", with: "read: [inbox, outbox, secret]")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                _ = try await host.wait(for: "the secret to be known") {
                    let secret = try await host.client.listBuckets().first { $0.name == "secret" }
                    return secret?.objects == 1 ? true : nil
                }
                #expect(try await host.redrive(DeadLetterSelection(function: "Faulty")).succeeded == 1)
                #expect(try await host.deadLetters() == [])
                let status = try await host.settled()
                let faulty = try #require(status.subscriptions.first { $0.function == "Faulty" })
                #expect(faulty.matched == 2 && faulty.succeeded == 2 && faulty.dead == 0, "\(faulty)")
            }
        }

        @Test("A redrive of everything goes on across a restart of the host")
        func redriveAcrossRestart() async throws {
            try await HostProcess.with(.faulty()) { host in
                _ = try await host.put((0..<150).map { FaultyRequest("put", bucket: "secret", key: "d/\($0).txt") })
                #expect(try await host.settled().deadLetters == 150)
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacingOccurrences(of: "write: [outbox]", with: "write: [outbox, secret]")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                _ = try await host.client.redrive(RedriveRequest(selection: DeadLetterSelection(all: true)))
                await host.end(SIGKILL)
                try await host.start()
                _ = try await host.wait(for: "all to be redriven") {
                    try await host.client.status().subscriptions.allSatisfy { $0.dead == 0 && $0.redriven == 0 }
                        ? true : nil
                }
                try await host.settled()
                #expect(host.keys("secret").count == 150)
            }
        }

        @Test("Outputs that cannot be put into place are kept; the redrive resumes without the handler")
        func publishFailed() async throws {
            try await HostProcess.with(.faulty()) { host in
                // A file where the output's folder has to be.
                try host.copy("in the way", to: "outbox", "d")
                let event = try await host.put(FaultyRequest("put-signed", bucket: "outbox", key: "d/x.txt"))
                let letter = try #require(try await host.outcome(of: event).letter)
                #expect(letter.summary.code == "PublishFailed", "\(letter.summary)")
                #expect(host.staging.count == 1, "\(host.staging)")
                let attempt = try #require(letter.attempts.first).requestID

                // Still in the way: dead again, and still kept; also across a restart, which cleans staging.
                #expect(try await host.redrive(DeadLetterSelection(all: true)).failed == 1)
                #expect(await host.end() == .exited(0))
                try await host.start()
                #expect(host.staging.count == 1, "\(host.staging)")

                try FileManager.default.removeItem(atPath: host.bucket("outbox") + "/d")
                let id = try #require(try await host.deadLetters().first).id
                #expect(try await host.redrive(DeadLetterSelection(ids: [id])).succeeded == 1)
                let made = text(of: host.bucket("outbox") + "/d/x.txt")
                #expect(made == "\(event) first \(attempt)", "the handler ran again: \(made)")
                _ = try await host.wait(for: "staging to be empty") { host.staging.isEmpty ? true : nil }
            }
        }

        @Test("What a dead letter kept goes when it is purged: its input, its outputs")
        func purge() async throws {
            try await HostProcess.with(.everything()) { host in
                try host.copy("x,y\n1,2\n", to: "landing-zone", "a/b.csv")
                try host.copy("in the way", to: "outbox", "d")
                _ = try await host.outcome(FaultyRequest("put", bucket: "outbox", key: "d/x.txt"))
                let letters = try await host.wait(for: "two dead letters") {
                    let letters = try await host.deadLetters()
                    return letters.count == 2 ? letters : nil
                }
                let inputs = try await letters.asyncCompactMap {
                    try await host.client.deadLetter(id: $0.id).input?.path
                }
                let path = try #require(inputs.first)
                #expect(FileManager.default.fileExists(atPath: path) && host.staging.count == 1)
                #expect(try await host.client.purge(DeadLetterSelection(all: true)).purged == 2)
                _ = try await host.wait(for: "what was kept to go") {
                    !FileManager.default.fileExists(atPath: path) && host.staging.isEmpty ? true : nil
                }
            }
        }

        @Test("The input of a dead letter is what its redrive reads, whatever has become of the object")
        func keptInput() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.copy("n\n1\n", to: "landing-zone", "d/t/1.csv")
                _ = try await host.wait(for: "the table") { host.keys("clean-zone").count == 1 ? true : nil }
                try await host.settled()
                try host.copy("n\nx\n", to: "landing-zone", "d/t/2.csv")
                let letter = try await host.wait(for: "a dead letter") { try await host.deadLetters().first }
                #expect(letter.code == "SchemaMismatch")
                try FileManager.default.removeItem(atPath: host.bucket("landing-zone") + "/d/t/2.csv")
                try await host.settled()
                // Its own content again, with the same result: not NoSuchKey.
                #expect(try await host.redrive(DeadLetterSelection(all: true)).failed == 1)
                #expect(try await host.deadLetters().map(\.code) == ["SchemaMismatch"])
            }
        }
    }
}

extension Sequence {
    fileprivate func asyncCompactMap<Value>(_ body: (Element) async throws -> Value?) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self {
            if let value = try await body(element) { values.append(value) }
        }
        return values
    }
}
