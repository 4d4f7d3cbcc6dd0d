import Columnar
import Testing

/// Patterns on many texts that hardly repeat, which are matched together, beside Swift's regular expressions.
@Suite("Patterns on whole columns", .timeLimit(.minutes(5)))
struct QualityPatternRunsTests {
    private final class Rows: RejectedRecords {
        var rows: [Int64] = []

        func beginPass() throws(ColumnarError) { rows = [] }
        func describe(_ layout: RejectedLayout) throws(ColumnarError) {}
        func receive(_ record: RejectedRecord) throws(ColumnarError) { rows.append(record.row) }
    }

    @Test(
        "Each value is judged right, whatever its length and its characters",
        arguments: [
            // Nearly all characters mean the same to these,
            "[^@ ]+@[^@ ]+", ".*", "[^@]*", ".*@.*@.*", ".*(a@|@b).*", "[^@]{3,70}", "(..)*", "[^ ]*ö[^ ]*", "@.*",
            ".*@",
            ".{65}.*", "[^x]*x?[^x]*",
            // to these not.
            "[a-z@ .]+", "[^a-z]*[a-z@ ]*", ".*[0-9].*",
        ])
    func runs(pattern: String) throws {
        var generator = SeededGenerator(seed: 11)
        var texts: [String] = []
        // Enough of them that the dictionary is given up.
        for index in 0..<17_000 { texts.append("text \(index)") }
        for index in 0..<2500 {
            let length = Int.random(in: 1...200, using: &generator)
            var text = ""
            for _ in 0..<length {
                switch Int.random(in: 0..<40, using: &generator) {
                case 0: text += "@"
                case 1: text += index % 3 == 0 ? " " : "-"
                case 2: text += index % 5 == 0 ? "ö" : "o"
                default: text.unicodeScalars.append(Unicode.Scalar(UInt8.random(in: 97...122, using: &generator)))
                }
            }
            texts.append(text)
        }
        let expression = try Regex(pattern)
        let expected = texts.indices.filter { texts[$0].wholeMatch(of: expression) == nil }.map { Int64($0 + 1) }
        var options = ConversionOptions()
        options.quality = try QualityRules(dqdl: "Rules = [ColumnValues \"text\" matches \"\(pattern)\"]")
        options.csv.delimiter = ","
        let rows = Rows()
        _ = try CSVConverter.convert(
            from: MemorySource("text,n\n" + texts.map { "\($0),1\n" }.joined()), to: DiscardSink(), options: options,
            rejectedRecords: rows)
        #expect(rows.rows == expected)
    }

    @Test("Distinct keys are counted exactly, however often each comes")
    func keys() throws {
        for (values, draws) in [(10_000, 40_000), (3, 20_000)] {
            var generator = SeededGenerator(seed: UInt64(values))
            let keys = DistinctKeys()
            var times = [Int](repeating: 0, count: values)
            for _ in 0..<draws {
                let value = Int.random(in: 0..<values, using: &generator)
                times[value] += 1
                try keys.insert("key \(value)")
            }
            let found = try keys.counts()
            #expect(found.distinct == Int64(times.count { $0 > 0 }) && found.once == Int64(times.count { $0 == 1 }))
        }
    }
}
