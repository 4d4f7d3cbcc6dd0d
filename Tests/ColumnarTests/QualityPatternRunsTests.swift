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

    @Test("A pattern that needs more states than are kept is judged right when they are numbered anew")
    func renumbering() throws {
        let pattern = try QualityPattern(".*a.{12}")
        let expression = try Regex(".*a.{12}")
        // Each text brings one state: all of what may follow "aa", the shorter ones first. The probe then needs the
        // first one more that there is no room for, from the state after one "a", whose number the new one gets.
        var words = [""]
        var next = 0
        while words.count < 1030 {
            words += [words[next] + "a", words[next] + "b"]
            next += 1
        }
        for count in 1000..<1030 {
            let matcher = PatternMatcher(pattern)
            for word in words[..<count] { _ = verdict("aa" + word, matcher) }
            for probe in ["abbbbbbbbbbbb", "abbbbbbbbbbb", "abbbbbbbbbbbbb"] {
                #expect(
                    verdict(probe, matcher) == (probe.wholeMatch(of: expression) != nil),
                    "\(count) texts, then \(probe)")
            }
        }
    }

    /// Whether a text matches, with so much behind it that it is looked at 64 bytes at a time.
    private func verdict(_ text: String, _ matcher: PatternMatcher) -> Bool {
        let bytes = Array(text.utf8) + [UInt8](repeating: 0x62, count: 64)
        let verdicts = UnsafeMutablePointer<UInt8>.allocate(capacity: 2)
        defer { verdicts.deallocate() }
        bytes.withUnsafeBufferPointer { bytes in
            [UInt32(text.utf8.count), 64].withUnsafeBufferPointer { lengths in
                guard let bytes = bytes.baseAddress, let lengths = lengths.baseAddress else { return }
                matcher.match(bytes, lengths, 2, into: verdicts)
            }
        }
        return verdicts[0] == 1
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
