import AppConfig
import Testing

@Suite("Scalars by the YAML 1.2 core schema")
struct ScalarTests {
    @Test(
        "Plain scalars in a pattern",
        arguments: [
            ("no", #""no""#), ("yes", #""yes""#), ("on", #""on""#), ("NO", #""NO""#), ("true", "true"),
            ("False", "false"), ("tRue", #""tRue""#), ("~", "null"), ("null", "null"), ("123456789012", "123456789012"),
            ("111122223333444455556666", "111122223333444455556666"), ("0o17", "15"), ("0x1F", "31"),
            ("0b11", #""0b11""#),
            ("1e3", "1e3"), ("1E+3", "1e+3"), ("+12", "12"), ("-7", "-7"), ("-0", "-0"), (".5", "0.5"), ("1.", "1.0"),
            ("-00.50", "-0.50"), ("1_000", #""1_000""#), ("1:30", #""1:30""#), ("2026-01-01", #""2026-01-01""#),
            ("1.2.3", #""1.2.3""#), ("e3", #""e3""#), ("-x", #""-x""#), (".", #"".""#),
            ("\"012\"", #""012""#), ("'no'", #""no""#), ("!!str 012", #""012""#), ("!!int \"12\"", "12"),
            ("\"a\\u0001\\n\"", #""a\u0001\n""#), ("ü", #""ü""#),
        ])
    func plain(yaml: String, json: String) throws {
        let app = try TestApp.load(TestApp.rule(pattern: "\n  source:\n    - \(yaml)"))
        #expect(app.definition.rules.first?.pattern == #"{"source":["# + json + "]}")
    }

    @Test("A number with a leading zero is that number, and a warning says so")
    func leadingZero() throws {
        let app = try TestApp.load(TestApp.rule(pattern: "{detail: {code: [012]}}"))
        #expect(app.definition.rules.first?.pattern == #"{"detail":{"code":[12]}}"#)
        #expect(app.warnings.map(\.code) == [.suspicious])
        #expect(app.warnings.first?.line == 1)
    }

    @Test("An account as a number gives a warning")
    func account() throws {
        let app = try TestApp.load(TestApp.rule(pattern: "{account: [123456789012]}"))
        #expect(app.warnings.contains { $0.message.contains("never matches") })
    }

    @Test("Keys are texts", arguments: ["no", "012", "true", "1e3", "null"])
    func keys(key: String) throws {
        let app = try TestApp.load(TestApp.rule(pattern: "{detail: {\(key): [x]}}"))
        #expect(app.definition.rules.first?.pattern == #"{"detail":{""# + key + #"":["x"]}}"#)
    }

    @Test("Aliases are written out")
    func aliases() throws {
        let app = try TestApp.load(TestApp.rule(pattern: "{source: &s [x], detail: {a: *s}}"))
        #expect(app.definition.rules.first?.pattern == #"{"source":["x"],"detail":{"a":["x"]}}"#)
    }
}
