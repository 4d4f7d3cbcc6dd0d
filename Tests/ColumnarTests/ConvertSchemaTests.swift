import Columnar
import Foundation
import Testing

@Suite("Conversion: schemas, filters and derived columns")
struct ConvertSchemaTests {
    @Test("a value that does not fit the given schema names column, row, line, offset and text")
    func mismatch() {
        var options = ConversionOptions()
        options.schema = [ColumnSchema(name: "name", type: .string), ColumnSchema(name: "n", type: .bigint)]
        let error = columnarError { try convert("name,n\nx,1\n\"y\ny\",2\nz,many\n", options) }
        #expect(error?.code == .schemaMismatch)
        #expect(error?.column == "n")
        #expect(error?.row == 3)
        #expect(error?.line == 5)
        #expect(error?.byteOffset == 21)
        #expect(error?.text == "many")
        #expect(error?.message.contains("\"many\"") == true)
        let zip = columnarError { try convert("n\n1\n007\n", options) }
        #expect(zip?.row == 2)
        // The earliest record counts, whatever the order of the columns.
        options.schema = [ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "b", type: .bigint)]
        #expect(columnarError { try convert("a,b\n1,1\n1,x\ny,1\n", options) }?.row == 2)
    }

    @Test("a nested type is refused where records are not JSON: its column could only be null")
    func nestedElsewhere() throws {
        let list = [ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "d", type: .list(.bigint))]
        for mismatches in [ConversionOptions.Mismatches.fail, .reject, .widen] {
            var options = ConversionOptions()
            options.schema = list
            options.mismatches = mismatches
            let error = columnarError { try convert("a,d\n1,\"[1,2]\"\n2,x\n", options) }
            #expect((error?.code, error?.column) == (.schemaMismatch, "d"), "\(mismatches)")
            // A column that the file lacks is null, of whatever type.
            #expect(try convert("a\n1\n", options).missingColumns.map(\.name) == ["d"])
            options.format = .json
            #expect(try convert("{\"a\":1,\"d\":[1,2]}", options).rows == 1)
        }
        var line = ConversionOptions()
        line.schema = list
        line.format = .fixedWidth(
            try FixedWidthLayout([.init(name: "a", start: 1, width: 1), .init(name: "d", start: 2, width: 3)]))
        #expect(columnarError { try convert("1[1]\n", line) }?.code == .schemaMismatch)
    }

    @Test("the schema's order and types hold; missing columns are null, new ones follow and are reported")
    func evolution() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.schema = [
            ColumnSchema(name: "id", type: .bigint), ColumnSchema(name: "gone", type: .date),
            ColumnSchema(name: "price", type: .decimal(precision: 10, scale: 2)),
            ColumnSchema(name: "big", type: .decimal(precision: 38, scale: 4)),
            ColumnSchema(name: "at", type: .timestamp),
        ]
        options.parquet.keyValueMetadata = [("source", "landing/x.csv")]
        let path = folder.path("evolved.parquet")
        let text =
            "Price,extra,ID,big,at\n1.5,true,1,-12345678901234567890123456789012.5,2024-01-02\n"
            + ",,2,,\n-0.25,false,3,0.0001,2024-01-02 03:04:05.000001\n"
        let report = try convert(text, options, to: path)
        #expect(report.columns.map(\.name) == ["id", "gone", "price", "big", "at", "extra"])
        #expect(report.newColumns == [ColumnSchema(name: "extra", type: .boolean)])
        #expect(report.missingColumns == [ColumnSchema(name: "gone", type: .date)])
        let expected = ExpectedColumns(columns: [
            ("id", [.integer(1), .integer(2), .integer(3)]), ("gone", [.null, .null, .null]),
            ("price", [.text("1.50"), .null, .text("-0.25")]),
            ("big", [.text("-12345678901234567890123456789012.5000"), .null, .text("0.0001")]),
            ("at", [.text("2024-01-02 00:00:00"), .null, .text("2024-01-02 03:04:05.000001")]),
            ("extra", [.boolean(true), .null, .boolean(false)]),
        ])
        try ParquetChecker.check(
            [
                .init(
                    parquet: path, expected: expected,
                    types: ["gone": "date32[day]", "price": "decimal128(10, 2)", "at": "timestamp[us]"],
                    metadata: ["source": "landing/x.csv"])
            ], in: folder.url)
        // Exactly or not at all.
        for value in ["1.005", "123456789.00", "1e2", "+1", "01.00", "1,00"] {
            #expect(
                columnarError { try convert("price\n\"\(value)\"\n", options) }?.code == .schemaMismatch, "\(value)")
        }
    }

    @Test("a header without records makes a file without rows")
    func headerOnly() throws {
        let folder = try ScratchFolder()
        let (plain, given) = (folder.path("plain.parquet"), folder.path("given.parquet"))
        let report = try convert("a,b\n", to: plain)
        #expect(report.rows == 0)
        #expect(report.columns == [ColumnSchema(name: "a", type: .string), ColumnSchema(name: "b", type: .string)])
        var options = ConversionOptions()
        options.schema = [ColumnSchema(name: "b", type: .bigint)]
        #expect(try convert("a,b\n", options, to: given).columns.map(\.type) == [.bigint, .string])
        let empty: [(name: String, values: [ExpectedColumns.Value])] = [("a", []), ("b", [])]
        try ParquetChecker.check(
            [
                .init(
                    parquet: plain, expected: ExpectedColumns(columns: empty), types: ["a": "string", "b": "string"]),
                .init(parquet: given, expected: ExpectedColumns(columns: empty.reversed()), types: ["b": "int64"]),
            ], in: folder.url)
    }

    /// Rejects odd ids, and adds columns.
    final class Enricher: RecordProcessor {
        let derivedColumns = [
            ColumnSchema(name: "customer", type: .string), ColumnSchema(name: "twice", type: .bigint),
            ColumnSchema(name: "ratio", type: .double), ColumnSchema(name: "is_big", type: .boolean),
            ColumnSchema(name: "day", type: .date), ColumnSchema(name: "ingested_at", type: .timestampUTC),
        ]
        let customers = ["2": "plain", "4": "with \"quotes\", commas\nand lines", "6": "", "10": "\"begins so"]
        var seen = 0
        var columns: [String] = []

        func beginPass(columns: [CSVColumn]) throws(ColumnarError) {
            seen = 0
            self.columns = columns.map(\.name)
        }

        func process(_ record: CSVRecord, derived: inout DerivedValues) throws(ColumnarError) -> RecordDecision {
            seen += 1
            guard let id = record.integer(0) else {
                return .reject(.schemaMismatch, reason: "no id", column: "id")
            }
            if id % 2 == 1 { return .reject(ColumnarError.Code("RuleFailed"), reason: "odd") }
            if let customer = customers[record.string(0) ?? ""] { derived.set(0, .string(customer)) }
            derived.set(1, .bigint(id * 2))
            derived.set(2, .double(id == 8 ? .nan : Double(id) / 3))
            derived.set(3, .boolean(id > 5))
            derived.set(4, .date(days: -1))
            derived.set(5, .timestamp(microseconds: 1_700_000_000_123_456))
            return .keep
        }
    }

    @Test("a processor judges records and adds columns in the same pass")
    func processor() throws {
        let folder = try ScratchFolder()
        let path = folder.path("enriched.parquet")
        let enricher = Enricher()
        let collector = RejectCollector()
        var options = ConversionOptions()
        options.csv.badRecords = .reject
        let text = "id,v\n2,a\n3,\"b\nb\"\n4,c\n5\n6,d\nx,e\n8,f\n10,g\n"
        let report = try convert(text, options, processor: enricher, rejected: collector, to: path)
        #expect(report.rows == 5)
        #expect(report.rejectedRows == 3)
        #expect(enricher.seen == 7)
        #expect(enricher.columns == ["id", "v"])
        #expect(collector.records.map(\.row) == [2, 4, 6])
        #expect(collector.records.map(\.line) == [3, 6, 8])
        #expect(collector.records.map(\.code.description) == ["RuleFailed", "MalformedRow", "SchemaMismatch"])
        #expect(String(decoding: collector.records[0].bytes, as: UTF8.self) == "3,\"b\nb\"")
        let expected = ExpectedColumns(columns: [
            ("id", [2, 4, 6, 8, 10].map { .integer($0) }), ("v", ["a", "c", "d", "f", "g"].map { .text($0) }),
            (
                "customer",
                [
                    .text("plain"), .text("with \"quotes\", commas\nand lines"), .text(""), .null, .text("\"begins so"),
                ]
            ), ("twice", [4, 8, 12, 16, 20].map { .integer($0) }),
            ("ratio", [.double(2.0 / 3), .double(4.0 / 3), .double(2), .double(.nan), .double(10.0 / 3)]),
            ("is_big", [false, false, true, true, true].map { .boolean($0) }),
            ("day", Array(repeating: .text("1969-12-31"), count: 5)),
            ("ingested_at", Array(repeating: .text("2023-11-14 22:13:20.123456"), count: 5)),
        ])
        // The rejected "x" has no say in the type of id.
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
    }

    @Test("records that do not fit the schema can be rejected instead of failing the file")
    func rejectMismatches() throws {
        let collector = RejectCollector()
        var options = ConversionOptions()
        options.schema = [ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "b", type: .date)]
        options.mismatches = .reject
        options.csv.batchBytes = 256
        var text = "a,b\n"
        for row in 0..<500 {
            text += row % 100 == 7 ? "x,2024-01-01\n" : row % 100 == 9 ? "1,soon\n" : "\(row),2024-01-01\n"
        }
        let report = try convert(text, options, rejected: collector)
        #expect(report.rows == 490)
        #expect(report.rejectedRows == 10)
        #expect(collector.records.map(\.row) == [8, 10, 108, 110, 208, 210, 308, 310, 408, 410])
        #expect(collector.records.map(\.column).prefix(2) == ["a", "b"])
        #expect(collector.records.allSatisfy { $0.code == .schemaMismatch })
    }

    @Test("a second pass begins anew for processor and rejected records")
    func secondPass() throws {
        let enricher = Enricher()
        let collector = RejectCollector()
        var options = ConversionOptions()
        options.csv.batchBytes = 256
        let text = "id,v\n" + (0..<400).map { "\($0),\($0 == 399 ? "x" : "1")\n" }.joined()
        let report = try convert(text, options, processor: enricher, rejected: collector)
        // The record with "x" is rejected by the processor in the end, so that it never widens the column.
        #expect(report.rows == 200)
        #expect(collector.passes == 1)
        let wider = "id,v\n" + (0..<400).map { "\($0),\($0 == 398 ? "x" : "1")\n" }.joined()
        let second = try convert(wider, options, processor: enricher, rejected: collector)
        #expect(second.rows == 200)
        #expect(second.rejectedRows == 200)
        #expect(collector.passes == 3)
        #expect(collector.records.count == 200)
        #expect(enricher.seen == 400)
        #expect(second.widenedColumns == ["v"])
    }

    @Test("derived columns must not take a name of the file")
    func derivedClash() {
        #expect(columnarError { try convert("id,twice\n2,3\n", processor: Enricher()) }?.code == .duplicateColumn)
    }

    @Test("errors of source and sink are told")
    func faults() {
        #expect(columnarError { _ = try FileSource(path: "/nonexistent/x.csv") }?.code == .readFailed)
        #expect(columnarError { _ = try FileSink(path: "/nonexistent/x.parquet") }?.code == .writeFailed)
        let full = columnarError { try convert("a\n1\n", to: "/dev/full") }
        #expect(full?.code == .writeFailed)
        let folder = columnarError {
            _ = try CSVConverter.convert(from: FileSource(path: "/tmp"), to: MemorySink())
        }
        #expect(folder?.code == .readFailed)
    }
}
