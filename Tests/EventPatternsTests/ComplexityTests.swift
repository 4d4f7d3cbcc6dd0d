import EventPatterns
import Testing

@Suite("What rules may cost")
struct ComplexityTests {
    /// The least limit that accepts a list of wildcards: its score.
    private func score(_ wildcards: [String]) throws -> Int {
        let texts = wildcards.map { "{\"wildcard\":\"\($0)\"}" }.joined(separator: ",")
        for limit in 0...40 {
            var limits = PatternLimits()
            limits.wildcardComplexity = limit
            if (try? EventPattern(parsing: "{\"a\":[\(texts)]}", limits: limits)) != nil { return limit }
        }
        return .max
    }

    @Test(
        "Wildcards score as event-ruler scores them",
        arguments: [
            ("x*y", 2), ("*x", 2), ("*ab*cd*ef*", 5), ("*a*a*a*a*", 9), ("*:*:*:*:*:event-bus/*", 11),
            ("/Users/*/dir/dir/dir/dir/dir/doc.txt", 7), ("no star", 0), ("", 0), ("*", 1), ("a*", 1),
        ])
    func observed(wildcard: String, wanted: Int) throws {
        #expect(try score([wildcard]) == wanted)
    }

    @Test("In a list, shared prefixes count once, and starts that exclude one another do not add up")
    func lists() throws {
        #expect(try score(["*.csv", "*.json", "*.gz", "*.png"]) == 2)
        #expect(try score(["a*x", "b*y", "c*z"]) == 2)
        #expect(try score(["a*x", "ab*x"]) == 4)
        #expect(try score(["*a*", "*b*", "*c*"]) == 5)
    }

    @Test("What EventBridge refuses is refused in its words, alone, in a list, and spread over $or")
    func refused() throws {
        let hostile = [
            #"{"a":[{"wildcard":"*:*:*:*:*:event-bus/*"}]}"#,
            #"{"a":[{"anything-but":{"wildcard":"*:*:*:*:*:event-bus/*"}}]}"#,
            "{\"a\":[\((0..<20).map { "{\"wildcard\":\"*\($0)*\"}" }.joined(separator: ","))]}",
            "{\"$or\":[\((0..<20).map { "{\"a\":[{\"wildcard\":\"*\($0)*\"}]}" }.joined(separator: ","))]}",
            "{\"a\":[{\"wildcard\":\"\(String(repeating: "*a", count: 100_000))\"}]}",
            "{\"a\":[{\"wildcard\":\"*\(String(repeating: "ab", count: 1_000_000))\"}]}",
        ]
        for text in hostile {
            let error = try #require(throws: PatternError.self) { try EventPattern(parsing: text) }
            #expect(
                error.message.hasPrefix(
                    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character (the wildcards of one field have complexity "
                ))
            #expect(error.message.hasSuffix(", more than 10)"))
            #expect(error.code == .limitExceeded)
        }
        let stars = #"{"a":["b",{"wildcard":"*:*:*:*:*:event-bus/*"}]}"#
        let error = try #require(throws: PatternError.self) { try EventPattern(parsing: stars) }
        #expect(error.message.contains("complexity 11, more than 10"))
        // The same wildcards on two fields do not meet.
        _ = try EventPattern(parsing: #"{"a":[{"wildcard":"*:*:*:*:x"}],"b":[{"wildcard":"*:*:*:*:x"}]}"#)
        let extended = #"{"a":[{"wildcard":{"equals-ignore-case":"*:*:*:*:*:event-bus/*"}}]}"#
        #expect(throws: PatternError.self) { try EventPattern(parsing: extended, dialect: .extended) }
    }

    @Test("Wildcards and regular expressions of several branches, of which each is one list, mean what they do apart")
    func joinedBranches() throws {
        let rule =
            #"{"$or":[{"a":[{"wildcard":"*x*y*"}]},{"a":[{"wildcard":"*é*z*"}]},{"a":[{"regex":".*[0-9]{2}"}]},"#
            + #"{"a":[{"regex":"q+"}]},{"b":[{"wildcard":"*x*y*"}]},{"a":["w"],"b":[1]},{"a":[{"wildcard":"p*x*"},"#
            + #"{"wildcard":"p*y*"}]},{"a":[{"wildcard":{"equals-ignore-case":"*ö*k*"}},"#
            + #"{"wildcard":{"equals-ignore-case":"*k*ö*"}}]}]}"#
        var limits = PatternLimits()
        limits.wildcardComplexity = 100
        let pattern = try EventPattern(parsing: rule, dialect: .extended, limits: limits)
        let long = String(repeating: "-", count: 100)
        for yes in [
            #"{"a":"1x2y3"}"#, #"{"a":["0","-é-z"]}"#, #"{"a":"u42"}"#, #"{"a":"qq"}"#, #"{"a":1,"b":"xy"}"#,
            #"{"a":"w","b":1}"#, #"{"a":"p-y"}"#, #"{"a":"-Ö-K"}"#, #"{"a":"-K-ö"}"#, "{\"a\":\"p\(long)x\(long)\"}",
            "{\"a\":\"\(long)é\(long)z\"}", "{\"a\":\"\(long)K\(long)Ö\"}",
        ] {
            #expect(try pattern.matches(yes), "\(yes)")
        }
        for no in [
            #"{"a":"1y2x3"}"#, #"{"a":"z-é"}"#, #"{"a":"u4"}"#, #"{"a":"qqr"}"#, #"{"b":"yx"}"#, #"{"a":"w","b":2}"#,
            #"{"a":"-p-"}"#, #"{"a":12}"#, "{\"a\":\"\(long)z\(long)é\"}", "{\"a\":\"x\(long)p\"}",
        ] {
            #expect(try !pattern.matches(no), "\(no)")
        }
        let none = try EventPattern(
            parsing: #"{"a":[{"anything-but":{"wildcard":["*1*3*","*2*5*","ab*c*","ab*d*"]}}]}"#)
        for (text, wanted) in [
            ("135", false), ("153", false), ("31", true), ("25", false), ("abxd", false), ("acbd", true),
        ] {
            #expect(try none.matches("{\"a\":\"\(text)\"}") == wanted, "\(text)")
        }
        #expect(try none.matches(#"{"a":5}"#))
    }

    @Test("Branches that differ in one list are one, whatever they share, and mean what they do apart")
    func joinedBesideOthers() throws {
        let regexes = [".*1.{2}", ".*2.{2}", ".*3.{2}", ".*4.{2}"]
        let rule =
            "{\"source\":[\"s\"],\"$or\":["
            + regexes.map { "{\"k\":[{\"regex\":\"\($0)\"}]}" }.joined(separator: ",")
            + #",{"k":[{"wildcard":"*x*y*"}],"b":[{"exists":false}]},{"k":[{"wildcard":"*y*x*"}],"b":[{"exists":false}]}]}"#
        let pattern = try EventPattern(parsing: rule, dialect: .extended)
        for (event, wanted) in [
            (#"{"source":"s","k":"1ab"}"#, true), (#"{"source":"s","k":"a4ab","b":1}"#, true),
            (#"{"source":"t","k":"1ab"}"#, false), (#"{"source":"s","k":"5ab"}"#, false),
            (#"{"source":"s","k":"-y-x-"}"#, true), (#"{"source":"s","k":"-x-y-","b":1}"#, false),
            (#"{"k":"1ab"}"#, false),
        ] {
            #expect(try pattern.matches(event) == wanted, "\(event)")
        }
    }

    @Test("Wildcards that no text can be in together may be many")
    func harmless() throws {
        func list(_ count: Int) -> String {
            (0..<count).map { "{\"wildcard\":\"customer-\(10_000 + $0)/*.csv\"}" }.joined(separator: ",")
        }
        let pattern = try EventPattern(parsing: "{\"a\":[\(list(1000))]}")
        #expect(try pattern.matches(#"{"a":"customer-10999/x.csv"}"#))
        #expect(try !pattern.matches(#"{"a":"customer-11000/x.csv"}"#))
        #expect(throws: PatternError.self) { try EventPattern(parsing: "{\"a\":[\(list(20_000))]}") }
        // Characters with two forms are alike if case is ignored.
        let letters = (0..<40).map { $0 % 3 == 0 ? "é" : "É" }.joined()
        let hostile = "{\"a\":[{\"wildcard\":{\"equals-ignore-case\":\"*\(letters)x*\"}}]}"
        #expect(throws: PatternError.self) { try EventPattern(parsing: hostile, dialect: .extended) }
    }

    @Test("Regular expressions that would need too many states are refused")
    func regex() throws {
        let error = try #require(throws: PatternError.self) {
            try EventPattern(parsing: #"{"a":[{"regex":"[a-z]*a[a-z]{12}"}]}"#, dialect: .extended)
        }
        #expect(error.message.contains("regex needs more than 1024 states"))
        // Those of one field are one automaton, and so are refused together, in a list and over the branches of $or.
        let several = ["1", "2", "3", "4", "5"].map { "{\"regex\":\".*\($0).{4}\"}" }
        for text in [
            "{\"a\":[\(several.joined(separator: ","))]}",
            "{\"$or\":[\(several.map { "{\"a\":[\($0)]}" }.joined(separator: ","))]}",
        ] {
            let error = try #require(throws: PatternError.self) { try EventPattern(parsing: text, dialect: .extended) }
            #expect(error.code == .limitExceeded)
            #expect(error.message.contains("the regular expressions of one field are matched as one"))
        }
        let apart = several.enumerated().map { $1.replacing(".*", with: "x\($0)") }.joined(separator: ",")
        let united = try EventPattern(parsing: "{\"a\":[\(apart)]}", dialect: .extended)
        #expect(try united.matches(#"{"a":"x33abcde"}"#) == false)
        #expect(try united.matches(#"{"a":"x34abcd"}"#))
        let accepted = try EventPattern(parsing: #"{"a":[{"regex":"(.*a.{4}|é+)"}]}"#, dialect: .extended)
        #expect(try accepted.matches(#"{"a":"xxabcde"}"#))
        #expect(try !accepted.matches(#"{"a":"xxabcdef"}"#))
        #expect(try accepted.matches(#"{"a":"éé"}"#))
    }
}

@Suite("Events that a rule cannot decide")
struct UndecidedTests {
    /// Arrays in which every field of `rule` has values, but none that go together, and no conflict points to its
    /// cause.
    private static let rule =
        #"{"Z":[{"exists":false}],"a":{"p":["1"],"q":["1"]},"b":{"p":["1"],"q":["1"]},"c":{"p":["1"],"q":["1"]},"#
        + #""d":{"p":["1"],"q":["no"]}}"#

    private static func event(_ elements: Int) -> String {
        let pairs = (0..<elements).map { _ in #"{"p":"1"},{"p":"1","q":"1"}"# }.joined(separator: ",")
        let last = (0..<elements).map { _ in #"{"p":"1"},{"q":"no"}"# }.joined(separator: ",")
        return "{\"a\":[\(pairs)],\"b\":[\(pairs)],\"c\":[\(pairs)],\"d\":[\(last)],\"s\":\"shop\"}"
    }

    private func matcher() throws -> Matcher<String> {
        Matcher([
            ("undecided", try EventPattern(parsing: Self.rule)),
            ("shop", try EventPattern(parsing: #"{"s":["shop"]}"#)),
            ("pair", try EventPattern(parsing: #"{"a":{"p":["1"],"q":["1"]}}"#)),
            ("apart", try EventPattern(parsing: #"{"d":{"p":["1"],"q":["no"]}}"#)),
        ])
    }

    @Test("Only the rule that cannot be decided is named; the others are decided as usual")
    func others() throws {
        let scratch = MatchScratch()
        let answer = try matcher().answer(in: Array(Self.event(400).utf8), scratch: scratch)
        #expect(answer.undecided == ["undecided"])
        #expect(Set(answer.matched) == ["shop", "pair"])
        // Bounded: one search up to its budget, the others next to nothing.
        #expect(scratch.searchSteps < 1_200_000)
        // The next event starts anew.
        let next = try matcher().answer(in: Array(Self.event(2).utf8), scratch: scratch)
        #expect(next.undecided.isEmpty)
        #expect(Set(next.matched) == ["shop", "pair"])
    }

    @Test("A rule that was taken away is neither matched nor undecided, and those that are left are what they were")
    func removed() throws {
        let event = Array(Self.event(400).utf8)
        let scratch = MatchScratch()
        for (removed, undecided, matched) in [
            ("undecided", [], ["shop", "pair"]), ("shop", ["undecided"], ["pair"]),
            ("pair", ["undecided"], ["shop"]), ("apart", ["undecided"], ["shop", "pair"]),
        ] as [(String, [String], Set<String>)] {
            let answer = try matcher().removing([removed]).answer(in: event, scratch: scratch)
            #expect(answer.undecided == undecided && Set(answer.matched) == matched, "\(removed)")
            #expect(answer.matched.count == matched.count)
        }
        // Also of several parts.
        let plain = try EventPattern(parsing: #"{"s":["shop"]}"#)
        let grown = try matcher().adding([("later", plain)]).removing(["undecided", "shop"])
        let answer = try grown.answer(in: event, scratch: scratch)
        #expect(answer.undecided.isEmpty && Set(answer.matched) == ["pair", "later"])
        // And put back.
        let again = grown.adding([("undecided", try EventPattern(parsing: Self.rule))])
        #expect(try again.answer(in: event, scratch: scratch).undecided == ["undecided"])
    }

    @Test("A large array is decided, also where an absence is asked for and where every element has the field")
    func largeArrays() throws {
        let rule = #"{"a":{"p":["1"],"q":["1"],"r":["1"],"s":[{"exists":false}]}}"#
        let matcher = Matcher([(1, try EventPattern(parsing: rule))])
        func event(_ element: String, _ last: String, _ count: Int) -> [UInt8] {
            Array("{\"a\":[\(String(repeating: element + ",", count: count))\(last)]}".utf8)
        }
        let all = #"{"p":"1","q":"1","r":"1","s":"1"}"#
        let scratch = MatchScratch()
        for (element, last, wanted) in [
            (all, all, []), (all, #"{"p":"1","q":"1","r":"1"}"#, [1]), (all, #"{"p":"1","q":"1"}"#, []),
            (#"{"p":"1","q":"1","s":"1"}"#, all, []), (#"{"p":"1"},{"q":"1"},{"r":"1"},{"s":"1"}"#, all, []),
            (#"{"p":"1","q":"1"},{"r":"1"}"#, #"{"p":"1","q":"1","r":"1"}"#, [1]),
        ] {
            let answer = try matcher.answer(in: event(element, last, 20_000), scratch: scratch)
            #expect(answer.undecided.isEmpty && answer.matched == wanted, "\(element): \(scratch.searchSteps)")
        }
    }

    @Test("Values that only an absence asks for are not walked over once for each choice, and no turn goes uncounted")
    func valuesOfAbsences() throws {
        func list(_ element: String, _ count: Int) -> String {
            "[\(Array(repeating: element, count: count).joined(separator: ","))]"
        }
        let scratch = MatchScratch()
        for (rule, event, most) in [
            (#"{"a":{"p":[1],"s":[{"exists":false}]}}"#, "{\"a\":\(list(#"{"p":1,"s":1}"#, 2_000))}", 4_000),
            (
                #"{"a":{"p":[1]},"b":{"q":[1]},"z":{"y":[{"exists":false}]}}"#,
                "{\"a\":\(list(#"{"p":1}"#, 60)),\"b\":\(list(#"{"q":1}"#, 60)),\"z\":\(list(#"{"y":1}"#, 2_000))}",
                60 + 60 * 60 + 60 * 60
            ),
            (
                #"{"a":{"p":[1],"s":[{"exists":false},2]}}"#,
                "{\"a\":[{\"s\":2},\(list(#"{"p":1,"s":1},{"s":1}"#, 2_000).dropFirst().dropLast()),{\"s\":2}]}", 6_000
            ),
        ] {
            let matcher = Matcher([(1, try EventPattern(parsing: rule))])
            let answer = try matcher.answer(in: Array(event.utf8), scratch: scratch)
            #expect(answer.undecided.isEmpty && answer.matched.isEmpty)
            #expect(scratch.searchTurns <= most, "\(rule)")
            #expect(scratch.searchTurns <= scratch.searchSteps, "\(rule)")
        }
    }

    @Test("Many such rules do not add up, and rules after them are still decided")
    func many() throws {
        var rules = (0..<200).map { index in
            ("undecided \(index)", Self.rule.replacing(#""no""#, with: #""no","\#(index)""#))
        }
        rules.append(("pair", #"{"a":{"p":["1"],"q":["1"]}}"#))
        let matcher = Matcher(try rules.map { ($0, try EventPattern(parsing: $1)) })
        let scratch = MatchScratch()
        let answer = try matcher.answer(in: Array(Self.event(400).utf8), scratch: scratch)
        #expect(answer.undecided.count == 200)
        #expect(answer.matched == ["pair"])
        #expect(scratch.searchSteps < 8_000_000)
    }

    @Test("A rule with another branch that matches is decided")
    func branches() throws {
        let text = "{\"$or\":[\(Self.rule),{\"s\":[\"shop\"]}]}"
        let answer = try Matcher([(1, try EventPattern(parsing: text))]).answer(in: Array(Self.event(400).utf8))
        #expect(answer.matched == [1])
        #expect(answer.undecided.isEmpty)
        let other = "{\"$or\":[\(Self.rule),\(Self.rule.replacing("1", with: "1\",\"2")),{\"s\":[\"x\"]}]}"
        let neither = try Matcher([(1, try EventPattern(parsing: other))]).answer(in: Array(Self.event(400).utf8))
        #expect(neither.matched.isEmpty)
        #expect(neither.undecided == [1])
    }

    @Test("A pattern alone says that it cannot decide, in a case line and in words")
    func alone() throws {
        let pattern = try EventPattern(parsing: Self.rule)
        let error = try #require(throws: EventError.self) { try pattern.matches(Self.event(400)) }
        #expect(error.code == .tooManyCombinations)
        #expect(
            CaseAnswer.answer(pattern: Self.rule, event: Self.event(400)).line
                == "error\tevent\tEvent has too many combinations of array elements for one rule")
        let explanation = try pattern.explain(Self.event(400))
        #expect(explanation.isUndecided)
        #expect(!explanation.matches)
        #expect(explanation.description.hasPrefix("is undecided: "))
    }
}
