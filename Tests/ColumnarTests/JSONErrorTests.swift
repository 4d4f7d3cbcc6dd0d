import Columnar
import Foundation
import Testing

@Suite("JSON: what is malformed")
struct JSONErrorTests {
    private func options(_ format: InputFormat = .ndjson) -> ConversionOptions {
        var options = ConversionOptions()
        options.format = format
        return options
    }

    @Test(
        "what is malformed is said with its place",
        arguments: [
            ("{\"a\":1}\n{\"a\":}\n", 2, 13, "a value must come here"), ("{\"a\":1}\n\n{\"a\" 1}\n", 3, 14, "a colon"),
            ("{\"a\":1}\n{\"a\":1,}\n", 2, 15, "field name"), ("{\"a\":01}\n", 1, 6, "comma or }"),
            ("{\"a\":1.}\n", 1, 7, "number"), ("{\"a\":tru}\n", 1, 8, "true, false and null"),
            ("[1]\n", 1, 0, "one JSON list"),
            ("{\"a\":1}\n[1]\n", 2, 8, "must be an object"), ("{\"a\":\"\\x\"}\n", 1, 6, "escape"),
            ("{\"a\":\"\\ud800\"}\n", 1, 6, "surrogate"), ("{\"a\":\"x\ty\"}\n", 1, 7, "control character"),
            ("{\"a\":1} {\"a\":2}\n", 1, 8, "text follows"), ("{\"a\":1,\"a\":2}\n", 1, 7, "twice"),
            ("{\"a\":1,\"A\":2}\n", 1, 7, "\"a\" and \"A\" are both named \"a\""),
            ("{\"a\":{\"b\":1,\"b\":2}}\n", 1, 12, "twice"),
            ("{\"a\":NaN}\n", 1, 5, "value"),
            ("{\"a\":[1,2}\n", 1, 9, "comma or ]"), ("{\"a\":\"b", 1, 7, "cut off"),
        ])
    func malformed(_ text: String, _ line: Int64, _ offset: Int64, _ words: String) throws {
        let error = try #require(columnarError { try convert(text, options()) })
        #expect(error.code == .malformedRow)
        #expect(error.line == line)
        #expect(error.byteOffset == offset, "\(error)")
        #expect(error.message.contains(words), "\(error)")
        #expect(error.text?.isEmpty == false)
    }

    @Test("bad records are left out by policy, with their bytes and place", arguments: [InputFormat.ndjson, .json])
    func rejected(_ format: InputFormat) throws {
        var options = options(format)
        options.csv.badRecords = .reject
        options.csv.batchBytes = 256
        let good = (0..<50).map { "{\"a\":\($0)}" }
        let bad = ["{\"a\":1 \"b\":2}", "{\"a\":\"\\q\"}", "{\"a\":1,\"a\":2}"]
        var lines = good
        for (index, line) in bad.enumerated() { lines.insert(line, at: 7 + 20 * index) }
        let collector = RejectCollector()
        let text = format == .json ? "[\(lines.joined(separator: ",\n"))]" : lines.joined(separator: "\n")
        let report = try convert(text, options, rejected: collector)
        #expect(report.rows == 50)
        #expect(collector.records.map { String(decoding: $0.bytes, as: UTF8.self) } == bad)
        #expect(collector.records.map(\.row) == [8, 28, 48])
        #expect(collector.records.map(\.line) == [8, 28, 48])
    }

    @Test("invalid UTF-8 is refused or left out")
    func encoding() throws {
        let bytes = Array("{\"a\":\"x\"}\n{\"a\":\"".utf8) + [0xFF] + Array("\"}\n{\"a\":\"é\"}\n".utf8)
        let error = columnarError {
            _ = try CSVConverter.convert(from: MemorySource(bytes), to: MemorySink(), options: options())
        }
        #expect(error?.code == .invalidUTF8)
        #expect(error?.line == 2 && error?.row == 2)
        var lenient = options()
        lenient.csv.badRecords = .reject
        // In one window, and in several.
        let many = Array(repeating: bytes, count: 40).flatMap(\.self)
        for (text, batchBytes) in [(bytes, 1 << 19), (many, 1 << 19), (many, 256)] {
            let collector = RejectCollector()
            lenient.csv.batchBytes = batchBytes
            let report = try CSVConverter.convert(
                from: MemorySource(text), to: MemorySink(), options: lenient, rejectedRecords: collector)
            let files = Int64(text.count / bytes.count)
            #expect((report.rows, report.rejectedRows) == (2 * files, files))
            #expect(collector.records.map(\.row) == (0..<files).map { 3 * $0 + 2 })
            #expect(collector.records.map(\.line) == (0..<files).map { 3 * $0 + 2 })
        }
    }

    @Test("columns are known before rules are asked for, however large or odd the first records are")
    func lateColumns() throws {
        for first in ["{\"n\":5,\"a\":\"\(String(repeating: "y", count: 10_000))\"}", "{}", "{\"a\":1,}", ""] {
            var options = options()
            options.csv.badRecords = .reject
            options.csv.batchBytes = 256
            options.quality = try QualityRules(dqdl: #"Rules = [ ColumnValues "n" > 3 where "n is not null" ]"#)
            let heads = Array(repeating: first, count: 200)
            let text = (heads + ["{\"n\":1}", "{\"n\":4}"]).joined(separator: "\n")
            let collector = RejectCollector()
            try convert(text, options, rejected: collector)
            #expect(collector.records.last?.code == .ruleViolation, "\(first.prefix(20))")
        }
    }

    @Test("a malformed record that is left out has no say in fields and types", arguments: [InputFormat.ndjson, .json])
    func noSay(_ format: InputFormat) throws {
        let good = (0..<60).map { "{\"id\":\($0),\"o\":{\"d\":\"2024-01-02\"}}" }
        for bad in ["{\"id\":\"x\",\"new\":1 2}", "{\"o\":{\"d\":true,\"e\":1}:}", "{\"o\":[1], nonsense}"] {
            for place in [0, 3, 50] {
                var lines = good
                lines.insert(bad, at: place)
                var options = options(format)
                options.csv.badRecords = .reject
                for batchBytes in [256, 1 << 19] {
                    options.csv.batchBytes = batchBytes
                    let report = try convert(lines.joined(separator: "\n"), options)
                    #expect(report.columns.map { "\($0.type)" } == ["bigint", "struct<d:date>"], "\(bad) \(place)")
                    #expect(report.rows == 60 && report.rejectedRows == 1 && report.widenedColumns == [])
                }
            }
        }
    }

    @Test("a record larger than the window, a list that is cut off, nothing at all")
    func sizes() throws {
        var small = options()
        small.csv.batchBytes = 256
        let long = String(repeating: "y", count: 100_000)
        let text = "{\"a\":\"\(long)\"}\n{\"a\":[\(Array(repeating: "1", count: 5000).joined(separator: ","))]}\n"
        #expect(try convert(text, small).rows == 2)
        small.csv.maximumRecordBytes = 50_000
        #expect(columnarError { try convert(text, small) }?.code == .limitExceeded)
        let cut = columnarError { try convert("[{\"a\":1},{\"a\":2}", options(.json)) }
        #expect(cut?.code == .malformedRow)
        #expect(cut?.message.contains("cut off") == true)
        for empty in ["", "\n \n", "[]", "{}\n{}\n", "\u{FEFF}"] {
            let error = columnarError { try convert(empty, options(.json)) }
            #expect(error?.code == .emptyFile, "\(empty) \(String(describing: error))")
        }
    }

    @Test("where no record can be read, the error is that of the first, and the file is not called empty")
    func onlyMalformed() throws {
        let numbers = columnarError { try convert("5\n6\n", options(.ndjson)) }
        #expect(numbers?.code == .malformedRow && numbers?.row == 1, "\(String(describing: numbers))")
        let unnamed = columnarError { try convert("{\"\":1}\n", options(.ndjson)) }
        #expect(unnamed?.code == .emptyColumnName && unnamed?.row == 1, "\(String(describing: unnamed))")
        let list = columnarError { try convert("[\"x\"]", options(.json)) }
        #expect(list?.code == .malformedRow, "\(String(describing: list))")
        // Where such records are left out, none is left that has a field.
        var careful = options(.ndjson)
        careful.csv.badRecords = .reject
        #expect(columnarError { try convert("5\n6\n", careful) }?.code == .emptyFile)
    }
}
