import Foundation
import Gateway
import Glibc
import HostAPI
import Testing

extension Integration {
    /// `sluice streams` as a user types it, against a host.
    @Suite("Commands of streams", .timeLimit(.minutes(5)))
    struct StreamCommandTests {
        private static func with(_ body: (HostProcess, CommandFolder) async throws -> Void) async throws {
            let app = try TestApp.faulty()
            try app.edit("sluice.yaml") { $0 + "\nstreams:\n  clicks: {shards: 4}\n  small:\n" }
            let folder = CommandFolder()
            defer { folder.remove() }
            try await HostProcess.with(app) { try await body($0, folder) }
        }

        /// Runs `sluice streams` against a host; a failure must say what is wrong.
        private func streams(
            _ host: HostProcess, _ arguments: String..., code: Int32 = 0,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> ProgramResult {
            let result = try await run(TestApp.sluice, ["streams"] + arguments + ["--data", host.data])
            #expect(result.ending == .exited(code), "\(arguments): \(result)", sourceLocation: sourceLocation)
            if code != 0 { #expect(result.errors.contains("rror: "), "\(result)", sourceLocation: sourceLocation) }
            return result
        }

        @Test("One record and files of them go in; what comes out is the same, from every place")
        func roundTrip() async throws {
            try await Self.with { host, folder in
                let one = try await streams(host, "put", "clicks", "--key", "user-1", "--text", "hello wörld")
                let words = one.output.split(separator: " ").map { String($0).trimmingCharacters(in: .newlines) }
                #expect(words.count == 2 && words[0].hasPrefix("shardId-00000000000") && words[1].count == 56)

                // More than a request has room for, in bytes and in number.
                let padding = String(repeating: "x", count: 12_000)
                let lines = (0..<1100).map { #"{"user":{"id":\#($0 % 7)},"n":\#($0),"p":"\#(padding)"}"# + "\n" }
                try folder.write("clicks.ndjson", lines.joined() + "\n \n")
                let put = try await streams(
                    host, "put", "clicks", "--file", folder.file("clicks.ndjson"), "--lines", "--key-field", "user.id")
                #expect(put.output == "1,100 records put to clicks\n")
                let back = try await streams(host, "get", "clicks", "--from", words[1], "--limit", "0", "--raw")
                #expect(back.output == "hello wörld\n" + lines.joined())
                let keys = try await streams(host, "get", "clicks", "--limit", "0", "--json").output.objects
                    .map { $0["partitionKey"] as? String ?? "" }
                #expect(keys == ["user-1"] + (0..<1100).map { "\($0 % 7)" })
                // All of the shards together are the stream.
                var count = 0
                for shard in 0..<4 {
                    let part = try await streams(
                        host, "get", "clicks", "--shard", "\(shard)", "--limit", "0", "--json"
                    ).output.objects
                    #expect(part.allSatisfy { $0["shardID"] as? String == "shardId-00000000000\(shard)" })
                    count += part.count
                }
                #expect(count == 1101)
                let few = try await streams(host, "get", "clicks", "--limit", "2")
                #expect(few.output.split(separator: "\n").count == 2 && few.errors.contains("there are more"))
                #expect(try await streams(host, "get", "clicks", "--from", "latest").output == "no records\n")

                // Bytes that are no text, and text that a terminal would obey.
                try folder.write("base64", "AP8=\n\u{1B}\n")
                let wrong = try await streams(
                    host, "put", "small", "--file", folder.file("base64"), "--lines", "--base64", code: 1)
                #expect(wrong.errors.contains("base64: line 2: not base64; nothing was put"))
                _ = try await streams(host, "put", "small", "--text", "AP8=", "--base64", "--key", "two\nlines")
                _ = try await streams(host, "put", "small", "--text", "a\u{1B}[2Jb")
                let shown = try await streams(host, "get", "small").output.split(separator: "\n")
                #expect(shown.count == 2)
                #expect(shown.first?.contains(#"two\nlines  (2 bytes: 00 ff)"#) == true, "\(shown)")
                #expect(shown.last?.contains(#"a\u{1b}[2Jb"#) == true, "\(shown)")
            }
        }

        @Test("Mistakes are named, with what there is")
        func mistakes() async throws {
            try await Self.with { host, folder in
                let unknown = try await streams(host, "put", "clics", "--text", "x", code: 1)
                #expect(unknown.errors.contains("did you mean `clicks`?"), "\(unknown)")
                #expect(try await streams(host, "show", "nowhere", code: 1).errors.contains("clicks, small"))
                #expect(try await streams(host, "get", "clics", code: 1).errors.contains("did you mean `clicks`?"))
                #expect(
                    try await streams(host, "get", "clicks", "--shard", "9", code: 1).errors.contains("no shard `9`"))
                _ = try await streams(host, "get", "clicks", "--from", "soon", code: 2)
                _ = try await streams(host, "put", "clicks", code: 2)
                _ = try await streams(host, "put", "clicks", "--text", "x", "--lines", code: 2)
                let long = String(repeating: "k", count: 257)
                #expect(
                    try await streams(host, "put", "clicks", "--text", "x", "--key", long, code: 2).errors.contains(
                        "257"))
                try folder.write("large", String(repeating: "x", count: (1 << 20) + 1))
                let large = try await streams(host, "put", "clicks", "--file", folder.file("large"), code: 1)
                #expect(large.errors.contains("1,048,577 bytes"), "\(large)")

                try folder.write("broken", #"{"id":1}"# + "\n" + #"{"id" 2}"# + "\n")
                let broken = try await streams(
                    host, "put", "clicks", "--file", folder.file("broken"), "--lines", "--key-field", "id", code: 1)
                #expect(
                    broken.errors.contains("broken: line 2, column 7: not JSON: ")
                        && broken.errors.contains("; nothing was put") && !broken.errors.contains("warning"),
                    "\(broken)")

                // A line without a key, after a request that was answered.
                let good = (0..<600).map { #"{"id":\#($0)}"# + "\n" }.joined()
                try folder.write("late", good + #"{"id":null}"# + "\n")
                let late = try await streams(
                    host, "put", "clicks", "--file", folder.file("late"), "--lines", "--key-field", "id", code: 1)
                #expect(late.errors.contains("500 records put (lines 1 to 500)"), "\(late)")
                #expect(late.errors.contains("late: line 601: there is no `id`"), "\(late)")
                #expect(
                    try await streams(host, "get", "clicks", "--limit", "0", "--raw").output.split(separator: "\n")
                        .count == 500)
            }
        }

        @Test("Streams and shards in tables and as JSON, before and after a change of shards")
        func show() async throws {
            try await Self.with { host, _ in
                let list = try await streams(host, "list").output
                #expect(list.contains("clicks       4") && list.contains("small        1"), "\(list)")
                #expect(try await streams(host, "list", "--json").output.objects.count == 2)
                _ = try await streams(host, "put", "clicks", "--text", "x", "--key", "k")
                try host.app.edit("sluice.yaml") { $0.replacing("shards: 4", with: "shards: 2") }
                let result = try await host.client.deploy(DeployRequest())
                #expect(result.accepted, "\(result.findings)")
                let shown = try await streams(host, "show", "clicks").output
                #expect(shown.contains("2 open, 4 closed"), "\(shown)")
                #expect(shown.contains("shardId-000000000005  open    800000… to ffffff…  2, 3"), "\(shown)")
                let object = try #require(try await streams(host, "show", "clicks", "--json").output.objects.first)
                #expect((object["shards"] as? [Any])?.count == 6)
            }
        }

        @Test("get --follow prints records as they come, and ends with its shard")
        func follow() async throws {
            try await Self.with { host, folder in
                _ = try await streams(host, "put", "clicks", "--text", "before", "--key", "k")
                let shard = try #require(
                    try await streams(host, "get", "clicks", "--json").output.objects.first?["shardID"] as? String)
                try folder.write("out", "")
                let output = open(folder.file("out"), O_WRONLY | O_CLOEXEC)
                defer { close(output) }
                let child = try ChildProcess(
                    TestApp.sluice,
                    [
                        "streams", "get", "clicks", "--follow", "--raw", "--from", "trim-horizon", "--shard", shard,
                        "--data", host.data,
                    ], environment: ProcessInfo.processInfo.environment, output: output, errors: output)
                let seen = { text(of: folder.file("out")) }
                _ = try await host.wait(for: "the first record") { seen() == "before\n" ? true : nil }
                _ = try await streams(host, "put", "clicks", "--text", "after", "--key", "k")
                _ = try await host.wait(for: "the second record") { seen() == "before\nafter\n" ? true : nil }
                try host.app.edit("sluice.yaml") { $0.replacing("shards: 4", with: "shards: 1") }
                _ = try await host.client.deploy(DeployRequest())
                #expect(await child.ended() == .exited(0))
                #expect(seen().hasSuffix("the shard is closed and has been read to its end\n"))
            }
        }
    }
}
