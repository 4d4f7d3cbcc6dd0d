import EventPatterns
import Testing

@Suite("The reference's cases", .timeLimit(.minutes(3)))
struct ConformanceTests {
    @Test("One pattern at a time", arguments: ["handpicked.jsonl", "random.jsonl"])
    func single(file: String) throws {
        let cases = try Case.load(file)
        #expect(cases.count > 300)
        for item in cases {
            let answer = CaseAnswer.answer(pattern: item.pattern, event: item.event)
            if !item.accepts(answer) { Issue.record("\(item): \(answer), expected \(item.expected)") }
        }
    }

    @Test("All patterns of a file in one matcher", arguments: ["handpicked.jsonl", "random.jsonl"])
    func combined(file: String) throws {
        let cases = try Case.load(file)
        var rules: [(Int, EventPattern)] = []
        for item in cases {
            if case .patternError = item.expected { continue }
            rules.append((item.line, try EventPattern(parsing: item.pattern)))
        }
        let matcher = Matcher(rules)
        let scratch = MatchScratch()
        for item in cases {
            guard case .match(let wanted) = item.expected else { continue }
            let ids = try matcher.matches(in: item.event, scratch: scratch)
            if ids.contains(item.line) != wanted { Issue.record("\(item): \(!wanted) among all") }
            if Set(ids).count != ids.count { Issue.record("\(item): a rule reported twice") }
        }
    }
}
