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
        for (name, rule) in HostileRules.all(for: kind) {
            let work = try most(rule, kind)
            #expect(work <= 24, "\(name): \(work)")
            counted += work > 0 ? 1 : 0
        }
        #expect(counted > 5)
    }

    @Test("Long lists add the steps of a search")
    func lists() throws {
        var limits = PatternLimits()
        limits.wildcardComplexity = 10_000
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
        let costly = key(#"{"regex":"(incoming|logs|exports|images|invoices|backup|tmp|archive)/.*[0-4].{6}"}"#)
        #expect(try most(costly, .s3Mix, limits: limits) > 24)
        #expect(throws: PatternError.self) { try EventPattern(parsing: costly, dialect: .extended) }
    }
}
