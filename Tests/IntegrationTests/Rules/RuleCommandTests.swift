import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    /// `sluice rules …` as a user types it, against a host.
    @Suite("Rule commands", .timeLimit(.minutes(5)))
    struct RuleCommandTests {
        private static let rules = """
            - name: orders
              pattern: {source: [test.orders], detail: {state: [open], total: [{numeric: [">", 100]}]}}
              targets: [{function: Faulty}]
            - name: accounts
              pattern: {source: [test.orders], account: [123456789012]}
              targets: [{function: Faulty}]
            - name: nowhere
              pattern: {detials: {state: [open]}}
              targets: [{function: Faulty}]
            - name: scalars
              pattern: {source: [test.scalars], detail: {code: [no, 012, 1e3]}}
              targets: [{function: Faulty}]
            - name: elsewhere
              bus: other
              pattern: {source: [test.orders]}
              targets: [{function: Faulty}]
            - name: zoned
              bus: other
              pattern: {source: [test.orders], time: [{time-of-day: [">=", "22:00", zone, Europe/Berlin]}]}
              targets: [{function: Faulty}]
            """

        private static func envelope(_ source: String, _ detail: String) -> String {
            #"{"version":"0","id":"1","detail-type":"Order","source":""# + source
                + #"","account":"123456789012","time":"2026-11-21T00:00:00Z","region":"local","resources":[],"detail":"#
                + detail + "}"
        }

        /// A host with the rules, and the means to ask about them.
        private struct Desk {
            let host: HostProcess

            func sluice(_ arguments: String...) async throws -> ProgramResult {
                try await run(TestApp.sluice, ["rules"] + arguments + ["--data", host.data])
            }

            /// What a command prints that succeeds.
            func output(_ arguments: String...) async throws -> String {
                let result = try await run(TestApp.sluice, ["rules"] + arguments + ["--data", host.data])
                #expect(result.ending == .exited(0), "\(arguments): \(result.errors)")
                return result.output
            }

            /// What a command says that fails.
            func refusal(_ arguments: String...) async throws -> String {
                let result = try await run(TestApp.sluice, ["rules"] + arguments + ["--data", host.data])
                #expect(result.ending == .exited(1), "\(arguments): \(result.output)")
                #expect(result.output.isEmpty && result.errors.hasPrefix("error: "), "\(result)")
                return result.errors
            }

            func file(_ name: String, _ text: String) throws -> String {
                try host.app.write("files/\(name)", text)
                return "\(host.app.folder)/files/\(name)"
            }
        }

        @Test("They explain and warn, suggest what may be meant, and refuse bad input in words")
        func commands() async throws {
            let app = try TestApp.faulty()
            try app.write("Events/rules/commands.yaml", Self.rules)
            try app.edit("sluice.yaml") { $0 + "\nbuses:\n  other:\n" }
            try await HostProcess.with(app) { host in
                let desk = Desk(host: host)
                try await explains(desk)
                try await backtests(desk)
                try await suggests(desk)
                try await refuses(desk)
            }
        }

        private func explains(_ desk: Desk) async throws {
            let order = try desk.file("order.json", Self.envelope("test.orders", #"{"state":"open","total":50}"#))
            let list = try await desk.output("list")
            #expect(list.contains("warning: rule nowhere can never match: events have no field \"detials\""), "\(list)")
            #expect(
                list.contains("rule accounts can never match: \"account\" is always a string, which 123456789012 does"))
            #expect(list.components(separatedBy: "can never match").count == 3)

            // An event that matched nothing: the nearest rules, the nearest first, each with its first failing field.
            let why = try await desk.output("why", order)
            let orders = try #require(why.range(of: "no       orders  (2 of 3 fields pass)"), "\(why)")
            let accounts = try #require(why.range(of: "no       accounts  (1 of 2 fields pass)"), "\(why)")
            #expect(orders.lowerBound < accounts.lowerBound)
            #expect(why.contains("detail.total") && why.contains(#"{"numeric":[">",100]}"#) && why.contains("50"))
            #expect(!why.contains("nowhere") && !why.contains("elsewhere"))
            #expect(try await desk.output("why", "orders", order).contains("found     50"))
            let json = try await desk.output("why", "orders", order, "--json")
            #expect(json.contains(#""path":"detail.total""#) && json.contains(#""matches":false"#), "\(json)")

            // A pattern that this command cannot read says nothing of the bus's other rules.
            let zoneless = try await run(
                TestApp.sluice, ["rules", "why", order, "--bus", "other", "--data", desk.host.data],
                environment: ["TZDIR": "/nowhere"])
            #expect(zoneless.ending == .exited(0), "\(zoneless)")
            #expect(zoneless.output.contains("matches  elsewhere"), "\(zoneless)")
            #expect(zoneless.errors.hasPrefix("warning: the pattern of rule zoned cannot be read"), "\(zoneless)")

            // Scalars as YAML 1.2 reads them: a text, and two numbers.
            for (value, matches) in [
                ("\"no\"", true), ("12", true), ("1000", true), ("\"012\"", false), ("false", false),
                ("\"1e3\"", false),
            ] {
                let event = try desk.file("scalar.json", Self.envelope("test.scalars", "{\"code\":\(value)}"))
                let verdict = try await desk.output("test", "--event", event)
                #expect(verdict.contains("matches  scalars") == matches, "\(value): \(verdict)")
            }
            let cases = try desk.file(
                "cases.jsonl",
                #"{"pattern":"{\"a\":[1]}","event":"{\"a\":1.0}"}"# + "\nno case\n\n"
                    + #"{"pattern":"{\"a\":[{\"prefixx\":1}]}","event":"{}"}"# + "\n"
                    + #"{"pattern":"{\"a\":[1]}","event":"[]"}"# + "\n")
            let answers = try await desk.output("test", "--cases", cases).split(separator: "\n")
            try #require(answers.count == 4)
            #expect(answers[0] == "true")
            #expect(answers[1].hasPrefix("error\tpattern\tnot a case: "))
            #expect(answers[2] == "error\tpattern\tUnrecognized match type prefixx")
            #expect(answers[3] == "error\tevent\tEvent must be a JSON object")
        }

        private func backtests(_ desk: Desk) async throws {
            for total in [50, 150, 250] {
                let detail = try RawJSON("{\"state\":\"shut\",\"total\":\(total)}")
                let entry = EventEntry(source: "test.orders", detailType: "Order", detail: detail)
                _ = try await desk.host.client.putEvents(EventSubmission(entries: [entry]))
            }
            let draft = try desk.file("draft.yaml", "detail: {total: [{numeric: ['>', 100]}]}")
            #expect(try await desk.output("backtest", draft).contains("would have matched 2 of the last 3 events"))
            #expect(try await desk.output("backtest", draft, "--last", "1").contains("1 of the last 1 events"))
            // Beside the rule of the name that is in force.
            let open = EventEntry(
                source: "test.orders", detailType: "Order", detail: try RawJSON(#"{"state":"open","total":300}"#))
            _ = try await desk.host.client.putEvents(EventSubmission(entries: [open]))
            let changed = try desk.file("changed.yaml", "name: orders\npattern: {detail: {total: [50, 150]}}")
            let compared = try await desk.output("backtest", changed)
            #expect(compared.contains("would have matched 2 of the last 4 events"), "\(compared)")
            #expect(compared.contains("in force it matches 1 of them: 2 would be gained, 1 lost"), "\(compared)")
            let new = try desk.file("new.yaml", "name: brand-new\npattern: {detail: {state: [open]}}")
            #expect(try await desk.output("backtest", new).contains("in force it matches") == false)
            for count in ["-3", "0"] {
                let result = try await desk.sluice("backtest", draft, "--last", count)
                #expect(result.errors.contains("--last must be at least 1"), "\(result)")
            }
        }

        private func suggests(_ desk: Desk) async throws {
            let order = try desk.file("order.json", Self.envelope("test.orders", "{}"))
            for arguments in [["why", "ordres", order], ["input", order, "--rule", "ordres"], ["show", "ordres"]] {
                let result = try await run(TestApp.sluice, ["rules"] + arguments + ["--data", desk.host.data])
                #expect(result.ending == .exited(1), "\(result)")
                #expect(result.errors.contains("there is no rule `ordres`"), "\(result.errors)")
                #expect(result.errors.contains("did you mean `orders`?"), "\(result.errors)")
            }
            #expect(try await desk.refusal("why", "elsewhere", order).contains("it is on bus other: add --bus other"))
            let bus = try await desk.refusal("list", "--bus", "othr")
            #expect(bus.contains("there is no event bus `othr`") && bus.contains("did you mean `other`?"), "\(bus)")
            #expect(
                try await desk.refusal("test", "--event", order, "--bus", "x").contains("there is no event bus `x`"))
        }

        private func refuses(_ desk: Desk) async throws {
            let missing = "\(desk.host.app.folder)/files/missing"
            for arguments in [
                ["why", missing], ["test", "--event", missing], ["test", "--cases", missing], ["backtest", missing],
            ] {
                let result = try await run(TestApp.sluice, ["rules"] + arguments + ["--data", desk.host.data])
                #expect(result.ending == .exited(1) && result.errors.contains("cannot read \(missing)"), "\(result)")
            }
            let array = try desk.file("array.json", "[1]")
            let broken = try desk.file("broken.json", #"{"a":"#)
            for command in ["why", "input"] {
                #expect(try await desk.refusal(command, array).contains("Event must be a JSON object"))
                #expect(try await desk.refusal(command, broken).contains("broken.json is not JSON"))
            }
            func nested(_ depth: Int, _ inner: String) -> String {
                String(repeating: "{\"a\":", count: depth) + inner + String(repeating: "}", count: depth)
            }
            let deep = try desk.file("deep.json", nested(990, "1"))
            #expect(try await desk.output("why", "orders", deep).contains("0 of 3 fields pass"))
            let deeper = try desk.file("deeper.json", nested(100_000, "1"))
            #expect(try await desk.refusal("why", "orders", deeper).contains("more than 1000 nested"))
            #expect(
                try await desk.output("backtest", desk.file("p.json", nested(990, "[\"x\"]")))
                    .contains("would have matched 0"))
            let refused = [
                (nested(1200, "[\"x\"]"), "more than 1000 nested arrays and objects"),
                (#"{"a":[{"prefixx":"b"}]}"#, "Unrecognized match type prefixx"),
                (
                    "{\((0..<12).map { "\"$or\":[{\"a\($0)\":[1]},{\"b\($0)\":[1]}]" }.joined(separator: ","))}",
                    "more than 1000 combinations"
                ),
            ]
            for (pattern, words) in refused {
                let refusal = try await desk.refusal("backtest", desk.file("p.json", pattern))
                #expect(refusal.contains(words), "\(refusal)")
            }
            // What it costs is told: it may be in force all the same.
            let costly = #"{"a":[{"wildcard":"\#(String(repeating: "*a", count: 200))"}]}"#
            let tried = try await desk.output("backtest", desk.file("p.json", costly))
            #expect(tried.contains("would have matched 0"), "\(tried)")
            #expect(tried.contains("p.json if it is new or changed: Rule is too complex"), "\(tried)")
            // Ten million characters are compared like any others.
            let long = String(repeating: "a", count: 10_000_000)
            let large = try desk.file("large.json", Self.envelope("test.orders", "{\"state\":\"\(long)\"}"))
            #expect(try await desk.output("why", "orders", large).contains("1 of 3 fields pass"))
            // Of many values some are shown, and how many more there are.
            let states = (1...12).map { "\"s\($0)\"" }.joined(separator: ",")
            let many = try desk.file("many.json", Self.envelope("test.orders", "{\"state\":[\(states)]}"))
            #expect(try await desk.output("why", "orders", many).contains(#""s9", "s10" and 2 more"#))
            #expect(try await desk.output("why", "orders", many, "--json").contains(#""foundCount":12"#))
        }
    }
}
