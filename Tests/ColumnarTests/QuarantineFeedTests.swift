import Columnar
import Foundation
import Testing

/// Rows that were rejected, corrected, and fed back.
@Suite("Quarantine feed")
struct QuarantineFeedTests {
    private func quarantine(
        _ text: [UInt8], _ rules: String, _ change: (inout CSVOptions) -> Void = { _ in }
    ) throws -> (file: String, good: String) {
        var filter = QualityFilter(try QualityRules(dqdl: rules))
        change(&filter.options)
        let (good, bad) = (MemorySink(), MemorySink())
        let writer = QuarantineWriter(bad, source: "inbox/a.csv")
        _ = try filter.run(MemorySource(text), good: good, bad: writer)
        try writer.finish()
        return (String(decoding: bad.bytes, as: UTF8.self), String(decoding: good.bytes, as: UTF8.self))
    }

    private let rules = #"Rules = [ ColumnValues "amount" > 0, ColumnLength "note" < 20 ]"#

    @Test("A corrected quarantine file is the file it came from: what is right now goes on, the rest stays")
    func roundTrip() throws {
        let text = "id;Amount €;note\n1;5;ok\n2;-1;\"a;\"\"b\"\"\nc\"\n3;x;ö\n4;7\n".replacing(
            "Amount €", with: "amount")
        let (file, good) = try quarantine(Array(text.utf8) + [0x35, 0x3B, 0x36, 0x3B, 0xFF, 10], rules)
        #expect(good == "id;amount;note\n1;5;ok\n")
        #expect(file.split(separator: "\n").count == 5)
        #expect(try QuarantineSource.origin(of: MemorySource(file)) == "inbox/a.csv")
        #expect(try QuarantineSource.origin(of: MemorySource(text)) == nil)
        // Corrected: the amount of 2, the missing field of 4, the bytes of 5 as text; 3 stays as it is.
        let corrected = file.replacing("2;-1;", with: "2;1;").replacing("4;7", with: "4;7;\\u00fc\\uD83D\\uDE00")
            .replacing("\"rawBase64\":\"NTs2O/8=\"", with: "\"raw\":\"5;6;\\\"y\\\"\"")
        for maximumRead in [1, 7, 1 << 20] {
            let (good, bad) = (MemorySink(), CollectedRejects())
            let report = try QualityFilter(try QualityRules(dqdl: rules)).run(
                MemorySource(Array(corrected.utf8), maximumRead: maximumRead), good: good, bad: bad)
            #expect(
                String(decoding: good.bytes, as: UTF8.self)
                    == "id;amount;note\n2;1;\"a;\"\"b\"\"\nc\"\n4;7;ü😀\n5;6;\"y\"\n")
            #expect(report.rows == 4 && bad.rows == [2] && bad.records.first?.bytes == Array("3;x;ö".utf8))
            #expect(bad.layout?.delimiter == ";" && bad.layout?.header == "id;amount;note")
        }
        // A conversion reads it too, twice where types must be widened.
        var options = ConversionOptions()
        options.csv.badRecords = .reject
        options.csv.batchBytes = 256
        let report = try CSVConverter.convert(from: MemorySource(corrected), to: MemorySink(), options: options)
        #expect(report.columns.map { "\($0.name) \($0.type)" } == ["id bigint", "amount string", "note string"])
        #expect(report.rows == 4)
    }

    @Test("Dialects come along: quotes, escapes, tabs, names that must be quoted")
    func dialects() throws {
        let text = "'a\tb'\tamount\tnote\n'x\\'y'\t-1\tz\n"
        let (file, _) = try quarantine(Array(text.utf8), rules) {
            $0.quote = "'"
            $0.escape = "\\"
        }
        #expect(
            file.hasPrefix(
                #"{"sluice":"quarantine","version":1,"header":"'a\tb'\tamount\tnote","delimiter":"\t","quote":"'","escape":"\\""#
            ))
        let good = MemorySink()
        let report = try QualityFilter(QualityRules(rules: [])).run(
            MemorySource(file), good: good, bad: CollectedRejects())
        #expect(report.good == 1 && String(decoding: good.bytes, as: UTF8.self) == text)
    }

    @Test("A quarantine file is UTF-8, whatever the encoding of the file was that its rows come from")
    func encoding() throws {
        let text = Array("id,amount,note\n1,-1,M".utf8) + [0xFC] + Array("ller\n2,3,ok\n".utf8)
        let (file, _) = try quarantine(text, rules) { $0.encoding = .latin1 }
        #expect(file.contains("Müller"))
        for encoding in [TextEncoding.latin1, .windows1252, .utf16LittleEndian] {
            var filter = QualityFilter(try QualityRules(dqdl: rules))
            filter.options.encoding = encoding
            let good = MemorySink()
            _ = try filter.run(MemorySource(file.replacing("1,-1", with: "1,1")), good: good, bad: CollectedRejects())
            #expect(String(decoding: good.bytes, as: UTF8.self) == "id,amount,note\n1,1,Müller\n")
            var options = ConversionOptions()
            options.csv.encoding = encoding
            let sink = MemorySink()
            _ = try CSVConverter.convert(from: MemorySource(file), to: sink, options: options)
            #expect(
                try ParquetFile(ParquetMemoryInput(sink.bytes)).head(rows: 9).map { $0[2].description } == ["Müller"])
        }
    }

    private func quarantine(_ text: String, _ format: InputFormat) throws -> String {
        var options = ConversionOptions()
        options.format = format
        options.csv.badRecords = .reject
        let sink = MemorySink()
        let writer = QuarantineWriter(sink)
        try convert(text, options, rejected: writer)
        try writer.finish()
        return String(decoding: sink.bytes, as: UTF8.self)
    }

    @Test("Lines of fixed-width text and of access logs are fed back with their format, and only so")
    func lines() throws {
        var layout = try FixedWidthLayout([.init("id:1-3:bigint"), .init("name:4-8")])
        layout.skippedLines = 1
        let fixed = try quarantine("header\n001ada  \n00\n003eve  \n", .fixedWidth(layout))
        #expect(fixed.contains(#""format":"fixed-width""#) && fixed.contains(#""raw":"00""#))
        let line = #"1.2.3.4 - - [29/Feb/2024:00:00:00 +0000] "GET / HTTP/1.1" 200 5"#
        let log = try quarantine("\(line)\nbroken\n", .accessLog(try AccessLogFormat("common")))
        let json = try quarantine("{\"a\":1}\n{\"a\":}\n", .ndjson)
        let cases: [(String, InputFormat)] = [
            (fixed.replacing("\"00\"", with: "\"002bob  \""), .fixedWidth(layout)),
            (
                log.replacing("\"raw\":\"broken\"", with: "\"raw\":" + #""\#(line.replacing("\"", with: "\\\""))""#),
                .accessLog(try AccessLogFormat("common"))
            ),
            (json.replacing("{\\\"a\\\":}", with: "{\\\"a\\\":2}"), .ndjson),
            (json.replacing("{\\\"a\\\":}", with: "{\\\"a\\\":2}"), .automatic),
        ]
        for (text, format) in cases {
            var options = ConversionOptions()
            options.format = format
            let sink = MemorySink()
            let report = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
            #expect(report.rows == 1, "\(format)")
            let first = try ParquetFile(ParquetMemoryInput(sink.bytes)).head(rows: 1)[0][0]
            #expect(["2", "1.2.3.4"].contains(first.description), "\(format) \(first)")
        }
        for (text, format) in [
            (fixed, .automatic), (fixed, .csv), (log, .automatic), (log, .fixedWidth(layout)),
            (try quarantine(Array("id,amount,note\n1,-1,a\n".utf8), rules).file, .fixedWidth(layout)),
        ] as [(String, InputFormat)] {
            var options = ConversionOptions()
            options.format = format
            let error = columnarError { _ = try convert(text, options) }
            #expect(error?.code == .unsupported && error?.message.contains("quarantine") == true, "\(format)")
        }
        let refused = columnarError {
            _ = try QualityFilter(QualityRules(rules: [])).run(
                MemorySource(fixed), good: MemorySink(), bad: CollectedRejects())
        }
        #expect(refused?.code == .notDelimited && refused?.message.contains("fixed-width") == true)
        // As JSON, a quarantine file of other rows is the JSON that it is.
        var options = ConversionOptions()
        options.format = .ndjson
        #expect(try convert(fixed, options).columns.contains { $0.name == "reason" })
    }

    @Test(
        "What is broken in a quarantine file is an error with its line",
        arguments: [
            ("{\"sluice\":\"quarantine\"}\n", 1),
            ("{\"sluice\":\"quarantine\",\"version\":2,\"header\":\"a\",\"delimiter\":\",\"}\n", 1),
            ("{\"sluice\":\"quarantine\",", 1), ("HEAD{\"raw\":\"1\"}\nnonsense\n", 3), ("HEAD{\"row\":1}\n", 2),
            ("HEAD{\"raw\":\"1}\n", 2), ("HEAD{\"raw\":\"\\x\"}\n", 2), ("HEAD{\"raw\":\"\\uD800\"}\n", 2),
            ("HEAD{\"rawBase64\":\"!\"}\n", 2), ("HEAD\n\n{\"raw\":\"1\"} x\n", 4),
            ("HEAD{\"raw\":1,\"a\":[{\"b\":\"]\"}\n", 2),
        ])
    func broken(text: String, line: Int64) {
        let head = "{\"sluice\":\"quarantine\",\"version\":1,\"header\":\"a\",\"delimiter\":\",\"}\n"
        let error = #expect(throws: ColumnarError.self) {
            try QualityFilter(QualityRules(rules: [])).run(
                MemorySource(text.replacing("HEAD", with: head)), good: MemorySink(), bad: CollectedRejects())
        }
        #expect(error?.code == .corruptFile && error?.line == line, "\(error.map { "\($0)" } ?? "")")
    }

    @Test("Cut and damaged quarantine files end in an error or in records, never in a crash")
    func damaged() throws {
        let (file, _) = try quarantine(Array("id,amount,note\n1,-1,\"é\n\"\n2,0,x\n3,-5\n".utf8), rules)
        let bytes = Array(file.utf8)
        var generator = SeededGenerator(seed: 3)
        for round in 0..<400 {
            var copy = bytes
            if round % 2 == 0 {
                copy.removeLast(Int.random(in: 0..<copy.count, using: &generator))
            } else {
                for _ in 0..<3 {
                    copy[Int.random(in: 0..<copy.count, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
            }
            _ = try? QualityFilter(QualityRules(rules: [])).run(
                MemorySource(copy), good: MemorySink(), bad: CollectedRejects())
        }
    }
}
