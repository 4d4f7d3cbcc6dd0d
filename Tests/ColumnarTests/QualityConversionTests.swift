import Columnar
import Foundation
import Testing

/// Rules in the conversion pass.
@Suite("Quality in a conversion", .timeLimit(.minutes(5)))
struct QualityConversionTests {
    private static let text: String = {
        var text = "id,amount,country\n"
        for index in 1...5000 {
            text += "\(index),\(index % 10 == 0 ? -1 : index),\(index % 7 == 0 ? "" : "DE")\n"
            if index % 1000 == 0 { text += "short\n" }
        }
        return text
    }()

    private static let dqdl = """
        Rules = [ ColumnValues "amount" > 0, IsComplete "country" where "id <= 2000", IsUnique "id",
                  Completeness "country" > 0.8, RowCount = 5005, Sum "id" = 12502500 ]
        """

    @Test(
        "The same rows are left out as in the filter, on one thread and on two, with the same report",
        arguments: [1, 2])
    func sameAsFilter(threads: Int) throws {
        let rules = try QualityRules(dqdl: Self.dqdl)
        let bad = CollectedRejects()
        let filtered = try QualityFilter(rules).run(MemorySource(Self.text), good: MemorySink(), bad: bad)
        var options = ConversionOptions()
        options.csv.badRecords = .reject
        options.csv.batchBytes = 2000
        options.threads = threads
        options.quality = rules
        let rejected = CollectedRejects()
        let report = try CSVConverter.convert(
            from: MemorySource(Self.text), to: MemorySink(), options: options, rejectedRecords: rejected)
        #expect(report.quality == filtered && filtered.passes, "\(filtered.failures)")
        #expect(filtered.malformed == 5 && filtered.bad == report.rejectedRows && filtered.good == report.rows)
        #expect(rejected.records == bad.records && rejected.layout == bad.layout)
        #expect(report.columns.map { "\($0.type)" } == ["bigint", "bigint", "string"])
    }

    @Test("A file that fails is told in the report; a missing column ends the conversion")
    func failing() throws {
        var options = ConversionOptions()
        options.csv.badRecords = .reject
        options.quality = try QualityRules(dqdl: #"Rules = [ Completeness "country" > 0.9 ]"#)
        let report = try CSVConverter.convert(from: MemorySource(Self.text), to: MemorySink(), options: options)
        let error = #expect(throws: ColumnarError.self) { try report.quality?.requirePass() }
        #expect(error?.code == .qualityThreshold && error?.message.contains("found 0.857") == true)
        options.quality = try QualityRules(dqdl: #"Rules = [ IsComplete "zip" ]"#)
        #expect(throws: ColumnarError.self) {
            try CSVConverter.convert(from: MemorySource(Self.text), to: MemorySink(), options: options)
        }
    }

    @Test("Rows that break a rule have no say in types")
    func types() throws {
        var options = ConversionOptions()
        options.quality = try QualityRules(dqdl: #"Rules = [ ColumnDataType "a" = "Integer" ]"#)
        options.csv.batchBytes = 256
        let text = "a\n1\nx\n" + String(repeating: "2\n", count: 500) + "y\n"
        let report = try CSVConverter.convert(from: MemorySource(text), to: MemorySink(), options: options)
        #expect(report.columns[0].type == .bigint && report.rows == 501 && report.rejectedRows == 2)
    }

    @Test("More distinct values than memory is meant to hold are counted exactly all the same")
    func spill() throws {
        let count = 700_000
        var text = Array("a\n".utf8)
        for index in 0..<count { text += Array("\(index &* 31)\n".utf8) }
        for index in stride(from: 0, to: 1000, by: 10) { text += Array("\(index &* 31)\n".utf8) }
        var rules = try QualityRules(
            dqdl: #"Rules = [ DistinctValuesCount "a" = 700000, Uniqueness "a" between 0.9997 and 0.99973 ]"#)
        let report = try QualityFilter(rules).run(MemorySource(text), good: DiscardSink(), bad: CollectedRejects())
        #expect(report.passes, "\(report.failures)")
        #expect(report.rules[1].measured == Double(count - 100) / Double(count + 100))
        rules = try QualityRules(dqdl: #"Rules = [ IsUnique "a" ]"#)
        #expect(
            try !QualityFilter(rules).run(MemorySource(text), good: DiscardSink(), bad: CollectedRejects()).passes)
    }
}
