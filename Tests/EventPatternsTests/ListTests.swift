import EventPatterns
import Testing

@Suite("Long lists of tests", .timeLimit(.minutes(5)))
struct ListTests {
    private func pattern(_ test: String) throws -> EventPattern {
        var limits = PatternLimits()
        limits.wildcardComplexity = 10_000
        return try EventPattern(parsing: "{\"k\":[\(test)]}", dialect: .extended, limits: limits)
    }

    /// Each text against the list, and against a matcher with each of its tests as a rule.
    private func check(_ tests: [String], _ list: String, negated: Bool, _ values: [String]) throws {
        let whole = Matcher([(true, try pattern(list))])
        let beside = Matcher([(true, try pattern(list))]).adding([(false, try pattern("{\"exists\":true}"))])
        let single = Matcher(try tests.map { (0, try pattern($0)) })
        let scratch = MatchScratch()
        for value in values {
            let event = "{\"k\":\(value)}"
            let wanted = try single.matches(in: event, scratch: scratch).isEmpty == negated
            #expect(try whole.matches(in: event, scratch: scratch).contains(true) == wanted, "\(value) \(list)")
            #expect(try beside.matches(in: event, scratch: scratch).contains(true) == wanted, "\(value) \(list)")
        }
    }

    @Test("Lists of text mean what their tests mean one by one, also what is anything but them")
    func texts() throws {
        var random = SeededGenerator(seed: 3)
        func word(_ letters: String = "ab", _ least: Int = 1) -> String {
            // Now and then longer than what an entry begins with, and than a text's words.
            let most = [4, 10, 20, 40][random.below(4)]
            return random.text(letters, least + random.below(most))
        }
        for round in 0..<10 {
            let letters = round % 2 == 0 ? "ab" : "abAB"
            let words = (0..<(9 + random.below(60))).map { _ in word(letters) }
            let quoted = words.map { "\"\($0)\"" }
            let list = quoted.joined(separator: ",")
            var values = words.flatMap {
                [$0, $0 + word(letters), word(letters) + $0, String($0.dropLast()), "x" + $0]
            }
            values +=
                (0..<40).map { _ in word(letters, 0) } + ["", "\\u0000", "a\\u0000"] + words.map { $0.uppercased() }
            let texts = values.map { "\"\($0)\"" } + ["5", "null", "[\"zz\",\"\(words[0])\"]"]
            try check(quoted, list, negated: false, texts)
            for name in ["prefix", "suffix", "equals-ignore-case"] {
                let tests = quoted.map { "{\"\(name)\":\($0)}" }
                try check(tests, tests.joined(separator: ","), negated: false, texts)
                try check(tests, "{\"anything-but\":{\"\(name)\":[\(list)]}}", negated: true, texts.dropLast())
            }
            for name in ["prefix", "suffix"] {
                let tests = quoted.map { "{\"\(name)\":{\"equals-ignore-case\":\($0)}}" }
                try check(tests, tests.joined(separator: ","), negated: false, texts)
            }
            try check(quoted, "{\"anything-but\":[\(list)]}", negated: true, texts.dropLast())
            let wildcards = words.map { word in
                ["\(word)*", "*\(word)", "\(word)*a", "\(word)*b*", "*\(word)*", word][random.below(6)]
            }
            let wild = wildcards.map { "{\"wildcard\":\"\($0)\"}" }
            try check(wild, wild.joined(separator: ","), negated: false, texts)
            let excluded = wildcards.map { "\"\($0)\"" }.joined(separator: ",")
            try check(wild, "{\"anything-but\":{\"wildcard\":[\(excluded)]}}", negated: true, texts.dropLast())
            let mixed = (quoted + wild + quoted.map { "{\"prefix\":\($0)}" }.suffix(3)).shuffled(using: &random)
            try check(mixed, mixed.joined(separator: ","), negated: false, texts)
            let regexes = (0..<12).map { _ in "{\"regex\":\"\(word("cd"))\(random.below(10))[ab]*\"}" }
            try check(regexes, regexes.joined(separator: ","), negated: false, texts + ["\"c1ab\"", "\"d5\""])
        }
    }

    @Test("Lists of ranges, which overlap, meet and repeat themselves")
    func ranges() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<60 {
            let tests = (0..<(9 + random.below(30))).map { _ -> String in
                let low = random.below(60)
                switch random.below(5) {
                case 0: return "\(low)"
                case 1: return "{\"numeric\":[\"<=\",-\(low + 5)]}"
                case 2: return "{\"numeric\":[\"=\",\(low)]}"
                default:
                    let ends = (random.below(2) == 0 ? ">" : ">=", random.below(2) == 0 ? "<" : "<=")
                    return "{\"numeric\":[\"\(ends.0)\",\(low),\"\(ends.1)\",\(low + 1 + random.below(3))]}"
                }
            }
            let values = (-70..<130).map { (half: Int) in "\(Double(half) / 2)" } + ["\"5\"", "null", "[1,99]"]
            try check(tests, tests.joined(separator: ","), negated: false, values)
        }
    }

    @Test("Lists of times, which overlap and meet")
    func dates() throws {
        var random = SeededGenerator(seed: 6)
        func time(_ second: Int) -> String {
            func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
            return "2026-01-01T00:\(two(second / 60)):\(two(second % 60))Z"
        }
        for _ in 0..<40 {
            let tests = (0..<(1 + random.below(30))).map { _ -> String in
                let low = random.below(100)
                switch random.below(5) {
                case 0: return "{\"date\":[\"=\",\"\(time(low))\"]}"
                case 1: return "{\"date\":[\"<\",\"\(time(low / 10))\"]}"
                case 2: return "\"\(time(low))\""
                default:
                    let ends = (random.below(2) == 0 ? ">" : ">=", random.below(2) == 0 ? "<" : "<=")
                    return
                        "{\"date\":[\"\(ends.0)\",\"\(time(low))\",\"\(ends.1)\",\"\(time(low + 1 + random.below(4)))\"]}"
                }
            }
            let values = (0..<110).map { "\"\(time($0))\"" } + ["\"2026-01-01T01:00:05+01:00\"", "\"no time\"", "5"]
            try check(tests, tests.joined(separator: ","), negated: false, values)
        }
    }

    @Test("Lists of addresses and blocks of them, which lie in one another and meet")
    func addresses() throws {
        var random = SeededGenerator(seed: 9)
        for round in 0..<40 {
            func address() -> String {
                round % 2 == 0
                    ? "10.0.\(random.below(2)).\(random.below(64))"
                    : [
                        "2001:db8::\(random.below(64))", "::ffff:10.0.0.\(random.below(64))",
                        "10.0.0.\(random.below(64))",
                    ][
                        random.below(3)]
            }
            let tests = (0..<(1 + random.below(40))).map { _ -> String in
                let text = address()
                if random.below(3) == 0 { return "\"\(text)\"" }
                let most = text.contains(":") ? 128 : 32
                return "{\"cidr\":\"\(text)/\(most - 1 - random.below(6))\"}"
            }.filter { !$0.contains("ffff") || !$0.contains("cidr") }
            guard !tests.isEmpty else { continue }
            let values = (0..<150).map { _ in "\"\(address())\"" } + ["\"10.0.0.300\"", "\"x\"", "5", "[\"10.0.0.1\"]"]
            try check(tests, tests.joined(separator: ","), negated: false, values)
        }
    }

    @Test("What several lists of exclusions in one field leave out is what all of them do")
    func exclusions() throws {
        let values = (0..<12).flatMap { ["\"x\($0)\"", "\($0)"] } + ["null", "[\"x1\",5]"]
        for lists in [
            ["\"x1\",\"x2\"", "\"x2\",\"x3\""], ["\"x1\"", "\"x2\""], ["1,2", "2,3"], ["1,2", "\"x1\""],
            ["\"x1\",\"x2\",\"x3\"", "\"x3\",\"x2\"", "\"x2\""],
        ] {
            let tests = lists.map { "{\"anything-but\":[\($0)]}" }
            try check(tests, tests.joined(separator: ","), negated: false, values)
            let more = tests + ["{\"anything-but\":{\"prefix\":\"x\"}}", "\"x2\""]
            try check(more, more.joined(separator: ","), negated: false, values)
        }
    }

    @Test("A thousand tests in a list cost about what ten cost")
    func cost() throws {
        let events = BenchEvents.objectCreated(count: 100, buckets: 5, seed: 1)
        let scratch = MatchScratch()
        func time(_ count: Int, _ list: ([String]) -> String) throws -> Double {
            let texts = (0..<count).map { "\"incoming/2026/0\($0)!\"" }
            let matcher = Matcher([
                (0, try EventPattern(parsing: "{\"detail\":{\"object\":{\"key\":[\(list(texts))]}}}"))
            ])
            return try ThreadTime.least(of: 5) {
                for event in events { _ = try matcher.matches(in: event, scratch: scratch) }
            }
        }
        let lists: [([String]) -> String] =
            ["prefix", "suffix", "equals-ignore-case"].map { name in
                { "{\"anything-but\":{\"\(name)\":[\($0.joined(separator: ","))]}}" }
            } + [
                { "{\"anything-but\":[\($0.joined(separator: ","))]}" },
                { $0.map { "{\"prefix\":\($0)}" }.joined(separator: ",") },
                { $0.map { "{\"wildcard\":\($0.dropLast())*x\"}" }.joined(separator: ",") },
                { "{\"anything-but\":{\"wildcard\":[\($0.map { "\($0.dropLast())*x\"" }.joined(separator: ","))]}}" },
                { list in list.indices.map { "{\"numeric\":[\">\",\($0),\"<\",1e9]}" }.joined(separator: ",") },
                { list in list.indices.map { "{\"cidr\":\"10.\($0 / 256).\($0 % 256).0/24\"}" }.joined(separator: ",")
                },
            ]
        for (number, list) in lists.enumerated() {
            let (few, many) = (try time(10, list), try time(1000, list))
            // One by one, a thousand take ten times as long as reading an event.
            #expect(many < few * 5, "list \(number): \(few) and \(many)")
        }
    }
}
