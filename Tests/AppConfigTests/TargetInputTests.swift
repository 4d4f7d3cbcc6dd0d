import AppConfig
import EventTransforms
import Testing

@Suite("What a target's handler gets")
struct TargetInputTests {
    private func target(_ lines: String) throws -> TargetDefinition {
        let rest =
            "targets:\n  - function: CSVToParquet\n" + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
        let app = try TestApp.load(TestApp.rule(pattern: "{source: [a]}", rest: rest))
        return try #require(app.definition.rules.first?.targets.first)
    }

    @Test("nothing: the event")
    func nothing() throws {
        #expect(try target("").input == nil)
    }

    @Test("a constant as YAML and as JSON text")
    func constants() throws {
        #expect(try target("input: {a: [1, no]}").input == .constant(#"{"a":[1,"no"]}"#))
        #expect(try target(#"input: '{"a": 1}'"#).input == .constant(#"{"a": 1}"#))
        #expect(try target("input: 12").input == .constant("12"))
    }

    @Test("a path")
    func path() throws {
        #expect(try target("inputPath: $.detail.items[0]").input == .path("$.detail.items[0]"))
    }

    @Test("a transformer, its variables sorted")
    func transformer() throws {
        let text = """
            inputTransformer:
              inputPathsMap: {zone: $.detail.zone, id: $.id}
              inputTemplate: |
                {"id": <id>,
                 "zone": "in <zone>"}
            """
        #expect(
            try target(text).input
                == .template(
                    variables: [.init(name: "id", path: "$.id"), .init(name: "zone", path: "$.detail.zone")],
                    "{\"id\": <id>,\n \"zone\": \"in <zone>\"}\n"))
        #expect(try target("inputTransformer: {inputTemplate: <aws.events.event.json>}").input != nil)
    }

    @Test(
        "each mistake is named with file, line and column",
        arguments: [
            ("input: hello", 4, 12, "not JSON"), ("inputPath: detail", 4, 16, "must begin with `$`"),
            ("inputPath: $.a['b']", 4, 16, "no array index"),
            ("inputPath: $.id\ninput: {}", 5, 12, "only one of `input`, `inputPath` or `inputTransformer`"),
            ("inputPath: $.id\ninputFormat: eventbridge", 5, 18, "no meaning beside `inputPath`"),
            ("inputTransformer: {inputPathsMap: {a: $.id}}", 4, 23, "no `inputTemplate`"),
            ("inputTransformer:\n  inputPathsMap:\n    a: id\n  inputTemplate: '{}'", 6, 12, "must begin with `$`"),
            ("inputTransformer:\n  inputPathsMap:\n    AWSx: $.id\n  inputTemplate: '{}'", 6, 15, "reserved"),
            ("inputTransformer:\n  inputPathsMap: {a: 1}\n  inputTemplate: '{}'", 5, 26, "a path such as"),
            ("inputTransformer:\n  inputTemplate: '{\"a\": <b>}'", 5, 22, "invalid placeholder <b>"),
            ("inputTransformer:\n  inputTemplate: hello <aws.events.rule-name>", 5, 22, "not JSON"),
            ("inputTransformer:\n  template: '{}'\n  inputTemplate: '{}'", 5, 7, "unknown key `template`"),
        ])
    func mistakes(_ lines: String, _ line: Int, _ column: Int, _ says: String) throws {
        let rest =
            "targets:\n  - function: CSVToParquet\n" + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
        let findings = try TestApp.findings(TestApp.rule(pattern: "{source: [a]}", rest: rest))
        let text = findings.map(\.description).joined(separator: "\n")
        #expect(findings.count == 1, "\(text)")
        #expect(findings.first?.line == line && findings.first?.column == column, "\(text)")
        #expect(findings.first?.file == "Events/rules/csv-landed.yaml" && text.contains(says), "\(text)")
    }

    @Test("the definition survives its journal form, and equal ones are equal text")
    func coding() throws {
        let rest =
            "targets: [{function: CSVToParquet, inputTransformer: {inputPathsMap: {b: $.id, a: $.time}, inputTemplate: '[<a>,<b>]'}}]"
        let first = try TestApp.load(TestApp.rule(pattern: "{source: [a]}", rest: rest)).definition
        let second = try TestApp.load(
            TestApp.rule(
                pattern: "{source: [a]}", rest: rest.replacing("b: $.id, a: $.time", with: "a: $.time, b: $.id"))
        ).definition
        #expect(first == second)
    }
}
