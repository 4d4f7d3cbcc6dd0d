import Foundation
import Testing

/// `sluice csv` as a command.
@Suite("sluice csv", .timeLimit(.minutes(10)))
struct CSVCommandTests {
    private static let people: String = {
        var text = "id,city,email\n"
        for index in 1...200 {
            text += "\(index),\(index % 4 == 0 ? "" : index % 2 == 0 ? "Ulm" : "Bonn"),u\(index)@example.org\n"
        }
        return text
    }()

    @Test("profile: figures for people and as JSON, personal data hidden unless asked for")
    func profile() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("people.csv", Self.people)
        let shown = try await folder.output("csv", "profile", "@people.csv")
        #expect(shown.hasPrefix("200 rows, 3 columns, ") && shown.contains("Bonn (100)"), "\(shown)")
        #expect(shown.contains("25 %") && shown.contains("email 100 %") && !shown.contains("@example.org"))
        #expect(shown.contains("--show-personal"))
        let personal = try await folder.output("csv", "profile", "@people.csv", "--show-personal")
        #expect(personal.contains("u100@example.org"))
        let object = try #require(try await folder.output("csv", "profile", "@people.csv", "--json").objects.first)
        let profile = try #require(object["profile"] as? [String: Any])
        let columns = try #require(profile["columns"] as? [[String: Any]])
        #expect(columns.map { $0["name"] as? String } == ["id", "city", "email"])
        #expect((columns[0]["distinct"] as? [String: Any])?["count"] as? Int == 200)
        #expect(columns[0]["mean"] as? Double == 100.5 && columns[1]["nulls"] as? Int == 50)
        #expect(columns[2]["minimum"] == nil || columns[2]["minimum"] is NSNull)
        let wrong = try await folder.sluice("csv", "profile", "@nothing.csv")
        #expect(wrong.ending == .exited(1) && wrong.errors.contains("nothing.csv"))
    }

    @Test("validate: JSON is checked, too, and its bad rows go to the quarantine; good ones it cannot part")
    func validateJSON() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("orders.json", #"[{"id": 1, "amount": 5}, {"id": 2, "amount": -1}, {"id": 2, "amount": 3}]"#)
        try folder.write("rows.dqdl", #"Rules = [ ColumnValues "amount" > 0 ]"#)
        let told = try await folder.output(
            "csv", "validate", "@orders.json", "--rules", "@rows.dqdl", "--quarantine", "@bad.ndjson")
        #expect(told.hasPrefix("3 rows: 2 good, 1 bad"), "\(told)")
        #expect(text(of: folder.file("bad.ndjson")).contains("-1"))
        try folder.write("keys.dqdl", #"Rules = [ IsPrimaryKey "id" ]"#)
        let repeated = try await folder.sluice("csv", "validate", "@orders.json", "--rules", "@keys.dqdl")
        #expect(repeated.ending == .exited(1) && repeated.errors.contains("found 1 value more than once"))
        let parted = try await folder.sluice(
            "csv", "validate", "@orders.json", "--rules", "@rows.dqdl", "--good", "@good.csv", "--quarantine",
            "@b.ndjson")
        #expect(parted.ending == .exited(1) && parted.errors.contains("--good takes"), "\(parted.errors)")
        #expect(!folder.names.contains("good.csv") && !folder.names.contains("b.ndjson"))
    }

    @Test("commands do not load libcurl, which only webhooks need")
    func libraries() async throws {
        let loaded = try await run(TestApp.sluice, ["--version"], environment: ["LD_TRACE_LOADED_OBJECTS": "1"])
        #expect(loaded.output.contains("libc.so") && !loaded.output.contains("libcurl"), "\(loaded.output)")
    }

    @Test("validate: good and bad rows part; quarantine is fed back; a file that fails writes nothing")
    func validate() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("orders.csv", "id,amount,customer\n1,5,a\n2,-1,b\n3,7,zz\nshort\n")
        try folder.write("customers.csv", "id\na\nb\n")
        try folder.write("orders.dqdl", #"Rules = [ IsPrimaryKey "id", ColumnValues "amount" > 0 ]"#)
        let told = try await folder.output(
            "csv", "validate", "@orders.csv", "--rules", "@orders.dqdl", "--good", "@good.csv", "--quarantine",
            "@bad.ndjson")
        #expect(told.hasPrefix("4 rows: 2 good, 2 bad (1 of them cannot be read)"), "\(told)")
        #expect(told.contains(#"ColumnValues "amount" > 0"#))
        // A ruleset under another name is not taken for YAML.
        try folder.write("orders.txt", "# mine\nRules = [ RowCount > 1 ]")
        let misnamed = try await folder.sluice("csv", "validate", "@orders.csv", "--rules", "@orders.txt")
        #expect(misnamed.ending == .exited(1) && misnamed.errors.contains("ends in .dqdl"), "\(misnamed.errors)")
        // What is measured has its unit.
        try folder.write(
            "units.dqdl", #"Rules = [ RowCount > 1, Completeness "id" >= 0.5, DistinctValuesCount "amount" > 1 ]"#)
        let units = try await folder.output(
            "csv", "validate", "@orders.csv", "--rules", "@units.dqdl", "--quarantine", "@units.ndjson")
        for words in ["4 rows", "100 % of rows", "3 distinct values"] { #expect(units.contains(words), "\(units)") }
        #expect(text(of: folder.file("good.csv")) == "id,amount,customer\n1,5,a\n3,7,zz\n")
        let bad = text(of: folder.file("bad.ndjson"))
        #expect(bad.objects.count == 3 && bad.contains(#""row":2"#) && bad.contains("is not > 0"), "\(bad)")
        // Corrected rows are judged as those of the file they came from.
        try folder.write(
            "corrected.ndjson",
            bad.replacing("2,-1,b", with: "2,1,b").replacing("\"raw\":\"short\"", with: "\"raw\":\"4,4,a\""))
        _ = try await folder.output(
            "csv", "validate", "@corrected.ndjson", "--rules", "@orders.dqdl", "--good", "@more.csv")
        #expect(text(of: folder.file("more.csv")) == "id,amount,customer\n2,1,b\n4,4,a\n")
        // A rule on the whole file.
        try folder.write("keys.dqdl", #"Rules = [ ReferentialIntegrity "customer" "customers.id" = 1 ]"#)
        let before = folder.names
        let failed = try await folder.sluice(
            "csv", "validate", "@good.csv", "--rules", "@keys.dqdl", "--good", "@no.csv", "--reference",
            "customers=\(folder.file("customers.csv"))")
        #expect(failed.ending == .exited(1) && failed.errors.contains("ReferentialIntegrity"), "\(failed)")
        #expect(folder.names == before)
        let report = try #require(
            try await folder.output("csv", "validate", "@good.csv", "--rules", "@orders.dqdl", "--json").objects.first)
        #expect(report["good"] as? Int == 2 && report["bad"] as? Int == 0)
        let without = try await folder.sluice("csv", "validate", "@orders.csv")
        #expect(without.ending == .exited(2) && without.errors.contains("--rules"))
    }

    @Test(
        "validate: the exit code is the answer where bad rows have no place; where they have one, or a limit, it is 0")
    func answer() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("orders.csv", "id,amount\n1,5\n2,-1\n")
        try folder.write("short.csv", "id,amount\n1,5\n2\n")
        try folder.write("good.csv", "id,amount\n1,5\n")
        try folder.write("rules.dqdl", #"Rules = [ IsPrimaryKey "id", ColumnValues "amount" > 0 ]"#)
        try folder.write("limit.yaml", "columns: {amount: {min: 0}}\nthresholds: {maximumBadRows: 1}\n")
        let before = folder.names
        let broken = try await folder.sluice(
            "csv", "validate", "@orders.csv", "--rules", "@rules.dqdl", "--good", "@parted.csv")
        #expect(broken.ending == .exited(1) && broken.output.contains("1 good, 1 bad"), "\(broken)")
        #expect(broken.errors.contains("1 rule of 2 does not hold") && broken.errors.contains("--quarantine FILE"))
        let short = try await folder.sluice("csv", "validate", "@short.csv", "--rules", "@rules.dqdl")
        #expect(short.ending == .exited(1) && short.errors.contains("1 row cannot be read"), "\(short)")
        #expect(folder.names == before)
        let good = try await folder.sluice("csv", "validate", "@good.csv", "--rules", "@rules.dqdl")
        #expect(good.ending == .exited(0) && good.errors.isEmpty, "\(good)")
        let limited = try await folder.sluice("csv", "validate", "@orders.csv", "--rules", "@limit.yaml")
        #expect(limited.ending == .exited(0), "\(limited)")
        let parted = try await folder.sluice(
            "csv", "validate", "@orders.csv", "--rules", "@rules.dqdl", "--quarantine", "@bad.ndjson")
        #expect(parted.ending == .exited(0) && text(of: folder.file("bad.ndjson")).contains("2,-1"), "\(parted)")
    }

    @Test("convert: a delimiter that leaves one column is warned of, with the one that would part it")
    func delimiter() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("a.csv", "id,city\n1,Ulm\n2,Bonn\n")
        let wrong = try await folder.sluice("csv", "convert", "@a.csv", "@a.parquet", "--delimiter", ";")
        #expect(
            wrong.ending == .exited(0) && wrong.errors.contains("with `;` as delimiter there is one column"), "\(wrong)"
        )
        #expect(wrong.errors.contains("`,`") && wrong.errors.contains("leave --delimiter out"), "\(wrong)")
        let right = try await folder.sluice("csv", "convert", "@a.csv", "@a.parquet", "--delimiter", ",")
        #expect(right.errors.isEmpty, "\(right)")
        try folder.write("one.csv", "note\nfirst, then\nsecond\n")
        let single = try await folder.sluice("csv", "convert", "@one.csv", "@one.parquet", "--delimiter", ";")
        #expect(single.errors.isEmpty, "\(single)")
    }

    @Test("convert: a file of settings that is none says what it lacks; a malformed row, how to go on without it")
    func settings() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("a.csv", "id,city\n1,Ulm\n2\n")
        for (text, problem) in [
            ("id: bigint\n", "the file has no `columns`"), ("- id\n", "the file is not a mapping"),
            ("columns: [{name: id, type: [1]}]\n", "columns, entry 1, type is not a single value"),
            ("columns: [id\n", "this is no YAML: "),
        ] {
            try folder.write("schema.yaml", text)
            let schema = try await folder.sluice(
                "csv", "convert", "@a.csv", "@a.parquet", "--schema", "@schema.yaml")
            #expect(schema.ending == .exited(1) && schema.errors.contains("schema.yaml: \(problem)"), "\(schema)")
        }
        try folder.write("layout.yaml", "columns: [{name: id, start: x}]\n")
        let layout = try await folder.sluice(
            "csv", "convert", "@a.csv", "@a.parquet", "--format", "fixed-width", "--layout", "@layout.yaml")
        #expect(layout.errors.contains("layout.yaml: ") && !layout.errors.contains("DecodingError"), "\(layout)")
        let row = try await folder.sluice("csv", "convert", "@a.csv", "@a.parquet")
        #expect(row.errors.contains("MalformedRow") && row.errors.contains("hint: --quarantine FILE"), "\(row)")
        let kept = try await folder.sluice("csv", "convert", "@a.csv", "@a.parquet", "--quarantine", "@bad.ndjson")
        #expect(kept.ending == .exited(0), "\(kept)")
    }

    @Test("convert: rules, masks and a profile in one pass; what automatic masks leave is warned of")
    func convert() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("people.csv", Self.people + "7,x@example.org,y@example.org\n300,,z@example.org\n")
        try folder.write("people.yaml", "columns:\n  id: {max: 200}\n")
        let told = try await folder.sluice(
            "csv", "convert", "@people.csv", "@people.parquet", "--rules", "@people.yaml", "--mask", "auto=redact",
            "--profile", "@profile.json", "--quarantine", "@bad.ndjson", "--malformed-rows", "quarantine")
        #expect(told.ending == .exited(0) && told.output.contains("masked email: redact"), "\(told)")
        #expect(
            told.errors.contains("warning: city: 1 value looks like email (0.7 %)")
                && told.errors.contains("--mask city"))
        let rows = try await folder.output("parquet", "to-csv", "@people.parquet")
        #expect(rows.hasPrefix("id,city,email\n1,Bonn,***\n") && rows.hasSuffix("7,x@example.org,***"))
        let profile = text(of: folder.file("profile.json"))
        #expect(profile.contains("\"rows\":201") && !profile.contains("y@example.org"))
        #expect(text(of: folder.file("bad.ndjson")).contains("300,,z@example.org"))
    }

    @Test("convert: NDJSON to nested columns, and the mistake in a line by its place")
    func json() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write(
            "events.ndjson", #"{"id":1,"tags":["a","b"],"user":{"name":"Ada"}}"# + "\n" + #"{"id":2}"# + "\n")
        let told = try await folder.output("csv", "convert", "@events.ndjson", "@events.parquet")
        #expect(told.contains("tags array<string>") && told.contains("user struct<name:string>"), "\(told)")
        let rows = try await folder.output("parquet", "head", "@events.parquet", "--json").objects
        #expect((rows[0]["tags"] as? [String]) == ["a", "b"] && rows[1]["user"] is NSNull)
        try folder.write("broken.ndjson", "{\"id\":1}\n{\"id\":}\n")
        let failed = try await folder.sluice("csv", "convert", "@broken.ndjson", "@broken.parquet")
        #expect(failed.ending == .exited(1) && failed.errors.contains("line 2"), "\(failed.errors)")
        #expect(folder.names == ["broken.ndjson", "events.ndjson", "events.parquet"])
    }

    @Test(
        "A destination never takes the place of what is read, nor two the same place; devices are written as they are")
    func destinations() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        let given = "id,a\n1,x\nshort\n"
        try folder.write("a.csv", given)
        try folder.write("rules.yaml", "columns: {id: {min: 1}}\n")
        try FileManager.default.linkItem(atPath: folder.file("a.csv"), toPath: folder.file("b.csv"))
        for arguments in [
            ["convert", "@a.csv", "@a.csv"], ["convert", "@a.csv", "@./a.csv"], ["convert", "@a.csv", "@b.csv"],
            ["convert", "@a.csv", "@o.parquet", "--profile", "@o.parquet"],
            ["convert", "@a.csv", "@o.parquet", "--quarantine", "@a.csv"],
            ["convert", "@a.csv", "@rules.yaml", "--rules", "@rules.yaml"],
            ["validate", "@a.csv", "--rules", "@rules.yaml", "--good", "@a.csv"],
            ["validate", "@a.csv", "--rules", "@rules.yaml", "--good", "@o", "--quarantine", "@./o"],
            ["convert", "@a.csv", "@o.parquet", "--delimiter", "ab"],
            ["convert", "@a.csv", "@o.parquet", "--encoding", "ebcdic"],
            ["convert", "@a.csv", "@o.parquet", "--mask", "a=hide"],
        ] {
            let words = ["csv"] + arguments.map { $0.hasPrefix("@") ? folder.file(String($0.dropFirst())) : $0 }
            let refused = try await run(TestApp.sluice, words)
            #expect(refused.ending == .exited(2) && refused.errors.hasPrefix("error: "), "\(arguments): \(refused)")
        }
        #expect(folder.names == ["a.csv", "b.csv", "rules.yaml"] && text(of: folder.file("a.csv")) == given)
        _ = try await folder.output(
            "csv", "validate", "@a.csv", "--rules", "@rules.yaml", "--good", "/dev/null", "--quarantine", "/dev/null")
        var status = stat()
        #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
        // Quarantine is made also when it is empty: what was there before is not this run's.
        try folder.write("good.csv", "id,a\n1,x\n")
        try folder.write("bad.ndjson", "old")
        _ = try await folder.output(
            "csv", "validate", "@good.csv", "--rules", "@rules.yaml", "--quarantine", "@bad.ndjson")
        #expect(text(of: folder.file("bad.ndjson")) == "")
    }

    @Test("Output that cannot be written is a failure; names with control characters do not reach the terminal")
    func output() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        let full = try await run(
            "/bin/sh", ["-c", #""$0" schedules next 'rate(1 hour)' >/dev/full"#, TestApp.sluice])
        #expect(full.ending == .exited(1) && full.errors.contains("cannot write the output"), "\(full)")
        let head = try await run(
            "/bin/sh", ["-c", #""$0" schedules next 'rate(1 minute)' --count 10000 | head -n 1"#, TestApp.sluice])
        #expect(head.ending == .exited(0) && head.errors.isEmpty, "\(head)")
        let name = "a\u{1B}]0;owned\u{07}\nerror: b.csv"
        let wrong = try await folder.sluice("csv", "convert", "@\(name)", "@o.parquet")
        #expect(wrong.ending == .exited(1))
        #expect(!wrong.errors.utf8.contains(0x1B) && !wrong.errors.utf8.contains(0x07), "\(wrong.errors)")
        #expect(
            !wrong.errors.dropFirst(1).contains("\nerror:") && wrong.errors.contains("\\u{1b}]0;owned"),
            "\(wrong.errors)")
        // Colours stay, up to the line's end; what hides all that follows does not.
        for (given, shown) in [
            ("x\u{1B}[8mHIDDEN", "x\\u{1b}[8mHIDDEN"), ("x\u{1B}[1;08mHIDDEN", "x\\u{1b}[1;08mHIDDEN"),
            ("x\u{1B}[31mRED", "x\u{1B}[31mRED"), ("x\u{1B}[38;5;8mGREY", "x\u{1B}[38;5;8mGREY"),
        ] {
            let wrong = try await folder.sluice("csv", "convert", "@\(given)", "@o.parquet")
            #expect(wrong.errors.contains(shown), "\(wrong.errors.debugDescription)")
            let resets = wrong.errors.components(separatedBy: "\u{1B}[0m").count - 1
            #expect(resets == (shown.contains("\u{1B}") ? 1 : 0), "\(wrong.errors.debugDescription)")
        }
        let count = try await folder.sluice("schedules", "next", "rate(1 hour)", "--count", "0")
        #expect(count.ending == .exited(2))
    }

    @Test("The standard input is an input, also where a late value needs a wider type")
    func standardInput() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        try folder.write("late.csv", "id,v\n" + (1...20_000).map { "\($0),\($0)\n" }.joined() + "1,x\n")
        for command in ["cat '\(folder.file("late.csv"))' | $0", "$0 < '\(folder.file("late.csv"))'"] {
            let made = try await run(
                "/bin/sh",
                [
                    "-c", command.replacing("$0", with: #""$0" csv convert - "$1""#), TestApp.sluice,
                    folder.file("late.parquet"),
                ])
            #expect(made.ending == .exited(0) && made.output.contains("v string"), "\(made)")
        }
        let profile = try await run(
            "/bin/sh", ["-c", #"cat "$1" | "$0" csv profile -"#, TestApp.sluice, folder.file("late.csv")])
        #expect(profile.output.hasPrefix("20,001 rows, 2 columns"), "\(profile)")
        let short = try await run(
            "/bin/sh",
            ["-c", #"printf 'a,b\n1\n' | "$0" csv convert - "$1""#, TestApp.sluice, folder.file("no.parquet")])
        #expect(short.ending == .exited(1) && short.errors.contains("the standard input: MalformedRow"), "\(short)")
        try folder.write("ragged.csv", "a,b\n1\n")
        let ragged = try await folder.sluice("csv", "convert", "@ragged.csv", "@r.parquet")
        #expect(ragged.errors.contains("ragged.csv: MalformedRow"), "\(ragged)")
    }

    @Test("What new makes is what docs/writing-functions.md shows")
    func documented() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        _ = try await folder.output("new", "@my-pipeline", "--sluice", TestApp.packageRoot)
        let page = text(of: TestApp.packageRoot + "/docs/writing-functions.md")
        for name in [
            "Package.swift", "Sources/CountLines/CountLines.swift", "Sources/CountLinesEntry/Entry.swift",
            "Tests/CountLinesTests/CountLinesTests.swift", "sluice.yaml", "Functions/CountLines/function.yaml",
            "Events/rules/count-lines.yaml",
        ] {
            let made = text(of: folder.file("my-pipeline/\(name)"))
                .replacing("\"\(TestApp.packageRoot)\"", with: "\"../sluice\"")
            #expect(!made.isEmpty && page.contains("\n\(made)```"), "\(name):\n\(made)")
        }
    }

    @Test("new makes an app with all its files, and never writes into a folder that has something in it")
    func new() async throws {
        let folder = CommandFolder()
        defer { folder.remove() }
        let made = try await folder.output(
            "new", "@app", "--function", "CountWords", "--sluice", TestApp.packageRoot, "--json")
        #expect((made.objects.first?["files"] as? [String])?.count == 9)
        #expect(text(of: folder.file("app/Events/rules/count-words.yaml")).contains("- function: CountWords"))
        #expect(text(of: folder.file("app/Sources/CountWords/CountWords.swift")).contains(#""\(lines)\n""#))
        #expect(text(of: folder.file("app/Package.swift")).contains("\"\(TestApp.packageRoot)\""))
        let again = try await folder.sluice("new", "@app", "--sluice", TestApp.packageRoot)
        #expect(again.ending == .exited(1) && again.errors.contains("not empty"))
        #expect(try await folder.sluice("new", "@other", "--function", "count").ending == .exited(2))
        #expect(folder.names == ["app"])
        try FileManager.default.createDirectory(atPath: folder.file("an empty one"), withIntermediateDirectories: false)
        let told = try await folder.output("new", "@an empty one", "--sluice", TestApp.packageRoot)
        #expect(
            told.contains("  cd '\(folder.path)/an empty one'") && folder.exists("an empty one/sluice.yaml"), "\(told)")
        let found = try await run(
            "/bin/sh",
            ["-c", #"cd "$1" && PATH="$(dirname "$0"):$PATH" sluice new other"#, TestApp.sluice, folder.path])
        #expect(found.output.contains("\n  sluice up\n"), "\(found)")
        #expect(try await folder.output("--version").hasPrefix("sluice "))
    }
}
