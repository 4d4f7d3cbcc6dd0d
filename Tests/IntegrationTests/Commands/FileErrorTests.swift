import Foundation
import Testing

extension Integration {
    /// Files that cannot be read or written, in the same words everywhere: what, why, what to do.
    @Suite("Errors about files", .timeLimit(.minutes(2)))
    struct FileErrorTests {
        @Test("A file that is not there, and a folder in its place")
        func inputs() async throws {
            let folder = CommandFolder()
            defer { folder.remove() }
            try folder.write("good.csv", "id\n1\n")
            try folder.write("rules.yaml", "rules:\n  - {column: id, notNull: true}\n")
            try folder.write("folder/x", "")
            for (name, reason) in [("missing", "there is no such file"), ("folder", "it is a folder")] {
                for command in [
                    ["csv", "convert", "@\(name)", "@out.parquet"], ["csv", "profile", "@\(name)"],
                    ["csv", "validate", "@\(name)", "--rules", "@rules.yaml"],
                    ["csv", "validate", "@good.csv", "--rules", "@\(name)"], ["parquet", "schema", "@\(name)"],
                    ["parquet", "to-csv", "@\(name)"], ["diff", "@good.csv", "@\(name)"],
                    ["rules", "test", "--cases", "@\(name)"], ["rules", "backtest", "@\(name)"],
                ] {
                    let words = command.map { $0.hasPrefix("@") ? folder.file(String($0.dropFirst())) : $0 }
                    let result = try await run(TestApp.sluice, words)
                    let path = folder.file(name)
                    #expect(
                        result.ending == .exited(1) && result.errors.contains("error: cannot read \(path): \(reason)\n")
                            && result.errors.contains("  hint: "), "\(command): \(result)")
                }
            }
            try folder.write("bad.yaml", "name: a\npattern: 5\n")
            let bad = try await run(TestApp.sluice, ["rules", "backtest", folder.file("bad.yaml")])
            #expect(bad.errors.hasPrefix("error: \(folder.file("bad.yaml")):2:"), "\(bad)")
            #expect(bad.errors.components(separatedBy: "error:").count == 2, "\(bad)")
            let part = try await run(TestApp.sluice, ["parquet", "head", folder.file("missing")])
            #expect(part.errors.contains("there is no such file"), "\(part)")
            #expect(!folder.exists("out.parquet"))
        }

        @Test("A place where nothing can be written is told of before the work is done")
        func outputs() async throws {
            let folder = CommandFolder()
            defer { folder.remove() }
            try folder.write("good.csv", "id\n1\n")
            try folder.write("folder/x", "")
            for (name, reason, hint) in [
                ("folder", "it is a folder", "name a file"), ("none/out.parquet", "there is no folder", "mkdir -p"),
                ("good.csv/out.parquet", "a part of its path is a file", "name another path"),
            ] {
                let result = try await folder.sluice("csv", "convert", "@good.csv", "@\(name)")
                #expect(
                    result.ending == .exited(1)
                        && result.errors.contains("error: cannot write \(folder.file(name)): \(reason)")
                        && result.errors.contains(hint), "\(result)")
            }
            #expect(folder.names == ["folder", "good.csv"])
        }
    }
}
