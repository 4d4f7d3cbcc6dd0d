import AppConfig
import Foundation
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

    @Test("Of an operator in JSON text the line and the column are given")
    func text() throws {
        let app = try TestApp.load(TestApp.rule(pattern: #"'{"source":[{"regex":"a"}]}'"#))
        #expect(app.warnings.map(\.code) == [.patternExtension])
        #expect(app.warnings.first?.line == 1)
        #expect(app.warnings.first?.column == 23)
    }

    @Test(
        "A mistake in JSON text is reported where it stands, if the file has the text as it is, else where it begins",
        arguments: [
            ("|\n  {\n    \"source\": [\"a\"],\n    \"id\": [{\"prefixx\": 1}]\n  }", 4, 12),
            ("|2-\n\n  {\"source\":\n     [{\"é\": 1}]}", 4, 7), (">\n    {\"source\": [{\"prefixx\": 1}]}", 2, 17),
            ("'{\"source\": [{\"prefixx\": 1}]}'", 1, 23),
            ("|\n  {\n    \"source\": [\"a\"],,\n    \"id\": 1}", 3, 21), ("|\n  {\"source\":\n    [\"a\"]} x", 3, 12),
            // Escapes and folded lines.
            (#""{\"source\": [{\"prefixx\": 1}]}""#, 1, 10), (">\n  {\"source\":\n  [{\"prefixx\": 1}]}", 1, 10),
            ("'{\"source\":\n  [{\"prefixx\": 1}]}'", 1, 10),
        ])
    func textMistakes(pattern: String, line: Int, column: Int) throws {
        let finding = try #require(try TestApp.findings(TestApp.rule(pattern: pattern)).first)
        #expect(finding.line == line && finding.column == column, "\(finding)")
    }

    @Test("Of an account that is a number one warning is given", arguments: ["{account: [%]}", "'{\"account\": [%]}'"])
    func account(pattern: String) throws {
        let warnings = try Self.suspicions(of: pattern.replacingOccurrences(of: "%", with: "123456789012"))
        #expect(
            warnings.map(\.message) == ["the account of an event is a text, so the number 123456789012 never matches"])
        // A text beside it may be right.
        #expect(try Self.suspicions(of: "{account: [1, '000000000000']}").count == 1)
    }

    @Test("A pattern of too many fields is told under the rule's name, with the limit in words")
    func tooManyFields() throws {
        let fields = (0..<257).map { "f\($0): [a]" }.joined(separator: ", ")
        let finding = try #require(try TestApp.findings(TestApp.rule(pattern: "{\(fields)}")).first)
        #expect(finding.message.contains("Size of rule 'csv-landed' exceeds max value of 256"), "\(finding)")
        #expect(finding.hint?.contains("256 fields") == true)
    }

    @Test("Fields with the names of operators are fields")
    func names() throws {
        let app = try TestApp.load(
            TestApp.rule(
                pattern: "\n  date: [a]\n  detail:\n    regex: [b]\n    x: [{date: ['=', '2026-01-01T00:00:00Z']}]"))
        let extensions = app.warnings.filter { $0.code == .patternExtension }
        #expect(extensions.map(\.line) == [5])
    }

    @Test(
        "A mistake in a pattern is reported with its field, its line and what to write instead",
        arguments: [
            ("\n  source: [shop]\n  detail-type: Order", 3, 3, "`detail-type`", "[Object Created]"),
            (
                "\n  source: [shop]\n  detail:\n    order:\n      total: [{numerc: ['>', 1]}]", 5, 15,
                "`detail.order.total`",
                "did you mean `numeric`?"
            ),
            ("\n  detail:\n    total: [{numeric: ['>', '1']}]", 3, 13, "`detail.total`", "without quotes"),
            (
                "\n  $or:\n    - {a: [1]}\n    - {b: {c: [{anything-but: [{prefix: x}]}]}}", 4, 16, "`b.c`",
                "{prefix: x}"
            ),
            ("\n  $or: {a: [1]}", 2, 3, "not valid: It must", "list of patterns"),
            ("{source: []}", 1, 11, "`source`", "[{exists: true}]"),
        ])
    func mistakes(pattern: String, line: Int, column: Int, field: String, hint: String) throws {
        let finding = try #require(try TestApp.findings(TestApp.rule(pattern: pattern)).first)
        #expect(finding.code == .invalidPattern)
        #expect(finding.message.contains(field), "\(finding.message)")
        #expect(finding.hint?.contains(hint) == true, "\(finding)")
        #expect(finding.line == line && finding.column == column, "\(finding)")
    }

    @Test("Of a mistake behind hundreds of names the beginning of the path and its end are told")
    func deepMistake() throws {
        let names = String(repeating: "{name: ", count: 300)
        let pattern = names + "{last: [{prefixx: a}]}" + String(repeating: "}", count: 300)
        let finding = try #require(try TestApp.findings(TestApp.rule(pattern: pattern)).first)
        #expect(finding.message.contains("at `name.name.") && finding.message.contains(".last`"), "\(finding)")
        #expect(finding.message.utf8.count < 300, "\(finding.message.utf8.count)")
    }

    @Test("All mistakes of a pattern are told at once, each in its place")
    func severalMistakes() throws {
        let pattern = """

              source: [{prefixx: a}]
              account: x
              $or:
                - {region: [{numeric: ['>', '1']}]}
                - [a]
                - {id: []}
              detail: {object: {key: [{sufix: .csv}]}}
            """
        let findings = try TestApp.findings(TestApp.rule(pattern: pattern))
        #expect(findings.allSatisfy { $0.code == .invalidPattern }, "\(findings)")
        #expect(findings.map(\.line) == [2, 3, 5, 6, 7, 8], "\(findings)")
        // Several in one list of values, by their columns.
        let values = try TestApp.findings(
            TestApp.rule(pattern: "{source: [{prefixx: a}, b, {anything-but: [1, x]}, {regex: '('}, [c]]}"))
        #expect(values.map(\.column) == [20, 37, 61, 75], "\(values)")
        // A mistake of a kind that cannot be passed over ends the list.
        #expect(try TestApp.findings(TestApp.rule(pattern: "'{\"a\":'")).count == 1)
        #expect(try TestApp.findings(TestApp.rule(pattern: "{a: {}, b: 1}")).count == 2)
    }

    @Test("A regular expression that is none is an error")
    func badExpression() throws {
        let findings = try TestApp.findings(TestApp.rule(pattern: "{source: [{regex: '(a'}]}"))
        #expect(findings.map(\.code) == [.invalidPattern])
    }

    @Test(
        "A rule that can never match gives a warning that says why",
        arguments: [
            ("{source: [{numeric: ['>', 1]}]}", "\"source\" is always a string"),
            ("{detials: {a: [b]}}", "events have no field \"detials\""),
            ("{detail: [a]}", "\"detail\" is always an object"),
            (
                "{source: [aws.s3], detail-type: [ObjectCreated]}",
                "is \"Object Created\" or \"Object Deleted\", not \"ObjectCreated\""
            ),
            ("{source: [aws.s3], detail: {object: {size: ['10']}}}", "a number, which \"10\" does not accept"),
            ("{source: [aws.s3], detail: {object: {key: [7]}}}", "a text, which 7 does not accept"),
            ("{source: [aws.s3], detail: {bucket: [b]}}", "such as \"detail.bucket.name\""),
            ("{source: [aws.s3], detail: {object: {name: [b]}}}", "aws.s3's events have no field"),
            (
                "{account: ['123456789012'], source: [a]}",
                #""account" is always "000000000000", not "123456789012""#
            ),
            ("{region: [eu-west-1, {prefix: us-}], source: [a]}", #""region" is always "local""#),
            ("{version: ['1']}", #""version" is always "0""#),
        ])
    func impossible(pattern: String, reason: String) throws {
        let warnings = try Self.suspicions(of: pattern)
        let warning = try #require(warnings.first)
        #expect(warnings.count == 1, "\(warnings)")
        #expect(warning.message.hasPrefix("this rule can never match: "))
        #expect(warning.message.contains(reason))
        #expect(warning.line == 1)
    }

    @Test(
        "What events of buckets can pass, or events of another source, gives none",
        arguments: [
            "{source: [aws.s3], detail-type: [Object Created, Other], detail: {object: {size: [{numeric: ['>', 1]}]}}}",
            "{source: [aws.s3], detail-type: [{prefix: Object}], detail: {object: {key: [{suffix: .csv}, 7]}}}",
            "{source: [aws.s3], detail: {object: {size: ['10', 10]}, other: [{exists: false}]}}",
            "{source: [aws.s3, mine], detail-type: [ObjectCreated], detail: {bucket: [b]}}",
            "{detail-type: [ObjectCreated]}",
            "{account: ['000000000000'], region: [{anything-but: eu-west-1}], version: [{exists: true}]}",
            "{region: [eu-west-1, {wildcard: 'l*l'}], account: [{prefix: '00'}, {suffix: '1'}]}",
        ])
    func possible(pattern: String) throws {
        #expect(try Self.suspicions(of: pattern).isEmpty)
    }

    /// Without the loops that a rule on all buckets allows.
    private static func suspicions(of pattern: String) throws -> [ConfigFinding] {
        try TestApp.load(TestApp.rule(pattern: pattern)).warnings.filter { $0.code != .possibleLoop }
    }

    @Test("A pattern of which one branch can match gives none")
    func oneBranch() throws {
        let app = try TestApp.load(TestApp.rule(pattern: "{$or: [{nowhere: [a]}, {detail: {a: [b]}}]}"))
        #expect(app.warnings.isEmpty)
    }
}
