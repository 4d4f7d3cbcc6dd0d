import Foundation
import Testing

/// `sluice parquet` as a command.
@Suite("sluice parquet", .timeLimit(.minutes(10)))
struct ParquetCommandTests {
    private static let orders =
        "id,amount,day,note\n1,2.50,2024-05-31,\"a, b\"\n2,-1.25,2024-06-01,\n3,10,2024-06-02,Zoë\n"

    private func folder() async throws -> CommandFolder {
        let folder = CommandFolder()
        try folder.write("orders.csv", Self.orders)
        _ = try await folder.output("csv", "convert", "@orders.csv", "@orders.parquet")
        return folder
    }

    @Test("schema, head and stats, for people and as JSON")
    func look() async throws {
        let folder = try await folder()
        defer { folder.remove() }
        let schema = try await folder.output("parquet", "schema", "@orders.parquet")
        for word in ["int64 id", "double amount", "day (DATE)", "note (STRING)"] {
            #expect(schema.contains(word), "\(schema)")
        }
        #expect(schema.contains("\n  optional ") && schema.hasSuffix("\n}"), "\(schema)")
        let columns = try await folder.output("parquet", "schema", "@orders.parquet", "--json").objects
        #expect(columns.compactMap { $0["name"] as? String } == ["id", "amount", "day", "note"])

        let head = try await folder.output("parquet", "head", "@orders.parquet", "--rows", "2")
        let lines = head.split(separator: "\n").map(String.init)
        #expect(lines.count == 4 && lines[0].contains("amount") && lines[1].contains("a, b"), "\(head)")
        #expect(lines[3].contains("2 of 3 rows"))
        let rows = try await folder.output("parquet", "head", "@orders.parquet", "--json").objects
        #expect(rows.count == 3 && rows[1]["note"] is NSNull && rows[1]["amount"] as? Double == -1.25)
        // A folder, such as a table's: one file after the other.
        for name in ["day=1", "day=2"] {
            try FileManager.default.createDirectory(
                atPath: folder.file("table/\(name)"), withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: folder.file("orders.parquet"), toPath: folder.file("table/\(name)/a.parquet"))
        }
        let table = try await folder.output("parquet", "head", "@table", "--rows", "4")
        #expect(table.split(separator: "\n").count == 6 && table.hasSuffix("4 of 6 rows"), "\(table)")

        // Columns that only a later file has are shown too.
        try folder.write("more.csv", "id,extra\n9,x\n")
        _ = try await folder.output("csv", "convert", "@more.csv", "@table/day=3.parquet")
        let mixed = try await folder.output("parquet", "head", "@table", "--json").objects
        #expect(mixed.count == 7 && mixed.filter { $0["extra"] as? String == "x" && $0["day"] is NSNull }.count == 1)
        #expect(mixed.allSatisfy { Set($0.keys) == ["id", "amount", "day", "note", "extra"] }, "\(mixed)")

        let stats = try await folder.output("parquet", "stats", "@orders.parquet")
        #expect(stats.contains("Row group 0: 3 rows") && stats.contains("2024-06-02"), "\(stats)")
        let chunks = try await folder.output("parquet", "stats", "@orders.parquet", "--json").objects
        #expect(chunks.count == 4 && chunks[3]["nulls"] as? Int == 1 && chunks[0]["minimum"] as? String == "1")
        #expect(chunks[1]["maximum"] as? String == "10.0")
    }

    @Test("to-csv gives back what was converted, in every form asked for")
    func toCSV() async throws {
        let folder = try await folder()
        defer { folder.remove() }
        let expected = "id,amount,day,note\n1,2.5,2024-05-31,\"a, b\"\n2,-1.25,2024-06-01,\n3,10.0,2024-06-02,Zoë"
        #expect(try await folder.output("parquet", "to-csv", "@orders.parquet") == expected)
        let quiet = try await folder.output("parquet", "to-csv", "@orders.parquet", "-o", "@back.csv")
        #expect(text(of: folder.file("back.csv")) == expected + "\n" && !quiet.contains("2024-05-31"))
        let tabs = try await folder.output(
            "parquet", "to-csv", "@orders.parquet", "--delimiter", "tab", "--null", "NULL", "--no-header", "--crlf")
        #expect(tabs.hasPrefix("1\t2.5\t2024-05-31\ta, b\r\n2\t-1.25\t2024-06-01\tNULL\r\n"))
        // And again into Parquet: the same rows.
        _ = try await folder.output("csv", "convert", "@back.csv", "@again.parquet")
        #expect(try await folder.output("parquet", "to-csv", "@again.parquet") == expected)
        let wrong = try await folder.sluice("parquet", "to-csv", "@orders.parquet", "--delimiter", "ab")
        #expect(wrong.ending == .exited(2) && wrong.output.isEmpty)
    }

    @Test("levels, row groups and entries of the footer are the user's to choose, in convert and in merge")
    func writing() async throws {
        let folder = try await folder()
        defer { folder.remove() }
        _ = try await folder.output(
            "csv", "convert", "@orders.csv", "@a.parquet", "--compression", "zstd:19", "--row-group-rows", "2",
            "--metadata", "owner=sales=EU", "--metadata", "team=")
        let stats = try await folder.output("parquet", "stats", "@a.parquet")
        #expect(stats.contains("owner=sales=EU") && stats.contains("Row group 1: 1 row\n"), "\(stats)")
        _ = try await folder.output(
            "parquet", "merge", "@a.parquet", "@orders.parquet", "-o", "@m.parquet", "--compression", "gzip:9",
            "--row-group-rows", "4", "--row-group-size", "64MB", "--metadata", "owner=me")
        let merged = try await folder.output("parquet", "stats", "@m.parquet")
        #expect(merged.contains("owner=me") && merged.contains("sluice.merged=2 files"), "\(merged)")
        #expect(merged.contains("Row group 0: 4 rows") && merged.contains("Row group 1: 2 rows"), "\(merged)")
        for (options, word) in [
            (["--compression", "zstd:23"], "1 (fast) to 22"), (["--compression", "lz4"], "choose auto, snappy"),
            (["--row-group-rows", "0"], "at least 1"), (["--row-group-size", "9GB"], "4GiB"),
            (["--metadata", "owner"], "KEY=VALUE"), (["--metadata", "sluice.source=x"], "taken"),
            (["--metadata", "a=1", "--metadata", "a=2"], "twice"),
        ] {
            let wrong = try await run(
                TestApp.sluice, ["csv", "convert", folder.file("orders.csv"), folder.file("no.parquet")] + options)
            #expect(wrong.ending == .exited(2) && wrong.errors.contains(word), "\(options): \(wrong.errors)")
        }
    }

    @Test("merge makes one file of many, or few of a size, and deletes inputs only when told")
    func merge() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        for index in 0..<5 {
            let wide = index == 4 ? "id,city\n\(index),Bonn\n" : "id\n\(index)\n\(index + 10)\n"
            try folder.write("in/\(index).csv", wide)
            _ = try await folder.output("csv", "convert", "@in/\(index).csv", "@in/\(index).parquet")
        }
        let told = try await folder.output("parquet", "merge", "@in", "-o", "@all.parquet")
        #expect(told.hasPrefix("5 files -> 1 file: 9 rows, "), "\(told)")
        let rows = try await folder.output("parquet", "to-csv", "@all.parquet")
        #expect(rows == "id,city\n0,\n10,\n1,\n11,\n2,\n12,\n3,\n13,\n4,Bonn")
        #expect(folder.exists("in/0.parquet"))
        let report = try #require(
            try await folder.output(
                "parquet", "merge", "@in", "-o", "@few", "--target-size", "64MB", "--delete-inputs", "--json"
            ).objects.first)
        #expect(report["rows"] as? Int == 9 && report["deleted"] as? Int == 5)
        #expect(
            (report["files"] as? [String])?.count == 1 && !folder.exists("in/0.parquet") && folder.exists("in/0.csv"))
        // Nothing is left of a merge that fails, and nothing is deleted.
        try folder.write("text.csv", "id\nx\n")
        _ = try await folder.output("csv", "convert", "@text.csv", "@text.parquet")
        let failed = try await folder.sluice(
            "parquet", "merge", "@all.parquet", "@text.parquet", "-o", "@no.parquet", "--delete-inputs")
        #expect(failed.ending == .exited(1) && failed.errors.contains("id") && failed.errors.hasPrefix("error: "))
        #expect(folder.names == ["all.parquet", "few", "in", "text.csv", "text.parquet"])
        let twice = try await folder.sluice("parquet", "merge", "@all.parquet", "@all.parquet", "-o", "@no.parquet")
        #expect(twice.ending == .exited(1) && twice.errors.contains("named twice"))
    }

    @Test("merge neither doubles rows by its own output nor touches a bucket that a host watches")
    func mergePlaces() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        for index in 0..<2 {
            try folder.write("g/\(index).csv", "id\n\(index)\n")
            _ = try await folder.output("csv", "convert", "@g/\(index).csv", "@g/\(index).parquet")
        }
        _ = try await folder.output("parquet", "merge", "@g", "-o", "@g/all.parquet")
        let again = try await folder.sluice("parquet", "merge", "@g", "-o", "@g/all.parquet")
        #expect(
            again.ending == .exited(1) && again.errors.contains("all.parquet is an input and the output"), "\(again)")
        let replaced = try await folder.sluice("parquet", "merge", "@g/0.parquet", "@g/1.parquet", "-o", "@g/1.parquet")
        #expect(replaced.ending == .exited(1) && replaced.errors.contains("--delete-inputs"), "\(replaced)")
        #expect(try await folder.output("parquet", "to-csv", "@g/1.parquet") == "id\n1")
        // As a host's bucket is.
        try folder.write("data/buckets/zone/.sluice/x", "")
        try folder.write("data/buckets/zone/t/notes.txt", "")
        for index in 0..<2 {
            _ = try await folder.output("csv", "convert", "@g/\(index).csv", "@data/buckets/zone/t/\(index).parquet")
        }
        for (output, size, flag) in [
            ("@data/buckets/zone/t/all.parquet", "9GB", "--json"), ("@data/buckets/zone/new/deep", "1MB", "--json"),
            ("@out", "1MB", "--delete-inputs"),
        ] {
            let refused = try await folder.sluice(
                "parquet", "merge", "@data/buckets/zone/t", "-o", output, "--target-size", size, flag)
            #expect(
                refused.ending == .exited(1) && refused.errors.contains("a bucket that a host watches"), "\(refused)")
        }
        #expect(folder.exists("data/buckets/zone/t/0.parquet") && !folder.exists("out"))
        let good = try await folder.output("parquet", "merge", "@data/buckets/zone/t", "-o", "@out.parquet")
        #expect(good.hasPrefix("2 files -> 1 file: 2 rows"), "\(good)")
        // What was made before is one of the inputs, and stays what it is.
        let whole = try await folder.output(
            "parquet", "merge", "@g/all.parquet", "@out.parquet", "-o", "@out.parquet", "--delete-inputs")
        #expect(whole.contains("4 rows"), "\(whole)")
    }

    @Test(
        "What is no Parquet file, or none at all, is told in one line",
        arguments: ["schema", "head", "stats", "to-csv"])
    func refused(command: String) async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("a.csv", Self.orders)
        let wrong = try await folder.sluice("parquet", command, "@a.csv")
        #expect(wrong.ending == .exited(1) && wrong.errors.hasPrefix("error: ") && wrong.output.isEmpty, "\(wrong)")
        let missing = try await folder.sluice("parquet", command, "@b.parquet")
        #expect(missing.ending == .exited(1) && missing.errors.contains("b.parquet"), "\(missing.errors)")
        #expect(folder.names == ["a.csv"])
    }
}
