import AppConfig
import EventPatterns
import Testing

@Suite("Patterns out of files that are no app yet")
struct PatternFileTests {
    private func read(_ text: String) throws -> [DraftPattern] {
        try PatternFile.read(Array(text.utf8), name: "draft.yaml")
    }

    @Test("JSON is taken as it stands, repeated keys and all")
    func json() throws {
        let text = #"{"source": ["a"], "source": ["b"], "detail": {"n": [1.50]}}"#
        #expect(try read(text) == [DraftPattern(pattern: text)])
    }

    @Test(
        "YAML scalars keep their meaning",
        arguments: [
            ("no", #""no""#), ("on", #""on""#), ("true", "true"), ("~", "null"), ("012", "12"), ("1e3", "1e3"),
            ("123456789012", "123456789012"), ("'123456789012'", #""123456789012""#), ("0x1F", "31"),
            ("12345678901234567890", "12345678901234567890"), ("1.50", "1.50"), ("2026-01-01", #""2026-01-01""#),
            (#""012""#, #""012""#), (".5", "0.5"),
        ])
    func scalars(yaml: String, json: String) throws {
        #expect(
            try read("detail: {code: [\(yaml)]}") == [DraftPattern(pattern: #"{"detail":{"code":["# + json + "]}}")])
        let rule = try read("name: r\npattern:\n  detail:\n    code:\n      - \(yaml)\n")
        #expect(rule == [DraftPattern(name: "r", pattern: #"{"detail":{"code":["# + json + "]}}")])
        // And the pattern means the same to the engine.
        _ = try EventPattern(parsing: rule[0].pattern)
    }

    @Test("An exact number matches by value however YAML writes it, a text only itself")
    func meaning() throws {
        func matches(_ yaml: String, _ json: String) throws -> Bool {
            try EventPattern(parsing: read("a: [\(yaml)]")[0].pattern).matches("{\"a\":\(json)}")
        }
        #expect(try matches("1e3", "1000") && !matches("1e3", #""1e3""#))
        #expect(try matches("012", "12") && !matches("012", #""012""#))
        #expect(try matches("no", #""no""#) && !matches("no", "false"))
        #expect(try matches("111122223333", "111122223333") && !matches("111122223333", #""111122223333""#))
    }

    @Test("A rule, a list of rules, and rules under `rules`; what else they say is not looked at")
    func rules() throws {
        let one = "name: a\nbus: orders\nnonsense: 1\npattern: {source: [x]}\ntargets: []\n"
        #expect(try read(one) == [DraftPattern(name: "a", bus: "orders", pattern: #"{"source":["x"]}"#)])
        let list = "- name: a\n  pattern: {source: [x]}\n- pattern: '{\"source\": [\"y\"]}'\n"
        let wanted = [
            DraftPattern(name: "a", pattern: #"{"source":["x"]}"#), DraftPattern(pattern: #"{"source": ["y"]}"#),
        ]
        #expect(try read(list) == wanted)
        #expect(try read("rules:\n" + list) == wanted)
        #expect(try read(#"{"name": "a", "pattern": {"source": ["x"]}}"#) == [wanted[0]])
        #expect(try read(#"[{"name": "a", "pattern": {"source": ["x"]}}]"#) == [wanted[0]])
    }

    @Test("A rule with a schedule has nothing to try; one on a stream without a pattern takes everything")
    func withoutPattern() throws {
        let stream = DraftPattern(name: "s", bus: "stream/clicks", pattern: #"{"eventSource":["aws:kinesis"]}"#)
        let rules = "- {name: r, schedule: rate(1 hour), targets: []}\n- {name: s, stream: clicks, targets: []}\n"
        #expect(try read(rules) == [stream])
        #expect(try read("name: s\nstream: clicks\ntargets: []\n") == [stream])
        let error = try #require(throws: ConfigError.self) { try read("schedule: rate(1 hour)\ntargets: []\n") }
        #expect("\(error)".contains("schedule"), "\(error)")
        #expect(throws: ConfigError.self) { try read("name: a\ntargets: []\n") }
    }

    @Test(
        "What holds no pattern is refused with its place",
        arguments: [
            ("", "holds no pattern"), ("- 1\n", "draft.yaml:1"), ("just text", "must be a mapping"),
            ("name: a\npattern: 5\n", "draft.yaml:2"), ("a: [1\nb: 2", "draft.yaml:"),
            ("- name: a\n", "pattern"),
        ])
    func refused(text: String, words: String) throws {
        let error = try #require(throws: ConfigError.self) { try read(text) }
        #expect("\(error)".contains(words), "\(error)")
        #expect("\(error)".contains("draft.yaml"))
        for finding in error.findings {
            #expect(
                finding.description
                    == finding.sentence.replacing(": \(finding.message)", with: ": error: \(finding.message)"))
        }
    }

    @Test("Bytes that are not UTF-8 are refused")
    func bytes() throws {
        #expect(throws: ConfigError.self) { try PatternFile.read([0x61, 0xFF, 0x3A], name: "draft.yaml") }
    }
}
