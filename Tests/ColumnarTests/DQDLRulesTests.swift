import Columnar
import Foundation
import Testing

/// What rules say of records and files; the expectations are those of AWS's documentation.
@Suite("DQDL rules")
struct DQDLRulesTests {
    /// Rows 1 to 8; null, an empty text and blanks among the names.
    private let people = """
        Id,Name,Age,Born,City
        1,Ada,36,1815-12-10,London
        2,,25,1990-01-01,Paris
        3,"",21,1991-02-03 10:00:00,Paris
        4,"  ",,1992-03-04,
        5,Eve,abc,no date,Rome
        6,Zoë,100,2024-05-31,Rome
        7,Bob,21.0,2024-05-30,"Berlin"
        8,NULL,-3,,Berlin

        """

    @Test("Texts that look the same are told apart by their bytes, and a rule can name both")
    func composed() throws {
        let (one, two) = ("caf\u{E9}", "cafe\u{301}")
        #expect(one == two)
        let text = "id,name\n1,\(one)\n2,\(two)\n3,cafe\n"
        func bad(_ rules: QualityRules) throws -> [Int64] {
            let rejected = CollectedRejects()
            _ = try QualityFilter(rules).run(MemorySource(text), good: MemorySink(), bad: rejected)
            return rejected.records.map(\.row)
        }
        #expect(try bad(QualityRules(dqdl: "Rules = [ ColumnValues \"name\" in [\"\(one)\", \"\(two)\"] ]")) == [3])
        #expect(try bad(QualityRules(dqdl: "Rules = [ ColumnValues \"name\" in [\"\(two)\"] ]")) == [1, 3])
        #expect(try bad(QualityRules(dqdl: "Rules = [ ColumnValues \"name\" = \"\(one)\" ]")) == [2, 3])
        #expect(
            try bad(
                QualityRules(dqdl: "Rules = [ ColumnValues \"id\" < 0 where \"name in ('\(one)', '\(two)')\" ]"))
                == [1, 2])
        #expect(TextSet([one, two]).count == 2 && TextSet([one]) != TextSet([two]))
        let allowed = try JSONDecoder().decode(
            QualityRules.self, from: Data("{\"columns\": {\"name\": {\"allowed\": [\"\(one)\", \"\(two)\"]}}}".utf8))
        #expect(try bad(allowed) == [3])
    }

    @Test(
        "Rows that break a rule on values",
        arguments: [
            // Bounds of between are excluded, those of not between included; null and what is no number fail.
            (#"ColumnValues "Age" between 21 and 100"#, [3, 4, 5, 6, 7, 8]),
            (#"ColumnValues "age" not between 21 and 36"#, [2, 4, 5]),
            (#"ColumnValues "Age" >= 21"#, [4, 5, 8]), (#"ColumnValues "Age" > 21"#, [3, 4, 5, 7, 8]),
            (#"ColumnValues "Age" < 0"#, [1, 2, 3, 4, 5, 6, 7]), (#"ColumnValues "Age" = 21"#, [1, 2, 4, 5, 6, 8]),
            // Null passes != and not in, unless it is named.
            (#"ColumnValues "Age" != 21"#, [3, 5, 7]), (#"ColumnValues "Age" not in [21, 22, 23]"#, [3, 5, 7]),
            (#"ColumnValues "Age" not in [21, NULL]"#, [3, 4, 5, 7]),
            (#"ColumnValues "Age" in [21, NULL]"#, [1, 2, 5, 6, 8]),
            (#"ColumnValues "Age" = NULL"#, [1, 2, 3, 5, 6, 7, 8]), (#"ColumnValues "Age" != NULL"#, [4]),
            (#"(ColumnValues "Age" != 21) AND (ColumnValues "Age" != NULL)"#, [3, 4, 5, 7]),
            (#"(ColumnValues "Age" > 21) OR (ColumnValues "Age" = NULL)"#, [3, 5, 7, 8]),
            (#"ColumnValues "Name" in ["Ada", "Eve"]"#, [2, 3, 4, 6, 7, 8]),
            (#"ColumnValues "Name" in ["Ada", "Eve", NULL, EMPTY, WHITESPACES_ONLY]"#, [6, 7]),
            (#"ColumnValues "Name" != EMPTY"#, [3]),
            (#"ColumnValues "Name" not in ["Ada", WHITESPACES_ONLY]"#, [1, 4]),
            (#"ColumnValues "Name" matches "[A-Z].*""#, [2, 3, 4, 8]),
            (#"ColumnValues "Name" not matches "[A-Z].*""#, [1, 2, 5, 6, 7, 8]),
            (#"ColumnValues "Born" > "1990-01-01""#, [1, 2, 5, 8]),
            (#"ColumnValues "Born" = "1991-02-03""#, [1, 2, 4, 5, 6, 7, 8]),
            (#"ColumnValues "Born" between "1990-01-01" and "2024-05-31""#, [1, 2, 5, 6, 8]),
            (#"ColumnValues "Born" not between "1990-01-01" and "2024-05-31""#, [3, 4, 5, 7, 8]),
            (#"ColumnValues "Born" > (now() - 2 days)"#, [1, 2, 3, 4, 5, 7, 8]),
            (#"ColumnValues "Born" >= (now() - 48 hours)"#, [1, 2, 3, 4, 5, 8]),
            // Null has the length 0.
            (#"ColumnLength "Name" = 3"#, [2, 3, 4, 8]), (#"ColumnLength "Name" < 3"#, [1, 5, 6, 7]),
            (#"ColumnLength "Name" > 0"#, [2, 3, 8]), (#"ColumnLength "Name" between 1 and 4"#, [2, 3, 8]),
            (#"ColumnLength "Name" in [0, 2]"#, [1, 5, 6, 7]), (#"ColumnLength "Name" != 0"#, [2, 3, 8]),
            (#"(ColumnLength "Name" < 3) AND (ColumnValues "Name" != NULL)"#, [1, 2, 5, 6, 7, 8]),
            (#"IsComplete "Name""#, [2, 8]), (#"IsComplete "Age""#, [4]),
            (#"ColumnDataType "Age" = "INTEGER""#, [5, 7]), (#"ColumnDataType "Age" = "Double""#, [5]),
            (#"ColumnDataType "Born" = "Date""#, [5]),
            // Where clauses: rows that they leave out pass.
            (#"IsComplete "Name" where "City = 'Paris'""#, [2]),
            (#"ColumnValues "Age" > 30 where "City in ('Rome', 'London')""#, [5]),
            (#"ColumnValues "Age" > 30 where "not (City = 'Rome' or City = 'Paris')""#, [7, 8]),
            (#"ColumnValues "Age" > 30 where "City is null or Id >= 7""#, [4, 7, 8]),
            (#"ColumnValues "Age" > 30 where "Id between 1 and 3 and City <> 'London'""#, [2, 3]),
            (#"ColumnValues "Age" > 30 where "Born < '1991-01-01'""#, [2]),
            (#"ColumnValues "Age" > 30 where "not Age < 22""#, [2]),
        ] as [(String, [Int64])])
    func rows(rule: String, bad: [Int64]) throws {
        // now() is 2024-06-01.
        let found = try QualityRules.judge(people, rule, nullTokens: ["NULL"], now: 1_717_200_000)
        #expect(found.bad == bad)
        #expect(found.report.rules.first?.violations == Int64(bad.count))
        #expect(found.report.rules.first?.passed == bad.isEmpty)
        #expect(found.report.passes == (bad.count < 8))
    }

    @Test(
        "Rules on the whole file fail it, and say what was found; no row is bad",
        arguments: [
            ("RowCount = 8", nil), ("RowCount > 8", "found 8"), ("RowCount between 7 and 9", nil),
            ("ColumnCount = 5", nil), ("ColumnCount > 5", "found 5"), (#"ColumnExists "NAME""#, nil),
            (#"ColumnExists "zip""#, "found no such column"), (#"(ColumnExists "zip") or (ColumnExists "City")"#, nil),
            (#"ColumnNamesMatchPattern "[A-Z][a-z]+""#, nil),
            (#"ColumnNamesMatchPattern "[a-z]+""#, "found 5 columns, the first"),
            (#"Completeness "Name" = 0.75"#, nil), (#"Completeness "Name" > 0.8"#, "found 0.75"),
            (#"Completeness "Name" = 0.5 where "City = 'Paris'""#, nil),
            (#"Uniqueness "City" = 0.14285714285714285"#, nil), (#"Uniqueness "City" > 0.5"#, "found 0.142857"),
            (#"UniqueValueRatio "City" = 0.25"#, nil), (#"DistinctValuesCount "City" = 4"#, nil),
            (#"DistinctValuesCount "City" in [1, 2]"#, "found 4"), (#"IsUnique "Id""#, nil),
            (#"IsUnique "City""#, "(share of values), 3 values more than once"), (#"IsUnique "City" "Name""#, nil),
            (#"IsPrimaryKey "Id""#, nil), (#"IsPrimaryKey "Name""#, "without a value"),
            (#"IsPrimaryKey "Id" "City""#, "found 1 row without a value"),
            (#"IsUnique "Name""#, nil), (#"Mean "Id" = 4.5"#, nil), (#"Sum "Id" = 36"#, nil),
            (#"StandardDeviation "Id" between 2.29 and 2.292"#, nil), (#"Mean "Id" > 4.5"#, "found 4.5"),
            (#"Mean "Age" > 1"#, #""abc" in row 5, which is no number"#),
            (#"Sum "Age" = 182 where "City != 'Rome' and City is not null and Name is not null""#, "found 78"),
            (#"(IsComplete "Name") and (RowCount > 1)"#, "found 0.75"),
            (#"(IsComplete "Name") or (RowCount > 1)"#, nil),
            (#"(RowCount > 0) or ((IsComplete "Name") and (IsUnique "City"))"#, nil),
        ] as [(String, String?)])
    func files(rule: String, failure: String?) throws {
        let found = try QualityRules.judge(people, rule, nullTokens: ["NULL"])
        #expect(found.bad.isEmpty)
        #expect(found.report.passes == (failure == nil), "\(found.report.failures)")
        if let failure { #expect(found.report.failures.first?.contains(failure) == true, "\(found.report.failures)") }
    }

    @Test("With a threshold the bad rows go, and the file fails where they are too many")
    func threshold() throws {
        let rule = #"ColumnValues "City" in ["Rome", "Berlin"] with threshold"#
        let enough = try QualityRules.judge(people, rule + " >= 0.5")
        #expect(enough.bad == [1, 2, 3, 4] && enough.report.passes && enough.report.rules[0].passed)
        #expect(enough.report.rules[0].measured == 0.5)
        let few = try QualityRules.judge(people, rule + " > 0.5")
        #expect(few.bad == [1, 2, 3, 4] && !few.report.passes)
        #expect(few.report.failures.first?.contains("the share of rows that pass is 0.5, not > 0.5") == true)
    }

    @Test("Referential integrity by one column and by two, null never found")
    func references() throws {
        let cities = "city,land\nLondon,UK\nParis,FR\nBerlin,DE\nRome,IT\n"
        let set = try ReferenceSet(MemorySource(cities), columns: [["city"], ["city", "land"]])
        let all = #"ReferentialIntegrity "City" "cities.city""#
        #expect(try QualityRules.judge(people, all + " = 0.875", references: ["cities": set]).report.passes)
        #expect(try !QualityRules.judge(people, all + " = 1.0", references: ["cities": set]).report.passes)
        let pairs = "a,b\nRome,IT\nRome,DE\n\"Berlin\",DE\n,DE\n"
        let two = #"ReferentialIntegrity "a,b" "cities.{city,land}" = 0.5"#
        #expect(try QualityRules.judge(pairs, two, references: ["cities": set]).report.passes)
        let unknown = #expect(throws: ColumnarError.self) { try QualityRules.judge(people, all + " = 1") }
        #expect(unknown?.message.contains("\"cities\"") == true)
        let column = #expect(throws: ColumnarError.self) { try ReferenceSet(MemorySource(cities), columns: [["zip"]]) }
        #expect(column?.code == .missingColumn)
    }

    @Test("A column that a rule needs and the file lacks ends the run, naming rule and column")
    func missingColumn() {
        for rule in [
            #"IsComplete "zip""#, #"ColumnValues "Age" > 1 where "zip = 1""#, #"Mean "zip" > 1"#,
            #"(IsComplete "zip") or (RowCount > 1)"#,
        ] {
            let error = #expect(throws: ColumnarError.self) { try QualityRules.judge(people, rule) }
            #expect(error?.code == .missingColumn)
            #expect(error?.message.contains("column zip (\(rule))") == true, "\(error?.message ?? "")")
        }
    }

    @Test("The reason names column, value and demand")
    func reasons() throws {
        let rules = try QualityRules(
            dqdl:
                #"Rules = [ (ColumnValues "Age" > 30) or (ColumnLength "City" > 5), ColumnValues "Born" > "1900-01-01" ]"#
        )
        let bad = CollectedRejects()
        _ = try QualityFilter(rules).run(MemorySource(people), good: MemorySink(), bad: bad)
        #expect(
            bad.records.map(\.reason) == [
                #"born: "1815-12-10" is no day within the bounds"#,
                #"age: "25" is not > 30 and city: "Paris" has 5 characters, not > 5"#,
                #"age: "21" is not > 30 and city: "Paris" has 5 characters, not > 5"#,
                "age: the value is missing and city: the value is missing",
                #"age: "abc" is no number and city: "Rome" has 4 characters, not > 5"#,
                "born: the value is missing",
            ])
    }
}
