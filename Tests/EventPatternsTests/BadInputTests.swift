import EventPatterns
import Testing

@Suite("Hostile patterns and events are refused or bounded", .timeLimit(.minutes(2)))
struct BadInputTests {
    private func pattern(_ text: String) throws -> EventPattern { try EventPattern(parsing: text) }

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

    @Test("Strings of 10 MB in linear time")
    func longStrings() throws {
        let long = String(repeating: "a", count: 10_000_000)
        let matcher = Matcher([
            ("prefix", try pattern(#"{"k":[{"prefix":"aaaa"}]}"#)), ("exact", try pattern(#"{"k":["aaaa"]}"#)),
            ("middle", try pattern(#"{"k":[{"wildcard":"*aaab*"}]}"#)),
            ("many", try pattern(#"{"k":[{"wildcard":"*a*a*a*a*a*a*a*a*b"}]}"#)),
            ("periodic", try pattern("{\"k\":[{\"wildcard\":\"*\(String(repeating: "a", count: 1000))b*\"}]}")),
            ("case", try pattern(#"{"k":[{"suffix":{"equals-ignore-case":"ÉA"}}]}"#)),
            ("but", try pattern(#"{"k":[{"anything-but":{"wildcard":"*b*"}}]}"#)),
            ("escaped", try pattern(#"{"e":[{"suffix":"\n"}]}"#)),
        ])
        let event = "{\"k\":\"\(long)\",\"e\":\"\(String(repeating: "\\n", count: 1_000_000))\"}"
        let clock = ContinuousClock()
        var ids: Set<String> = []
        let time = try clock.measure { ids = Set(try matcher.matches(in: event)) }
        #expect(ids == ["prefix", "but", "escaped"])
        #expect(time < .seconds(20))
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

    @Test("Wildcard chains: many stars are refused, fewer are linear")
    func wildcardChains() throws {
        let error = try #require(throws: PatternError.self) {
            try pattern("{\"a\":[{\"wildcard\":\"\(String(repeating: "*a", count: 65))\"}]}")
        }
        #expect(error.message.hasPrefix("Rule is too complex"))
        #expect(error.code == .limitExceeded)
        let chain = try pattern(
            "{\"a\":[{\"wildcard\":\"\(String(repeating: "*a", count: 64))*b\"}]}".replacing("*a*b", with: "*ab"))
        let clock = ContinuousClock()
        let event = "{\"a\":\"\(String(repeating: "a", count: 1_000_000))\"}"
        var isMatch = true
        let time = try clock.measure { isMatch = try chain.matches(event) }
        #expect(!isMatch)
        #expect(time < .seconds(10))
    }

    @Test("Large arrays: consistent choices without products")
    func largeArrays() throws {
        let clock = ContinuousClock()
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
        var found: Set<String> = []
        let time = try clock.measure { found = Set(try matcher.matches(in: event)) }
        #expect(found == ["last"])
        #expect(time < .seconds(20))
    }

    @Test("Hostile rules change nothing of what the others match")
    func hostileRule() throws {
        // What they cost the others is measured by `sluice bench patterns`.
        let hostile = [
            "{\"detail\":{\"object\":{\"key\":[{\"wildcard\":\"\(String(repeating: "*e", count: 60))*zz\"}]}}}",
            "{\"detail\":{\"object\":{\"key\":[\((1...500).map { "{\"prefix\":\"\(String(repeating: "q", count: $0))\"}" }.joined(separator: ","))]}}}",
        ]
        let events = BenchEvents.objectCreated(count: 300, buckets: 50, seed: 3)
        let rules = try BenchKind.s3Mix.rules(count: 500, seed: 4).enumerated().map { ($0, try pattern($1)) }
        let scratch = MatchScratch()
        let plain = Matcher(rules)
        let burdened = plain.adding(try hostile.enumerated().map { (-1 - $0, try pattern($1)) })
        for event in events {
            let alone = try plain.matches(in: event, scratch: scratch)
            #expect(try Set(alone) == Set(burdened.matches(in: event, scratch: scratch)))
        }
    }
}
