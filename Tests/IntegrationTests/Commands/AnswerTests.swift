import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    /// What commands say of targets that are no functions, of files that are no objects, of what is over.
    @Suite("Answers of commands", .timeLimit(.minutes(5)))
    struct AnswerTests {
        private func app() throws -> TestApp {
            let app = try TestApp.faulty()
            try app.write(
                "Events/rules/say.yaml",
                """
                name: say
                pattern: {source: [test.say], $or: [{detail: {a: [1], b: [2]}}, {detail: {a: [3], b: [4], c: [5]}}]}
                targets:
                  - {command: [/bin/echo, said]}
                  - {id: failing, command: [/bin/false], retryPolicy: {maximumRetryAttempts: 0}}

                """)
            try app.write(
                "Events/rules/often.yaml", "schedule: rate(5 minutes)\ntargets: [{command: [/bin/echo, often]}]\n")
            try app.write(
                "Events/alarms/orders-of-the-web-shop-have-not-arrived.yaml",
                "expectedFile: {bucket: inbox, key: [{prefix: shop/orders/}], by: cron(0 6 ? * MON-FRI *)}\n")
            return app
        }

        /// What a command says, errors included.
        private func say(
            _ host: HostProcess, _ arguments: String..., code: Int32 = 0,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> String {
            let result = try await host.sluice(arguments, code: code, sourceLocation: sourceLocation)
            return result.output + result.errors
        }

        @Test("Commands are called as their rules call them; groups are found by the beginning of a fingerprint")
        func commands() async throws {
            try await HostProcess.with(try app()) { host in
                _ = try await say(
                    host, "events", "put", "--source", "test.say", "--detail-type", "Say", "--detail",
                    #"{"a": 1, "b": 2}"#)
                try await host.settled()
                let letter = try #require(try await host.deadLetters().first)
                #expect(letter.function == "command:say:failing")
                for arguments in [
                    ["status"], ["dlq", "list"], ["dlq", "list", "--letters"], ["invocations", "list"],
                    ["logs", "say/command"],
                    ["rules", "list"], ["trace", letter.eventID], ["dlq", "show", "\(letter.id)"],
                ] {
                    let said = try await run(TestApp.sluice, arguments + ["--data", host.data]).output
                    // The folder may be named before the command too; nobody else's host is asked then.
                    #expect(try await run(TestApp.sluice, ["--data", host.data] + arguments).ending == .exited(0))
                    #expect(
                        !said.contains("command:") && (said.contains("command") || said.contains("say/failing")),
                        "\(arguments): \(said)")
                }
                #expect(try await say(host, "trace", letter.eventID).contains("say → failing (command)"))
                for filter in [
                    ["--function", "say/failing"], ["--function", letter.function],
                    ["--fingerprint", String(letter.fingerprint.prefix(5))],
                ] {
                    let found = try await run(TestApp.sluice, ["dlq", "list"] + filter + ["--data", host.data])
                    #expect(found.output.contains("say/failing"), "\(filter): \(found)")
                }
                // Either name everywhere, also of what has done nothing yet.
                for name in ["say/command", "command:say:command"] {
                    #expect(try await say(host, "dlq", "list", "--function", name).contains("no dead letters"))
                    #expect(try await say(host, "invocations", "list", "--function", name).contains("say/command"))
                }
                for name in ["lifecycle", "catalog"] {
                    #expect(
                        try await say(host, "invocations", "list", "--function", name) == "no invocations\n", "\(name)")
                }
                for command in ["invocations", "dlq"] {
                    let wrong = try await say(host, command, "list", "--function", "say/comand", code: 1)
                    #expect(wrong.contains("did you mean `say/command`?") && !wrong.contains("command:"), "\(wrong)")
                }
                let wrong = try await say(host, "dlq", "list", "--fingerprint", "nothing")
                #expect(wrong.contains("no dead letters like that"), "\(wrong)")
                let logs = try await say(host, "logs", "say/command")
                #expect(logs.contains("said") && !logs.contains("Exit1"), "\(logs)")
                _ = try await say(host, "dlq", "redrive", "--function", "say/failing", code: 1)
                let shown = try await say(host, "dlq", "show", "\(letter.id)")
                let places = [
                    "Attempt 2, the last", "Attempt 1, before the last redrive", "same as attempt 2",
                ]
                .map { shown.range(of: $0)?.lowerBound }
                #expect(
                    !places.contains(nil) && places.compactMap(\.self) == places.compactMap(\.self).sorted(), "\(shown)"
                )
            }
        }

        @Test("Every failing field is told, and the nearest alternative of $or; a folder's rules need no host")
        func why() async throws {
            let app = try app()
            let event = "\(app.folder)/event.json"
            try app.write("event.json", #"{"source":"test.say","detail":{"a":3,"b":2,"c":6}}"#)
            let said = try await run(TestApp.sluice, ["rules", "why", "say", event, "--app", app.folder])
            #expect(said.ending == .exited(0), "\(said)")
            // Of both alternatives two fields of three pass, and two of four.
            #expect(
                said.output.contains("2 of 3 fields pass in the nearest alternative of its $or, number 1 of 2"),
                "\(said)")
            let json = try #require(
                try await run(TestApp.sluice, ["rules", "why", "say", event, "--app", app.folder, "--json"]).output
                    .objects.first)
            #expect((json["failures"] as? [Any])?.count == 1 && json["branch"] as? Int == 1, "\(json)")
            let none = try await run(TestApp.sluice, ["rules", "why", "say", event, "--data", app.folder + "/none"])
            #expect(none.ending == .exited(1) && none.errors.contains("--app DIR"), "\(none)")
            let wrong = try await run(TestApp.sluice, ["rules", "why", "sya", event, "--app", app.folder])
            #expect(wrong.ending == .exited(1) && wrong.errors.contains("did you mean `say`?"), "\(wrong)")
        }

        @Test(
            "Trying the rules of a folder tells which of them a deployment would refuse for their cost, or never match")
        func warnings() async throws {
            let app = try app()
            let fields = (0..<8).map { "f\($0): [{wildcard: '*a*b*'}]" }.joined(separator: ", ")
            try app.write(
                "Events/rules/costly.yaml",
                """
                - name: costly
                  pattern: {detail: {\(fields)}}
                  targets: [{function: Faulty}]
                - name: nowhere
                  pattern: {detials: {a: [1]}}
                  targets: [{function: Faulty}]
                """)
            try app.write("event.json", #"{"source":"test.say","detail":{}}"#)
            let told = try await run(
                TestApp.sluice, ["rules", "test", "\(app.folder)/event.json", "--app", app.folder])
            #expect(told.ending == .exited(0), "\(told)")
            #expect(
                told.output.contains("warning: rule costly is refused by deploy, unless it is in force as it is:"),
                "\(told)")
            #expect(told.output.contains("warning: rule nowhere can never match:"), "\(told)")
            #expect(told.output.components(separatedBy: "warning:").count == 3, "\(told)")
            let json = try await run(
                TestApp.sluice, ["rules", "test", "\(app.folder)/event.json", "--app", app.folder, "--json"])
            let said = Self.warnings(json.output, name: "rule")
            #expect(said["costly"]?.first?.hasPrefix("rule costly is refused by deploy") == true, "\(json)")
            #expect(said["nowhere"]?.first?.hasPrefix("rule nowhere can never match") == true, "\(json)")
            #expect(said["say"] == [] && said["faulty"] == [], "\(json)")
            // A rule is tried before it is deployed, too, in the same words for programs.
            try await HostProcess.with(try self.app()) { host in
                let file = "\(app.folder)/Events/rules/costly.yaml"
                let summaries = Self.warnings(
                    try await host.sluice("rules", "backtest", file, "--json").output, name: "rule")
                #expect(summaries["costly"]?.first?.hasPrefix("a deployment would refuse costly") == true)
                #expect(summaries["nowhere"]?.first?.hasPrefix("nowhere can never match") == true)
            }
        }

        /// What is said of each rule in lines of JSON.
        private static func warnings(_ output: String, name: String) -> [String: [String]] {
            var result: [String: [String]] = [:]
            for object in output.objects {
                guard let rule = object[name] as? String else { continue }
                result[rule] = object["warnings"] as? [String] ?? []
            }
            return result
        }

        @Test("rules list tells which rules in force a deployment would refuse for their cost if they were changed")
        func costOfDeployed() async throws {
            let app = try app()
            func write(_ pattern: String) throws {
                try app.write(
                    "Events/rules/costly.yaml", "name: costly\npattern: \(pattern)\ntargets: [{function: Faulty}]\n")
            }
            let cheap = #"{"detail":{"f":["of an earlier version"]}}"#
            let fields = (0..<8).map { #""f\#($0)":[{"wildcard":"*a*b*"}]"# }.joined(separator: ",")
            let costly = "{\"detail\":{\(fields)}}"
            try write(cheap)
            let host = HostProcess(app)
            try await host.start()
            #expect(try await host.sluice("rules", "list", "--json").output.contains("\"warnings\"") == false)
            #expect(await host.end() == .exited(0))
            // As if a version with a larger budget had deployed it.
            let script = """
                import json, sqlite3, sys
                db = sqlite3.connect(sys.argv[1])
                old, new = (json.dumps(text, separators=(",", ":"))[1:-1].encode() for text in sys.argv[2:])
                for key, body in db.execute("select rule_set, body from deployment").fetchall():
                    assert old in body
                    db.execute("update deployment set body = ? where rule_set = ?", (body.replace(old, new), key))
                db.commit()
                """
            _ = try await ParquetReaders.lines(["-c", script, host.data + "/journal/journal.sqlite", cheap, costly])
            try write(costly)
            try await host.start()
            let listed = try await host.sluice("rules", "list").output
            let sentence =
                "rule costly costs more than a rule may today; once its pattern, name or bus is changed, deploy "
            #expect(listed.contains("warning: \(sentence)refuses it: Rule is too complex"), "\(listed)")
            let said = Self.warnings(try await host.sluice("rules", "list", "--json").output, name: "name")
            #expect(said["costly"]?.first?.hasPrefix(sentence) == true && said["say"] == [], "\(said)")
            #expect(try await host.sluice("rules", "show", "costly").output.contains("warning: \(sentence)"))
            await host.remove()
        }

        @Test("Commands that hints name have the data folder that was given; a command that there is not is named")
        func hints() async throws {
            try await HostProcess.with(try app()) { host in
                for arguments in [
                    ["dlq", "show", "99"], ["trace", "nope"], ["events", "show", "nope"],
                    ["buckets", "trigger", "nope"],
                    ["dlq", "redrive", "99"], ["replay", "show", "nope"],
                ] {
                    let refused = try await host.sluice(arguments, code: 1)
                    let hinted = refused.errors.matches(of: /`(sluice [^`]*)`/).map { String($0.1) }
                    #expect(!hinted.isEmpty && hinted.allSatisfy { $0.hasSuffix(" --data \(host.data)") }, "\(refused)")
                }
            }
            for arguments in [["stat"], ["help", "stat"], ["help", "rules", "lst"], ["rules", "lst"]] {
                let refused = try await run(TestApp.sluice, arguments)
                #expect(refused.ending == .exited(2), "\(refused)")
                #expect(
                    refused.errors.hasPrefix(
                        "error: there is no command `\(arguments.drop { $0 == "help" }.joined(separator: " "))`")
                        && refused.errors.contains("did you mean"), "\(refused)")
            }
            #expect(try await run(TestApp.sluice, ["help", "rules"]).ending == .exited(0))
        }

        @Test("Why a file is no object; what was not paused; a rule that there is not; what an invocation came to")
        func sayings() async throws {
            try await HostProcess.with(try app()) { host in
                let bucket = try #require(try await host.client.listBuckets().first)
                func trace(_ name: String) async throws -> String { try await say(host, "trace", name, code: 1) }
                try "x".write(toFile: "\(bucket.path)/a.tmp", atomically: false, encoding: .utf8)
                #expect(try await trace("\(bucket.name)/a.tmp").contains("whose name the bucket ignores"))
                #expect(try await trace("\(bucket.path)/a.tmp").contains("whose name the bucket ignores"))
                #expect(
                    try await trace("\(bucket.name)/none").contains("there is no object `\(bucket.name)/none`, and no"))
                #expect(try await trace("\(bucket.name)x/none").contains("did you mean `\(bucket.name)`?"))
                #expect(try await trace(host.app.folder).contains("in none of the host's buckets"))
                #expect(try await trace("\(host.app.folder)/none/x").contains("in none of the host's buckets"))
                // Of a file that is gone the path still tells the bucket, through whatever folders it is given.
                for path in [
                    "\(bucket.path)/gone/a.csv", "\(bucket.path)/./x/../gone/a.csv",
                    "../../../../../../../../../../../..\(bucket.path)/gone/a.csv",
                ] {
                    let gone = try await trace(path)
                    #expect(gone.contains("there is no object `\(bucket.name)/gone/a.csv`"), "\(gone)")
                }
                let open = try #require(FileHandle(forWritingAtPath: "\(bucket.path)/a.tmp"))
                try FileManager.default.moveItem(atPath: "\(bucket.path)/a.tmp", toPath: "\(bucket.path)/b")
                let written = try await trace("\(bucket.name)/b")
                #expect(written.contains("is still being written"), "\(written)")
                try open.close()
                #expect(try await say(host, "rules", "resume", "say").contains("say/failing  was not paused"))
                _ = try await say(host, "rules", "pause", "say", "--target", "failing")
                #expect(try await say(host, "rules", "show", "say").contains(/state +paused/))
                let resumed = try await say(host, "rules", "resume", "say")
                #expect(resumed.contains("say/failing  deliveries go on"), "\(resumed)")
                #expect(resumed.contains("say/command  was not paused"), "\(resumed)")
                let replay = try await say(host, "replay", "start", "--from", "1h", "--rule", "sya", code: 1)
                #expect(replay.contains("did you mean `say`?"), "\(replay)")
                let schedules = try await run(
                    "/usr/bin/script",
                    [
                        "-qec",
                        "stty cols 80; NO_COLOR=1 '\(TestApp.sluice)' schedules list --data '\(host.data)'",
                        "/dev/null",
                    ]
                ).output.replacing("\r\n", with: "\n").split(separator: "\n")
                // An alarm's name and what it watches are wanted as a whole; when it changed is not.
                let alarm = try #require(try await host.client.listAlarms().first)
                let alarms = try await run(
                    "/usr/bin/script",
                    [
                        "-qec", "stty cols 80; NO_COLOR=1 '\(TestApp.sluice)' alarms list --data '\(host.data)'",
                        "/dev/null",
                    ]
                ).output.replacing("\r\n", with: "\n")
                #expect(alarms.contains(alarm.name + " ") && alarms.contains(alarm.condition), "\(alarms)")
                let next = try await host.client.listSchedules(count: 3).flatMap(\.next).map { "\($0)".prefix(16) }
                #expect(next.count == 3 && schedules.allSatisfy { $0.count <= 80 }, "\(schedules)")
                #expect(next.allSatisfy { time in schedules.contains { $0.contains(time) } }, "\(schedules)")
            }
        }

        @Test("A replay that is over has no subscriptions in status any more; a clean stop is told")
        func over() async throws {
            let host = HostProcess(try app())
            try await host.start()
            _ = try await say(
                host, "events", "put", "--source", "test.say", "--detail-type", "Say", "--detail", #"{"a": 1, "b": 2}"#)
            try await host.settled()
            _ = try await say(host, "replay", "start", "again", "--from", "1h", "--rule", "say", code: 1)
            try await host.settled()
            let status = try await say(host, "status")
            #expect(!status.contains("replay/again"), "\(status)")
            #expect(
                status.contains("replay: again  COMPLETED") && status.contains("1 of 2 deliveries dead"), "\(status)")
            await host.end()
            let script = """
                exec 3< <(exec '\(TestApp.sluice)' up --data '\(host.data)')
                host=$!
                read -r first <&3
                kill $host
                cat <&3
                """
            let stopped = try await run("/bin/bash", ["-c", script]).output
            #expect(stopped.hasPrefix("stopped pid=") && stopped.contains("data=\(host.data)\n"), "\(stopped)")
            await host.remove()
        }
    }
}
