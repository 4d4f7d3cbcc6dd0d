import Columnar
import Testing

/// Records of JSON that are left out have no say in types, wherever they stand.
@Suite("JSON types from good rows", .timeLimit(.minutes(3)))
struct JSONGoodRowsTests {
    private final class Rows: RejectedRecords {
        var records: [RejectedRecord] = []

        func beginPass() throws(ColumnarError) { records = [] }
        func receive(_ record: RejectedRecord) throws(ColumnarError) { records.append(record) }
    }

    private static let rules = #"Rules = [ColumnDataType "a" = "Long", RowCount > 0, Completeness "a" > 0.1]"#

    private func convert(
        _ text: String, rules: String = rules, change: (inout ConversionOptions) -> Void = { _ in }
    ) throws -> (ConversionReport, [RejectedRecord], [UInt8]) {
        var options = ConversionOptions()
        options.quality = try QualityRules(dqdl: rules)
        options.csv.batchBytes = 1024
        options.csv.badRecords = .reject
        change(&options)
        let (rows, sink) = (Rows(), MemorySink())
        let report = try CSVConverter.convert(
            from: MemorySource(text), to: sink, options: options, rejectedRecords: rows)
        return (report, rows.records, sink.bytes)
    }

    /// - Parameter bad: by number of the record, from 1.
    private func text(_ count: Int, bad: [Int: String], isList: Bool) -> String {
        let records = (1...count).map { bad[$0] ?? #"{"a":\#($0),"b":{"c":"2024-01-02"}}"# }
        return isList ? "[\(records.joined(separator: ",\n"))]" : records.joined(separator: "\n") + "\n"
    }

    @Test(
        "Bad rows in the first batch, in a later one, in both",
        arguments: [[2], [1], [1500], [2, 700, 701, 2000], Array(1...40)], [false, true])
    func places(bad: [Int], isList: Bool) throws {
        let forms = [
            #"{"a":"x","b":{"c":"2024-01-02"}}"#, #"{"a":{"deep":[1]},"b":7}"#, #"{"a":1.5,"b":{"c":"no date"}}"#,
            #"{"a":"y","b":{"c":"2024-01-02","new":1}}"#, #"{"a":"z","extra":true}"#,
        ]
        let rows = Dictionary(
            uniqueKeysWithValues: bad.enumerated().map { ($0.element, forms[$0.offset % forms.count]) })
        let (report, rejected, file) = try convert(text(2000, bad: rows, isList: isList))
        #expect(report.rows == Int64(2000 - bad.count) && report.rejectedRows == Int64(bad.count))
        #expect(report.columns.prefix(2).map(\.type.description) == ["bigint", "struct<c:date>"])
        // Fields that only bad rows have are columns without values.
        #expect(report.columns.dropFirst(2).map(\.name) == (bad.count >= 5 ? ["extra"] : []))
        #expect(rejected.map(\.row) == bad.map { Int64($0) })
        #expect(rejected.allSatisfy { $0.code == .ruleViolation && $0.column == "a" })
        #expect(rejected.map { String(decoding: $0.bytes, as: UTF8.self) } == bad.map { rows[$0] })
        let quality = try #require(report.quality)
        #expect(quality.rows == 2000 && quality.bad == Int64(bad.count))
        var values: [Int64] = []
        var reader = try ParquetFile(ParquetMemoryInput(file)).rows()
        while let row = try reader.next() { if case .integer(let value) = row[0] { values.append(value) } }
        #expect(values == (1...2000).filter { !bad.contains($0) }.map { Int64($0) })
    }

    @Test(
        "Malformed records, records that a processor leaves out and those that do not fit a given type have no say either"
    )
    func others() throws {
        let bad = [2: #"{"a":"#, 3: #"{"a":"x"}"#, 900: #"{"a":[1,2]}"#, 901: #"{"a":tru}"#]
        let (report, rejected, _) = try convert(text(1000, bad: bad, isList: false))
        #expect(report.columns.map(\.type.description) == ["bigint", "struct<c:date>"] && report.rows == 996)
        #expect(rejected.map(\.row) == [2, 3, 900, 901])
        let (given, missed, _) = try convert(
            text(1000, bad: [3: #"{"a":"x","b":7}"#], isList: false), rules: "Rules = [RowCount > 0]"
        ) {
            $0.schema = [ColumnSchema(name: "a", type: .bigint)]
            $0.mismatches = .reject
        }
        #expect(given.columns.map(\.type.description) == ["bigint", "struct<c:date>"] && missed.map(\.row) == [3])
    }

    @Test("Nothing but bad rows is a file of texts")
    func none() throws {
        let (report, rejected, _) = try convert(#"{"a":"x"}"# + "\n" + #"{"a":{"b":1}}"# + "\n")
        #expect(report.rows == 0 && rejected.count == 2 && report.columns.map(\.type) == [.string])
    }

    @Test("Several records of one window that are no UTF-8 stay left out when the others are looked at once more")
    func invalidUTF8() throws {
        let bad = Array("{\"d\":1,\"e\":1,\"a\":\"".utf8) + [0xC3] + Array("e\"}\n".utf8)
        let rows = Array(String(repeating: "{\"a\":1}\n", count: 200).utf8)
        let last = Array("{\"e\":\"2024-01-01T00:00:00Z\"}\n".utf8)
        var options = ConversionOptions()
        options.format = .ndjson
        options.csv.batchBytes = 512
        options.csv.badRecords = .reject
        options.mismatches = .reject
        let report = try CSVConverter.convert(
            from: MemorySource(rows + bad + bad + last), to: MemorySink(), options: options)
        #expect(report.rows == 201 && report.rejectedRows == 2)
        #expect(report.columns.first { $0.name == "e" }?.type == .timestampUTC)
    }

    @Test(
        "A malformed record that the end of a window cuts has no say in types",
        arguments: [
            #"{"a":1"#: #"{"a":"x""#, #"{"a":{"b":1}"#: #"{"a":{"b":"x"}"#, #"{"a":[1]"#: #"{"a":[true]"#,
        ], ["[,]", " \n "])
    func cut(beginnings: (key: String, value: String), around: String) throws {
        let marks = around.map(String.init)
        let long = String(repeating: "c", count: 300)
        let text =
            marks[0] + beginnings.key + #","c":"c"}"# + marks[1] + beginnings.value + #","c":"\#(long)"!}"# + marks[2]
        var options = ConversionOptions()
        options.format = .json
        options.csv.batchBytes = 256
        options.csv.badRecords = .reject
        let rows = Rows()
        let report = try CSVConverter.convert(
            from: MemorySource(text), to: MemorySink(), options: options, rejectedRecords: rows)
        #expect(report.rows == 1 && rows.records.map(\.row) == [2])
        #expect(report.columns.map(\.name) == ["a", "c"])
    }

    @Test("An object with a name twice is malformed where it becomes columns, and stays as it is where it becomes text")
    func repeatedNames() throws {
        var options = ConversionOptions()
        options.format = .ndjson
        options.csv.badRecords = .reject
        func outcome(_ text: String) throws -> (report: ConversionReport, rejected: [Int64]) {
            let rows = Rows()
            let report = try CSVConverter.convert(
                from: MemorySource(text), to: MemorySink(), options: options, rejectedRecords: rows)
            return (report, rows.records.map(\.row))
        }
        let odd = #"{"a":{"b":1,"b":"x"},"z":1}"# + "\n"
        for text in [odd + "{\"a\":1}\n", "{\"a\":1}\n" + odd, #"{"a":{"":1,"":2},"z":1}"# + "\n"] {
            let (report, rejected) = try outcome(text)
            #expect(rejected.isEmpty && report.columns.map(\.type) == [.string, .bigint], "\(text)")
        }
        for (text, row) in [(odd + "{\"a\":{\"b\":1}}\n", 1), ("{\"a\":{\"b\":1}}\n" + odd, 2)] as [(String, Int64)] {
            let (report, rejected) = try outcome(text)
            #expect(rejected == [row] && report.rows == 1, "\(text)")
            // Its values have no say in types.
            let type = ColumnType.structure([ColumnSchema(name: "b", type: .bigint)])
            #expect(report.columns.first?.type == type, "\(text)")
        }
        options.csv.badRecords = .fail
        let error = #expect(throws: ColumnarError.self) { _ = try outcome("{\"a\":{\"b\":1}}\n" + odd) }
        #expect(error?.row == 2 && error?.byteOffset == 26 && error?.message.contains("twice") == true)
    }

    @Test("… whatever the order of its names, and though the record that made it text is left out")
    func repeatedNamesElsewhere() throws {
        for text in [#"{"a":1,"d":{"A":3,"a":4,"x":1,"x":2}}"#, #"{"a":1,"d":{"x":1,"x":2,"A":3,"a":4}}"#] {
            let (report, rejected, _) = try convert(text + "\n") { $0.format = .ndjson }
            #expect(rejected.isEmpty && report.columns.map(\.type) == [.bigint, .string], "\(text)")
        }
        for leftOut in [#"{"X":1,"x":2}"#, "1", #"[1]"#] {
            let twice = #"{"a":1,"d":{"k":1,"k":2}}"# + "\n"
            let (report, rejected, _) = try convert(twice + #"{"a":"no","d":\#(leftOut)}"# + "\n") {
                $0.format = .ndjson
            }
            #expect(rejected.map(\.row) == [2] && report.rows == 1, "\(leftOut)")
            #expect(report.columns.map(\.type) == [.bigint, .string], "\(leftOut)")
        }
        let listed = #"{"a":1,"d":[{"k":1,"k":2}]}"# + "\n" + #"{"a":"no","d":7}"# + "\n"
        let (report, rejected, _) = try convert(listed) { $0.format = .ndjson }
        #expect(rejected.map(\.row) == [2] && report.rows == 1)
        #expect(report.columns.map(\.type) == [.bigint, .list(.string)])
    }
}
