import EventPatterns
import Testing

@Suite("What the complexity budget takes and what it refuses", .timeLimit(.minutes(5)))
struct BudgetLimitTests {
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
}
