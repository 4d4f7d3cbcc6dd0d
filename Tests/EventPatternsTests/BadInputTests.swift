import EventPatterns
import Testing

@Suite("Hostile patterns and events are refused or bounded", .timeLimit(.minutes(5)))
struct BadInputTests {
    private func pattern(_ text: String, complexity: Int = 10) throws -> EventPattern {
        var limits = PatternLimits()
        limits.wildcardComplexity = complexity
        return try EventPattern(parsing: text, limits: limits)
    }

    @Test("Patterns nested 1,000 deep are read, deeper ones refused")
    func deepPatterns() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"a":"#, count: depth) + #"["x"]"# + String(repeating: "}", count: depth)
        }
        #expect(try pattern(nested(999)).paths.count == 1)
        let error = try #require(throws: PatternError.self) { try pattern(nested(1000)) }
        #expect(error.code == .limitExceeded)
        #expect(throws: PatternError.self) { try pattern(nested(100_000)) }
        #expect(throws: PatternError.self) { try pattern(String(repeating: "[", count: 100_000)) }
    }

    @Test("Events nested 100,000 deep cost memory and no stack")
    func deepEvents() throws {
        let depth = 100_000
        let matcher = Matcher([
            (0, try pattern(#"{"a":["x"]}"#)), (1, try pattern(#"{"b":{"b":["x"]}}"#)),
            (2, try pattern(#"{"z":[{"exists":false}]}"#)),
        ])
        let arrays =
            #"{"a":"# + String(repeating: "[", count: depth) + #""x""# + String(repeating: "]", count: depth) + "}"
        #expect(Set(try matcher.matches(in: arrays)) == [0, 2])
        let objects = String(repeating: #"{"b":"#, count: depth) + #""x""# + String(repeating: "}", count: depth)
        #expect(try matcher.matches(in: objects) == [2])
        let skipped =
            #"{"c":"# + String(repeating: #"[{"c":"#, count: depth) + "1" + String(repeating: "}]", count: depth) + "}"
        #expect(try matcher.matches(in: skipped) == [2])
        #expect(throws: EventError.self) { try matcher.matches(in: String(arrays.dropLast(2))) }
    }

    /// Whatever is not linear here takes hours, which the suite's limit ends.
    @Test("Strings of 10 MB, also where text and pattern repeat themselves")
    func longStrings() throws {
        let long = String(repeating: "a", count: 10_000_000)
        let matcher = Matcher([
            ("prefix", try pattern(#"{"k":[{"prefix":"aaaa"}]}"#)), ("exact", try pattern(#"{"k":["aaaa"]}"#)),
            ("middle", try pattern(#"{"k":[{"wildcard":"*aaab*"}]}"#)),
            ("many", try pattern(#"{"k":[{"wildcard":"*a*a*a*a*a*a*a*a*b"}]}"#, complexity: 100)),
            (
                "periodic",
                try pattern(
                    "{\"k\":[{\"wildcard\":\"*\(String(repeating: "a", count: 1000))b*\"}]}", complexity: 2000)
            ),
            ("case", try pattern(#"{"k":[{"suffix":{"equals-ignore-case":"ÉA"}}]}"#)),
            ("but", try pattern(#"{"k":[{"anything-but":{"wildcard":"*b*"}}]}"#)),
            ("escaped", try pattern(#"{"e":[{"suffix":"\n"}]}"#)),
        ])
        let event = "{\"k\":\"\(long)\",\"e\":\"\(String(repeating: "\\n", count: 1_000_000))\"}"
        #expect(Set(try matcher.matches(in: event)) == ["prefix", "but", "escaped"])
        #expect(throws: EventError.self) { try matcher.matches(in: "{\"k\":\"\(long)") }
        #expect(try pattern("{\"k\":[\"\(long)\"]}").matches(event))
    }

    @Test("Numbers of a million digits")
    func longNumbers() throws {
        let digits = String(repeating: "7", count: 1_000_000)
        #expect(try pattern("{\"a\":[\(digits)]}").matches("{\"a\":\(digits)}"))
        #expect(try !pattern(#"{"a":[{"numeric":[">",0]}]}"#).matches("{\"a\":\(digits)}"))
        #expect(throws: PatternError.self) { try pattern("{\"a\":[{\"numeric\":[\">\",\(digits)]}]}") }
        #expect(try !pattern(#"{"a":[1]}"#).matches("{\"a\":1e\(digits)}"))
    }

    @Test("Products of $or over 1,000 are refused")
    func explosions() throws {
        func product(_ factors: Int) -> String {
            var parts: [String] = []
            for factor in 0..<factors {
                parts.append("\"$or\":[{\"a\(factor)\":[\"x\"]},{\"b\(factor)\":[\"x\"]}]")
            }
            return "{\(parts.joined(separator: ","))}"
        }
        #expect(try pattern(product(9)).branchCount == 512)
        let error = try #require(throws: PatternError.self) { try pattern(product(10)) }
        #expect(error.code == .limitExceeded)
        #expect(throws: PatternError.self) { try pattern(product(60)) }
    }

    @Test("Large arrays: consistent choices without products")
    func largeArrays() throws {
        let matcher = Matcher([
            ("last", try pattern(#"{"e":{"f":["A"],"l":["last"]}}"#)),
            ("none", try pattern(#"{"e":{"f":["B"],"l":["last"]}}"#)),
            ("apart", try pattern(#"{"e":{"f":["A"]},"g":{"h":["H"],"i":["never"]},"k":["K"]}"#)),
        ])
        var elements: [String] = []
        for index in 0..<5000 { elements.append("{\"f\":\"A\",\"l\":\"\(index == 4999 ? "last" : "x")\"}") }
        elements.append(#"{"f":"B"}"#)
        let others = (0..<5000).map { _ in #"{"h":"H"},{"i":"never"}"# }.joined(separator: ",")
        let event = "{\"e\":[\(elements.joined(separator: ","))],\"g\":[\(others)],\"k\":\"K\"}"
        let scratch = MatchScratch()
        let answer = try matcher.answer(in: Array(event.utf8), scratch: scratch)
        #expect(answer.matched == ["last"])
        #expect(answer.undecided.isEmpty)
        // Three rules over 5,000 and 10,000 elements; the products are 25 and 50 million.
        #expect(scratch.searchSteps < 1_000_000)
    }

    @Test("Hostile rules change nothing of what the others match", arguments: [BenchKind.s3Mix, .exact])
    func hostileRule(kind: BenchKind) throws {
        // What they cost the others is measured by `sluice bench patterns`.
        let hostile =
            try HostileRules.all(for: kind).map { try EventPattern(parsing: $0.pattern, dialect: .extended) } + [
                pattern(
                    "{\"detail\":{\"object\":{\"key\":[\((1...500).map { "{\"prefix\":\"\(String(repeating: "q", count: $0))\"}" }.joined(separator: ","))]}}}"
                )
            ]
        let events =
            kind.usesObjectEvents
            ? BenchEvents.objectCreated(count: 300, buckets: 50, seed: 3) : BenchEvents.cityLots(count: 300, seed: 3)
        let rules = try kind.rules(count: 500, seed: 4).enumerated().map { ($0, try pattern($1)) }
        let scratch = MatchScratch()
        let plain = Matcher(rules)
        let burdened = plain.adding(hostile.enumerated().map { (-1 - $0, $1) })
        for event in events {
            let alone = try plain.matches(in: event, scratch: scratch)
            let beside = try burdened.matches(in: event, scratch: scratch)
            #expect(Set(alone) == Set(beside.filter { $0 >= 0 }))
        }
    }
}
