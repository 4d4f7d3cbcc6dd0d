import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Options by the names that other commands have", .timeLimit(.minutes(3)))
    struct OptionNamesTests {
        private static func sluice(_ host: HostProcess, _ words: String...) async throws -> ProgramResult {
            try await run(TestApp.sluice, words + ["--data", host.data])
        }

        @Test("--function, --limit, --since and --until go where a command has another word for them")
        func names() async throws {
            try await HostProcess.with(.faulty()) { host in
                for _ in 0..<3 { _ = try await host.outcome(FaultyRequest("speak")) }
                let usual = try await Self.sluice(host, "logs", "Faulty", "--tail", "2")
                #expect(usual.ending == .exited(0) && !usual.output.contains("no log lines"), "\(usual)")
                let other = try await Self.sluice(host, "logs", "--function", "Faulty", "--limit", "2")
                #expect(other.output == usual.output, "\(other)")
                let both = try await Self.sluice(host, "logs", "Faulty", "--function", "Faulty")
                #expect(both.ending == .exited(2), "\(both)")

                let pattern = host.data + "/pattern.json"
                try Data(#"{"source": [{"exists": true}]}"#.utf8).write(to: URL(filePath: pattern))
                for (words, events) in [
                    (["--last", "2"], 2), (["--limit", "2"], 2), (["--since", "1h"], 3), (["--until", "1h"], 0),
                ] {
                    let tested = try await run(
                        TestApp.sluice, ["rules", "backtest", pattern, "--data", host.data] + words)
                    #expect(
                        tested.output.contains("would have matched \(events) of the last \(events) events"),
                        "\(words) \(tested)")
                }

                let replayed = try await Self.sluice(host, "replay", "start", "--since", "2h", "--until", "1h")
                #expect(replayed.ending == .exited(0), "\(replayed)")
                let range = try #require(try await host.client.listReplays().first).request
                #expect(range.to.milliseconds - range.from.milliseconds == 3_600_000)
                let help = try await run(TestApp.sluice, ["replay", "start", "--help"])
                #expect(help.output.contains("--from, --since <time>"), "\(help)")
            }
        }

        @Test("A list of nothing is an answer; a name of nothing is none, and neither is nothing to be redriven")
        func nothing() async throws {
            try await HostProcess.with(.faulty()) { host in
                let before = try await Self.sluice(host, "dlq", "list", "--code", "Deliberate")
                #expect(before.ending == .exited(0) && before.output == "no dead letters\n", "\(before)")
                _ = try await host.outcome(FaultyRequest("throw"))
                for letters in [[], ["--letters"]] {
                    let code = try await run(
                        TestApp.sluice, ["dlq", "list", "--code", "Deliberat", "--data", host.data] + letters)
                    #expect(code.ending == .exited(0), "\(code)")
                    #expect(code.output.hasPrefix("no dead letters like that: "), "\(code)")
                    #expect(code.output.contains("Deliberate"), "\(code)")
                    let print = try await run(
                        TestApp.sluice, ["dlq", "list", "--fingerprint", "00000000", "--data", host.data] + letters)
                    #expect(print.ending == .exited(0) && print.output.contains("no dead letters like"), "\(print)")
                    let json = try await run(
                        TestApp.sluice, ["dlq", "list", "--code", "No", "--json", "--data", host.data] + letters)
                    #expect(json.ending == .exited(0) && json.output.isEmpty, "\(json)")
                    let function = try await run(
                        TestApp.sluice, ["dlq", "list", "--function", "Nobody", "--data", host.data] + letters)
                    #expect(function.ending == .exited(1), "\(function)")
                }
                for command in ["redrive", "purge"] {
                    let code = try await Self.sluice(host, "dlq", command, "--code", "Deliberat")
                    #expect(code.ending == .exited(1), "\(code)")
                    #expect(code.errors.contains("no dead letter has the code Deliberat"), "\(code)")
                }
            }
        }
    }
}
