import EventPatterns
import Testing

@Suite("Hostile patterns and events are refused or bounded", .timeLimit(.minutes(5)))
struct BadInputTests {
    private func pattern(_ text: String, complexity: Int = 10) throws -> EventPattern {
        var limits = PatternLimits()
        limits.wildcardComplexity = complexity
        limits.work = .max
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

    /// How many times as long `work` takes for what is eight times as large.
    private func growth(_ size: Int, _ work: (Int) throws -> Void) throws -> Double {
        let once = try ThreadTime.least(of: 3) { try work(size) }
        return try ThreadTime.least(of: 3) { try work(size * 8) } / max(once, 0.000_001)
    }

    @Test("What is eight times as large takes about eight times as long")
    func growth() throws {
        let scratch = MatchScratch()
        func match(_ text: String, _ event: String, dialect: PatternDialect = .eventBridge) throws {
            let matcher = Matcher([(0, try EventPattern(parsing: text, dialect: dialect))])
            _ = try matcher.answer(in: Array(event.utf8), scratch: scratch)
        }
        func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
        // A suffix of letters in two forms, against a text that it nearly ends.
        #expect(
            try growth(1000) { size in
                try match(
                    "{\"k\":[{\"suffix\":{\"equals-ignore-case\":\"\(repeated("e", size))é\"}}]}",
                    "{\"k\":\"\(repeated("e", size + 2))\"}")
            } < 24)
        // Fields beside an $or of many branches, more than there may be.
        #expect(
            try growth(300) { size in
                let branches = (0..<100).map { "{\"x\":[\($0)]}" }.joined(separator: ",")
                let fields = (0..<size).map { "\"f\($0)\":[1]" }.joined(separator: ",")
                #expect(throws: PatternError.self) { try pattern("{\"$or\":[\(branches)],\(fields)}") }
            } < 24)
        // One list beside an $or of many branches.
        #expect(
            try growth(100) { size in
                let branches = (0..<size).map { "{\"x\":[\($0)]}" }.joined(separator: ",")
                try match(
                    "{\"$or\":[\(branches)],\"k\":[{\"regex\":\".*a.{4}\"},{\"regex\":\".*b.{4}\"}]}", "{}",
                    dialect: .extended)
            } < 24)
        // A class of many ranges.
        #expect(
            try growth(1000) { size in
                try match("{\"k\":[{\"regex\":\"[\(repeated("a-cx-z", size))]\"}]}", "{}", dialect: .extended)
            } < 24)
    }

    @Test("Elements in arrays nested deep are searched by what they cost")
    func deepArrays() throws {
        let rule = Matcher([(0, try pattern(#"{"a":{"x":[1],"y":[1],"z":[1]}}"#))])
        let scratch = MatchScratch()
        func event(_ depth: Int, _ pairs: Int) -> String {
            #"{"a":"# + String(repeating: "[", count: depth)
                + (0..<pairs).map { _ in #"{"x":1,"y":1},"# }.joined() + #"{"z":1}"#
                + String(repeating: "]", count: depth) + "}"
        }
        _ = try rule.answer(in: Array(event(1, 400).utf8), scratch: scratch)
        let flat = scratch.searchSteps
        let answer = try rule.answer(in: Array(event(900, 400).utf8), scratch: scratch)
        #expect(answer.matched.isEmpty && answer.undecided.isEmpty)
        // A step for each sixteen arrays of a way that is walked, and no way once more for each array of the other.
        #expect(scratch.searchSteps < flat + 400 * 900)
        #expect(try rule.matches(in: event(900, 0).replacing(#"{"z":1}"#, with: #"{"x":1,"y":1,"z":1}"#)) == [0])
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

    @Test("A refusal repeats only as much of a long pattern as can be read")
    func longMessages() throws {
        let long = String(repeating: "1", count: 1_000_000)
        for (pattern, message, shown) in [
            (#"{"a":[{"numeric":["=",\#(long)]}]}"#, "Cannot compare number : 111", 1),
            (#"{"a":[{"\#(long)":1}]}"#, "Unrecognized match type 111", 1),
            (#"{"\#(long)":1}"#, #""111"#, 1), (#"{"a":[{"cidr":"\#(long)/1"}]}"#, "Nonstandard IP address: 111", 1),
            (#"{"a":[{"\#(long.prefix(1_900))":1}]}"#, "Unrecognized match type 111", 0),
        ] {
            let error = try #require(throws: PatternError.self) { try self.pattern(pattern) }
            #expect(error.message.hasPrefix(message) && error.message.utf8.count <= 2_000)
            #expect(error.message.count { $0 == "…" } == shown)
        }
        let member = try #require(throws: PatternError.self) { try self.pattern(#"{"\#(long)":1}"#) }
        #expect(member.message.hasSuffix(#"1" must be an object or an array"#))
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
