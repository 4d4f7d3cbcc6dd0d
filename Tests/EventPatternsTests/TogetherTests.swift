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

    /// What events cost one after the other, which match none of the rules.
    private func work(_ rules: [String], _ events: [String]) throws -> [Int] {
        let matcher = Matcher(
            try rules.enumerated().map {
                ($0, try EventPattern(parsing: $1, dialect: .extended, limits: .stored))
            })
        let scratch = MatchScratch()
        return try events.map { event in
            let matches = try matcher.matches(in: event, scratch: scratch)
            #expect(matches.isEmpty, "\(event.prefix(100))")
            return scratch.work
        }
    }

    @Test("Beside a long text, the field that a rule is filed under is still asked first, and alone")
    func longTexts() throws {
        let long = String(repeating: "abcdefgh", count: 512)
        for other in [#"{"wildcard":"*OutOfMemory*"}"#, #"{"wildcard":"*abc*"}"#] {
            let rule = #"{"body":[\#(other)],"kind":[{"wildcard":{"equals-ignore-case":"*crash*"}}]}"#
            let alone = try work([#"{"kind":[{"wildcard":{"equals-ignore-case":"*crash*"}}]}"#], [#"{"kind":"info"}"#])
            let event = #"{"body":"\#(long)","kind":"info"}"#
            #expect(try work([rule], [event, event, event]) == [alone[0], alone[0], alone[0]])
            let hit = try EventPattern(parsing: rule, dialect: .extended)
            #expect(try hit.matches(#"{"body":"\#(long)","kind":"a CRASH"}"#) == other.contains("abc"))
            #expect(try hit.matches(#"{"body":"\#(long)OutOfMemory","kind":"a CRASH"}"#))
        }
        // What is found out of one is not looked for again because another is long.
        let levels = #"{"level":[{"wildcard":"*warn*"}],"message":[{"wildcard":"*timeout*"}]}"#
        let event = #"{"level":"info","message":"\#(long)"}"#
        let one = try work([#"{"level":[{"wildcard":"*warn*"}]}"#], [#"{"level":"info"}"#])
        #expect(try work([levels], [event, event])[1] <= one[0] + 1)
    }

    @Test("Many rules that fail for what they failed for the last time take one search each")
    func manyRules() throws {
        func rule(_ number: Int) -> String {
            let tests = (0..<4).map { #""f\#($0)":[{"wildcard":{"equals-ignore-case":"*n\#($0)o\#(number)*"}}]"# }
            return "{\(tests.joined(separator: ","))}"
        }
        let event = #"{"f0":"a","f1":"b","f2":"c","f3":"d"}"#
        let few = try work((0..<8).map(rule), [event, event])[1]
        let many = try work((0..<200).map(rule), [event, event])[1]
        #expect(many * 8 <= few * 200 / 3, "\(few) and \(many)")
    }

    @Test("Where another field is not there, each of many values costs no more than its own search")
    func manyValues() throws {
        let values = (0..<500).map { "\"v\($0)\"" }.joined(separator: ",")
        let tests = [("a", #"[{"wildcard":"*no*"}]"#), ("z", #"[{"wildcard":{"equals-ignore-case":"*nono*"}}]"#)]
        let rule = "{\(tests.map { "\"\($0)\":\($1)" }.joined(separator: ","))}"
        for (number, (name, test)) in tests.enumerated() {
            let array = "\"\(name)\":[\(values)]"
            let own = try work(["{\"\(name)\":\(test)}"], ["{\(array)}"])
            for event in ["{\(array)}", "{\(array),\"\(tests[1 - number].0)\":\"x\"}"] {
                let all = try work([rule], [event, event])
                #expect(all[1] <= own[0] + 8, "\(name) \(all) \(own)")
            }
        }
    }

    @Test("An address outside the blocks is none of them, whatever the rule failed for the last time")
    func addressesOutside() throws {
        let rules = try [
            #"{"a":["x"],"ip":[{"cidr":"10.0.0.0/8"},{"cidr":"2001:db8::/32"}],"y":["y"],"z":[{"anything-but":"n"}]}"#,
            #"{"ip":[{"cidr":"10.0.0.0/8"}],"y":[{"prefix":"y"}],"z":[{"wildcard":"*y*"}]}"#,
            #"{"ip":["10.1.1.1"],"y":["y"],"z":[{"regex":".*y"}]}"#,
            #"{"$or":[{"ip":[{"cidr":"10.0.0.0/8"}],"y":["y"]},{"ip":[{"cidr":"10.0.0.0/8"}],"z":["y"]}]}"#,
        ].map { try EventPattern(parsing: $0, dialect: .extended) }
        var random = SeededGenerator(seed: 11)
        let scratch = MatchScratch()
        for (number, rule) in rules.enumerated() {
            let matcher = Matcher([(1, rule)])
            var counts = (matched: 0, failed: 0)
            for _ in 0..<2000 {
                // At times what failed fails again, at times it does not.
                let (ip, isIn) = [
                    ("10.1.1.1", true), ("11.1.1.1", false), ("", false), ("1", false), ("2001:db8::1", number == 0),
                    ("2001:db9::1", false),
                ][random.below(6)]
                let (a, y, z) = (
                    ["x", "x", "n"][random.below(3)], ["y", "n"][random.below(2)], ["y", "n"][random.below(2)]
                )
                let event = "{\"a\":\"\(a)\",\"ip\":\"\(ip)\",\"y\":\"\(y)\",\"z\":\"\(z)\"}"
                let others =
                    switch number {
                    case 0: a == "x" && y == "y" && z == "y"
                    case 3: y == "y" || z == "y"
                    default: y == "y" && z == "y"
                    }
                let wanted = isIn && others
                #expect(try matcher.matches(in: event, scratch: scratch) == (wanted ? [1] : []), "\(number) \(event)")
                (wanted ? { counts.matched += 1 } : { counts.failed += 1 })()
            }
            #expect(counts.matched > 50 && counts.failed > 50, "\(counts)")
        }
    }

    @Test("Beside a rule filed under an address, a long text is not looked through before the address is read")
    func addressFirst() throws {
        let long = String(repeating: "abcdefgh", count: 512)
        let rule = #"{"ip":[{"cidr":"10.0.0.0/8"}],"text":[{"wildcard":"*no*"}]}"#
        let events = ["10.1.1.1", "11.1.1.1", "11.1.1.1"].map { #"{"ip":"\#($0)","text":"\#(long)"}"# }
        let all = try work([rule], events)
        #expect(all[0] > 0 && all[2] == 0, "\(all)")
    }
}
