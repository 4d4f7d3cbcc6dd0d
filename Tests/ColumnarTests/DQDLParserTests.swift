import Columnar
import Testing

/// Rulesets and what is wrong with them.
@Suite("DQDL parser")
struct DQDLParserTests {
    @Test("The ruleset that Glue's guide begins with, comments, line ends, both spellings of keywords")
    func accepted() throws {
        let rules = try QualityRules(
            dqdl: """
                # What an order must be
                Rules = [
                    IsComplete "order-id", IsUnique "order-id",   # the key
                    RowCount between 1 and 1000000,
                    ColumnCount = 5,
                    ColumnExists "amount",
                    ColumnNamesMatchPattern "[a-z_-]+",
                    ColumnValues "amount" between 0 and 100.5,
                    ColumnValues "amount" not between -5 and 0,
                    ColumnValues "country" in ["DE", "FR", NULL, EMPTY, WHITESPACES_ONLY] with threshold > 0.9,
                    ColumnValues "country" not in ["US"],
                    ColumnValues "day" > (now() - 3 days),
                    ColumnValues "day" between "2024-01-01" and now(),
                    ColumnValues "email" matches "[^@ ]+@[^@ ]+" where "country = 'DE' and amount is not null"
                        with threshold >= 0.5,
                    ColumnLength "country" = 2,
                    ColumnDataType "amount" = "Double",
                    Completeness "email" > 0.5 where "amount > 10",
                    Completeness "email" = "1.0",
                    Uniqueness "vendorid" "pickup" = 1, UniqueValueRatio "id" > 0.5, DistinctValuesCount "id" > 3,
                    IsPrimaryKey "a" "b",
                    Mean "amount" between 8 and 100, Sum "amount" > 1e3, StandardDeviation "amount" < 10,
                    ReferentialIntegrity "zip" "reference.zip" >= 0.9,
                    ReferentialIntegrity "city,state" "reference.{ref_city,ref_state}" = 1.0,
                    (IsComplete "a") and ((IsUnique "b") or (ColumnValues "c" = NULL)),
                    (ColumnValues "age" > 21) OR (ColumnValues "age" = NULL)
                ]
                """)
        #expect(rules.rules.count == 28)
        #expect(rules.rules[0].description == #"IsComplete "order-id""#)
        #expect(rules.rules[0].column == "order_id")
        #expect(
            rules.rules[12].description
                == #"ColumnValues "email" matches "[^@ ]+@[^@ ]+" where "country = 'DE' and amount is not null" with threshold >= 0.5"#
        )
        #expect(rules.neededReferences.map(\.alias) == ["reference", "reference"])
        #expect(rules.neededReferences.map(\.columns) == [["zip"], ["ref_city", "ref_state"]])
        #expect(try QualityRules(dqdl: "Rules = []").rules.isEmpty)
        let inMapping = try JSONRules.decode(#"{"dqdl": "Rules = [ IsComplete \"a\" ]", "columns": {"b": {"min": 1}}}"#)
        #expect(inMapping.rules.count == 2)
    }

    @Test(
        "What is malformed is refused with its place and what was expected",
        arguments: [
            ("", "line 1, column 1: expected Rules"), ("rules = []", "line 1, column 1: expected Rules with a capital"),
            ("Rules [", "line 1, column 7: expected \"=\""), ("Rules = {", "line 1, column 9: expected \"[\""),
            ("Rules = [\n  IsComplete \"a\"\n  IsUnique \"b\"\n]", "line 3, column 3: expected \",\" or \"]\""),
            ("Rules = [\r\n  IsComplete \"a]\r\n", "line 2, column 14: this text is never closed"),
            ("Rules = [ IsComplet \"a\" ]", "line 1, column 11: IsComplet is no rule type; did you mean IsComplete?"),
            ("Rules = [ ColumnVaules \"a\" > 1 ]", "did you mean ColumnValues?"),
            ("Rules = [ Frobnicate \"a\" ]", "Frobnicate is no rule type; there are ColumnCount"),
            ("Rules = [ CustomSql \"select 1\" ]", "CustomSql is a rule type of AWS Glue that is not covered"),
            ("Rules = [ Entropy \"a\" > 1 ]", "Entropy is a rule type of AWS Glue that is not covered"),
            ("Analyzers = [ ]", "the section Analyzers is not covered"),
            ("Rules = [ RowCount > 1 ] Analyzers = []", "column 26: the section Analyzers is not covered"),
            ("Rules = [ RowCount ]", "column 20: RowCount needs an expression"),
            ("Rules = [ RowCount \"id\" > 1 ]", "column 20: RowCount takes no parameter"),
            ("Rules = [ RowCount > avg(last(10)) ]", "column 22: avg(…) makes a dynamic rule"),
            ("Rules = [ RowCount > ]", "column 22: expected a value, found \"]\""),
            ("Rules = [ RowCount between 3 and 1 ]", "holds nothing"),
            ("Rules = [ RowCount between 3 or 1 ]", "expected and with the upper bound"),
            ("Rules = [ IsComplete ]", "IsComplete takes one column in quotes, and has 0"),
            ("Rules = [ IsComplete \"a\" \"b\" ]", "column 26: IsComplete takes one column in quotes, and has 2"),
            ("Rules = [ IsComplete \"a\" > 0.5 ]", "column 26: IsComplete takes no expression"),
            ("Rules = [ ColumnValues \"a\" ]", "ColumnValues needs an expression"),
            ("Rules = [ ColumnValues \"a\" in [1, \"x\"] ]", "of different kinds: a number, a text"),
            ("Rules = [ ColumnValues \"a\" in [] ]", "expected a value, found \"]\""),
            ("Rules = [ ColumnValues \"a\" in (1) ]", "expected \"[\" after in"),
            ("Rules = [ ColumnValues \"a\" > \"x\" ]", "texts have no order in DQDL"),
            ("Rules = [ ColumnValues \"a\" > NULL ]", "expected a number or a date"),
            ("Rules = [ ColumnValues \"a\" matches 5 ]", "expected a regular expression"),
            (
                "Rules = [ ColumnValues \"a\" matches \"(a\" ]",
                "line 1, column 28: The pattern \"(a\" has an unclosed ("
            ),
            ("Rules = [ ColumnValues \"a\" not > 5 ]", "expected between, in or matches after not"),
            ("Rules = [ ColumnValues \"a\" > (now() - 3 weeks) ]", "expected days, hours or minutes"),
            ("Rules = [ ColumnLength \"a\" = 2.5 ]", "a length is a whole number"),
            ("Rules = [ ColumnDataType \"a\" = \"Money\" ]", "\"Money\" is no type; there are boolean"),
            ("Rules = [ Completeness \"a\" > 0.5 with threshold > 0.5 ]", "Completeness has no threshold"),
            ("Rules = [ ColumnValues \"a\" > 1 with treshold > 0.5 ]", "expected threshold after with"),
            ("Rules = [ ReferentialIntegrity \"a\" \"b\" = 1 ]", "expected \"alias.column\""),
            ("Rules = [ ReferentialIntegrity \"a,b\" \"r.c\" = 1 ]", "the 2 column(s) of \"a,b\" do not go with the 1"),
            ("Rules = [ IsComplete \"a\" where \"b = \" ]", "line 1, column 37: where: expected a number or a text"),
            ("Rules = [ IsComplete \"a\" where \"b like 'x'\" ]", "where: expected a comparison, found like"),
            ("Rules = [ IsComplete \"a\" where \"upper(b) = 'x'\" ]", "functions are not covered"),
            ("Rules = [ ColumnCount > 1 where \"a = 1\" ]", "looks at no records"),
            ("Rules = [ (IsComplete \"a\") and IsUnique \"b\" ]", "column 32: expected \"(\" around each rule"),
            ("Rules = [ (IsComplete \"a\" ]", "expected \")\" after the rule"),
            ("Rules = [ IsComplete \"a\" labels=[\"x=y\"] ]", "labels are not covered"),
            ("Rules = [ IsComplete $x ]", "IsComplete takes one column"),
            ("x = \"y\" Rules = []", "constants are not covered"),
        ])
    func malformed(text: String, message: String) {
        let error = #expect(throws: ColumnarError.self) { try QualityRules(dqdl: text) }
        #expect(error?.code == .invalidRule)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix("DQDL line ") == true)
    }

    @Test("Deep nesting is refused, not followed; any prefix of a ruleset is an error, never a crash")
    func hostile() throws {
        let deep = "Rules = [" + String(repeating: "(", count: 100_000)
        #expect(throws: ColumnarError.self) { try QualityRules(dqdl: deep) }
        let sql = String(repeating: "(", count: 100_000)
        #expect(throws: ColumnarError.self) { try QualityRules(dqdl: "Rules = [ IsComplete \"a\" where \"\(sql)\" ]") }
        let text = """
            Rules = [ (ColumnValues "a" in ["x", NULL]) or (ColumnLength "b" between 1 and 5),
              ColumnValues "day" > (now() - 3 days) where "a in (1, 'x') and not (b between 1 and 2 or c is null)",
              ReferentialIntegrity "a,b" "r.{c,d}" >= 0.5 ]
            """
        #expect(try QualityRules(dqdl: text).rules.count == 3)
        for length in 0..<text.count - 1 {
            #expect(throws: ColumnarError.self) { try QualityRules(dqdl: String(text.prefix(length))) }
        }
    }
}
