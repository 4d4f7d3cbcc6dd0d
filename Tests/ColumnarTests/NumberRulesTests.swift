import Columnar
import Foundation
import Testing

/// Rules on whole numbers that no double holds, and on values that cannot be compared.
@Suite("Rules: large numbers, conditions within composite rules")
struct NumberRulesTests {
    private let numbers =
        "id,n\n1,9007199254740993\n2,9007199254740992\n3,-9223372036854775808\n4,123456789012345678901\n5,x\n6,\n"

    @Test(
        "every integer is a number, and compared to the last digit",
        arguments: [
            (#"ColumnValues "n" != 9007199254740993"#, [1, 5]),
            (#"ColumnValues "n" = 9007199254740993"#, [2, 3, 4, 5, 6]),
            (#"ColumnValues "n" in [9007199254740993, -9223372036854775808]"#, [2, 4, 5, 6]),
            (#"ColumnValues "n" not in [9007199254740992, 5.5]"#, [2, 5]),
            (#"ColumnValues "n" > 9007199254740992"#, [2, 3, 5, 6]),
            (#"ColumnValues "n" < 4503599627370496.5"#, [1, 2, 4, 5, 6]),
            (#"ColumnValues "n" >= 0"#, [3, 5, 6]), (#"ColumnValues "n" <= 9223372036854775807"#, [4, 5, 6]),
            (#"ColumnValues "id" > 9 where "n = 9007199254740993""#, [1]),
            (#"ColumnValues "id" > 9 where "n <> 9007199254740993""#, [2, 3, 4]),
            (#"ColumnValues "id" > 9 where "n >= 9007199254740993""#, [1, 4]),
            (#"ColumnValues "id" > 9 where "n between -9223372036854775808 and 9007199254740992""#, [2, 3]),
        ])
    func exact(rule: String, bad: [Int64]) throws {
        #expect(try QualityRules.judge(numbers, rule).bad == bad)
    }

    @Test(
        "numbers that no double holds are compared to the last digit, on both sides, in all columns",
        arguments: [
            (#"ColumnValues "n" = 12345678901234567890"#, [2, 3, 4, 5, 6]),
            (#"ColumnValues "n" != 12345678901234567891"#, [2]),
            (#"ColumnValues "n" in [12345678901234567890, 12345678901234567891]"#, [3, 4, 5, 6]),
            (#"ColumnValues "n" > 12345678901234567890"#, [1, 3, 4, 5, 6]),
            (#"ColumnValues "n" > 0.1"#, [4, 5]), (#"ColumnValues "n" >= 0.1"#, [5]),
            (#"ColumnValues "n" between 0.1 and 0.10000000000000000002"#, [1, 2, 4, 5, 6]),
            (#"ColumnValues "n" between 0.10000000000000000001 and 1"#, [1, 2, 3, 4, 5, 6]),
            (#"ColumnValues "n" < 0.1"#, [1, 2, 3, 4, 6]), (#"ColumnValues "n" = 0.1"#, [1, 2, 3, 5, 6]),
            (#"ColumnValues "n" = 9007199254740993.0"#, [1, 2, 3, 4, 5]),
            (#"ColumnValues "n" > 9007199254740992"#, [3, 4, 5]),
        ])
    func decimals(rule: String, bad: [Int64]) throws {
        let text =
            "id,n\n1,12345678901234567890\n2,12345678901234567891\n3,0.10000000000000000001\n4,0.1\n"
            + "5,0.09999999999999999999\n6,9007199254740993.00\n"
        #expect(try QualityRules.judge(text, rule).bad == bad)
        // While columns are built, as the file has it and rounded.
        for type in [nil, ColumnType.double] {
            var options = ConversionOptions()
            options.quality = try QualityRules(dqdl: "Rules = [ \(rule) ]")
            options.schema = type.map { [ColumnSchema(name: "id", type: .bigint), ColumnSchema(name: "n", type: $0)] }
            // A double holds no whole number of so many digits.
            let values =
                type == nil ? text : text.replacing("\n1,12345678901234567890\n2,12345678901234567891", with: "")
            let rejected = CollectedRejects()
            try convert(values, options, rejected: rejected)
            #expect(rejected.rows == (type == nil ? bad : bad.filter { $0 > 2 }.map { $0 - 2 }), "\(type as Any)")
        }
    }

    @Test("bounds of many digits in the mapping form, and how they are told")
    func mapping() throws {
        let rules = try JSONDecoder().decode(
            QualityRules.self, from: Data(#"{"columns":{"n":{"greaterThan":"0.10000000000000000001"}}}"#.utf8))
        #expect("\(rules.rules[0])" == "n: range > 0.10000000000000000001")
        var options = ConversionOptions()
        options.quality = rules
        let rejected = CollectedRejects()
        try convert("n\n0.10000000000000000001\n0.10000000000000000002\n", options, rejected: rejected)
        #expect(rejected.rows == [1])
    }

    @Test("what cannot be compared is said to be no number and no date, negated or not")
    func reasons() throws {
        for (rule, reason) in [
            (#"ColumnValues "n" != 1.5"#, "is no number"), (#"ColumnValues "n" in [1, 2]"#, "is no number"),
            (#"ColumnValues "n" > "2024-01-01""#, "is no date"), (#"ColumnValues "n" = "2024-01-01""#, "is no date"),
            (#"ColumnValues "n" != "2024-01-01""#, "is no date"),
        ] {
            var options = ConversionOptions()
            options.quality = try QualityRules(dqdl: "Rules = [ \(rule) ]")
            let rejected = CollectedRejects()
            try convert("id,n\n1,2024-02-30\n", options, rejected: rejected)
            #expect(rejected.records.map(\.reason).first?.contains("\"2024-02-30\" \(reason)") == true, "\(rule)")
        }
    }

    @Test("figures take integers of every size, wherever they stand")
    func figures() throws {
        for first in ["1", "9007199254740993"] {
            var text = "n,c\n\(first),0\n"
            for row in 0..<2000 { text += row == 1500 ? "9007199254740995,\(row)\n" : "\(row),\(row)\n" }
            for rule in [
                #"Sum "n" > 9007199254740992"#, #"Mean "n" > 1"#, #"StandardDeviation "n" > 1"#,
                #"Sum "n" > 1 where "c >= 0""#,
            ] {
                #expect(try QualityRules.judge(text, rule).report.failures == [], "\(rule)")
                // The same while columns are built.
                var options = ConversionOptions()
                options.csv.batchBytes = 1024
                options.quality = try QualityRules(dqdl: "Rules = [ \(rule) ]")
                #expect(try convert(text, options).quality?.failures == [], "\(rule)")
            }
        }
    }

    @Test(
        "a condition means the same within a composite rule: records that it is not so of are left alone",
        arguments: [
            (#"ColumnValues "id" > 9 where "n > 5""#, [1, 2, 4]),
            (#"ColumnValues "id" > 9 where "n <> 9007199254740992""#, [1, 3, 4]),
            (#"ColumnValues "id" > 9 where "n > 5 and id < 3""#, [1, 2]),
            (#"ColumnValues "id" > 9 where "not n > 5""#, [3]),
            (#"ColumnValues "id" > 9 where "n is null""#, [6]),
        ])
    func conditions(rule: String, bad: [Int64]) throws {
        #expect(try QualityRules.judge(numbers, rule).bad == bad)
        #expect(try QualityRules.judge(numbers, "(\(rule)) and (IsComplete \"id\")").bad == bad)
        // While columns are built.
        var options = ConversionOptions()
        options.quality = try QualityRules(dqdl: "Rules = [ (\(rule)) and (IsComplete \"id\") ]")
        let rejected = CollectedRejects()
        try convert(numbers, options, rejected: rejected)
        #expect(rejected.rows == bad)
        #expect(rejected.records.allSatisfy { $0.reason.contains("is not > 9") && !$0.reason.contains(" and ") })
    }
}
