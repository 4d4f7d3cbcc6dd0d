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
        for (values, memory) in [(600, 1000), (50_000, 1000), (50_000, 40_000), (50_000, 1 << 20)] {
            let keys = DistinctKeys(mostKeys: memory)
            for index in 0..<values { try keys.insert("value \(index &* 31)") }
            // Some come again, before and after the file began to be used, and some three times.
            for index in stride(from: 0, to: values, by: 10) { try keys.insert("value \(index &* 31)") }
            for index in stride(from: 0, to: values, by: 20) { try keys.insert("value \(index &* 31)") }
            let counts = try keys.counts()
            #expect(counts.distinct == Int64(values) && counts.once == Int64(values - values / 10))
        }
    }
}
