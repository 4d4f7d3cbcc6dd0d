import AppConfig
import Testing

@Suite("Patterns that are deployed already")
struct DeployedPatternTests {
    /// What a rule may not cost together.
    private static let costly =
        "{detail: {\((0..<12).map { "f\($0): [{wildcard: '*a*b*'}]" }.joined(separator: ", "))}}"

    private static func before(_ files: [String: String]) throws -> DeployedPatterns {
        DeployedPatterns(try TestApp.load(files, deployed: .all).definition)
    }

    @Test("One that costs too much by now is taken unchanged, with a warning that names the rule; the rest goes on")
    func unchanged() throws {
        let files = TestApp.rule(pattern: Self.costly)
        #expect(try TestApp.findings(files).map(\.code) == [.invalidPattern])
        let deployed = try Self.before(files)
        let more = TestApp.rule(pattern: Self.costly, rest: "targets: [{function: CSVToParquet, id: other}]").merging([
            "Events/rules/new.yaml": "pattern: {source: [a]}\ntargets: [{function: CSVToParquet}]\n"
        ]) { $1 }
        let app = try TestApp.load(more, deployed: deployed)
        #expect(app.definition.rules.count == 2)
        let warning = try #require(app.warnings.first)
        #expect(app.warnings.count == 1 && warning.code == .invalidPattern && warning.severity == .warning)
        #expect(warning.message.contains("rule `csv-landed` is taken because it is deployed already"))
        #expect(warning.message.contains("once its pattern, name or bus is changed"))
        #expect(warning.file == "Events/rules/csv-landed.yaml" && warning.line == 1)
    }

    @Test("Changed, under another name, or on another bus it is refused; so is any other mistake")
    func changed() throws {
        let deployed = try Self.before(TestApp.rule(pattern: Self.costly))
        let rest = "targets: [{function: CSVToParquet}]"
        for files in [
            TestApp.rule(pattern: Self.costly.replacing("*a*b*", with: "*a*c*")),
            TestApp.rule(pattern: Self.costly, rest: "name: other\n\(rest)"),
            TestApp.rule(pattern: Self.costly, rest: "bus: orders\n\(rest)"),
            TestApp.files(["Events/rules/copy.yaml": "pattern: \(Self.costly)\n\(rest)\n"]),
        ] {
            let findings = try TestApp.findings(files, deployed: deployed)
            #expect(findings.contains { $0.code == .invalidPattern && $0.severity == .error }, "\(findings)")
        }
        let wrong = TestApp.rule(pattern: "{source: 1}")
        #expect(throws: ConfigError.self) { try TestApp.load(wrong, deployed: .all) }
        // Two texts that are one to Unicode are two patterns.
        let texts = ["\u{E9}", "e\u{301}"].map { Self.costly.replacing("*a*b*", with: "*\($0)*b*") }
        let first = try Self.before(TestApp.rule(pattern: texts[0]))
        #expect(throws: Never.self) { try TestApp.load(TestApp.rule(pattern: texts[0]), deployed: first) }
        #expect(throws: ConfigError.self) { try TestApp.load(TestApp.rule(pattern: texts[1]), deployed: first) }
    }

    @Test("What a deployment refuses for its cost alone can be asked of a pattern by itself")
    func cost() throws {
        let definition = try TestApp.load(TestApp.rule(pattern: Self.costly), deployed: .all).definition
        let pattern = try #require(definition.rules.first?.pattern)
        let reason = try #require(PatternWarnings.refusalOfCost(pattern))
        #expect(reason.contains("more than 38"), "\(reason)")
        #expect(PatternWarnings.refusalOfCost("{\"source\":[\"a\"]}") == nil)
        #expect(PatternWarnings.refusalOfCost("{\"source\":[\"a\"") == nil)
    }

    @Test("The manifests of a rule, and the file that an alarm expects, are patterns too")
    func others() throws {
        let keys = (0..<40).map { "{regex: '.*[a-d]\($0)[^/]{3}.*x'}" }.joined(separator: ", ")
        let files = TestApp.rule(
            pattern: Self.costly, rest: "manifest: {timeLimit: 60}\ntargets: [{function: CSVToParquet}]")
        let app = try TestApp.load(files, deployed: Self.before(files))
        #expect(app.warnings.map(\.code) == [.invalidPattern])
        let alarm = TestApp.files([
            "Events/alarms/a.yaml":
                "expectedFile: {bucket: landing-zone, key: [\(keys)], by: cron(0 6 ? * MON-FRI *)}\n"
        ])
        #expect(try TestApp.findings(alarm).map(\.code) == [.invalidPattern])
        let expected = try TestApp.load(alarm, deployed: Self.before(alarm))
        let warning = try #require(expected.warnings.first)
        #expect(expected.warnings.count == 1 && warning.severity == .warning && warning.code == .invalidPattern)
        #expect(
            warning.message.hasPrefix("alarm `a` is taken because it is deployed already; once its pattern or name"))
        // Under another name it is new.
        let renamed = TestApp.files(["Events/alarms/b.yaml": alarm["Events/alarms/a.yaml"] ?? ""])
        #expect(throws: ConfigError.self) { try TestApp.load(renamed, deployed: Self.before(alarm)) }
    }

    @Test("What else is to be said of a rule is said of one that is taken so, too: loops, and what can never match")
    func otherWarnings() throws {
        let impossible = TestApp.rule(pattern: "{region: [eu-west-1], \(Self.costly.dropFirst())")
        let found = try TestApp.load(impossible, deployed: Self.before(impossible)).warnings
        #expect(found.map(\.code) == [.invalidPattern, .suspicious], "\(found)")
        #expect(found.last?.message.hasPrefix("this rule can never match") == true)
        let fields = (0..<12).map { "f\($0): [{exists: false}, {wildcard: '*a*b*'}]" }.joined(separator: ", ")
        let loop = TestApp.rule(
            pattern:
                "{source: [aws.s3], detail-type: [Object Created], detail: {bucket: {name: [clean-zone]}, \(fields)}}")
        let warnings = try TestApp.load(loop, deployed: Self.before(loop)).warnings
        #expect(warnings.contains { $0.code == .invalidPattern && $0.severity == .warning }, "\(warnings)")
        #expect(warnings.contains { $0.code == .possibleLoop }, "\(warnings)")
    }
}
