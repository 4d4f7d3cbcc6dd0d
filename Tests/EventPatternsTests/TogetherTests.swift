import EventPatterns
import Testing

/// Rules that look for something in several fields at once: each must match what its fields do, one by one.
@Suite("Wildcards of several fields", .timeLimit(.minutes(5)))
struct TogetherTests {
    private static let tests = [
        #"{"wildcard":"*a*"}"#, #"{"wildcard":"*ab*"}"#, #"{"wildcard":"*a*b*"}"#, #"{"wildcard":"*é*"}"#,
        #"{"wildcard":"*abababababa*"}"#, #"{"wildcard":{"equals-ignore-case":"*A*b*"}}"#,
        #"{"wildcard":{"equals-ignore-case":"*É*"}}"#, #"{"anything-but":{"wildcard":"*b*"}}"#,
        #"{"anything-but":{"wildcard":["*aa*","*bb*"]}}"#, #"{"wildcard":"*aab*"},{"wildcard":"*bba*"}"#,
        // Looked for in other ways, and so not together with the others.
        #"{"wildcard":"a*b*"}"#, #"{"wildcard":"*a*b"}"#, #"{"exists":true}"#, #""a""#, #"{"wildcard":"*a*"},7"#,
    ]

    private func value(_ random: inout SeededGenerator) -> String? {
        func text() -> String {
            let letters = ["ab", "abc", "abAB", "abé"][random.below(4)]
            let length = [random.below(4), random.below(20), 60 + random.below(10)][random.below(3)]
            return "\"\(random.text(letters, length))\(random.below(8) == 0 ? "\\u0061" : "")\""
        }
        switch random.below(12) {
        case 0: return nil
        case 1: return ["7", "null", "true", "{}", "[]", "{\"x\":\"a\"}"][random.below(6)]
        case 2: return "[\(text())]"
        case 3: return "[\(text()),\(text())]"
        default: return text()
        }
    }

    @Test("Random rules over two to nine fields", arguments: [UInt64](1...4))
    func severalFields(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let scratch = MatchScratch()
        var counts = (matched: 0, failed: 0)
        for _ in 0..<60 {
            let common = 1 + random.below(Self.tests.count)
            let fields = (0..<(2 + random.below(8))).map { ("f\($0)", Self.tests[random.below(common)]) }
            func pattern(_ fields: some Sequence<(String, String)>) throws -> EventPattern {
                try EventPattern(
                    parsing: "{\(fields.map { "\"\($0)\":[\($1)]" }.joined(separator: ","))}", dialect: .extended,
                    limits: .stored)
            }
            let whole = try pattern(fields)
            let single = try fields.map { Matcher([(0, try pattern([$0]))]) }
            let branches = try EventPattern(
                parsing: "{\"$or\":[{\"no\":[1]},{\(fields.map { "\"\($0)\":[\($1)]" }.joined(separator: ","))}]}",
                dialect: .extended, limits: .stored)
            // Beside rules that ask the same of single fields, what is found out is remembered.
            let matchers = [
                Matcher([(-1, whole)]), Matcher([(-1, branches)]),
                Matcher([(-1, whole)] + (try fields.prefix(3).map { (0, try pattern([$0])) })),
            ]
            for _ in 0..<60 {
                let values = fields.compactMap { field in value(&random).map { "\"\(field.0)\":\($0)" } }
                let event = "{\(values.shuffled(using: &random).joined(separator: ","))}"
                let wanted = try single.allSatisfy { try !$0.matches(in: event, scratch: scratch).isEmpty }
                for matcher in matchers {
                    #expect(
                        try matcher.matches(in: event, scratch: scratch).contains(-1) == wanted,
                        "\(fields) \(event)")
                }
                (wanted ? { counts.matched += 1 } : { counts.failed += 1 })()
            }
        }
        #expect(counts.matched > 50 && counts.failed > 50, "\(counts)")
    }

    @Test("Fields of one array's elements go together")
    func elements() throws {
        let rule = try EventPattern(parsing: #"{"l":{"a":[{"wildcard":"*x*"}],"b":[{"wildcard":"*y*"}]}}"#)
        let matcher = Matcher([(1, rule)])
        #expect(try matcher.matches(in: #"{"l":[{"a":"x","b":"n"},{"a":"n","b":"y"}]}"#).isEmpty)
        #expect(try matcher.matches(in: #"{"l":[{"a":"n","b":"n"},{"a":"x","b":"y"}]}"#) == [1])
        #expect(try matcher.matches(in: #"{"l":{"a":"x","b":"y"}}"#) == [1])
        #expect(try matcher.matches(in: #"{"l":{"a":"x","a":"n","b":"y"}}"#) == [1])
    }

    @Test("An address is read only where what failed last does not fail again, and means the same")
    func addresses() throws {
        let rules = try [
            #"{"ip":[{"cidr":"10.0.0.0/8"},{"cidr":"192.168.0.0/16"}],"a":["x"],"z":["y"]}"#,
            #"{"$or":[{"ip":[{"cidr":"10.0.0.0/8"}],"z":["y"]},{"ip":["10.1.1.1"],"a":["n"]}]}"#,
        ].map { try EventPattern(parsing: $0) }
        let scratch = MatchScratch()
        for (number, rule) in rules.enumerated() {
            let matcher = Matcher([(1, rule)])
            for _ in 0..<2 {
                for (ip, isIn) in [("10.1.1.1", true), ("11.1.1.1", false), ("none", false)] {
                    for (a, z) in [("x", "y"), ("x", "n"), ("x", "n"), ("n", "n"), ("n", "y"), ("x", "y"), ("x", "y")] {
                        let event = "{\"ip\":\"\(ip)\",\"a\":\"\(a)\",\"z\":\"\(z)\"}"
                        let wanted = isIn && (number == 0 ? a == "x" && z == "y" : z == "y" || a == "n")
                        #expect(try matcher.matches(in: event, scratch: scratch) == (wanted ? [1] : []), "\(event)")
                    }
                }
            }
        }
    }
}
