import EventPatterns
import Testing

/// What it takes to read and compile large rules, counted rather than timed.
@Suite("Large rules are compiled or refused in time", .timeLimit(.minutes(5)))
struct CompilingTests {
    private func or(_ count: Int, _ field: String) -> String {
        "\"$or\":[\(list(count) { "{\"\(field)\":[\"v\($0)\"]}" })]"
    }

    @Test("To join branches takes a step for each field of each branch and round", arguments: ["a", "z"])
    func joining(field: String) throws {
        func steps(_ fields: Int) throws -> Int {
            let rest = list(fields) { "\"f\($0)\":[{\"wildcard\":\"*x\"}]" }
            let text = "{\(or(1000, field)),\"detail\":{\(rest)}}"
            var limits = PatternLimits()
            limits.work = .max
            let joined = try EventPattern(parsing: text, limits: limits).joining
            #expect(joined.branches == 1)
            return joined.steps
        }
        let (few, many) = (try steps(50), try steps(100))
        #expect(few <= 2 * 51 * 1000)
        #expect(many <= 3 * few)
    }

    @Test("The products of lists that $or makes are one branch again")
    func products() throws {
        let fields = ["a", "b", "c", "d"]
        let lists = fields.map { name in "\"\(name)\":{\"$or\":[\(list(5) { "{\"f\":[\"\(name)\($0)\"]}" })]}" }
        let pattern = try EventPattern(parsing: "{\(lists.joined(separator: ","))}")
        #expect(pattern.branchCount == 625)
        let joined = pattern.joining
        #expect(joined.branches == 1)
        #expect(joined.conditions < 1000)
        let matcher = Matcher([(1, pattern)])
        func event(_ values: [String]) -> String {
            "{\(zip(fields, values).map { "\"\($0)\":{\"f\":\"\($1)\"}" }.joined(separator: ","))}"
        }
        #expect(try matcher.matches(in: event(["a0", "b4", "c2", "d3"])) == [1])
        #expect(try matcher.matches(in: event(["a4", "b4", "c4", "d4"])) == [1])
        #expect(try matcher.matches(in: event(["a0", "b4", "c2", "d5"])) == [])
        #expect(try matcher.matches(in: event(["a0", "a0", "c2", "d4"])) == [])
    }

    @Test("A later field takes the place of an earlier one, in all branches so far")
    func places() throws {
        for (text, yes, no) in [
            (#"{"a":[1],"a":[2]}"#, #"{"a":2}"#, #"{"a":1}"#),
            (#"{"a":[1],"$or":[{"a":[2]},{"b":[3]}]}"#, #"{"a":1,"b":3}"#, #"{"a":3,"b":3}"#),
            (#"{"a":[1],"$or":[{"a":[2]},{"b":[3]}]}"#, #"{"a":2}"#, #"{"a":1}"#),
            (#"{"$or":[{"a":[2]},{"b":[3]}],"a":[1]}"#, #"{"a":1}"#, #"{"a":2}"#),
            (#"{"$or":[{"a":[2]},{"b":[3]}],"$or":[{"a":[1]},{"c":[4]}]}"#, #"{"a":1}"#, #"{"a":2}"#),
            (#"{"$or":[{"a":[2]},{"b":[3]}],"$or":[{"a":[1]},{"c":[4]}]}"#, #"{"a":2,"c":4}"#, #"{"c":4}"#),
            (#"{"$or":[{"$or":[{"a":[1]},{"a":[2]}],"a":[3]},{"b":[4]}]}"#, #"{"a":3}"#, #"{"a":1}"#),
        ] {
            let pattern = try EventPattern(parsing: text)
            #expect(try pattern.matches(yes), "\(text) \(yes)")
            #expect(try !pattern.matches(no), "\(text) \(no)")
        }
    }

    @Test("Branches of more fields than there may be are not multiplied out", arguments: [10_000, 100_000])
    func tooManyFields(count: Int) throws {
        let text = "{\(or(1000, "source")),\(list(count) { "\"f\($0)\":[\"x\"]" })}"
        let error = try #require(throws: PatternError.self) { try EventPattern(parsing: text) }
        #expect(error.message.contains("exceeds max value of 256") || error.message.contains("100000 values"))
        // The same field again and again is one.
        let again = "{\(or(1000, "source")),\(list(20_000) { _ in "\"f\":[\"x\"]" })}"
        #expect(try EventPattern(parsing: again).conditionCount == 1001)
    }

    @Test("Texts of many letters whose case is ignored, and many values, are refused where a rule is new")
    func values() throws {
        for text in [
            "{\"a\":[{\"equals-ignore-case\":\"\(String(repeating: "é", count: 40_000))\"}]}",
            "{\"a\":[{\"anything-but\":{\"equals-ignore-case\":\"\(String(repeating: "é", count: 40_000))\"}}]}",
            "{\"a\":[{\"prefix\":{\"equals-ignore-case\":\"\(String(repeating: "é", count: 40_000))\"}}]}",
            "{\"a\":[\(list(100_001) { "\($0)" })]}", "{\"a\":[{\"anything-but\":[\(list(100_001) { "\"\($0)\"" })]}]}",
        ] {
            let error = try #require(throws: PatternError.self) { try EventPattern(parsing: text) }
            #expect(error.code == .limitExceeded)
            #expect(throws: Never.self) { try EventPattern(parsing: text, limits: .stored) }
        }
        #expect(throws: Never.self) {
            try EventPattern(
                parsing: "{\"a\":[{\"equals-ignore-case\":\"\(String(repeating: "e", count: 1_000_000))\"}]}")
        }
    }

    @Test("Branches that share a long list are not each filed under all of it")
    func sharedList() throws {
        let branches = list(500) { "{\"a\($0)\":[{\"exists\":true}],\"b\($0)\":[{\"exists\":true}]}" }
        let values = list(5_000) { "\"v\($0)\"" }
        let pattern = try EventPattern(parsing: "{\"k\":[\(values)],\"$or\":[\(branches)]}")
        let matcher = Matcher([(1, pattern)])
        #expect(matcher.byteCount < 2_000_000)
        #expect(try matcher.matches(in: #"{"k":"v77","a3":1,"b3":1}"#) == [1])
        #expect(try matcher.matches(in: #"{"k":"v77","a3":1,"b4":1}"#) == [])
    }
}
