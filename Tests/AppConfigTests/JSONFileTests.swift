import AppConfig
import Testing

@Suite("Rule files in JSON")
struct JSONFileTests {
    /// The pattern of the one rule in a file.
    private static func pattern(in text: String) throws -> String {
        let app = try TestApp.load(TestApp.files(["Events/rules/a.json": text]))
        return try #require(app.definition.rules.first).pattern
    }

    @Test(
        "Texts are JSON's: escapes of two units, characters that end a line in YAML, long keys, signs YAML reads",
        arguments: [
            #"{"detail":{"k":["\ud83d\ude00"]}}"#, "{\"detail\":{\"k\":[\"a \u{85}b\", \"\u{2028}\", \"\u{7F}\"]}}",
            "{\"detail\":{\"\(String(repeating: "k", count: 2000))\":[\"x\"]}}",
            #"{"source":["a: b # c", "!x", "*y"]}"#,
            #"{"detail":{"n":[1e3, -0.5, 12345678901234567890],"b":[true,null]}}"#,
        ])
    func texts(pattern: String) throws {
        let read = try Self.pattern(in: #"{"pattern":\#(pattern),"targets":[{"function":"CSVToParquet"}]}"#)
        let compact = pattern.replacing(", ", with: ",").replacing(#"\ud83d\ude00"#, with: "😀")
        #expect(Array(read.utf8) == Array(compact.utf8))
    }

    @Test("A mistake is told at its line and column, which counts characters")
    func places() throws {
        let text = """
            {"name": "é",
             "pattern": {"é": [{"prefixx": "a"}]}, "targets": [{"function": "CSVToParquet"}]}
            """
        let findings = try TestApp.findings(TestApp.files(["Events/rules/a.json": text]))
        #expect(findings.contains { $0.code == .invalidPattern && $0.line == 2 && $0.column == 20 }, "\(findings)")
    }
}
