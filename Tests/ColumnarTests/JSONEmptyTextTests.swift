import Columnar
import Foundation
import Testing

@Suite("JSON: empty texts where the type is no text")
struct JSONEmptyTextTests {
    private func convert(
        _ text: String, _ change: (inout ConversionOptions) throws -> Void = { _ in }
    ) throws -> (types: [String], rows: [String]) {
        var options = ConversionOptions()
        options.format = .ndjson
        try change(&options)
        let sink = MemorySink()
        let report = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
        var reader = try ParquetFile(ParquetMemoryInput(sink.bytes)).rows()
        var rows: [String] = []
        while let row = try reader.next() { rows.append(row.map(\.json).joined(separator: " ")) }
        return (report.columns.map { "\($0.type)" }, rows)
    }

    @Test("with a given type they are null, within a structure and a list as in a column of its own")
    func given() throws {
        let text = """
            {"s":{"d":"2024-01-01","n":1},"l":["2024-01-01","","2024-01-02"],"p":""}
            {"s":{"d":"","n":""},"l":[""],"p":"2024-01-03"}
            {"s":{"d":"2024-01-03","n":3},"l":[],"p":null}

            """
        let found = try convert(text) {
            $0.schema = [
                ColumnSchema(name: "s", type: try #require(ColumnType("struct<d:date,n:bigint>"))),
                ColumnSchema(name: "l", type: try #require(ColumnType("array<date>"))),
                ColumnSchema(name: "p", type: .date),
            ]
        }
        #expect(
            found.rows == [
                #"{"d": "2024-01-01", "n": 1} ["2024-01-01", null, "2024-01-02"] null"#,
                #"{"d": null, "n": null} [null] "2024-01-03""#,
                #"{"d": "2024-01-03", "n": 3} [] null"#,
            ])
    }

    @Test(
        "without one they make text of dates and times, wherever the first stands",
        arguments: ["2024-01-02", "2024-01-02T03:04:05", "2024-01-02T03:04:05Z", "03:04:05"])
    func inferred(value: String) throws {
        for (at, batchBytes) in [(0, 1 << 19), (5, 1 << 19), (90, 256), (90, 1 << 19)] {
            var text = ""
            for row in 0..<100 {
                let value = row == at ? "" : value
                text += #"{"p":"\#(value)","s":{"d":"\#(value)"},"l":["\#(value)"]}"# + "\n"
            }
            let found = try convert(text) { $0.csv.batchBytes = batchBytes }
            #expect(found.types == ["string", "struct<d:string>", "array<string>"], "\(at) \(batchBytes)")
            #expect(found.rows[at] == #""" {"d": ""} [""]"#)
            #expect(found.rows.filter { $0 == #""\#(value)" {"d": "\#(value)"} ["\#(value)"]"# }.count == 99)
        }
    }
}
