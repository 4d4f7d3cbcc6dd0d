import Columnar
import Foundation
import Testing

/// Converts in memory.
@discardableResult
func convert(
    _ text: String, _ options: ConversionOptions = ConversionOptions(), processor: (any RecordProcessor)? = nil,
    rejected: (any RejectedRecords)? = nil, to path: String? = nil
) throws -> ConversionReport {
    let sink: any ByteSink = if let path { try FileSink(path: path) } else { MemorySink() }
    return try CSVConverter.convert(
        from: MemorySource(text), to: sink, options: options, processor: processor, rejectedRecords: rejected)
}

final class RejectCollector: RejectedRecords {
    var records: [RejectedRecord] = []
    var passes = 0
    func beginPass() throws(ColumnarError) {
        passes += 1
        records = []
    }
    func receive(_ record: RejectedRecord) throws(ColumnarError) { records.append(record) }
}

@Suite("Conversion: types")
struct ConvertTypeTests {
    private func types(_ values: [String]) throws -> String {
        let text = "v,x\n" + values.map { "\($0),1\n" }.joined()
        return try convert(text).columns[0].type.description
    }

    @Test(
        "types are inferred without changing a value",
        arguments: [
            (["1", "-2", "0"], "bigint"), (["9223372036854775807", "-9223372036854775808"], "bigint"),
            (["9223372036854775808"], "decimal(19,0)"), (["007", "8"], "string"), (["+1", "2"], "string"),
            (["-0"], "double"), (["1", "2.5"], "double"), (["1e5", ".5", "5."], "double"),
            (["9007199254740993", "1.5"], "decimal(17,1)"), (["9007199254740992", "1.5"], "double"),
            (["1e999"], "string"), (["1e-400"], "string"), (["0e-400"], "double"), (["5e-324", "2.2e-308"], "double"),
            (["1.2345678e-320"], "string"), (["1e-310", "-1e-310"], "double"), (["-2.5e-400"], "string"),
            (["00.5"], "string"), (["NaN", "1.5"], "double"), (["inf", "-inf"], "string"),
            (["Nan"], "string"), (["true", "False", "TRUE"], "boolean"), (["true", "1"], "string"),
            (["2024-02-29"], "date"), (["2023-02-29"], "string"), (["01/02/2024"], "string"), (["2024-1-2"], "string"),
            (["2024-01-02", "2024-01-02 03:04:05"], "timestamp"), (["2024-01-02T03:04"], "timestamp"),
            (["2024-01-02T03:04:05.123456"], "timestamp"), (["2024-01-02T03:04:05.1234567"], "string"),
            (["2024-01-02T24:00:00"], "string"), (["2024-01-02T03:04:05Z"], "timestamp with local time zone"),
            (["2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05.5-0330"], "timestamp with local time zone"),
            (["2024-01-02T03:04:05Z", "2024-01-02T03:04:05"], "string"), (["2024-01-02", "5"], "string"),
            (["", ""], "string"), (["", "5"], "bigint"), (["\"5\"", "\"\""], "bigint"), (["0x10"], "string"),
            (["1_000"], "string"), (["1 "], "string"), (["٣"], "string"),
        ])
    func inference(_ values: [String], _ type: String) throws {
        #expect(try types(values) == type)
    }

    @Test("names of types can be read and written")
    func names() {
        for name in ["boolean", "bigint", "double", "date", "timestamp", "string", "decimal(12,3)"] {
            #expect(ColumnType(name)?.description == name)
        }
        #expect(ColumnType("timestamp with local time zone") == .timestampUTC)
        #expect(ColumnType("DECIMAL(5)") == .decimal(precision: 5, scale: 0))
        for name in ["", "int96", "decimal(39,0)", "decimal(5,6)", "decimal(5,2", "decimal(a,b)", "decimal(1,2,3)"] {
            #expect(ColumnType(name) == nil)
        }
    }

    @Test("a late value widens a column: the file is converted again, whole")
    func widening() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.csv.batchBytes = 512
        options.parquet.rowGroupRows = 100
        var text = "n,m,s\n"
        var expected = ExpectedColumns(columns: [("n", []), ("m", []), ("s", [])])
        for row in 0..<1000 {
            let (n, m) = (row == 900 ? "1.5" : "\(row)", row == 950 ? "x" : "\(row)")
            text += "\(n),\(m),t\n"
            expected.columns[0].values.append(.double(Double(n) ?? 0))
            expected.columns[1].values.append(.text(m))
            expected.columns[2].values.append(.text("t"))
        }
        let path = folder.path("wide.parquet")
        let report = try convert(text, options, to: path)
        #expect(report.columns.map(\.type) == [.double, .string, .string])
        #expect(report.widenedColumns == ["n", "m"])
        #expect(report.rows == 1000)
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
    }

    /// A source that can be read once.
    private final class Pipe: ByteSource {
        private let source: MemorySource
        init(_ text: String) { source = MemorySource(text) }
        func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
            try source.read(into: buffer)
        }
        func rewind() throws(ColumnarError) { throw ColumnarError(.readFailed, "no") }
    }

    @Test("what can be read once, and begins with a bad record that changes the types, says so; a schema helps")
    func badBeginningOfPipe() throws {
        let text = "{\"a\":\"x\",\"b\":-1}\n" + (1...50).map { "{\"a\":\($0),\"b\":\($0)}\n" }.joined()
        var options = ConversionOptions()
        options.format = .ndjson
        options.quality = try QualityRules(dqdl: #"Rules = [ ColumnValues "b" > 0 ]"#)
        let file = try CSVConverter.convert(from: MemorySource(text), to: MemorySink(), options: options)
        #expect(file.columns.map(\.type) == [.bigint, .bigint] && file.rows == 50)
        let error = columnarError {
            _ = try CSVConverter.convert(from: Pipe(text), to: MemorySink(), options: options)
        }
        #expect(
            error?.code == .readFailed && error?.message.contains("give a schema") == true,
            "\(String(describing: error))")
        options.schema = [ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "b", type: .bigint)]
        options.mismatches = .reject
        let piped = try CSVConverter.convert(from: Pipe(text), to: MemorySink(), options: options)
        #expect(piped.columns == file.columns && piped.rows == 50)
        // Without JSON's types there is no such need.
        options.schema = nil
        options.format = .csv
        let table = "a,b\nx,-1\n" + (1...50).map { "\($0),\($0)\n" }.joined()
        #expect(try CSVConverter.convert(from: Pipe(table), to: MemorySink(), options: options).columns == file.columns)
    }

    @Test("a file that cannot be read twice says so when a column must be widened")
    func widenPipe() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let text = "n\n" + String(repeating: "1\n", count: 2000) + "x\n"
        text.withCString { _ = write(ends[1], $0, strlen($0)) }
        close(ends[1])
        var options = ConversionOptions()
        options.csv.batchBytes = 512
        let error = columnarError {
            _ = try CSVConverter.convert(from: FileSource(descriptor: ends[0]), to: MemorySink(), options: options)
        }
        #expect(error?.code == .readFailed)
        #expect(error?.message.contains("schema") == true)
    }
}
