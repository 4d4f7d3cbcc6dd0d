import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    /// Commands that take an event, or say what is not there.
    @Suite("Events, ids and folders as arguments", .timeLimit(.minutes(5)))
    struct EventArgumentTests {
        @Test("An event is a file, or one of the log by its id, its record's number or its object")
        func events() async throws {
            let app = try TestApp.faulty()
            try app.edit("sluice.yaml") { $0 + "\nstreams:\n  clicks:\n" }
            try app.write(
                "Events/rules/clicks.yaml",
                """
                stream: clicks
                pattern: {data: {mode: [ok]}}
                targets: [{function: Faulty, retryPolicy: {maximumRetryAttempts: 0}}]

                """)
            try app.write(
                "Events/rules/seen.yaml",
                "pattern: {detail: {bucket: {name: [inbox]}}}\ntargets: [{function: Faulty}]\n")
            try await HostProcess.with(app) { host in
                let id = try await host.put(FaultyRequest("ok"))
                try host.move("x", to: "inbox", "a.txt")
                let put = try await host.sluice("streams", "put", "clicks", "--key", "k", "--text", #"{"mode":"ok"}"#)
                let number = try #require(put.output.split(separator: " ").last).trimmingCharacters(in: .newlines)
                try await host.settled()

                #expect(try await host.sluice("rules", "why", "faulty", id).output.hasPrefix("matches  faulty"))
                #expect(try await host.sluice("rules", "test", id).output.contains("matches  faulty"))
                #expect(try await host.sluice("rules", "test", "--event", id).output.contains("matches  faulty"))
                #expect(try await host.sluice("rules", "input", id).output.contains("\"mode\": \"ok\""))
                #expect(try await host.sluice("rules", "why", "seen", "inbox/a.txt").output.hasPrefix("matches  seen"))
                // Of a record its filter document is looked at, on its stream.
                #expect(try await host.sluice("rules", "test", number).output.contains("matches  clicks"))
                #expect(try await host.sluice("rules", "why", "clicks", number).output.hasPrefix("matches  clicks"))
                #expect(try await host.sluice("rules", "input", number).output.hasPrefix("clicks  target Faulty"))
                let shown = try await host.sluice("streams", "get", "clicks")
                #expect(shown.output.contains("0:\(number)  k  "), "\(shown)")
                let json = try await host.sluice("streams", "get", "clicks", "--json").output.objects
                #expect(json.first?["text"] as? String == #"{"mode":"ok"}"# && json.first?["data"] is String)
                #expect(try await host.sluice("status").output.contains("ITERATOR AGE"))
                let status = try await host.sluice("status", "--json").output.objects
                #expect((status.first?["streams"] as? [[String: Any]])?.first?["name"] as? String == "clicks")
                let nothing = try await host.sluice("rules", "why", "faulty", "nowhere.json", code: 1)
                #expect(nothing.errors.contains("there is no file nowhere.json, and there is no event"), "\(nothing)")
            }
        }

        @Test("invoke takes an event of the log; with --dry-run nothing of what the function does counts")
        func invoke() async throws {
            try await HostProcess.with(.faulty()) { host in
                let letter = try #require(
                    try await host.outcome(FaultyRequest("put", bucket: "secret", key: "x")).letter)
                try host.app.edit("Functions/Faulty/function.yaml") {
                    $0.replacing("write: [outbox]", with: "write: [outbox, secret]")
                }
                #expect(try await host.client.deploy(DeployRequest(app: host.app.folder)).accepted)
                let event = letter.summary.eventID
                let dry = try await host.sluice("invoke", "Faulty", event, "--dry-run")
                #expect(dry.errors.contains("would put secret/x") && host.keys("secret") == [], "\(dry)")
                let done = try await host.sluice("invoke", "Faulty", event)
                #expect(done.errors.contains("put secret/x") && host.keys("secret") == ["x"], "\(done)")
                let twice = try await host.sluice("invoke", "Faulty", event, "--event", event, code: 2)
                #expect(twice.errors.contains("one event"))
                let help = try await run(TestApp.sluice, ["invoke", "--help"]).output
                #expect(help.contains("What it does counts"))
            }
        }

        @Test("Ids, codes and names that are not there are errors, and leave no trace")
        func nothing() async throws {
            try await HostProcess.with(.faulty()) { host in
                _ = try await host.outcome(FaultyRequest("throw"))
                let letter = try #require(try await host.deadLetters().first)
                for arguments in [
                    ["purge", "99"], ["purge", "99", "--dry-run"], ["purge", "--code", "Nope"], ["redrive", "99"],
                    ["redrive", "--code", "Nope"], ["redrive", "--function", "Nope", "--dry-run"],
                    ["list", "--function", "Nope"], ["list", "--letters", "--function", "Nope"],
                ] {
                    let result = try await run(TestApp.sluice, ["dlq"] + arguments + ["--data", host.data])
                    #expect(
                        result.ending == .exited(1) && result.errors.hasPrefix("error: "), "\(arguments): \(result)")
                }
                let code = try await host.sluice("dlq", "redrive", "--code", "\(letter.code)x", code: 1)
                #expect(code.errors.contains("did you mean `\(letter.code)`?"), "\(code)")
                #expect(try await host.sluice("dlq", "jobs").output == "nothing was redriven yet\n")
                let plan = try await host.sluice("dlq", "purge", "\(letter.id)", "--dry-run")
                #expect(plan.output.contains("dry run: 1 dead letter would be given up"), "\(plan)")
                #expect(try await host.deadLetters().map(\.id) == [letter.id])
            }
        }

        @Test("An edit that is refused is kept; a dry run checks it; a record's data is edited as what it is")
        func edits() async throws {
            let app = try TestApp.faulty()
            try app.edit("sluice.yaml") { $0 + "\nstreams:\n  clicks:\n" }
            try app.write(
                "Events/rules/clicks.yaml",
                "stream: clicks\ntargets: [{function: Faulty, retryPolicy: {maximumRetryAttempts: 0}}]\n")
            try await HostProcess.with(app) { host in
                let letter = try #require(try await host.outcome(FaultyRequest("throw")).letter).summary.id
                func edit(_ id: Int64, _ editor: String, _ arguments: String...) async throws -> ProgramResult {
                    let folder = temporaryFolder("editor")
                    defer { try? FileManager.default.removeItem(atPath: folder) }
                    let script = "\(folder)/editor.sh"
                    try Data("#!/bin/sh\n\(editor)\n".utf8).write(to: URL(filePath: script))
                    #expect(chmod(script, 0o755) == 0)
                    return try await run(
                        TestApp.sluice, ["dlq", "redrive", "\(id)", "--edit", "--data", host.data] + arguments,
                        environment: ["EDITOR": script, "VISUAL": ""])
                }
                func kept(_ result: ProgramResult) -> String {
                    let words = result.errors.split(whereSeparator: \.isWhitespace)
                    return words.firstIndex(of: "--edit-with").map { String(words[$0 + 1]) } ?? ""
                }
                let broken = try await edit(letter, #"echo '{"my work":' > "$1""#)
                #expect(broken.ending == .exited(1) && text(of: kept(broken)).contains("my work"), "\(broken)")
                let poor = try await edit(letter, #"sed -i '/"source"/d' "$1""#)
                #expect(poor.errors.contains("source") && !poor.errors.contains("DecodingError"), "\(poor)")
                #expect(!poor.errors.contains("codingPath") && text(of: kept(poor)).contains("detail-type"), "\(poor)")
                let failing = try await edit(letter, "exit 3")
                #expect(failing.errors.contains("the editor `") && failing.errors.contains("$EDITOR"), "\(failing)")
                for path in [kept(broken), kept(poor)] { try? FileManager.default.removeItem(atPath: path) }
                let plan = try await edit(letter, #"sed -i 's/"throw"/"ok"/' "$1""#, "--dry-run")
                #expect(plan.ending == .exited(0) && plan.output.contains(#""mode": "ok""#), "\(plan)")
                #expect(try await host.deadLetters().map(\.id) == [letter])

                _ = try await host.sluice("streams", "put", "clicks", "--key", "k", "--text", #"{"mode":"throw"}"#)
                let record = try await host.wait(for: "the record's dead letter") {
                    try await host.deadLetters().first { $0.id != letter }
                }
                let told = try await edit(
                    record.id, #"grep -q '"dataJSON": {' "$1" || exit 1; sed -i 's/throw/ok/' "$1""#)
                let detail = try await host.client.deadLetter(id: record.id)
                let sent = try #require(detail.edits?.last?.payload.text, "\(told)")
                #expect(sent.contains(Data(#"{"mode":"ok"}"#.utf8).base64EncodedString()), "\(sent)")
            }
        }

        @Test("A folder that is no data folder, no host to deploy to, no app and a port that is taken are told at once")
        func folders() async throws {
            let folder = CommandFolder()
            defer { folder.remove() }
            let host = HostProcess(try .faulty(), data: folder.file("data"))
            let wrong = try await run(TestApp.sluice, ["status", "--data", folder.path])
            #expect(
                wrong.errors.contains("is no data folder") && wrong.errors.contains("--data \(folder.path)/data?"),
                "\(wrong)")
            let early = try await run(
                TestApp.sluice, ["deploy", "--build", "--app", host.app.folder, "--data", host.data])
            #expect(early.ending == .exited(1) && early.errors.contains("no host is running on"), "\(early)")
            let port = try HookServer()
            defer { port.stop() }
            let taken = HostProcess(
                host.app, data: folder.file("never"), arguments: ["--listen", "127.0.0.1:\(port.port)"])
            #expect(try await taken.startUntilReadyOrEnd() == false)
            #expect(
                taken.logText.contains("cannot listen on 127.0.0.1:\(port.port)")
                    && !taken.logText.contains("api.sock"),
                "\(taken.logText)")
            for (words, meant) in [(["sttus"], "sluice status"), (["rules", "lst"], "sluice rules list")] {
                let unknown = try await run(TestApp.sluice, words)
                #expect(
                    unknown.ending == .exited(2) && unknown.errors.contains("did you mean `\(meant)`?"), "\(unknown)")
            }
            let bare = HostProcess(
                host.app, data: folder.file("bare"),
                command: ["/bin/sh", "-c", #"cd "\#(folder.path)" && exec "\#(TestApp.sluice)" up --data "$3""#, "sh"])
            do {
                try await bare.start()
                #expect(bare.logText.contains("warning: no app is in force"), "\(bare.logText)")
                let locked = try await run(TestApp.sluice, ["up", "--data", folder.file("bare")])
                #expect(locked.ending == .exited(1) && !locked.errors.contains("(locked"), "\(locked)")
            } catch {
                await bare.remove()
                throw error
            }
            await bare.remove()
            await host.remove()
        }
    }
}
