import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    /// What commands look like in a terminal that is not wide.
    @Suite("In a terminal", .timeLimit(.minutes(5)))
    struct TerminalTests {
        /// What a command shows in a terminal of so many columns, without colours.
        private func shown(_ columns: Int, _ host: HostProcess, _ arguments: [String]) async throws -> [Substring] {
            let words = ([TestApp.sluice] + arguments + ["--data", host.data]).map { "'\($0)'" }.joined(separator: " ")
            let result = try await run(
                "/usr/bin/script", ["-qec", "stty cols \(columns); NO_COLOR=1 \(words)", "/dev/null"])
            #expect(result.ending == .exited(0), "\(arguments): \(result)")
            return result.output.replacing("\r\n", with: "\n").split(separator: "\n")
        }

        @Test("A command that goes on ends when nobody reads it any more", .timeLimit(.minutes(1)))
        func closedPipe() async throws {
            try await HostProcess.with(try TestApp.faulty()) { host in
                let command = "'\(TestApp.sluice)' status --watch --data '\(host.data)' | head -n 1"
                let result = try await run("/bin/bash", ["-c", "\(command); echo ${PIPESTATUS[0]}"])
                #expect(result.output.split(separator: "\n").last == "141", "\(result)")
            }
        }

        @Test(
            "A trace fits the terminal: names are shortened in the middle, messages go on below; elsewhere all is told")
        func trace() async throws {
            try await HostProcess.with(.shipped()) { host in
                let object = "landing-zone/shop/orders/monday.csv"
                try host.move("id,a\n1,x\n2\n", to: "landing-zone", "shop/orders/monday.csv")
                let dead = try await host.sluice("trace", "--wait", object).output
                #expect(dead.contains("dead  sluice dlq show 1 --data \(host.data)\n"), "\(dead)")
                try host.move("id,a\n1,x\n", to: "landing-zone", "shop/orders/tuesday.csv")
                let other = "landing-zone/shop/orders/tuesday.csv"
                let told = try await host.sluice("trace", "--wait", other).output
                let file = try #require(
                    told.matches(of: /put (clean-zone\S+[0-9a-f]{32}\.parquet) {2}\d+ B {2}event \S+/).first)
                #expect(told.contains("settled") && !told.contains(" bytes"), "\(told)")
                for width in [60, 80, 120] {
                    for (name, words) in [(object, "MalformedRow: "), (other, "register shop.orders  clean-zone/")] {
                        let lines = try await shown(width, host, ["trace", name])
                        #expect(lines.contains { $0.contains(words) }, "\(lines)")
                        // A command that is to be copied is in one piece, however long its folder is.
                        let rest = lines.filter { !$0.contains("--data") }
                        #expect(rest.count >= lines.count - 1 && rest.allSatisfy { $0.count <= width }, "\(lines)")
                    }
                }
                #expect(try await shown(60, host, ["trace", other]).contains { $0.contains("….parquet") }, "\(file.1)")
                // A newer version is what is waited for, and the older one is told of.
                try host.move("id,a\n1,x\n2,y\n", to: "landing-zone", "shop/orders/monday.csv")
                let whole = try await host.sluice("trace", "--wait", object).output
                #expect(whole.contains("settled") && whole.contains("2 rows"), "\(whole)")
                #expect(
                    whole.contains("\n1 older event of this object: sluice events list --object \(object) "), "\(whole)"
                )
                // What is paused waits for somebody: it is said for whom, and nobody waits here.
                try await host.sluice("rules", "pause", "csv-landed")
                try host.move("id,a\n1,x\n", to: "landing-zone", "shop/orders/wednesday.csv")
                let paused = try await host.sluice("trace", "--wait", "landing-zone/shop/orders/wednesday.csv").output
                #expect(
                    paused.contains("waiting: paused by hand  sluice rules resume csv-landed --data \(host.data)"),
                    "\(paused)")
                try await host.sluice("rules", "resume", "csv-landed")
                let none = try await host.sluice(
                    ["trace", "--wait", "--timeout", "0.2", "landing-zone/none.csv"], code: 1)
                #expect(none.errors.contains("there is no object `landing-zone/none.csv`"), "\(none)")
                try await host.settled()
            }
        }

        @Test("Tables fit 80 and 100 columns: texts are cut, ids and numbers never; elsewhere nothing is cut")
        func tables() async throws {
            let app = try TestApp.faulty()
            let long = "a-rule-with-quite-a-long-name-for-what-it-does"
            try app.write(
                "Events/rules/long.yaml",
                """
                name: \(long)
                pattern: {source: [test.long]}
                targets:
                  - {id: first-of-two, function: Faulty, retryPolicy: {maximumRetryAttempts: 0}}
                  - {id: second-of-two, function: Faulty, retryPolicy: {maximumRetryAttempts: 0}}

                """)
            try await HostProcess.with(app) { host in
                let detail = try RawJSON(#"{"mode":"no such mode, and a message of some length"}"#)
                for _ in 0..<2 {
                    _ = try await host.client.putEvents(
                        EventSubmission(entries: [EventEntry(source: "test.long", detailType: "Long", detail: detail)]))
                }
                try await host.settled()
                let letters = try await host.deadLetters()
                #expect(letters.count == 4)
                let event = try #require(letters.first?.eventID)
                for width in [80, 100] {
                    for arguments in [
                        ["dlq", "list"], ["dlq", "list", "--letters"], ["rules", "list"], ["events", "list"],
                        ["invocations", "list"], ["functions", "list"],
                    ] {
                        let lines = try await shown(width, host, arguments)
                        // The hints below a table are no part of it.
                        let table = lines.prefix { !$0.hasPrefix("see ") }
                        #expect(table.count > 1 && table.allSatisfy { $0.count <= width }, "\(width): \(lines)")
                    }
                    let status = try await shown(width, host, ["status"])
                    #expect(status.drop { $0 != "Functions" }.allSatisfy { $0.count <= width }, "\(status)")
                    let events = try await shown(width, host, ["events", "list"])
                    #expect(events.contains { $0.contains(event) } && events[0].hasPrefix("TIME"), "\(events)")
                    #expect(events.contains { $0.contains("Z  \(event)") }, "no time with its zone: \(events)")
                }
                // The one thing that dead letters are looked at for is there as a whole, below its row.
                let message = try #require(letters.first?.message.split(separator: "\n").first)
                let said = try await shown(80, host, ["dlq", "list"]).map { $0.drop { $0 == " " } }
                #expect(said.joined(separator: " ").contains(message), "\(message): \(said)")
                for arguments in [["dlq", "list"], ["dlq", "list", "--letters"]] {
                    let lines = try await shown(80, host, arguments)
                    #expect(lines.allSatisfy { !$0.contains("……") }, "\(lines)")
                    #expect(lines[0].contains("LAST") || lines[0].contains("CODE"), "\(lines)")
                }
                // A function is named by its name alone: what is asked for is of all rules that have it.
                for arguments in [
                    ["logs"], ["invocations", "list", "--function"], ["dlq", "purge", "--function"],
                ] {
                    let result = try await run(
                        TestApp.sluice, arguments + ["\(long)/first-of-two", "--data", host.data])
                    #expect(result.ending == .exited(1), "\(arguments): \(result)")
                    #expect(result.errors.contains("is a target that runs the function"), "\(arguments): \(result)")
                }
                // What is nice to have goes before a row needs a second line.
                let narrow = try await shown(48, host, ["status"]).drop { $0 != "Subscriptions" }.dropFirst().prefix(4)
                #expect(
                    narrow.first?.hasPrefix("RULE") == true && narrow.allSatisfy { !$0.hasPrefix(" ") }, "\(narrow)")
                let watch = "'\(TestApp.sluice)' status --watch --data '\(host.data)'"
                let frames = try await run(
                    "/usr/bin/script",
                    ["-qec", "stty cols 80 rows 12; NO_COLOR=1 timeout 5 \(watch); true", "/dev/null"]
                ).output.replacing("\r\n", with: "\n").split(separator: "\u{1B}[H\u{1B}[J")
                let picture = try #require(frames.first).split(separator: "\n", omittingEmptySubsequences: false)
                #expect(picture.count <= 12 && picture.allSatisfy { $0.count <= 80 }, "\(picture)")
                #expect(picture.contains { $0.hasPrefix("… ") && $0.hasSuffix(" more lines") }, "\(picture)")
                let whole = try await run(TestApp.sluice, ["rules", "list", "--data", host.data]).output
                #expect(whole.contains(long) && whole.contains("first-of-two → Faulty, second-of-two → Faulty"))
                #expect(whole.contains("Events/rules/long.yaml"))
                let pages = try await run(TestApp.sluice, ["logs", "--data", host.data]).output
                #expect(pages.split(separator: "\n").allSatisfy { $0.split(separator: " ")[0].hasSuffix("Z") })
            }
        }
    }
}
