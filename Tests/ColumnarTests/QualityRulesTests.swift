import Columnar
import Foundation
import Testing

/// Rules from their mapping form.
@Suite("Quality rules")
struct QualityRulesTests {
    private func rules(_ json: String) throws -> QualityRules {
        try JSONDecoder().decode(QualityRules.self, from: Data(json.utf8))
    }

    @Test("Every word of the mapping form becomes its rule")
    func everyWord() throws {
        let rules = try rules(
            """
            {"requiredColumns": ["Order ID"],
             "columns": {
               "Order ID": {"required": true, "type": "bigint", "min": 1},
               "amount": {"type": "decimal(10,2)", "greaterThan": 0, "max": 99.5},
               "country": {"allowed": ["DE", 1, true, 2.5]},
               "day": {"min": "2024-01-01", "lessThan": "2025-01-01T00:00:00"},
               "email": {"pattern": ".+@.+", "completeness": 0.9, "minLength": 3, "maxLength": 80}},
             "rows": {"min": 1, "max": 100},
             "thresholds": {"maximumBadShare": 0.1, "maximumBadRows": 5},
             "nullTokens": ["NULL"]}
            """)
        #expect(
            rules.rules.map(\.description) == [
                "order_id: exists", "order_id: exists", "order_id: required", "order_id: type bigint",
                "order_id: range ≥ 1", "amount: type decimal(10,2)", "amount: range > 0 and ≤ 99.5",
                "country: allowed [1, 2.5, DE, true]",
                "day: range ≥ 2024-01-01T00:00:00 and < 2025-01-01T00:00:00", "email: pattern .+@.+",
                "email: length 3...80", "email: completeness ≥ 0.9", "row count 1...100",
            ])
        #expect(rules.thresholds == QualityThresholds(maximumBadRows: 5, maximumBadShare: 0.1))
        #expect(rules.nullTokens == ["NULL"])
    }

    @Test("Nothing at all is no rules")
    func empty() throws {
        #expect(try rules("{}").rules.isEmpty)
        #expect(try rules(#"{"columns": {"a": {}}}"#).rules.isEmpty)
    }

    @Test(
        "What is misspelt or makes no sense is refused, by name",
        arguments: [
            (#"{"column": {}}"#, "column"), (#"{"columns": {"a": {"requird": true}}}"#, "requird"),
            (#"{"columns": {"a": {"type": "number"}}}"#, "number"),
            (#"{"columns": {"amount": {"min": 5, "max": 4}}}"#, "amount"),
            (#"{"columns": {"amount": {"min": 5, "greaterThan": 4}}}"#, "greaterThan"),
            (#"{"columns": {"amount": {"min": 5, "max": "2024-01-01"}}}"#, "amount"),
            (#"{"columns": {"amount": {"min": "five"}}}"#, "five"),
            (#"{"columns": {"code": {"pattern": "("}}}"#, "code"),
            (#"{"columns": {"code": {"completeness": 90}}}"#, "90"), (#"{"rows": {"min": 3, "max": 2}}"#, "rows"),
            (#"{"rows": {"minimum": 3}}"#, "minimum"), (#"{"thresholds": {"maximumBadShare": 10}}"#, "10"),
            (#"{"thresholds": {"maximum": 10}}"#, "maximum"),
            (#"{"columns": {"name": {"minLength": 5, "maxLength": 2}}}"#, "name"),
            (#"{"columns": {"name": {"minLength": -1}}}"#, "name"),
            (#"{"columns": {"a": {"type": "number"}}}"#, "time, timestamp, timestamp with local time zone"),
        ])
    func refused(json: String, word: String) throws {
        let error = #expect(throws: ColumnarError.self) { try rules(json) }
        #expect(error?.code == .invalidRule)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    }

    @Test(
        "A value of the wrong kind is refused",
        arguments: [#"{"columns": {"a": {"required": "yes"}}}"#, #"{"columns": []}"#, "[]"])
    func wrongKind(json: String) {
        #expect(throws: (any Error).self) { try rules(json) }
    }
}
