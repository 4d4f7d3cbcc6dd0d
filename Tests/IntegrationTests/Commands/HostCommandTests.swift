import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    /// Commands as a user types them, against a host.
    @Suite("Host commands", .timeLimit(.minutes(5)))
    struct HostCommandTests {
        private static func line(_ detail: String, more: String = "") -> String {
            #"{"source":"test.faults","detailType":"Fault","detail":"# + detail + more + "}\n"
        }

        @Test(
            "events put --file: large files go in portions, a wrong line says how far it came, wrong types are refused")
        func putFile() async throws {
            try await HostProcess.with(.faulty()) { host in
                let folder = CommandFolder()
                defer { folder.remove() }
                let padding = String(repeating: "x", count: 9000)
                let good = (0..<1000).map { Self.line(#"{"mode":"ok","n":\#($0),"p":"\#(padding)"}"#) }
                try folder.write("good.jsonl", good.joined())
                let put = try await host.sluice("events", "put", "--file", folder.file("good.jsonl"))
                #expect(put.errors.contains("1,000 events put, 0 refused"), "\(put.errors)")

                let some = Array(repeating: Self.line(#"{"mode":"ok"}"#), count: 1000).joined()
                try folder.write("broken.jsonl", some + "\n" + Self.line("{}", more: #","time":7"#))
                let broken = try await host.refusal("events", "put", "--file", folder.file("broken.jsonl"))
                #expect(broken.errors.contains("broken.jsonl:1002: `time` must be a text"), "\(broken.errors)")
                #expect(
                    !broken.errors.contains("events put (lines"), "one portion was read and not sent: \(broken.errors)")
                try folder.write("late.jsonl", good.joined() + "nothing\n")
                let late = try await host.refusal("events", "put", "--file", folder.file("late.jsonl"))
                #expect(
                    late.errors.contains("events put (lines 1 to ") && late.errors.contains("late.jsonl:1001: not JSON")
                )
                for (more, word) in [
                    (#","resources":"a""#, "resources"), (#","resources":[1]"#, "resources"), (#","bus":1"#, "bus"),
                    (#","dedup":{}"#, "dedup"),
                ] {
                    try folder.write("wrong.jsonl", Self.line("{}", more: more))
                    let wrong = try await host.refusal("events", "put", "--file", folder.file("wrong.jsonl"))
                    #expect(wrong.errors.contains("`\(word)` must be"), "\(wrong.errors)")
                }
                try await host.settled()
            }
        }

        @Test("What a list calls something, `show` and other lists call it, too")
        func names() async throws {
            try await HostProcess.with(.faulty()) { host in
                _ = try await host.outcome(FaultyRequest("throw"))
                _ = try await host.sluice("replay", "start", "again", "--from", "1h", "--dry-run")
                func keys(_ arguments: String...) async throws -> Set<String> {
                    let text = try await host.sluice(arguments + ["--json"]).output
                    let line = try #require(text.split(separator: "\n").first)
                    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                    return Set(try #require(object).keys)
                }
                #expect(try await keys("functions", "list").isSuperset(of: ["name", "version"]))
                #expect(try await keys("functions", "show", "Faulty").isSuperset(of: ["name", "version"]))
                #expect(try await keys("replay", "list").isSuperset(of: ["name", "state", "started", "ended"]))
                #expect(try await keys("dlq", "show", "1").contains("id"))
                _ = try await host.sluice("dlq", "redrive", "1", code: 1)
                #expect(try await keys("dlq", "jobs").isSuperset(of: ["id", "state", "started", "ended"]))
                let attempt = try #require(
                    try await host.client.listInvocations(InvocationQuery(), page: PageRequest(limit: 1)).items.first)
                #expect(try await keys("invocations", "show", attempt.requestID).contains("requestID"))
                #expect(try await keys("events", "show", try #require(attempt.eventIDs.first)).contains("id"))
            }
        }

        @Test("logs: of one attempt or invocation, of commands and of the host, by time; names that are not there")
        func logs() async throws {
            let app = try TestApp.faulty()
            try app.write(
                "Events/rules/say.yaml",
                """
                name: say
                pattern: {source: [test.say]}
                targets: [{command: [/bin/echo, said]}]

                """)
            try await HostProcess.with(app) { host in
                let spoken = try await host.outcome(FaultyRequest("speak"))
                let summary = try #require(spoken.invocations.first)
                for _ in 0..<3 { _ = try await host.outcome(FaultyRequest("speak")) }
                _ = try await host.sluice(
                    "events", "put", "--source", "test.say", "--detail-type", "Say", "--detail", "{}")
                try await host.settled()
                for id in [summary.requestID, summary.invocationID] {
                    let lines = try await host.sluice("logs", "--attempt", id, "--tail", "2", "--json").output.objects
                    #expect(lines.count == 2 && lines.allSatisfy { $0["requestID"] as? String == summary.requestID })
                    let shown = try await host.sluice("invocations", "show", id).output
                    #expect(shown.contains(summary.requestID) && shown.contains(summary.invocationID), "\(shown)")
                    #expect(try await host.client.trace(id: id).focus == summary.eventIDs.first)
                }
                let all = try await host.sluice("logs", "--json").output.objects
                #expect(all.contains { $0["message"] as? String == "said" }, "\(all)")
                let command = try await host.sluice("logs", "command:say:command", "--json").output.objects
                #expect(command.map { $0["message"] as? String } == ["said"])
                #expect(try await host.sluice("logs", "--since", "2100-01-01").output == "no log lines\n")
                #expect(try await host.sluice("logs", "--until", "1s", "--since", "2020-01-01").ending == .exited(0))
                #expect(try await host.refusal("logs", "Fulty").errors.contains("did you mean `Faulty`?"))
                #expect(try await host.refusal("logs", "--attempt", "77-77").errors.contains("77-77"))
                for arguments in [
                    ["events", "list", "--bus", "defualt"], ["events", "list", "--rule", "fulty"],
                    ["invocations", "list", "--function", "Fulty"], ["catalog", "list", "nowhere"],
                    ["functions", "show", "Fulty"],
                ] {
                    let refused = try await run(TestApp.sluice, arguments + ["--data", host.data])
                    #expect(refused.ending == .exited(1) && refused.errors.contains("there is no "), "\(refused)")
                }
                _ = try await host.sluice("invocations", "list", "--outcome", "dead", code: 2)
                let versions = try await host.sluice("functions", "versions", "Faulty", "--json").output.objects
                #expect(versions.count == 1 && versions[0]["inForce"] as? Bool == true)
                #expect(versions[0]["hasModule"] as? Bool == true)
                _ = try await host.sluice("schedules", "next", "rate(1 hour)")
                let some = try await host.sluice("invocations", "list", "--limit", "2", "--json")
                #expect(some.output.objects.count == 2 && some.errors.contains("there are more"))
                let every = try await host.sluice("invocations", "list", "--limit", "0", "--json")
                #expect(every.output.objects.count >= 5 && every.errors.isEmpty)
            }
        }

        @Test(
            "Without --app the app that was deployed stays, whatever folder the host is started in; its own is looked at"
        )
        func appInForce() async throws {
            let other = temporaryFolder("other")
            defer { try? FileManager.default.removeItem(atPath: other) }
            try Data("buckets: {elsewhere: {}}\n".utf8).write(to: URL(filePath: other + "/sluice.yaml"))
            let host = HostProcess(try .faulty())
            func started(in folder: String) -> HostProcess {
                // Without the app that is given.
                HostProcess(
                    host.app, data: host.data,
                    command: ["/bin/sh", "-c", #"cd "$0" && exec "\#(TestApp.sluice)" up --data "$3""#, folder])
            }
            do {
                try await host.start()
                await host.end()
                let again = started(in: other)
                try await again.start()
                var status = try await again.client.status()
                #expect(status.appFolder == host.app.folder && !status.buckets.contains { $0.name == "elsewhere" })
                let kept = try await again.sluice("logs", "_host").output
                #expect(kept.contains("stays in force") && kept.contains(other), "\(kept)")
                await again.end()
                #expect(again.logText.contains("app=\(host.app.folder)"), "\(again.logText)")
                try host.app.edit("sluice.yaml") { $0 + "  more: {}\n" }
                let home = started(in: host.app.folder)
                try await home.start()
                status = try await home.client.status()
                #expect(status.buckets.contains { $0.name == "more" })
                await home.end(SIGKILL)
                // A slip in a file keeps no host from coming back, unless it was asked for that app.
                let sound = host.app.read("sluice.yaml")
                try host.app.edit("sluice.yaml") { $0 + "nonsense: [\n" }
                try await home.start()
                status = try await home.client.status()
                #expect(
                    status.ruleSet == 2 && status.warnings.contains { $0.contains("cannot be deployed") }, "\(status)")
                #expect(home.logText.contains("rule set 2, stays in force"), "\(home.logText)")
                try host.app.write("sluice.yaml", sound)
                #expect(try await home.client.deploy(DeployRequest()).accepted)
                #expect(try await home.client.status().warnings.isEmpty)
                await home.end()
                try host.app.edit("sluice.yaml") { $0 + "nonsense: [\n" }
                #expect(try await !host.startUntilReadyOrEnd())
            } catch {
                await host.remove()
                throw error
            }
            await host.remove()
        }

        @Test("A table whose types do not fit is dropped, with its files or without, and made anew by the next file")
        func dropTable() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.move("price\n2\n", to: "landing-zone", "widen/t/a.csv")
                try await expectTable(host, "widen", files: 1, rows: 1)
                try host.move("price\n2.5\n", to: "landing-zone", "widen/t/b.csv")
                let letter = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
                #expect(
                    letter.code == "SchemaMismatch" && letter.message.contains("sluice catalog drop widen.t"),
                    "\(letter)")
                let slip = try await host.refusal("catalog", "drop", "widen.tt")
                #expect(slip.errors.contains("did you mean `widen.t`?"), "\(slip)")
                _ = try await host.sluice("catalog", "drop", "t", code: 2)

                let kept = try await host.sluice("catalog", "drop", "widen.t")
                #expect(kept.output.contains("1 file of it stays in clean-zone/widen/t/"), "\(kept)")
                #expect(host.keys("clean-zone").count == 1)
                #expect(try await host.redrive(DeadLetterSelection(ids: [letter.id])).succeeded == 1)
                let columns = try await host.client.table(database: "widen", name: "t").table.columns
                #expect(columns.map(\.type) == ["double"])
                // The source of the file that stayed is loaded anew, in its place.
                _ = try await host.sluice("buckets", "trigger", "landing-zone", "widen/t/a.csv")
                try await expectTable(host, "widen", files: 2, rows: 2)
                try await host.settled()

                let gone = try await host.sluice("catalog", "drop", "widen.t", "--delete-files", "--json").output
                    .objects
                #expect(gone.first?["deleted"] as? Int == 2 && gone.first?["left"] as? Int == 0, "\(gone)")
                #expect(host.keys("clean-zone").isEmpty)
                #expect(try await host.client.listTables(database: nil).isEmpty)
                _ = try await host.refusal("catalog", "drop", "widen.t")
            }
        }

        @Test("doctor names a table's file that was changed, alarms, pauses, and folders that are no buckets")
        func doctorFindings() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.move("n\n1\n", to: "landing-zone", "db/t/one.csv")
                try await expectTable(host, "db", files: 1, rows: 1)
                let key = try #require(host.keys("clean-zone").first)
                let file = try #require(FileHandle(forWritingAtPath: host.bucket("clean-zone") + "/" + key))
                file.seekToEndOfFile()
                file.write(Data("garbage".utf8))
                try file.close()
                try host.copy("x", to: "landing-zon", "db/t/lost.csv")
                _ = try await host.client.pauseRule(
                    bus: "default", name: "csv-landed", request: PauseRequest(paused: true))
                let report = try await host.wait(for: "the changed file to be known") {
                    let report = try await host.client.doctor()
                    return report.checks.contains { $0.message.contains("file of a table was changed") } ? report : nil
                }
                let host = try #require(report.checks.first { $0.name == "host" })
                let details = host.details.joined(separator: "\n")
                #expect(
                    host.state == .warning && details.contains("csv-landed") && details.contains("is paused"), "\(host)"
                )
                #expect(
                    details.contains("landing-zon is no bucket of sluice.yaml (did you mean landing-zone?)"), "\(host)")
                let objects = try #require(report.checks.first { $0.name == "objects" })
                #expect(objects.state == .warning && objects.details.contains { $0.contains(key) }, "\(objects)")
            }
        }

        @Test("A redriven older version of a file does not take the place of the newer one's rows")
        func olderVersion() async throws {
            try await HostProcess.with(.shipped()) { host in
                try host.move("id,a\n1,x\n2\n", to: "landing-zone", "db/t/one.csv")
                let letter = try await host.wait(for: "the dead letter") { try await host.deadLetters().first }
                #expect(letter.code == "MalformedRow")
                try host.move("id,a\n1,x\n2,y\n3,z\n", to: "landing-zone", "db/t/one.csv")
                try await expectTable(host, "db", files: 1, rows: 3)
                try host.app.edit("Functions/CSVToParquet/function.yaml") {
                    $0.replacing("configuration:\n", with: "configuration:\n  malformedRows: pad\n")
                }
                _ = try await host.sluice("deploy", "--app", host.app.folder)
                func redrive(_ more: String...) async throws -> ProgramResult {
                    try await run(TestApp.sluice, ["dlq", "redrive", "\(letter.id)", "--data", host.data] + more)
                }
                #expect(try await redrive("--dry-run").output.contains("dry run: 0 dead letters would be delivered"))
                let left = try await redrive()
                #expect(left.ending == .exited(1) && left.output.contains("1 dead letter left alone"), "\(left)")
                #expect(left.output.hasPrefix("nothing was sent: 1 dead letter is about an older version"), "\(left)")
                let job = try await host.sluice("dlq", "jobs", try #require(host.client.listRedrives().first).id).output
                #expect(
                    job.contains("failed again  0\n") && job.contains("left alone    1  (NewerVersion)"), "\(job)")
                let groups = try await host.sluice("dlq", "list").output
                #expect(groups.contains("dlq purge --fingerprint") && !groups.contains("redrive --f"), "\(groups)")
                let shown = try await host.sluice("dlq", "show", "\(letter.id)")
                #expect(
                    shown.output.contains("nothing to redrive") && shown.output.contains("MalformedRow"), "\(shown)")
                #expect(
                    try await host.sluice("dlq", "list", "--letters").output.contains("sluice dlq purge \(letter.id)"))
                // Even so it does not take the newer one's place.
                _ = try await redrive("--older-versions")
                let again = try await host.wait(for: "the letter again") { try await host.deadLetters().first }
                #expect(again.code == "NewerVersion", "\(again)")
                // By hand the object counts as it is now, whatever the event says.
                let event = try #require(try await host.objectEvents(of: "landing-zone").first).id
                for given in ["landing-zone/db/t/one.csv", event] {
                    let dry = try await run(
                        TestApp.sluice, ["invoke", "CSVToParquet", given, "--dry-run", "--data", host.data])
                    #expect(dry.ending == .exited(0) && dry.errors.contains("would put clean-zone/db/t/"), "\(dry)")
                    let done = try await run(TestApp.sluice, ["invoke", "CSVToParquet", given, "--data", host.data])
                    #expect(done.ending == .exited(0), "\(done)")
                }
                try await expectTable(host, "db", files: 1, rows: 3)
                // And a third version replaces the second.
                try host.move("id,a\n1,x\n", to: "landing-zone", "db/t/one.csv")
                _ = try await host.wait(for: "one row") {
                    try await host.client.table(database: "db", name: "t").table.rows == 1 ? true : nil
                }
                try await expectTable(host, "db", files: 1, rows: 1)
            }
        }

        @Test("Of an object that is gone its last events are told; events are listed by object and by prefix")
        func gone() async throws {
            let app = try TestApp.faulty()
            try app.addInboxRule()
            try await HostProcess.with(app) { host in
                try host.copy("x", to: "inbox", "shop/gone.txt")
                try host.copy("y", to: "inbox", "shop/there.txt")
                try await host.hasEvents(["shop/gone.txt", "shop/there.txt"])
                try FileManager.default.removeItem(atPath: host.bucket("inbox") + "/shop/gone.txt")
                let query = EventQuery(object: "inbox/shop/gone.txt")
                let events = try await host.wait(for: "the object's deletion") {
                    let events = try await host.client.listEvents(query, page: PageRequest()).items
                    return events.count == 2 ? events : nil
                }
                let refused = try await host.refusal("trace", "inbox/shop/gone.txt")
                for event in events { #expect(refused.errors.contains("event \(event.id)"), "\(refused)") }
                #expect(refused.errors.contains("Object Deleted") && refused.errors.contains("Object Created"))
                #expect(refused.errors.contains("sluice trace \(events[0].id)"), "\(refused)")
                let prefix = try await host.sluice("events", "list", "--object", "inbox/shop/*", "--json")
                #expect(prefix.output.split(separator: "\n").count == 3, "\(prefix)")
                let never = try await host.refusal("trace", "inbox/shop/never.txt")
                #expect(never.errors.contains("no event of it is in the log either"), "\(never)")
            }
        }

        @Test("A bucket that there is not is told as such, with those there are; reserved sources and modules by name")
        func namedMistakes() async throws {
            try await HostProcess.with(.faulty()) { host in
                let outcome = try await host.outcome(FaultyRequest("put", bucket: "nowhere", key: "k"))
                #expect(outcome.letter?.summary.code == "NoSuchBucket", "\(outcome)")
                let message = outcome.letter?.summary.message ?? ""
                #expect(message.contains("inbox, outbox, secret") && !message.contains("grant"), "\(message)")
                let reserved = try await host.sluice(
                    ["events", "put", "--source", "aws.s3", "--detail-type", "x", "--detail", "{}"], code: 1)
                #expect(reserved.errors.contains("hint: sources that begin with `aws.`"), "\(reserved)")
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacing(TestApp.programs + "/libFaulty.so", with: "broken.so")
                }
                try host.app.write("broken.so", "no module")
                let refused = try await host.sluice(["deploy"], code: 1)
                #expect(
                    refused.output.contains(host.app.folder + "/broken.so")
                        && !refused.output.contains(host.data + "/functions"), "\(refused)")
            }
        }
    }
}
