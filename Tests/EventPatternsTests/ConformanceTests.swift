import EventPatterns
import Testing

@Suite("The reference's cases", .timeLimit(.minutes(3)))
struct ConformanceTests {
    @Test("One pattern at a time", arguments: ["handpicked.jsonl", "random.jsonl"])
    func single(file: String) throws {
        let cases = try CaseFile.load(file)
        #expect(cases.count > 300)
        for line in cases {
            let answer = line.item.answer
            if !line.item.accepts(answer) { Issue.record("\(line): \(answer)") }
        }
    }

    @Test("All patterns of a file in one matcher", arguments: ["handpicked.jsonl", "random.jsonl"])
    func combined(file: String) throws {
        let cases = try CaseFile.load(file)
        var rules: [(Int, EventPattern)] = []
        for line in cases where line.item.error != "pattern" {
            rules.append((line.number, try EventPattern(parsing: line.item.pattern, limits: .language)))
        }
        let whole = Matcher(rules)
        // The same rules added one after the other, with others removed on the way.
        var grown = Matcher<Int>()
        for (index, rule) in rules.enumerated() {
            grown = grown.adding([rule, (-1 - index, rule.1)])
            if index % 97 == 0 { grown = grown.removing(Set((0...index).map { -1 - $0 })) }
        }
        grown = grown.removing(Set(rules.indices.map { -1 - $0 }))
        #expect(grown.count == rules.count)
        let scratch = MatchScratch()
        for line in cases {
            guard let wanted = line.item.matches else { continue }
            let ids = try whole.matches(in: line.item.event, scratch: scratch)
            if ids.contains(line.number) != wanted { Issue.record("\(line): \(!wanted) among all") }
            if Set(ids).count != ids.count { Issue.record("\(line): a rule reported twice") }
            let again = try grown.matches(in: line.item.event)
            if Set(ids) != Set(again) || ids.count != again.count { Issue.record("\(line): grown matcher differs") }
        }
    }
}
