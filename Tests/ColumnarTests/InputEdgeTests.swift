import Columnar
import Testing

/// Odd inputs: each was once misread, or refused for no reason that it gave.
@Suite("Inputs: odd ones")
struct InputEdgeTests {
    @Test("more columns than a file may have are refused, as of JSON")
    func columns() throws {
        func header(_ count: Int) -> String { (0..<count).map { "c\($0)" }.joined(separator: ",") + "\n" }
        #expect(try readAll(header(5000)).columns.count == 5000)
        let error = try #require(columnarError { _ = try readAll(header(5001)) })
        #expect((error.code, error.line) == (.limitExceeded, 1))
        #expect(error.message.contains("5001"))
    }

    @Test("characters with two roles are refused")
    func roles() {
        var options = CSVOptions()
        for (delimiter, quote, comment, escape) in [
            (",", ",", nil, nil), (",", "\"", ",", nil), (";", "'", "'", nil), (",", "\"", nil, ","),
            ("\t", "\"", "\\", "\\"),
        ] as [(Character, Character, Character?, Character?)] {
            (options.delimiter, options.quote, options.comment, options.escape) = (delimiter, quote, comment, escape)
            #expect(columnarError { _ = try readAll("a,b\n", options) }?.code == .invalidConfiguration)
        }
        // A quote that escapes itself is the usual case.
        options = CSVOptions()
        options.escape = "\""
        #expect(throws: Never.self) { try readAll("a,b\n1,2\n", options) }
    }

    @Test("names that differ in letters which columns cannot have are numbered")
    func names() throws {
        #expect(try readAll("名前,住所,id\n1,2,3\n").columns == ["___1", "___2", "id"])
        #expect(try readAll("größe,größi\n1,2\n").columns == ["gr__e", "gr__i"])
        #expect(try readAll("é,É,a\n1,2,3\n".replacing("É", with: "è")).columns == ["__1", "__2", "a"])
        // Those that only look different are one name still.
        for header in ["é,É", "a-b,a_b", "x €,x $", "é,è,__1", "é,_"] {
            #expect(columnarError { _ = try readAll(header + "\n1,2,3\n") }?.code == .duplicateColumn, "\(header)")
        }
        // None of them is meant by the name without its number.
        var options = ConversionOptions()
        options.masking = Masking(columns: ["住所": .redact])
        #expect(columnarError { try convert("名前,住所\n1,2\n", options) }?.code == .missingColumn)
        options.masking = Masking(columns: ["___2": .redact])
        #expect(try convert("名前,住所\n1,2\n", options).masked == ["___2": "redact"])
    }

    @Test("signs of fixed-width numbers: a zero has none, nothing has two")
    func signs() throws {
        var options = ConversionOptions()
        options.format = .fixedWidth(try FixedWidthLayout([.init(name: "n", start: 1, width: 5, type: .bigint)]))
        let sink = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource("-000 \n   -0\n+0000\n-0012\n"), to: sink, options: options)
        let rows = try ParquetFile(ParquetMemoryInput(sink.bytes)).head(rows: 9).map { $0.map(\.json) }
        #expect(rows == [["0"], ["0"], ["0"], ["-12"]])
        for (text, type) in [("+-5  ", ColumnType.bigint), ("+-.5 ", .double), ("--5  ", .bigint), ("-+1.5", .double)] {
            options.format = .fixedWidth(try FixedWidthLayout([.init(name: "n", start: 1, width: 5, type: type)]))
            #expect(columnarError { try convert(text + "\n", options) }?.code == .schemaMismatch, "\(text)")
        }
    }

    @Test("Zstandard may begin with a frame without data")
    func skippable() throws {
        // "a,b\n1,2\n" in one raw block.
        let text = Array("a,b\n1,2\n".utf8)
        let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, UInt8(text.count), UInt8(text.count << 3 | 1), 0, 0] + text
        #expect(try readAll(frame).rows == [["1", "2"]])
        for mark: UInt8 in [0x50, 0x5F] {
            let skippable: [UInt8] = [mark, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
            #expect(try readAll(skippable + frame).rows == [["1", "2"]])
        }
    }

    @Test("a field of JSON without a name is the fault of its record", arguments: [256, 1 << 20])
    func emptyName(window: Int) throws {
        var options = ConversionOptions()
        options.format = .ndjson
        options.csv.batchBytes = window
        let good = String(repeating: "{\"a\":1}\n", count: 100)
        for name in ["", " ", "\\u0020", "\u{3000}"] {
            options.csv.badRecords = .fail
            let text = good + "{\"a\":1,\"\(name)\":2}\n" + good
            let error = try #require(columnarError { try convert(text, options) })
            #expect((error.code, error.row, error.line) == (.emptyColumnName, 101, 101), "\(error)")
            #expect(error.byteOffset == 807)
            options.csv.badRecords = .reject
            let rejected = CollectedRejects()
            let report = try convert(text, options, rejected: rejected)
            #expect(report.columns.map(\.name) == ["a"])
            #expect((report.rows, rejected.rows) == (200, [101]))
            // Within a record it makes a text of the object, as before.
            #expect(try convert("{\"a\":{\"\(name)\":2}}\n", options).columns[0].type == .string)
        }
    }

    @Test("a comma too many in a list of records is the fault of the list, not a record", arguments: [256, 1 << 20])
    func commas(window: Int) throws {
        var options = ConversionOptions()
        options.format = .json
        options.csv.badRecords = .reject
        options.csv.batchBytes = window
        for text in ["[{\"a\":1},{\"a\":2},]", "[{\"a\":1},,{\"a\":2}]"] {
            let rejected = CollectedRejects()
            let error = try #require(columnarError { try convert(text, options, rejected: rejected) })
            #expect(error.code == .malformedRow)
            #expect(error.message.contains("a record must come here"), "\(error)")
            #expect(rejected.records.isEmpty)
        }
        #expect(try convert("[{\"a\":1}, {\"a\":2} ]", options).rows == 2)
    }

    @Test("many columns keep fewer files open")
    func openPartitions() throws {
        final class Counting: PartitionedOutput {
            var open = 0
            var most = 0
            func begin(_ file: PartitionFile) throws(ColumnarError) -> any ByteSink {
                open += 1
                most = max(most, open)
                return MemorySink()
            }
            func complete(_ file: PartitionFile) throws(ColumnarError) { open -= 1 }
            func reset() throws(ColumnarError) {}
        }
        for (columns, most) in [(5, 60), (400, 25)] {
            var text = (0...columns).map { "c\($0)" }.joined(separator: ",") + "\n"
            for row in 0..<60 { text += (["p\(row)"] + (0..<columns).map(String.init)).joined(separator: ",") + "\n" }
            let output = Counting()
            let report = try CSVConverter.convert(
                from: MemorySource(text), to: output, partitionedBy: Partitioning(keys: [.column("c0")]))
            #expect((report.rows, output.open, output.most) == (60, 0, most))
        }
    }
}
