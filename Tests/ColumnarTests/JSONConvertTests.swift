import Columnar
import Foundation
import Testing

@Suite("JSON: types, schemas, forms")
struct JSONConvertTests {
    private func options(_ format: InputFormat = .ndjson) -> ConversionOptions {
        var options = ConversionOptions()
        options.format = format
        return options
    }

    private func types(_ text: String, _ options: ConversionOptions? = nil) throws -> [String] {
        try convert(text, options ?? self.options()).columns.map { "\($0.name) \($0.type)" }
    }

    private func rows(_ text: String, _ options: ConversionOptions? = nil) throws -> [String] {
        let sink = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options ?? self.options())
        var rows = try ParquetFile(ParquetMemoryInput(sink.bytes)).rows()
        var found: [String] = []
        while let row = try rows.next() { found.append(row.map(\.json).joined(separator: " ")) }
        return found
    }

    @Test(
        "values of one field decide its type",
        arguments: [
            (["1", "2"], "bigint"), (["1", "2.5"], "double"), (["1", "\"1\""], "string"),
            (["true", "null"], "boolean"),
            (["true", "1"], "string"), (["\"2024-01-02\""], "date"), (["\"2024-01-02\"", "5"], "string"),
            (["\"2024-01-02T03:04:05Z\""], "timestamp with local time zone"), (["\"12\""], "string"),
            (["12345678901234567890"], "decimal(20,0)"), (["-0"], "double"), (["1e400"], "string"),
            (["null"], "string"),
            (["{}"], "string"), (["{}", "{\"a\":1}"], "struct<a:bigint>"), (["[]"], "array<string>"),
            (["[]", "[1]"], "array<bigint>"), (["[1]", "[null,2.5]"], "array<double>"),
            (["[1,\"a\"]"], "array<string>"),
            (["[[1],[]]"], "array<array<bigint>>"),
            (["[{\"a\":1},{\"b\":[true]}]"], "array<struct<a:bigint,b:array<boolean>>>"),
            (["{\"a\":1}", "[1]"], "string"), (["{\"a\":1}", "{\"A\":1,\"a\":2}"], "string"),
            (["{\"a\":1}", "7"], "string"), (["{\"A b\":1}"], "struct<a_b:bigint>"),
            (["{\"é\":1,\"ü\":2}"], "string"), (["{\"\":1}"], "string"),
        ])
    func inference(_ values: [String], _ type: String) throws {
        // In the sample, and after it.
        for gap in [0, 100] {
            var small = options()
            small.csv.batchBytes = 256
            var lines = values.map { "{\"v\":\($0)}" }
            lines.insert(contentsOf: Array(repeating: "{\"v\":null,\"filling\":\"fill\"}", count: gap), at: 1)
            let text = lines.joined(separator: "\n")
            #expect(try types(text, small)[0] == "v \(type)", "\(gap)")
        }
    }

    @Test("null, missing and empty are told apart where Parquet can")
    func empty() throws {
        let text = """
            {"l":[],"s":{"a":null},"t":""}
            {"l":null,"s":null,"t":null}
            {}
            {"l":[null],"s":{},"t":"null"}
            {"l":["x"],"s":{"a":1},"t":"\\"\\""}
            """
        #expect(
            try rows(text) == [
                #"[] {"a": null} """#, "null null null", "null null null", #"[null] {"a": null} "null""#,
                #"["x"] {"a": 1} "\"\"""#,
            ])
    }

    @Test("late fields and late kinds widen the schema; nothing is lost")
    func late() throws {
        var small = options()
        small.csv.batchBytes = 256
        var text = ""
        for row in 0..<200 { text += "{\"id\":\(row),\"o\":{\"a\":1}}\n" }
        text += "{\"id\":\"x\",\"o\":{\"b\":[true]},\"new\":{\"deep\":1.5}}\n"
        let report = try convert(text, small)
        #expect(
            report.columns.map { "\($0.name) \($0.type)" } == [
                "id string", "o struct<a:bigint,b:array<boolean>>", "new struct<deep:double>",
            ])
        #expect(report.widenedColumns == ["id", "o"])
        #expect(report.rows == 201)
    }

    @Test("a given schema is kept, and drift is said or refused")
    func schema() throws {
        var given = options()
        given.schema = [
            ColumnSchema(name: "gone", type: .list(.bigint)), ColumnSchema(name: "n", type: .double),
            ColumnSchema(name: "o", type: try #require(ColumnType("struct<a:bigint,b:array<date>>"))),
            ColumnSchema(name: "s", type: .string),
        ]
        let text = "{\"n\":1,\"o\":{\"a\":1,\"b\":[\"2024-01-02\"]},\"s\":{\"x\":[1]},\"more\":[1]}\n"
        let report = try convert(text, given)
        #expect(
            report.columns.map(\.type.description) == [
                "array<bigint>", "double", "struct<a:bigint,b:array<date>>", "string", "array<bigint>",
            ])
        #expect(report.newColumns.map(\.name) == ["more"])
        #expect(report.missingColumns.map(\.name) == ["gone"])
        #expect(try rows(text, given) == [#"null 1.0 {"a": 1, "b": ["2024-01-02"]} "{\"x\":[1]}" [1]"#])
        for (bad, path) in [
            ("{\"o\":{\"a\":\"x\"}}", "o.a"), ("{\"o\":[1]}", "o"), ("{\"o\":{\"c\":1}}", "o"),
            ("{\"o\":{\"b\":[\"no\"]}}", "o.b"),
            ("{\"n\":\"no\"}", "n"),
        ] {
            let error = columnarError { try convert("{\"n\":1}\n\(bad)\n", given) }
            #expect(error?.code == .schemaMismatch, "\(bad): \(String(describing: error))")
            #expect(error?.line == 2)
            #expect(error?.message.contains(path) == true, "\(String(describing: error))")
            var lenient = given
            lenient.mismatches = .reject
            let report = try convert("{\"n\":1}\n\(bad)\n{\"n\":2}\n", lenient)
            #expect((report.rows, report.rejectedRows) == (2, 1), "\(bad)")
            var wide = given
            wide.mismatches = .widen
            #expect(try convert("{\"n\":1}\n\(bad)\n", wide).rows == 2, "\(bad)")
        }
    }

    @Test("names of nested types are Hive's")
    func names() {
        for name in [
            "array<bigint>", "struct<a:bigint,b:array<struct<c:decimal(10,2),d:timestamp with local time zone>>>",
        ] {
            #expect(ColumnType(name)?.description == name)
        }
        for name in ["array<>", "array<bigint", "struct<a>", "struct<a:bigint,a:bigint>", "struct<>", "array<bigint>>"]
        {
            #expect(ColumnType(name) == nil, "\(name)")
        }
        #expect(ColumnType(String(repeating: "array<", count: 5000) + String(repeating: ">", count: 5000)) == nil)
    }

    @Test("JSON is told from delimited text by its beginning")
    func detection() throws {
        for (text, rows, columns) in [
            ("{\"a\":1}\n{\"a\":2}\n", 2, 1), ("[{\"a\":1},\n{\"a\":2}]", 2, 1),
            ("\u{FEFF}\n[ {\"a\":1,\"b\":2} ]", 1, 2),
            ("{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n", 2, 1), ("{\"a\":1}{\"a\":2}", 2, 1), ("[a],b\n1,2\n", 1, 2),
            ("{a},b\n1,2\n", 1, 2),
        ] {
            let report = try convert(text)
            #expect(report.rows == Int64(rows), "\(text)")
            #expect(report.columns.count == columns, "\(text)")
        }
    }

    @Test("a reader gives the text and place of each record")
    func reader() throws {
        for text in ["{\"a\":1}\n\n {\"b\":[2]}\n", "[{\"a\":1},\n\n {\"b\":[2]}]"] {
            var options = CSVOptions()
            options.batchBytes = 256
            let reader = try JSONReader(MemorySource(Array(text.utf8), maximumRead: 3), options: options)
            var found: [String] = []
            try reader.forEachRecord { record in
                found.append("\(record.row) \(record.line) \(String(decoding: record.bytes, as: UTF8.self))")
            }
            #expect(found == ["1 1 {\"a\":1}", "2 3 {\"b\":[2]}"])
        }
        #expect(columnarError { _ = try JSONReader(MemorySource("a,b\n")) }?.code == .notText)
        var lenient = CSVOptions()
        lenient.badRecords = .reject
        let collector = RejectCollector()
        let reader = try JSONReader(MemorySource("{\"a\":1}\n{]\n{}\n"), options: lenient)
        reader.rejectedRecords = collector
        var rows: [Int64] = []
        try reader.forEachRecord { rows.append($0.row) }
        #expect(rows == [1, 3])
        #expect(collector.records.map(\.row) == [2])
    }

    @Test("partitioned output divides nested values with their rows")
    func partitions() throws {
        let folder = try ScratchFolder()
        var text = ""
        for row in 0..<500 {
            text +=
                "{\"id\":\(row),\"part\":\"p\(row % 3)\",\"list\":\(row % 4 == 0 ? "[]" : "[\(row),null]"),\"o\":{\"x\":\"v\(row)\"}}\n"
        }
        var small = options()
        small.csv.batchBytes = 4096
        let output = try FolderOutput(path: folder.path("out"))
        let report = try CSVConverter.convert(
            from: MemorySource(text), to: output, partitionedBy: try Partitioning(parsing: "part"), options: small)
        try output.publish()
        #expect(report.files.count == 3)
        var seen = 0
        for file in report.files {
            let parquet = try ParquetFile(ParquetFileInput(path: folder.path("out/\(file.path)\(file.name)")))
            var rows = parquet.rows()
            while let row = try rows.next() {
                guard case .integer(let id) = row[0] else { continue }
                #expect(file.path.contains("p\(id % 3)"))
                #expect(row[1].json == (id % 4 == 0 ? "[]" : "[\(id), null]"))
                #expect(row[2].json == "{\"x\": \"v\(id)\"}")
                seen += 1
            }
        }
        #expect(seen == 500)
    }

    @Test("types of groups are shown in Hive's words")
    func typeNames() throws {
        let sink = MemorySink()
        let text = "{\"a\":[{\"b\":[1.5],\"c\":{\"d\":\"x\"}}],\"e\":1}"
        _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options())
        let fields = try ParquetFile(ParquetMemoryInput(sink.bytes)).schema.fields
        #expect(fields.map(\.typeName) == ["array<struct<b:array<double>,c:struct<d:string>>>", "int64"])
    }

    @Test("the members of an archive are one table, whatever fields each has")
    func archive() throws {
        // Made by Python's zipfile: {"a":1,"l":[1]} and {"a":2} in one member, {"a":2.5,"l":["x"],"n":{"z":1}} in the
        // other.
        let text =
            "UEsDBBQAAAAIADtGdV0wlC8jFwAAABgAAAAIAAAAMS5uZGpzb26rVkpUsjLUUcpRsoo2jK3lqgbxjWq5AFBLAwQUAAAACAA7"
            + "RnVd16yo5CIAAAAgAAAACAAAADIubmRqc29uq1ZKVLIy0jPVUcpRsopWqlCK1VHKU7KqVqpSsjKsreUCAFBLAQIUAxQAAAAI"
            + "ADtGdV0wlC8jFwAAABgAAAAIAAAAAAAAAAAAAACkgQAAAAAxLm5kanNvblBLAQIUAxQAAAAIADtGdV3XrKjkIgAAACAAAAAI"
            + "AAAAAAAAAAAAAACkgT0AAAAyLm5kanNvblBLBQYAAAAAAgACAGwAAACFAAAAAAA="
        let bytes = Array(try #require(Data(base64Encoded: text)))
        let sink = MemorySink()
        let report = try CSVConverter.convert(from: MemorySource(bytes), to: sink)
        #expect(report.columns.map(\.type.description) == ["double", "array<string>", "struct<z:bigint>"])
        var rows = try ParquetFile(ParquetMemoryInput(sink.bytes)).rows()
        var found: [String] = []
        while let row = try rows.next() { found.append(row.map(\.json).joined(separator: " ")) }
        #expect(found == [#"1.0 ["1"] null"#, "2.0 null null", #"2.5 ["x"] {"z": 1}"#])
    }

    @Test("a quarantine file of JSON records can be fed back")
    func quarantine() throws {
        let file = MemorySink()
        var lenient = options(.json)
        lenient.csv.badRecords = .reject
        let writer = QuarantineWriter(file)
        let first = try convert("[{\"a\":1}, {\"a\":\n x}, {\"a\":3}]", lenient, rejected: writer)
        try writer.finish()
        #expect((first.rows, first.rejectedRows) == (2, 1))
        let corrected = String(decoding: file.bytes, as: UTF8.self).replacing(#"\n x}"#, with: #"\n 2}"#)
        let again = try convert(corrected)
        #expect(again.rows == 1)
        #expect(again.columns == [ColumnSchema(name: "a", type: .bigint)])
    }
}
