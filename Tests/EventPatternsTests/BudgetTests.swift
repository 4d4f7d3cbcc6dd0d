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

    private func list(_ count: Int, _ test: (Int) -> String) -> String { (0..<count).map(test).joined(separator: ",") }

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
            ("prefixes", { self.list($0) { "{\"prefix\":\"incoming/2026/0\($0)!\"}" } }),
            ("suffixes", { self.list($0) { "{\"suffix\":\"\($0).csv\"}" } }),
            ("exclusions", { "{\"anything-but\":[\(self.list($0) { "\"incoming/\($0)\"" })]}" }),
            ("excluded suffixes", { "{\"anything-but\":{\"suffix\":[\(self.list($0) { "\"\($0)\"" })]}}" }),
            (
                "excluded ignoring case",
                { "{\"anything-but\":{\"equals-ignore-case\":[\(self.list($0) { "\"IN\($0)\"" })]}}" }
            ),
            ("times", { self.list($0) { "{\"date\":[\">\",\"20\(10 + $0 % 90)-01-0\(1 + $0 % 9)\"]}" } }),
        ]
        for (name, text) in lists {
            let (few, many) = (
                try most(key(text(20)), .s3Mix, limits: limits), try most(key(text(2000)), .s3Mix, limits: limits)
            )
            #expect(many <= few + 16 && many < 40, "\(name): \(few) and \(many)")
        }
        let sizes = { (count: Int) in
            "{\"detail\":{\"object\":{\"size\":[\(self.list(count) { "{\"numeric\":[\">\",\($0),\"<\",1e9]}" })]}}}"
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

    @Test("What branches share is gone through once, however many they are")
    func sharedLists() throws {
        for count in [50, 2000] {
            let branches = list(1000) { "{\"a\":[\"a\($0)\"],\"b\":[\"b\($0)\"]}" }
            let rule = try EventPattern(parsing: "{\"k\":[\(list(count) { "\"k\($0)\"" })],\"$or\":[\(branches)]}")
            #expect(rule.companySteps <= 2 * (2000 + count), "\(rule.companySteps)")
        }
    }

    @Test("Times of the day, for which each a zone is searched, are counted one by one")
    func timesOfDay() throws {
        func times(_ count: Int, _ rest: String = "") -> String {
            "{\"time\":[\(list(count) { "{\"time-of-day\":[\">=\",\"0\($0 % 10):0\($0 / 10 % 6)\"\(rest)]}" })]}"
        }
        #expect(throws: Never.self) { try EventPattern(parsing: times(8), dialect: .extended) }
        for many in [times(60), times(60, ",\"zone\",\"+05:30\"")] {
            let error = try #require(throws: PatternError.self) { try EventPattern(parsing: many, dialect: .extended) }
            #expect(error.code == .limitExceeded)
        }
    }

    @Test("A rule may not cost a multiple by several fields or branches")
    func severalFields() throws {
        let regex = "{\"regex\":\"[a-z]+-[0-9]{3}[a-f]{2}[x-z]{2}[0-4].{6}\"}"
        let fields = ["id", "source", "account", "time", "region"]
        #expect(throws: Never.self) { try EventPattern(parsing: "{\"id\":[\(regex)]}", dialect: .extended) }
        let branches = fields.map { "{\"\($0)\":[\(regex)]}" }.joined(separator: ",")
        for rule in [
            "{\"$or\":[\(branches)]}", "{\(fields.map { "\"\($0)\":[\(regex)]" }.joined(separator: ","))}",
            "{\"a\":[1],\"$or\":[\(fields.map { "{\"\($0)\":[{\"wildcard\":\"*abcdefgh*i*klmnopqr*s*\"}]}" }.joined(separator: ","))]}",
        ] {
            let error = try #require(throws: PatternError.self) { try EventPattern(parsing: rule, dialect: .extended) }
            #expect(error.code == .limitExceeded)
            #expect(error.message.contains("fields and branches together"), "\(error.message)")
        }
        // One event can be in one of these branches only.
        let apart = (0..<300).map {
            "{\"detail\":{\"bucket\":{\"name\":[\"b\($0)\"]},\"object\":{\"key\":[{\"wildcard\":\"x\($0)/*/data-*.csv\"}]}}}"
        }
        #expect(throws: Never.self) { try EventPattern(parsing: "{\"$or\":[\(apart.joined(separator: ","))]}") }
    }

    @Test("A rule that costs too much is told its cost, the limit, and what can be done")
    func advice() throws {
        func fields(_ count: Int, _ test: String) -> String { "{\(list(count) { "\"f\($0)\":[\(test)]" })}" }
        let wildcard = "{\"wildcard\":\"*-prod-*\"}"
        #expect(throws: Never.self) { try EventPattern(parsing: fields(4, wildcard)) }
        let error = try #require(throws: PatternError.self) { try EventPattern(parsing: fields(5, wildcard)) }
        #expect(error.message.contains("some 50 steps"), "\(error.message)")
        #expect(error.message.contains("more than 38"))
        #expect(error.message.contains("prefix or suffix"))
        // Fields that must all pass cannot be divided.
        #expect(!error.message.contains("several rules"))
        #expect(throws: Never.self) { try EventPattern(parsing: fields(256, "{\"suffix\":\"-prod\"}")) }
        let branches = list(8) { "{\"f\($0)\":[{\"wildcard\":\"*-prod-*\"}]}" }
        let other = try #require(throws: PatternError.self) { try EventPattern(parsing: "{\"$or\":[\(branches)]}") }
        #expect(other.message.contains("divide the branches of $or among several rules"), "\(other.message)")
    }

    @Test("Tests of several fields count for each field; comparisons of one value do not")
    func furtherFields() throws {
        func fields(_ count: Int, _ test: String) -> String { "{\(list(count) { "\"f\($0)\":[\(test)]" })}" }
        for (test, most) in [
            ("{\"wildcard\":\"*a*\"}", 4), ("{\"cidr\":\"10.0.0.0/8\"}", 8), ("{\"regex\":\".*a.*\"}", 4),
            ("{\"date\":[\">\",\"2026-01-01\"]}", 8), ("{\"wildcard\":{\"equals-ignore-case\":\"*a*\"}}", 4),
        ] {
            #expect(throws: Never.self, "\(test)") {
                try EventPattern(parsing: fields(most, test), dialect: .extended)
            }
            #expect(throws: PatternError.self, "\(test)") {
                try EventPattern(parsing: fields(most + 1, test), dialect: .extended)
            }
        }
        for test in ["\"x\"", "{\"prefix\":\"x\"}", "{\"numeric\":[\">\",1]}", "{\"anything-but\":\"x\"}"] {
            let count = test.contains("anything") ? 30 : 200
            #expect(throws: Never.self, "\(test)") { try EventPattern(parsing: fields(count, test)) }
        }
    }

    @Test("Lists of values in several fields are taken: they are searched")
    func severalLists() throws {
        let tests = [list(16) { "\"v\($0)\"" }, list(16) { "{\"prefix\":\"v\($0)\"}" }, list(16) { "\($0)" }]
        for test in tests {
            #expect(throws: Never.self, "\(test)") {
                try EventPattern(parsing: "{\(list(6) { "\"f\($0)\":[\(test)]" })}")
            }
        }
    }

    @Test("Of branches of one kind behind one value fewer are never refused where more are taken")
    func monotone() throws {
        let kinds: [(String, (Int) -> String, Int)] = [
            ("exists", { "\"f\($0)\":[{\"exists\":true}]" }, 40),
            ("anything-but", { "\"f\($0)\":[{\"anything-but\":\"x\"}]" }, 36),
            ("several anything-but", { "\"f\($0)\":[{\"anything-but\":[\"x\",\"y\"]}]" }, 18),
            ("anything-but a prefix", { "\"f\($0)\":[{\"anything-but\":{\"prefix\":\"x\"}}]" }, 12),
            ("value", { "\"f\($0)\":[\"x\"]" }, 40), ("prefix", { "\"f\($0)\":[{\"prefix\":\"x\"}]" }, 40),
            ("range", { "\"f\($0)\":[{\"numeric\":[\">\",0]}]" }, 40),
            ("list", { number in "\"f\(number)\":[\(list(16) { "\"v\($0)\"" })]" }, 8),
            ("wildcard", { "\"f\($0)\":[{\"wildcard\":\"*a*\"}]" }, 4),
            ("two", { "\"f\($0)\":[{\"exists\":true}],\"g\($0)\":[{\"anything-but\":\"x\"}]" }, 12),
            ("the same field", { "\"f\($0)\":[{\"exists\":true}],\"g\":[{\"prefix\":\"x\($0)\"}]" }, 40),
        ]
        for (name, branch, least) in kinds {
            for before in ["", "\"source\":[\"aws.s3\"],", "\"a\":[1],\"b\":[{\"prefix\":\"b\"}],"] {
                let taken = (2...40).filter { count in
                    let rule = "{\(before)\"$or\":[\(list(count) { "{\(branch($0))}" })]}"
                    return (try? EventPattern(parsing: rule)) != nil
                }
                #expect(taken == Array((2...40).prefix(taken.count)), "\(name) behind \(before): \(taken)")
                #expect(taken.count + 1 >= least, "\(name) behind \(before): \(taken)")
            }
        }
    }

    @Test("A branch by another value never makes a rule cost less, nor more than the dearer of the two")
    func exclusiveBranches() throws {
        func branch(_ kind: String, _ count: Int, _ test: String) -> String {
            "{\"kind\":[\"\(kind)\"],\(list(count) { "\"\(kind)\($0)\":[\(test)]" })}"
        }
        func isTaken(_ branches: String...) -> Bool {
            (try? EventPattern(parsing: "{\"$or\":[\(branches.joined(separator: ","))]}", dialect: .extended)) != nil
        }
        let plain = branch("z", 1, "\"z\"")
        let tests = [
            "{\"wildcard\":\"*a*\"}", "{\"cidr\":\"10.0.0.0/8\"}", "{\"regex\":\".*a.*\"}",
            "{\"date\":[\">\",\"2026-01-01\"]}",
        ]
        let values = list(16) { "\"v\($0)\"" }
        for test in tests + [values] {
            let alone = (1...40).filter { isTaken(branch("x", $0, test), plain) }
            #expect(alone == Array(1...alone.count) && alone.count < 40, "\(test)")
            for other in tests + [values] {
                for count in 1...3 {
                    let both = alone.count + 1
                    #expect(!isTaken(branch("x", both, test), plain, branch("y", count, other)), "\(test), \(other)")
                }
                // A list leads to its branch itself, which nothing excludes then.
                guard test != values, other != values else { continue }
                #expect(isTaken(branch("x", alone.count, test), plain, branch("y", 1, other)), "\(test), \(other)")
            }
        }
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
                self.key(self.list(count) { "{\"\(name)\":{\"equals-ignore-case\":\"é\($0)\"}}" })
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
}
