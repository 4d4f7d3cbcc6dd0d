import EventPatterns
import Testing

/// What a rule may cost the others, counted rather than timed: the tests that an event makes the matcher run.
@Suite("The complexity budget by work", .timeLimit(.minutes(5)))
struct BudgetTests {
    /// The most work of an event beside a rule, beyond what the others take.
    private func most(_ rule: String, _ kind: BenchKind, limits: PatternLimits = .init()) throws -> Int {
        let pattern = try EventPattern(parsing: rule, dialect: .extended, limits: limits)
        let rules = try kind.rules(count: 5, seed: 4).enumerated().map { ($0, try EventPattern(parsing: $1)) }
        let (plain, burdened) = (Matcher(rules), Matcher(rules + [(-1, pattern)]))
        let events =
            kind.usesObjectEvents
            ? BenchEvents.objectCreated(count: 200, buckets: 5, seed: 3) : BenchEvents.cityLots(count: 200, seed: 3)
        let scratch = MatchScratch()
        var most = 0
        for event in events {
            _ = try plain.matches(in: event, scratch: scratch)
            let alone = scratch.work
            _ = try burdened.matches(in: event, scratch: scratch)
            most = max(most, scratch.work - alone)
        }
        return most
    }

    private func key(_ tests: String) -> String { "{\"detail\":{\"object\":{\"key\":[\(tests)]}}}" }

    @Test(
        "Each hostile rule that is accepted adds little work to any event",
        arguments: [BenchKind.s3Mix, .numeric, .exact])
    func hostileRules(kind: BenchKind) throws {
        var counted = 0
        for rule in HostileRules.all(for: kind) {
            let work = try most(rule.pattern, kind)
            #expect(work <= 44, "\(rule.name): \(work)")
            counted += work > 0 ? 1 : 0
        }
        #expect(counted > 5)
    }

    @Test("Long lists add the steps of a search")
    func lists() throws {
        var limits = PatternLimits()
        limits.wildcardComplexity = 10_000
        limits.work = .max
        let lists: [(String, (Int) -> String)] = [
            ("prefixes", { list($0) { "{\"prefix\":\"incoming/2026/0\($0)!\"}" } }),
            ("suffixes", { list($0) { "{\"suffix\":\"\($0).csv\"}" } }),
            ("exclusions", { "{\"anything-but\":[\(list($0) { "\"incoming/\($0)\"" })]}" }),
            ("excluded suffixes", { "{\"anything-but\":{\"suffix\":[\(list($0) { "\"\($0)\"" })]}}" }),
            (
                "excluded ignoring case",
                { "{\"anything-but\":{\"equals-ignore-case\":[\(list($0) { "\"IN\($0)\"" })]}}" }
            ),
            ("times", { list($0) { "{\"date\":[\">\",\"20\(10 + $0 % 90)-01-0\(1 + $0 % 9)\"]}" } }),
        ]
        for (name, text) in lists {
            let (few, many) = (
                try most(key(text(20)), .s3Mix, limits: limits), try most(key(text(2000)), .s3Mix, limits: limits)
            )
            #expect(many <= few + 16 && many < 40, "\(name): \(few) and \(many)")
        }
        let sizes = { (count: Int) in
            "{\"detail\":{\"object\":{\"size\":[\(list(count) { "{\"numeric\":[\">\",\($0),\"<\",1e9]}" })]}}}"
        }
        #expect(try most(sizes(2000), .s3Mix) <= most(sizes(20), .s3Mix) + 16)
        // The branches of $or that differ in one list are one list.
        let branches = list(1000) {
            "{\"detail\":{\"object\":{\"key\":[{\"prefix\":\"\($0)\"},{\"suffix\":\"\($0).csv\"}]}}}"
        }
        #expect(try most("{\"source\":[\"aws.s3\"],\"$or\":[\(branches)]}", .s3Mix) < 40)
    }

    @Test("Lists of addresses, numbers and exclusions add the steps of a search, however many there are")
    func thousands() throws {
        let address = { (tests: String) in "{\"detail\":{\"source-ip-address\":[\(tests)]}}" }
        let blocks = address(list(10_000) { "{\"cidr\":\"\($0 % 200).\($0 / 256).\($0 % 256).0/\(20 + $0 % 9)\"}" })
        #expect(try most(blocks, .s3Mix) <= 32)
        let sizes = list(10_000) { "\(1 + 3 * $0)" }
        #expect(try most("{\"detail\":{\"object\":{\"size\":[\(sizes)]}}}", .s3Mix) <= 32)
        // All leave the same out, and nothing else.
        let lists = list(20_000) { "{\"anything-but\":[\"incoming\",\"x\($0)\"]}" }
        #expect(try most(key(lists), .s3Mix) <= 24)
        #expect(try most("{\"$or\":[\(list(1000) { key("{\"anything-but\":[\"a\",\"x\($0)\"]}") })]}", .s3Mix) <= 24)
        let several = key(list(20_000) { "{\"anything-but\":{\"suffix\":[\"csv\",\"x\($0)\"]}}" })
        let error = try #require(throws: PatternError.self) { try EventPattern(parsing: several) }
        #expect(error.code == .limitExceeded)
    }

    /// Branches with a test of a number, one that all events pass, and one that is in all branches.
    private func branches(_ count: Int, _ size: (Int) -> String) -> String {
        let all = list(count) {
            let fields = "\"key\":[{\"anything-but\":\"a\($0)\"}],\"size\":[\(size($0))]"
            return "{\(fields),\"reason\":[{\"anything-but\":\"x\"}]}"
        }
        return "{\"$or\":[\(all)]}"
    }

    private func above(_ number: Int) -> String { "{\"numeric\":[\">\",\(number)]}" }

    @Test("Branches that one event is led to count with what they ask besides; those by other values do not")
    func branchesTogether() throws {
        #expect(throws: Never.self) { try EventPattern(parsing: branches(5, above)) }
        #expect(throws: Never.self) { try EventPattern(parsing: branches(500) { String($0) }) }
        let many = branches(31, above)
        let error = try #require(throws: PatternError.self) { try EventPattern(parsing: many) }
        #expect(error.message.contains("branches of $or that one event may be led to at once"), "\(error.message)")
        // It is a budget of this host's, not of the language.
        let event = Array(#"{"key":"k","size":40,"reason":"y"}"#.utf8)
        #expect(CaseAnswer.answer(pattern: Array(many.utf8), event: event) == .match(true))
    }

    @Test("What all branches ask is asked once, and what failed last is asked first")
    func asked() throws {
        let several = list(9) { "\"f\($0)\":[{\"wildcard\":\"*a*\"}]" }
        let rules = try [branches(31, above), "{\(several)}"].enumerated().map {
            ($0, try EventPattern(parsing: $1, limits: .language))
        }
        let matcher = Matcher(rules)
        let scratch = MatchScratch()
        func event(_ reason: String, _ last: String) -> String {
            "{\"key\":\"k\",\"size\":40,\"reason\":\"\(reason)\",\(list(8) { "\"f\($0)\":\"a\"" }),\"f8\":\"\(last)\"}"
        }
        _ = try matcher.matches(in: event("x", "b"), scratch: scratch)
        #expect(try matcher.matches(in: event("x", "b"), scratch: scratch).isEmpty)
        #expect(scratch.work <= 12, "\(scratch.work)")
        // Whatever failed before.
        for _ in 0..<2 {
            #expect(try Set(matcher.matches(in: event("y", "a"), scratch: scratch)) == [0, 1])
            #expect(try matcher.matches(in: event("x", "a"), scratch: scratch) == [1])
            #expect(try matcher.matches(in: event("y", "b"), scratch: scratch) == [0])
        }
        // The marks of one matcher mean nothing to another with the same scratch.
        let other = Matcher(
            try (0..<4).map { ($0, try EventPattern(parsing: "{\"f\($0)\":[\"a\"],\"key\":[\"k\"]}")) })
        #expect(try other.matches(in: event("x", "b"), scratch: scratch).count == 4)
        #expect(try matcher.matches(in: event("y", "b"), scratch: scratch) == [0])
    }

    @Test("A text leads to none of a chain of affixes within one another that it does not begin with")
    func chains() throws {
        func nested(_ count: Int) -> String { String(repeating: "a", count: count) }
        let limits = PatternLimits.language
        for (kind, text, few) in [
            ("prefix", nested(40) + "b", 40), ("suffix", "b" + nested(40), 40), ("prefix", nested(7) + "b", 7),
            ("prefix", "ba", 0),
        ] {
            let rules = try (1...1000).map {
                (
                    $0,
                    try EventPattern(
                        parsing: "{\"k\":[{\"\(kind)\":\"\(nested($0))\"}],\"z\":[\"y\"]}", dialect: .extended,
                        limits: limits)
                )
            }
            let scratch = MatchScratch()
            let matcher = Matcher(rules)
            #expect(try matcher.matches(in: "{\"k\":\"\(text)\",\"z\":\"y\"}", scratch: scratch).count == few)
            // What rules cost that match, and the leaps over what is longer.
            #expect(scratch.work <= 3 * few + 32, "\(kind) \(text): \(scratch.work)")
        }
    }

    @Test("A value that many rules leave out costs what it matches")
    func leftOut() throws {
        for other in ["", ",\"b\":[\"y\"]"] {
            let rules = try (0..<2000).map {
                ($0, try EventPattern(parsing: "{\"k\":[{\"anything-but\":[\"hot\",\"x\($0)\"]}]\(other)}"))
            }
            let matcher = Matcher(rules)
            let scratch = MatchScratch()
            let texts = other.isEmpty ? "" : ",\"b\":\"y\""
            #expect(try matcher.matches(in: "{\"k\":\"hot\"\(texts)}", scratch: scratch).isEmpty)
            if other.isEmpty { #expect(scratch.work < 10) }
            #expect(try matcher.matches(in: "{\"k\":\"x7\"\(texts)}", scratch: scratch).count == 1999)
            #expect(try matcher.matches(in: "{\"k\":[\"hot\",\"x7\"]\(texts)}", scratch: scratch).count == 1999)
            #expect(try matcher.matches(in: "{\"k\":[\"hot\",1]\(texts)}", scratch: scratch).count == 2000)
            #expect(try matcher.matches(in: "{\"k\":[\"hot\"]\(texts)}", scratch: scratch).isEmpty)
        }
    }

    @Test("What is compared one by one may not be many")
    func oneByOne() throws {
        func exclusions(_ count: Int) -> String {
            key("{\"anything-but\":{\"equals-ignore-case\":[\(list(count) { "\"é\($0)\"" })]}}")
        }
        #expect(try most(exclusions(16), .s3Mix) <= 24)
        let error = try #require(throws: PatternError.self) { try EventPattern(parsing: exclusions(17)) }
        #expect(error.code == .limitExceeded)
        #expect(error.message.contains("divide them among several rules"))
        for name in ["prefix", "suffix"] {
            let tests = { (count: Int) in
                self.key(list(count) { "{\"\(name)\":{\"equals-ignore-case\":\"é\($0)\"}}" })
            }
            #expect(throws: Never.self) { try EventPattern(parsing: tests(64)) }
            #expect(throws: PatternError.self) { try EventPattern(parsing: tests(65)) }
        }
    }

    @Test("Regular expressions cost what they say, and what costs more is refused")
    func regexes() throws {
        var limits = PatternLimits()
        limits.regexCost = .max
        limits.work = .max
        let costly = key(
            #"{"regex":"(incoming|logs|exports|images|invoices|backup|tmp|archive|staging|orders)/.*[0-4].{6}"}"#)
        #expect(try most(costly, .s3Mix, limits: limits) > 24)
        #expect(throws: PatternError.self) { try EventPattern(parsing: costly, dialect: .extended) }
    }

    @Test("What EventBridge takes is taken: long texts between stars, lists of them, in several fields")
    func longWildcards() throws {
        let long = "customer-orders-confirmed-by-partner-2026"
        let lists = list(2) { "{\"wildcard\":\"*/\(long)-\($0)/*/part-*.parquet\"}" }
        for tests in [
            "{\"wildcard\":\"landing/*/\(long)/*.csv\"}", "{\"wildcard\":\"*\(long)\(long)\(long)\(long)*\"}", lists,
            "{\"anything-but\":{\"wildcard\":[\"*/\(long)/*\",\"*/\(long)-rejected/*\"]}}",
        ] {
            #expect(throws: Never.self) { try EventPattern(parsing: key(tests)) }
            let name = "{\"wildcard\":\"*-my-company-landing-zone-*-production-*\"}"
            let both = "{\"detail\":{\"bucket\":{\"name\":[\(name)]},\"object\":{\"key\":[\(tests)]}}}"
            #expect(throws: Never.self, "\(both)") { try EventPattern(parsing: both) }
        }
    }
}
