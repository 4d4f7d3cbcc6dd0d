import AppConfig
import Foundation
import Testing

/// One mistake: what is put into which file, and what must be said about it where.
struct Mistake: CustomTestStringConvertible, Sendable {
    var title: String
    var file: String
    var text: String
    var code: ConfigFinding.Code
    var line: Int?
    var column: Int?
    /// Each must occur in the message or the hint.
    var says: [String]

    init(
        _ title: String, _ file: String, _ text: String, _ code: ConfigFinding.Code, _ line: Int?, _ column: Int?,
        _ says: String...
    ) {
        self.title = title
        self.file = file
        self.text = text
        self.code = code
        self.line = line
        self.column = column
        self.says = says
    }

    var testDescription: String { title }
}

private let host = "sluice.yaml"
private let function = "Functions/CSVToParquet/function.yaml"
private let rule = "Events/rules/csv-landed.yaml"
private let targets = "targets: [{function: CSVToParquet}]\n"

@Suite("Bad input: each mistake is named with file, line and column")
struct BadInputTests {
    @Test(
        "One mistake",
        arguments: [
            Mistake("tab", host, "buckets:\n\ta: {}\n", .invalidYAML, 2, 1, "tab", "spaces"),
            Mistake("unclosed", host, "buckets: {a: [\n", .invalidYAML, 2, 1, "not YAML"),
            Mistake("two documents", host, "buckets: {}\n---\nbuses: {}\n", .invalidYAML, 2, 1, "another document"),
            Mistake("same key twice", host, "logs: {}\nlogs: {}\n", .invalidYAML, 1, 1, "`logs`", "more than once"),
            Mistake("merge key", host, "<<: {}\n", .invalidYAML, 1, 1, "merge key"),
            Mistake("key is a list", host, "? [a]\n: 1\n", .invalidYAML, 1, 3, "a key must be a text"),
            Mistake("unknown tag", host, "limits: {concurrency: !!set 1}\n", .invalidYAML, 1, 23, "unknown tag"),
            Mistake("undefined alias", host, "limits: *x\n", .invalidYAML, 1, 9, "undefined alias"),
            Mistake("control character", host, "limits: {}\n# \u{1}\n", .invalidYAML, 2, 1, "control characters"),
            Mistake(
                "text behind a pattern", rule, "pattern: '{\"source\":[\"a\"]} junk'\n" + targets, .invalidJSON, 1, 28,
                "not one JSON value", "expected the end"),
            Mistake(
                "half a character", rule, #"pattern: '{"source":["\ud83d"]}'"# + "\n" + targets, .invalidJSON, 1, 23,
                "not one JSON value"),
            Mistake(
                "JSON with a comment", "Events/rules/a.json", "{\n  // x\n}\n", .invalidJSON, 2, 3, "not JSON"),
            Mistake(
                "JSON with a key twice", "Events/rules/a.json",
                "{\"pattern\":{\"source\":[\"é\"],\n\"source\":[\"b\"]},\"targets\":[{\"function\":\"CSVToParquet\"}]}",
                .invalidJSON, 2, 1, "the key `source` is here twice, first on line 1"),
            Mistake("a list", host, "- a\n", .invalidValue, 1, 1, "mapping", "not a list"),
            Mistake("misspelt", host, "bukets: {}\n", .unknownKey, 1, 1, "did you mean `buckets`?", "limits"),
            Mistake("other's word", host, "archives: {}\n", .unknownKey, 1, 1, "called `archive`"),
            Mistake(
                "stream mode", host, "streams: {a: {streamMode: ON_DEMAND}}\n", .notSupported, 1, 15,
                "not supported by this version"),
            Mistake("bucket name", host, "buckets: {Landing: {}}\n", .invalidValue, 1, 11, "cannot be a bucket's name"),
            Mistake("bucket name with ..", host, "buckets: {a..b: {}}\n", .invalidValue, 1, 11, "bucket's name"),
            Mistake(
                "existing", host, "buckets:\n  abc: {existing: triger}\n", .invalidValue, 2, 19,
                "ignore, trigger", "did you mean `trigger`?"),
            Mistake("quiet", host, "buckets: {abc: {quiet: -1}}\n", .invalidValue, 1, 24, "from 0 to 3600"),
            Mistake("glob no list", host, "buckets: {abc: {ignore: x}}\n", .invalidValue, 1, 25, "write ignore: [x]"),
            Mistake("bus name", host, "buses: {a b: {}}\n", .invalidValue, 1, 9, "bus's name"),
            Mistake("concurrency", host, "limits: {concurrency: 0}\n", .invalidValue, 1, 23, "from 1 to 4096"),
            Mistake("fraction", host, "limits: {concurrency: 1.5}\n", .invalidValue, 1, 23, "whole number"),
            Mistake("limits key", host, "limits:\n  minfree: 1\n", .unknownKey, 2, 3, "did you mean `minFree`?"),
            Mistake("retention", host, "logs: {retentionDays: soon}\n", .invalidValue, 1, 23, "the text \"soon\""),

            Mistake("timeout", function, "timeout: 0\n", .invalidValue, 1, 10, "0.01 to 86400", "seconds"),
            Mistake("timeout text", function, "timeout: 60s\n", .invalidValue, 1, 10, "the text \"60s\""),
            Mistake("description", function, "description: 12\n", .invalidValue, 1, 14, "quote it", "\"12\""),
            Mistake("memory", function, "memory: 12\n", .unknownKey, 1, 1, "called `memorySize`"),
            Mistake("level", function, "logLevel: warn\n", .invalidValue, 1, 11, "warning"),
            Mistake("format", function, "inputFormat: s3\n", .invalidValue, 1, 14, "eventbridge, s3-notification"),
            Mistake("environment", function, "environment: {A: [1]}\n", .invalidValue, 1, 18, "configuration"),
            Mistake("variable name", function, "environment: {1A: x}\n", .invalidValue, 1, 15, "environment variable"),
            Mistake(
                "our variable", function, "environment:\n  SLUICE_X: 1\n", .invalidValue, 2, 3, "belong to the host"),
            Mistake(
                "grant", function, "grants: {read: [landing-zon]}\n", .unknownBucket, 1, 17,
                "unknown bucket `landing-zon`", "did you mean `landing-zone`?", "clean-zone"),
            Mistake("grant bus", function, "grants: {events: [order]}\n", .unknownBus, 1, 19, "orders"),
            Mistake("grant number", function, "grants: {read: [12]}\n", .invalidValue, 1, 17, "must hold texts"),
            Mistake("configuration", function, "configuration: [1]\n", .invalidValue, 1, 16, "a mapping"),
            Mistake("no JSON number", function, "configuration: {a: .inf}\n", .invalidValue, 1, 20, "JSON"),
            Mistake("long number", function, "timeout: 0x1ffffffffffffffff\n", .invalidValue, 1, 10, "64 bits"),
            Mistake("retry there", function, "retryPolicy: {}\n", .notSupported, 1, 1, "the target in the rule"),

            Mistake("no pattern", rule, targets, .missingKey, 1, 1, "no `pattern`"),
            Mistake("pattern list", rule, "pattern: [a]\n" + targets, .invalidValue, 1, 10, "a mapping"),
            Mistake("no targets", rule, "pattern: {source: [a]}\n", .missingKey, 1, 1, "no `targets`"),
            Mistake("empty targets", rule, "pattern: {source: [a]}\ntargets: []\n", .missingKey, 2, 10, "no target"),
            Mistake(
                "EventPattern", rule, "pattern: {source: [a]}\nEventPattern: {}\n" + targets, .unknownKey, 2, 1,
                "the key is called `pattern`"),
            Mistake(
                "eventPattern", rule, "pattern: {source: [a]}\neventPattern: {}\n" + targets, .unknownKey, 2, 1,
                "`pattern`"),
            Mistake(
                "state", rule, "pattern: {source: [a]}\nstate: enabled\n" + targets, .invalidValue, 2, 8, "`ENABLED`?"),
            Mistake(
                "rule name", rule, "name: a b\npattern: {source: [a]}\n" + targets, .invalidValue, 1, 7, "rule's name"),
            Mistake(
                "bus", rule, "bus: ordres\npattern: {source: [a]}\n" + targets, .unknownBus, 1, 6,
                "did you mean `orders`?"),
            Mistake(
                "schedule", rule, "pattern: {source: [a]}\nscheduleExpression: rate(1 hour)\n" + targets, .unknownKey,
                2, 1,
                "called `schedule`"),
            Mistake(
                "bucket of pattern", rule,
                "pattern:\n  source: [aws.s3]\n  detail:\n    bucket:\n      name: [landing-zoen]\n" + targets,
                .unknownBucket, 5, 14, "did you mean `landing-zone`?"),
            Mistake(
                "bucket beneath $or", rule,
                "pattern:\n  source: [aws.s3]\n  $or:\n    - detail.bucket.name: [nowhere]\n    - detail: {a: [1]}\n"
                    + targets, .unknownBucket, 4, 28, "unknown bucket `nowhere`"),
            Mistake(
                "bucket in JSON", rule,
                "name: x\npattern: '{\"source\":[\"aws.s3\"],\"detail\":{\"bucket\":{\"name\":[\"nope\"]}}}'\n"
                    + targets,
                .unknownBucket, 2, 60, "unknown bucket `nope`"),
            Mistake(
                "function", rule, "pattern: {source: [a]}\ntargets:\n  - function: CSVToParket\n", .unknownFunction, 3,
                15,
                "did you mean `CSVToParquet`?"),
            Mistake(
                "no function", rule, "pattern: {source: [a]}\ntargets: [{id: a}]\n", .missingKey, 2, 11, "no `function`"
            ),
            Mistake(
                "target's key", rule,
                "pattern: {source: [a]}\ntargets: [{function: CSVToParquet, deadLetterConfig: {}}]\n",
                .notSupported, 2, 36, "dead letters"),
            Mistake(
                "log target", rule, "pattern: {source: [a]}\ntargets: [{log: all}]\n", .notSupported, 2, 12, "`log`"),
            Mistake(
                "retry", rule, "pattern: {source: [a]}\ntargets: [{function: CSVToParquet, retry: {}}]\n",
                .unknownKey, 2, 36, "called `retryPolicy`"),
            Mistake(
                "attempts", rule,
                "pattern: {source: [a]}\ntargets:\n  - function: CSVToParquet\n    retryPolicy: {maximumRetryAttempts: 186}\n",
                .invalidValue, 4, 41, "0 to 185"),
            Mistake(
                "delay", rule,
                "pattern: {source: [a]}\ntargets:\n  - function: CSVToParquet\n    retryPolicy: {intervalSeconds: 400}\n",
                .invalidValue, 4, 36, "less than"),
            Mistake(
                "same ids", rule,
                "pattern: {source: [a]}\ntargets:\n  - function: CSVToParquet\n  - function: CSVToParquet\n",
                .duplicateName, 4, 15, "line 3"),
            Mistake("scalar file", rule, "hello\n", .invalidValue, 1, 1, "mapping"),
            Mistake("unnamed in list", rule, "- pattern: {source: [a]}\n  " + targets, .missingKey, 1, 3, "no `name`"),
        ])
    func mistake(_ mistake: Mistake) throws {
        var files = TestApp.files([mistake.file: mistake.text])
        // What is tested in one file must not fail by the others.
        if mistake.file == host {
            files[rule] = nil
            files[function] = nil
        }
        let findings = try TestApp.findings(files).filter { $0.severity == .error }
        #expect(findings.count == 1, "\(findings)")
        let finding = try #require(findings.first)
        #expect(finding.file == mistake.file)
        #expect(finding.code == mistake.code, "\(finding)")
        #expect(finding.line == mistake.line, "\(finding)")
        #expect(finding.column == mistake.column, "\(finding)")
        for words in mistake.says { #expect(finding.description.contains(words), "\(finding) does not say: \(words)") }
    }

    @Test("Several mistakes in several files are all reported, in order")
    func several() throws {
        let findings = try TestApp.findings([
            "sluice.yaml": "bukets: {}\nlimits: {concurrency: none}\n",
            "Functions/A/function.yaml": "timeout: never\n",
            "Events/rules/x.yaml": "pattern: {source: [a]}\ntargets: [{function: B}]\n",
        ])
        #expect(
            findings.map(\.description).map { $0.prefix { $0 != " " } } == [
                "Events/rules/x.yaml:2:22:", "Functions/A/function.yaml:1:10:", "sluice.yaml:1:1:", "sluice.yaml:2:23:",
            ])
    }

    @Test("Two rules of one name on one bus")
    func duplicateRules() throws {
        var files = TestApp.files()
        files["Events/rules/other.yaml"] = "name: csv-landed\n" + (files[rule] ?? "")
        let finding = try #require(try TestApp.findings(files).first)
        #expect(finding.code == .duplicateName)
        #expect(finding.message.contains("Events/rules/csv-landed.yaml, line 1"))
    }

    @Test("A folder of a function without function.yaml is named")
    func missingFunctionFile() throws {
        var files = TestApp.files()
        files[function] = nil
        files["Functions/CSVToParquet/Handler/Handler.swift"] = ""
        let finding = try #require(try TestApp.findings(files).first)
        #expect(finding.hint?.contains("has no function.yaml") == true)
    }

    @Test("Files that are no text, and folders that are no app")
    func unreadable() throws {
        try TestApp.with(TestApp.files()) { app in
            try Data([0xFF, 0xFE, 0x00]).write(to: URL(filePath: app.path + "/sluice.yaml"))
            let error = #expect(throws: ConfigError.self) { try AppLoader.load(folder: app.path) }
            #expect(error?.findings.contains { $0.file == "sluice.yaml" && $0.message.contains("UTF-8") } == true)
        }
        try TestApp.with(TestApp.files()) { app in
            try FileManager.default.removeItem(atPath: app.path + "/sluice.yaml")
            #expect(mkfifo(app.path + "/sluice.yaml", 0o600) == 0)
            let error = #expect(throws: ConfigError.self) { try AppLoader.load(folder: app.path) }
            #expect(error?.findings.contains { $0.message.contains("regular file") } == true)
        }
        try TestApp.with(["x": ""]) { app in
            let error = #expect(throws: ConfigError.self) { try AppLoader.load(folder: app.path) }
            #expect(error?.findings.first?.message.contains("is no app") == true)
            #expect(throws: ConfigError.self) { try AppLoader.load(folder: app.path + "/nowhere") }
        }
    }

    @Test("A file of aliases that would grow without end is refused")
    func laughs() throws {
        var lines = ["configuration:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        for level in 1...9 {
            let names = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            lines.append("  a\(level): &a\(level) [\(names)]")
        }
        let findings = try TestApp.findings(TestApp.files([function: lines.joined(separator: "\n")]))
        #expect(findings.contains { $0.message.contains("100000 values") })
    }

    @Test("Deep nesting is an error, not a crash")
    func deep() throws {
        let text = "configuration: " + String(repeating: "[", count: 20_000) + String(repeating: "]", count: 20_000)
        let finding = try #require(try TestApp.findings(TestApp.files([function: text])).first)
        #expect(finding.code == .invalidYAML)
        #expect(finding.message == "more than 1,000 lists and mappings are nested in one another")
    }
}
