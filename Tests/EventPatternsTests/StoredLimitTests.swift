import EventPatterns
import Testing

@Suite("Limits of stored patterns")
struct StoredLimitTests {
    private static let patterns = [
        #"{"a":[{"wildcard":"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*"}]}"#,
        #"{"a":[{"wildcard":{"equals-ignore-case":"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*"}}]}"#,
        #"{"a":[{"regex":".*(abc|def|ghi|jkl|mno|pqr|stu|vwx|yza|bcd|aaaaaaaaaaaaaaaa).*"}]}"#,
        "{\"a\":[" + (0..<65).map { "{\"equals-ignore-case\":\"ä\($0)aaaaaaaaaaaaaaaa\"}" }.joined(separator: ",")
            + "]}",
    ]

    @Test("What costs too much for a new rule is read as before where it is stored", arguments: patterns)
    func costs(pattern: String) throws {
        #expect(throws: PatternError.self) { try EventPattern(parsing: pattern, dialect: .extended) }
        let stored = try EventPattern(parsing: pattern, dialect: .extended, limits: .stored)
        let matcher = Matcher([(1, stored)])
        let scratch = MatchScratch()
        let text = pattern.contains("ä") ? "Ä64AAAAAAAAAAAAAAAA" : "aaaaaaaaaaaaaaaa"
        #expect(try matcher.matches(in: Array(#"{"a":"\#(text)"}"#.utf8), scratch: scratch) == [1])
        #expect(try matcher.matches(in: Array(#"{"a":"b"}"#.utf8), scratch: scratch) == [])
    }

    @Test("What is no pattern is refused there too")
    func malformed() {
        for text in ["", "{", #"{"a":[{"regex":"("}]}"#, #"{"a":[{"wildcard":"**"}]}"#] {
            #expect(throws: PatternError.self) {
                try EventPattern(parsing: text, dialect: .extended, limits: .stored)
            }
        }
    }
}
