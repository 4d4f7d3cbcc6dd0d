import AppConfig
import Testing

@Suite("Warnings about patterns that are valid")
struct PatternWarningTests {
    @Test(
        "An operator that EventBridge does not have is accepted, and named with its line",
        arguments: [
            ("{regex: 'a+'}", "`regex`"), ("{all-of: [a, b]}", "`all-of`"),
            ("{wildcard: {equals-ignore-case: 'a*'}}", "`wildcard equals-ignore-case`"),
            ("{date: ['>=', '2026-01-01T00:00:00Z']}", "`date`"),
        ])
    func extensions(matcher: String, name: String) throws {
        let app = try TestApp.load(TestApp.rule(pattern: "\n  detail:\n    key:\n      - \(matcher)"))
        let warning = try #require(app.warnings.first)
        #expect(app.warnings.count == 1)
        #expect(warning.code == .patternExtension)
        #expect(warning.severity == .warning)
        #expect(warning.message == "the pattern uses \(name), which EventBridge does not have")
        #expect(warning.file == "Events/rules/csv-landed.yaml")
        #expect(warning.line == 4)
        #expect(warning.column == 10)
    }

    @Test("A pattern longer than EventBridge's API takes is accepted, with a warning")
    func long() throws {
        func pattern(_ count: Int) -> String { "{\"source\":[\"\(String(repeating: "é", count: count - 15))\"]}" }
        #expect(try TestApp.load(TestApp.rule(pattern: "'\(pattern(4096))'")).warnings.isEmpty)
        let app = try TestApp.load(TestApp.rule(pattern: "'\(pattern(4097))'"))
        let warning = try #require(app.warnings.first)
        #expect(app.warnings.count == 1)
        #expect(warning.code == .patternExtension)
        #expect(warning.message == "the pattern has 4097 characters, of which EventBridge takes 4096")
        #expect(app.definition.rules.first?.pattern == pattern(4097))
    }

    @Test("Of an operator in JSON text the line of the pattern is given")
    func text() throws {
        let app = try TestApp.load(TestApp.rule(pattern: #"'{"source":[{"regex":"a"}]}'"#))
        #expect(app.warnings.map(\.code) == [.patternExtension])
        #expect(app.warnings.first?.line == 1)
    }

    @Test("Fields with the names of operators are fields")
    func names() throws {
        let app = try TestApp.load(
            TestApp.rule(
                pattern: "\n  date: [a]\n  detail:\n    regex: [b]\n    x: [{date: ['=', '2026-01-01T00:00:00Z']}]"))
        let extensions = app.warnings.filter { $0.code == .patternExtension }
        #expect(extensions.map(\.line) == [5])
    }

    @Test("A regular expression that is none is an error")
    func badExpression() throws {
        let problems = try TestApp.problems(TestApp.rule(pattern: "{source: [{regex: '(a'}]}"))
        #expect(problems.map(\.code) == [.invalidPattern])
    }

    @Test(
        "A rule that can never match gives a warning that says why",
        arguments: [
            ("{source: [{numeric: ['>', 1]}]}", "\"source\" is always a string"),
            ("{detials: {a: [b]}}", "events have no field \"detials\""),
            ("{detail: [a]}", "\"detail\" is always an object"),
        ])
    func impossible(pattern: String, reason: String) throws {
        let app = try TestApp.load(TestApp.rule(pattern: pattern))
        let warning = try #require(app.warnings.first)
        #expect(app.warnings.count == 1)
        #expect(warning.code == .suspicious)
        #expect(warning.message.hasPrefix("this rule can never match: "))
        #expect(warning.message.contains(reason))
        #expect(warning.line == 1)
    }

    @Test("A pattern of which one branch can match gives none")
    func oneBranch() throws {
        let app = try TestApp.load(TestApp.rule(pattern: "{$or: [{nowhere: [a]}, {detail: {a: [b]}}]}"))
        #expect(app.warnings.isEmpty)
    }
}
