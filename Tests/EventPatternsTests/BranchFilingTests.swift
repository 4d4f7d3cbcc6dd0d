import EventPatterns
import Testing

/// Where the branches of `$or` are filed, by the work of events that are led to them.
@Suite("What many branches of a rule cost together", .timeLimit(.minutes(5)))
struct BranchFilingTests {
    @Test("Branches behind a field that other rules make rare are not all led to by it")
    func rareTogether() throws {
        // What the branches share, in lists that differ, and what sets each apart.
        let shapes: [(String, (Int) -> String)] = [
            ("text", { "\"a\":[\"a\($0)\"],\"b\":[\"b\($0)\"]" }),
            ("prefix", { "\"a\":[{\"prefix\":\"a\($0)/\"}],\"b\":[{\"suffix\":\"/b\($0)\"}]" }),
            (
                "ignoring case",
                {
                    "\"a\":[{\"prefix\":{\"equals-ignore-case\":\"é\($0)/\"}}],\"b\":[{\"equals-ignore-case\":\"ü\($0)\"}]"
                }
            ),
            (
                "range",
                { "\"n\":[{\"numeric\":[\">=\",\($0),\"<\",\($0 + 1)]}],\"b\":[{\"prefix\":\"b\($0)/\"}]" }
            ),
        ]
        let others = try (0..<3000).map {
            (-1 - $0, try EventPattern(parsing: "{\"source\":[\"s\($0)\"],\"n\":[{\"numeric\":[\">\",\($0)]}]}"))
        }
        let event = "{\"source\":\"hot\",\"a\":\"a999/b7\",\"b\":\"b7\",\"n\":500.5}"
        let scratch = MatchScratch()
        _ = try Matcher(others).matches(in: event, scratch: scratch)
        let alone = scratch.work
        for (name, branch) in shapes {
            let text = "{\"$or\":[\(list(1000) { "{\"source\":[\"hot\",\"cold\($0)\"],\(branch($0))}" })]}"
            #expect(throws: Never.self, "\(name)") { try EventPattern(parsing: text) }
            let rule = try EventPattern(parsing: text, limits: .language)
            _ = try Matcher(others + [(0, rule)]).matches(in: event, scratch: scratch)
            #expect(scratch.work - alone <= 8, "\(name): \(scratch.work - alone)")
        }
        // Rules each of which has few behind the text.
        let several = try (0..<100).map { rule in
            let branches = list(10) {
                "{\"source\":[\"\($0 % 4 == 0 ? "hot" : "warm\($0 % 4)")\",\"cold\(rule)-\($0)\"],\(shapes[0].1(rule * 10 + $0))}"
            }
            return (rule, try EventPattern(parsing: "{\"$or\":[\(branches)]}"))
        }
        _ = try Matcher(others + several).matches(in: event, scratch: scratch)
        #expect(scratch.work - alone <= 8, "several: \(scratch.work - alone)")
        // But a rule's own field, which no other names, remains the place of its branches where they ask what all do.
        let tenants = try (0..<2000).map { tenant in
            let kinds = list(10) { "{\"kind\":[\"k\($0)\"],\"size\":[{\"numeric\":[\">\",\(tenant + $0)]}]}" }
            return (tenant, try EventPattern(parsing: "{\"tenant\":[\"t\(tenant)\"],\"$or\":[\(kinds)]}"))
        }
        let found = try Matcher(tenants).matches(
            in: "{\"tenant\":\"t7\",\"kind\":\"k3\",\"size\":11}", scratch: scratch)
        #expect(found == [7])
        #expect(scratch.work <= 24, "\(scratch.work)")
    }

    @Test("Branches stay under what they have for themselves, however long it is and however alike it begins")
    func apart() throws {
        let texts: [(Int) -> String] = [
            { "\"arn:aws:s3:::bucket-00\($0)\"" }, { "{\"prefix\":\"incoming/customer-00\($0)/\"}" },
            { "{\"equals-ignore-case\":\"é\($0)\"}" }, { "{\"suffix\":{\"equals-ignore-case\":\"é\($0)\"}}" },
        ]
        func rule(_ text: (Int) -> String, _ rest: (Int) -> String) throws -> Matcher<Int> {
            let branches = list(40) {
                let amount = "\"amount\":[{\"numeric\":[\">\",\(100 * $0)]}]"
                return "{\"resources\":[\(text(10 + $0))],\"detail\":{\(amount)\(rest($0))}}"
            }
            return Matcher([(0, try EventPattern(parsing: "{\"$or\":[\(branches)]}"))])
        }
        let scratch = MatchScratch()
        for text in texts {
            // Each with a threshold of its own, the highest of which look as rare as texts.
            _ = try rule(text) { _ in "" }.matches(
                in: #"{"resources":["other"],"detail":{"amount":5000}}"#, scratch: scratch)
            #expect(scratch.work <= 9, "\(text(0)): \(scratch.work)")
            // What four share is not better than what each has.
            _ = try rule(text) { ",\"kind\":[\"k\($0 / 4)\"]" }.matches(
                in: #"{"resources":["other"],"detail":{"amount":-1,"kind":"k3"}}"#, scratch: scratch)
            #expect(scratch.work == 0, "\(text(0)): \(scratch.work)")
        }
    }

    @Test("Many branches that are moved go where they cost least, not under any text nor under each of a shared list")
    func places() throws {
        let scratch = MatchScratch()
        func others(_ rest: (Int) -> String) throws -> [(Int, EventPattern)] {
            try (0..<3000).map { (1 + $0, try EventPattern(parsing: "{\"source\":[\"s\($0)\"]\(rest($0))}")) }
        }
        // Of two fields that set them apart, the one of which more values are told apart.
        let equal = list(40) { "{\"source\":[\"hot\",\"cold\($0)\"],\"a\":[\"a\($0)\"],\"b\":[\"b\($0)\"]}" }
        let more = try others { $0 < 500 ? ",\"b\":[\"x\($0)\"]" : "" }
        let rule = try EventPattern(parsing: "{\"$or\":[\(equal)]}")
        let event = #"{"source":"hot","a":"a7","b":"none"}"#
        #expect(try Matcher(more + [(0, rule)]).matches(in: event, scratch: scratch).isEmpty)
        #expect(scratch.work == 0, "\(scratch.work)")

        // A beginning that every text has is nothing of one's own, nor is a range that has no end.
        let empty = list(40) { branch in
            let own = branch >= 37 ? "{\"prefix\":\"\"}" : "\"a\(branch)\""
            return "{\"source\":[\"hot\",\"cold\(branch)\"],\"a\":[\(own)],\"n\":[{\"numeric\":[\">\",\(branch)]}]}"
        }
        let few = try EventPattern(parsing: "{\"$or\":[\(empty)]}", limits: .language)
        let plain = try others { _ in "" }
        _ = try Matcher(plain + [(0, few)]).matches(in: #"{"source":"none","a":"none","n":5000}"#, scratch: scratch)
        #expect(scratch.work == 0, "\(scratch.work)")

        // Five lists of four hundred, each of which two hundred branches share.
        let shared = list(1000) { branch in
            let texts = list(400) { "\"k\(branch % 5)-\($0)\"" }
            return "{\"source\":[\"hot\",\"cold\(branch)\"],\"k\":[\(texts)],\"n\":[{\"numeric\":[\">\",\(branch)]}]}"
        }
        var limits = PatternLimits.language
        limits.values = .max
        let wide = try EventPattern(parsing: "{\"$or\":[\(shared)]}", limits: limits)
        #expect(Matcher(plain + [(0, wide)]).byteCount < 3_000_000)
    }

    @Test("Branches behind starts of one another are moved, however rare other rules make these")
    func nested() throws {
        let scratch = MatchScratch()
        let text = "incoming/2026/01/" + String(repeating: "abcdefghijklmnopqrstuvwxyz", count: 4)
        let others = try (0..<3000).map {
            (
                1 + $0,
                try EventPattern(
                    parsing: "{\"key\":[{\"prefix\":\"p\($0)\"},{\"suffix\":\"\($0)s\"}],\"b\":[\"z\($0 % 100)\"]}")
            )
        }
        let starts = list(100) { "{\"key\":[{\"prefix\":\"\(text.prefix($0 + 1))\"}],\"b\":[\"b\($0)\"]}" }
        let ends = list(100) { "{\"key\":[{\"suffix\":\"\(text.suffix($0 + 1))\"}],\"b\":[\"b\($0)\"]}" }
        for branches in [starts, ends] {
            let rule = try EventPattern(parsing: "{\"$or\":[\(branches)]}")
            let matcher = Matcher(others + [(0, rule)])
            #expect(try matcher.matches(in: "{\"key\":\"\(text)\",\"b\":\"b7\"}", scratch: scratch) == [0])
            #expect(scratch.work <= 8, "\(scratch.work)")
        }
    }

    @Test("Branches behind ranges without ends are moved where other rules make these look rare")
    func rareRanges() throws {
        let scratch = MatchScratch()
        let far = try (0..<3).map {
            (1 + $0, try EventPattern(parsing: "{\"n\":[{\"numeric\":[\">\",\($0),\"<\",1000000000000000]}]}"))
        }
        for own in ["\"a#\"", "{\"wildcard\":\"a#-*x*\"}", "{\"suffix\":\"-#a\"}"] {
            let branches = list(1000) {
                let test = own.replacing("#", with: "\($0 + 1000)")
                return "{\"n\":[{\"numeric\":[\">\",\(999_999_999_990_000 + $0)]}],\"a\":[\(test)]}"
            }
            var limits = PatternLimits()
            limits.wildcardComplexity = .max
            let rule = try EventPattern(parsing: "{\"$or\":[\(branches)]}", limits: limits)
            let matcher = Matcher(far + [(0, rule)])
            #expect(try matcher.matches(in: #"{"n":3000000000000000,"a":"x"}"#, scratch: scratch).isEmpty)
            #expect(scratch.work <= 8, "\(own): \(scratch.work)")
        }
    }

    @Test(
        "Affixes of many lengths that begin alike lead to those that a text has, not to all that are shortened to one")
    func shortened() throws {
        let kinds: [(String, (String) -> String, (String) -> String)] = [
            ("prefix", { "{\"prefix\":\"incoming/2026/01/\($0)\"}" }, { "incoming/2026/01/\($0)/a" }),
            ("suffix", { "{\"suffix\":\"\($0)/the-common-end.csv\"}" }, { "a/\($0)/the-common-end.csv" }),
            (
                "prefix, ignoring case", { "{\"prefix\":{\"equals-ignore-case\":\"Incoming/2026/01/\($0)\"}}" },
                { "INCOMING/2026/01/\($0)/a" }
            ),
            (
                "suffix, ignoring case", { "{\"suffix\":{\"equals-ignore-case\":\"\($0)/The-common-end.csv\"}}" },
                { "a/\($0)/the-common-END.csv" }
            ),
            (
                "prefix of any letters", { "{\"prefix\":{\"equals-ignore-case\":\"Éingang/2026/01/\($0)\"}}" },
                { "éINGANG/2026/01/\($0)/a" }
            ),
            (
                "suffix of any letters", { "{\"suffix\":{\"equals-ignore-case\":\"\($0)/gemeinsames-End-é\"}}" },
                { "a/\($0)/gemeinsames-end-É" }
            ),
            ("wildcard", { "{\"wildcard\":\"incoming/2026/01/\($0)*x*\"}" }, { "incoming/2026/01/\($0)/axb" }),
        ]
        let scratch = MatchScratch()
        for (name, test, text) in kinds {
            let isEnd = name.hasPrefix("suffix")
            func own(_ number: Int) -> String {
                let filler = String(repeating: "x", count: number % 15)
                return isEnd ? "\(number + 1000)\(filler)" : "\(filler)\(number + 1000)"
            }
            let all = list(1000) { "{\"key\":[\(test(own($0)))],\"b\":[{\"anything-but\":\"b\($0)\"}]}" }
            let matcher = Matcher([(0, try EventPattern(parsing: "{\"$or\":[\(all)]}", limits: .language))])
            func found(_ key: String, _ other: String) throws -> Bool {
                try !matcher.matches(in: "{\"key\":\"\(key)\",\"b\":\"\(other)\"}", scratch: scratch).isEmpty
            }
            #expect(try !found(text("none"), "none"), "\(name)")
            #expect(scratch.work <= 16, "\(name): \(scratch.work)")
            for number in stride(from: 0, to: 1000, by: 77) {
                #expect(
                    try found(text(own(number)), "none") && !found(text(own(number)), "b\(number)"),
                    "\(name): \(number)")
            }
        }
    }

    @Test("Rules of affixes of many lengths answer as each does alone")
    func shortenedRules() throws {
        var random = SeededGenerator(seed: 8)
        let texts = (0..<300).map { _ in "aaaaaaaa" + random.text("ab", 1 + random.below(24)) }
        let kinds = ["{\"prefix\":\"#\"}", "{\"suffix\":\"#\"}", "{\"prefix\":{\"equals-ignore-case\":\"#\"}}"]
        let rules = try (0..<900).map { number in
            let text = texts[number % 300]
            let ends = number / 300 == 1 ? String(text.reversed()) : text
            let test = kinds[number / 300].replacing("#", with: ends)
            return (number, try EventPattern(parsing: "{\"key\":[\(test)]\(number % 2 == 0 ? ",\"b\":[1]" : "")}"))
        }
        let matcher = Matcher(rules)
        for round in 0..<60 {
            let text = texts[random.below(300)] + random.text("ab", random.below(4))
            let key = round % 3 == 0 ? String(text.reversed()) : round % 3 == 1 ? text.uppercased() : text
            let event = "{\"key\":[\"\(key)\",\"x\"],\"b\":1}"
            let alone = try rules.filter { try $0.1.matches(event) }.map(\.0)
            #expect(try matcher.matches(in: event).sorted() == alone)
            #expect(!alone.isEmpty)
        }
    }

    @Test("What branches share is gone through once, however many they are")
    func sharedLists() throws {
        for count in [50, 2000] {
            let branches = list(1000) { "{\"a\":[\"a\($0)\"],\"b\":[\"b\($0)\"]}" }
            let rule = try EventPattern(parsing: "{\"k\":[\(list(count) { "\"k\($0)\"" })],\"$or\":[\(branches)]}")
            #expect(rule.companySteps <= 2 * (2000 + count), "\(rule.companySteps)")
        }
    }

    /// Fields `a0`... of which none may be there, over the alternatives of several `$or`.
    private func absences(_ alternatives: Int, of groups: [String], _ test: String = "{\"exists\":false}") -> String {
        let fields = groups.map { group in
            "\"\(group)\":{\"$or\":[\(list(alternatives) { "{\"f\($0)\":[\(test)]}" })]}"
        }
        return "{\"detail\":{\(fields.joined(separator: ",")),\"z\":[\(test)]}}"
    }

    @Test("Branches of absences cost what their fields do, however many they are")
    func absentFields() throws {
        let pattern = try EventPattern(parsing: absences(10, of: ["a", "b", "c"]))
        #expect(pattern.branchCount == 1000)
        let matcher = Matcher([(1, pattern)])
        let scratch = MatchScratch()
        for (event, wanted) in [
            (#"{"detail":{"z":1}}"#, false), (#"{"detail":{"y":1}}"#, true), (#"{"detail":[{"z":1},{"y":2}]}"#, false),
            (#"{"detail":{"a":{"f0":1,"f9":2},"b":{"f4":1}}}"#, true),
            ("{\"detail\":{\"c\":{\(list(10) { "\"f\($0)\":1" })}}}", false),
            ("{\"detail\":{\"b\":[\(list(10) { "{\"f\($0)\":1}" })]}}", false),
        ] {
            #expect(try !matcher.matches(in: event, scratch: scratch).isEmpty == wanted, "\(event)")
            #expect(scratch.work <= 32)
        }
        // Together with branches of another kind, and taken away again.
        let mixed = try EventPattern(
            parsing: #"{"$or":[{"a":[{"exists":false}]},{"b":[{"exists":false}],"c":[{"exists":false}]},{"d":["x"]}]}"#)
        let both = Matcher([(1, pattern), (2, mixed)])
        #expect(try both.matches(in: #"{"a":1,"b":1,"detail":{"z":1}}"#) == [])
        #expect(try both.matches(in: #"{"a":1,"b":1,"d":"x","detail":{"z":1}}"#) == [2])
        #expect(try Set(both.matches(in: #"{"a":1}"#)) == [1, 2])
        #expect(try both.removing([1]).matches(in: #"{"a":1}"#) == [2])
    }

    @Test("Branches that an event is led to are counted, and absent fields")
    func ledTo() throws {
        let present = (0..<3).map { (group: Int) in
            "{\"$or\":[\(list(10) { "{\"f\(group)_\($0)\":[{\"exists\":true}]}" })]}"
        }
        for rule in [
            // Fields that are absent, more than an event may be looked through for.
            "{\(list(60) { "\"f\($0)\":[{\"exists\":false}]" })}", absences(20, of: ["a", "b"]),
            "{\"a\":[1],\(list(20) { "\"f\($0)\":[{\"exists\":false}]" })}",
            // Absent or of a value: each branch is tested.
            absences(8, of: ["a", "b"], "{\"exists\":false},\"x\""),
            // Branches of which each field passes.
            "{\"a\":\(present[0]),\"b\":\(present[1]),\"c\":\(present[2]),\"z\":[{\"anything-but\":\"x\"}]}",
        ] {
            let error = try #require(throws: PatternError.self, "\(rule)") { try EventPattern(parsing: rule) }
            #expect(error.code == .limitExceeded)
        }
        for rule in [
            absences(3, of: ["a", "b"]), "{\"source\":[\"a\"],\(list(8) { "\"f\($0)\":[{\"exists\":false}]" })}",
            "{\"$or\":[\(list(12) { "{\"f\($0)\":[{\"exists\":false}]}" })]}",
            "{\"source\":[\"a\"],\"$or\":[\(list(12) { "{\"f\($0)\":[{\"exists\":true}],\"g\($0)\":[{\"anything-but\":\"x\"}]}" })]}",
            "{\"$or\":[{\"a\":[{\"exists\":false},\"x\"]},{\"b\":[{\"exists\":false},\"y\"]}]}",
            "{\"s\":[1],\"t\":[2],\"$or\":[\(list(10) { "{\"f\($0)\":[\"x\"],\"g\($0)\":[\"y\"]}" })]}",
        ] {
            #expect(throws: Never.self, "\(rule)") { try EventPattern(parsing: rule) }
        }
    }
}
