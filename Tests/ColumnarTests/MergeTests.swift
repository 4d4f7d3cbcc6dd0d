import Columnar
import Foundation
import Testing

@Suite("Parquet merge", .timeLimit(.minutes(5)))
struct MergeTests {
    private func inputs(_ folder: ScratchFolder, _ name: String) throws -> [ParquetMergeInput] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path(name)).sorted().map { file in
            let path = folder.path("\(name)/\(file)")
            return ParquetMergeInput(name: path, file: try ParquetFile(ParquetFileInput(path: path)))
        }
    }

    @Test("Files of all writers become few, value by value; what does not go together names file and column")
    func peers() throws {
        let folder = try ScratchFolder()
        let sets = try ReaderPython.run(script: "merge_peers.py", ["write", folder.url.path]).split(separator: "\n")
        var refusals: [String: String] = [:]
        for set in sets.map(String.init) {
            let inputs = try inputs(folder, set)
            var options = ParquetWriterOptions()
            options.rowGroupRows = 700
            options.pageRows = 300
            options.keyValueMetadata = [(key: "sluice.merged", value: "\(inputs.count) files")]
            let isRefused = set.hasPrefix("refused_")
            let output = try FolderOutput(path: folder.path(isRefused ? "no" : "\(set).merged"))
            do throws(ColumnarError) {
                let report = try ParquetMerger.merge(
                    inputs, to: output, fileBytes: set == "plain_v2" ? 150_000 : nil, options: options)
                try output.publish()
                #expect(!isRefused, "\(set)")
                #expect(report.rows == inputs.reduce(0) { $0 + $1.file.rowCount })
                #expect(report.isCopied == (set == "foreign"))
                #expect((report.files.count > 1) == (set == "plain_v2"))
                let path = folder.path("\(set).merged/\(report.files[0].name)")
                let file = try ParquetFile(ParquetFileInput(path: path))
                #expect(file.keyValueMetadata.contains { $0.key == "sluice.merged" })
                if set == "plain" { #expect(file.rowGroups.count == 2) }
                if set == "widened" {
                    #expect(
                        report.columns.map(\.type.description) == [
                            "bigint", "double", "timestamp", "decimal(22,3)", "double", "bigint", "string",
                        ])
                }
            } catch {
                refusals[set] = "\(error)"
                #expect(isRefused, "\(set): \(error)")
            }
        }
        #expect(refusals.count == 5)
        for (set, text) in refusals {
            #expect(text.contains("\"v\"") && text.contains(folder.path(set)), "\(text)")
            #expect(text.hasPrefix(set.contains("nested") ? "Unsupported" : "SchemaMismatch"), "\(text)")
        }
        try ReaderPython.run(script: "merge_peers.py", ["check", folder.url.path])
    }

    @Test("Files without a common column are refused, unless others connect them")
    func strangers() throws {
        func input(_ name: String, _ text: String) throws -> ParquetMergeInput {
            let sink = MemorySink()
            _ = try CSVConverter.convert(from: MemorySource(text), to: sink)
            return ParquetMergeInput(name: name, file: try ParquetFile(ParquetMemoryInput(sink.bytes)))
        }
        func merge(_ inputs: [ParquetMergeInput]) throws -> ParquetMergeReport {
            let folder = try ScratchFolder()
            return try ParquetMerger.merge(inputs, to: FolderOutput(path: folder.path("out")))
        }
        let orders = try input("orders", "id,amount\n1,2\n")
        let towns = try input("towns", "city,zip\nUlm,89073\n")
        let refused = columnarError { _ = try merge([orders, towns]) }
        #expect(refused?.code == .schemaMismatch)
        #expect(refused?.message.contains("towns (city, zip) and orders (id, amount) have no column in common") == true)
        let both = try input("both", "city,amount\nBonn,5\n")
        #expect(try merge([orders, towns, both]).columns.map(\.name) == ["id", "amount", "city", "zip"])
        let empty = try input("empty", "city\n")
        #expect(columnarError { _ = try merge([orders, empty]) }?.code == .schemaMismatch)
    }

    @Test("Columns without values have no say in the type: files of a header alone, and columns of nulls")
    func withoutValues() throws {
        func input(_ name: String, _ text: String) throws -> ParquetMergeInput {
            let sink = MemorySink()
            _ = try CSVConverter.convert(from: MemorySource(text), to: sink)
            return ParquetMergeInput(name: name, file: try ParquetFile(ParquetMemoryInput(sink.bytes)))
        }
        let header = try input("header", "id,price,day\n")
        let nulls = try input("nulls", "id,price,day\n1,,\n2,,\n")
        let typed = try input("typed", "id,price,day\n3,1.5,2024-05-31\n")
        for inputs in [[header, nulls, typed], [typed, nulls, header], [nulls, typed]] {
            let folder = try ScratchFolder()
            let output = try FolderOutput(path: folder.path("out"))
            let report = try ParquetMerger.merge(inputs, to: output)
            try output.publish()
            #expect(report.columns.map(\.type) == [.bigint, .double, .date])
            let file = try ParquetFile(ParquetFileInput(path: folder.path("out/\(report.files[0].name)")))
            var rows = file.rows()
            var found: Set<String> = []
            while let row = try rows.next() { found.insert(row.map(\.description).joined(separator: " ")) }
            #expect(found == ["1 null null", "2 null null", "3 1.5 2024-05-31"])
        }
        // Among themselves they are as they are, and files with values do not agree as before.
        let folder = try ScratchFolder()
        #expect(
            try ParquetMerger.merge([header, nulls], to: FolderOutput(path: folder.path("out"))).columns.map(\.type)
                == [.bigint, .string, .string])
        let text = try input("text", "id,price,day\n4,cheap,\n")
        let error = columnarError {
            _ = try ParquetMerger.merge([header, nulls, typed, text], to: FolderOutput(path: folder.path("no")))
        }
        #expect(error?.message.hasPrefix("text: column \"price\" is string, and in typed it is double") == true)
    }

    @Test("Hundreds of our own small files become one, in bounded row groups")
    func small() throws {
        var inputs: [ParquetMergeInput] = []
        for file in 0..<300 {
            let sink = MemorySink()
            let text = "id,name,v\n" + (0..<(file % 7)).map { "\(file * 10 + $0),name \($0),\($0).5\n" }.joined()
            var options = ConversionOptions()
            options.schema = [
                ColumnSchema(name: "id", type: .bigint), ColumnSchema(name: "name", type: .string),
                ColumnSchema(name: "v", type: .double),
            ]
            _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
            inputs.append(
                ParquetMergeInput(name: "file \(file)", file: try ParquetFile(ParquetMemoryInput(sink.bytes))))
        }
        let folder = try ScratchFolder()
        let output = try FolderOutput(path: folder.path("out"))
        let report = try ParquetMerger.merge(inputs, to: output)
        try output.publish()
        let rows = (0..<300).reduce(0) { $0 + $1 % 7 }
        #expect(report.rows == Int64(rows) && report.files.count == 1)
        let path = folder.path("out/\(report.files[0].name)")
        let file = try ParquetFile(ParquetFileInput(path: path))
        #expect(file.rowGroups.count == 1)
        var expected = ExpectedColumns(columns: [("id", []), ("name", []), ("v", [])])
        for file in 0..<300 {
            for row in 0..<(file % 7) {
                expected.columns[0].values.append(.integer(Int64(file * 10 + row)))
                expected.columns[1].values.append(.text("name \(row)"))
                expected.columns[2].values.append(.double(Double(row) + 0.5))
            }
        }
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
        #expect(columnarError { _ = try ParquetMerger.merge([], to: output) }?.code == .emptyFile)
    }

    @Test("A damaged input ends the merge and is named")
    func damaged() throws {
        let sink = MemorySink()
        _ = try CSVConverter.convert(
            from: MemorySource("id,s\n" + (0..<5000).map { "\($0),text \($0)\n" }.joined()), to: sink)
        var bytes = sink.bytes
        for index in 2000..<2100 { bytes[index] ^= 0x5A }
        let folder = try ScratchFolder()
        let good = ParquetMergeInput(name: "good", file: try ParquetFile(ParquetMemoryInput(sink.bytes)))
        let bad = ParquetMergeInput(name: "bad.parquet", file: try ParquetFile(ParquetMemoryInput(bytes)))
        let error = columnarError {
            _ = try ParquetMerger.merge([good, bad], to: FolderOutput(path: folder.path("out")))
        }
        #expect(error?.message.hasPrefix("bad.parquet: ") == true, "\(error.map { "\($0)" } ?? "merged")")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }
}

@Suite("Parquet as delimited text", .timeLimit(.minutes(5)))
struct ParquetTextTests {
    private func text(
        _ csv: String, _ options: ParquetTextOptions = ParquetTextOptions(), _ schema: [ColumnSchema]? = nil
    ) throws -> String {
        let sink = MemorySink()
        var conversion = ConversionOptions()
        conversion.schema = schema
        conversion.parquet.pageRows = 100
        conversion.parquet.rowGroupRows = 350
        _ = try CSVConverter.convert(from: MemorySource(csv), to: sink, options: conversion)
        let output = MemorySink()
        try ParquetTextWriter.write(try ParquetFile(ParquetMemoryInput(sink.bytes)), to: output, options: options)
        return String(decoding: output.bytes, as: UTF8.self)
    }

    @Test("Quotes where RFC 4180 wants them, null tokens, delimiters, line ends")
    func quoting() throws {
        let csv = "id,s,t\n1,\"a,b\",x\n2,\"say \"\"hi\"\"\",\"\"\n3,\"line\nend\",\n4,NULL,\"cr\rhere\"\n,é, y \n"
        #expect(
            try text(csv)
                == "id,s,t\n1,\"a,b\",x\n2,\"say \"\"hi\"\"\",\"\"\n3,\"line\nend\",\n4,NULL,\"cr\rhere\"\n,é, y \n")
        var options = ParquetTextOptions()
        options.nullToken = "NULL"
        options.delimiter = UInt8(ascii: ";")
        options.hasHeader = false
        options.usesCRLF = true
        #expect(
            try text(csv, options)
                == "1;a,b;x\r\n2;\"say \"\"hi\"\"\";\"\"\r\n3;\"line\nend\";NULL\r\n4;\"NULL\";\"cr\rhere\"\r\nNULL;é; y \r\n"
        )
    }

    @Test("All types come back from their text")
    func roundTrip() throws {
        let schema: [ColumnSchema] = [
            ColumnSchema(name: "b", type: .boolean), ColumnSchema(name: "i", type: .bigint),
            ColumnSchema(name: "d", type: .double), ColumnSchema(name: "p", type: .decimal(precision: 20, scale: 4)),
            ColumnSchema(name: "day", type: .date), ColumnSchema(name: "t", type: .time),
            ColumnSchema(name: "at", type: .timestamp), ColumnSchema(name: "utc", type: .timestampUTC),
            ColumnSchema(name: "s", type: .string),
        ]
        var csv = schema.map(\.name).joined(separator: ",") + "\n"
        for row in 0..<1000 {
            let day = "2024-0\(1 + row % 9)-1\(row % 10)"
            let values = [
                row % 2 == 0 ? "true" : "false", "\(row &* 7_919_333_123)", "\(Double(row) / 7)",
                "\(row + 1)1234567890.1250", day,
                "1\(row % 10):20:30", "\(day)T01:02:03.\(100_000 + row)", "\(day)T01:02:03Z", "t\(row % 30)",
            ]
            csv += values.enumerated().map { (row + $0) % 9 == 4 ? "" : $1 }.joined(separator: ",") + "\n"
        }
        let once = try text(csv, ParquetTextOptions(), schema)
        #expect(once == csv)
        #expect(try text(once, ParquetTextOptions(), schema) == once)
    }

    @Test("Nested values are JSON")
    func nested() throws {
        let folder = try ReaderFolder()
        try ReaderPython.run(script: "reader_small.py", [folder.url.path])
        var found = false
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        where name.hasSuffix(".parquet") {
            let file = try ParquetFile(ParquetFileInput(path: "\(folder.url.path)/\(name)"))
            let output = MemorySink()
            let rows = try ParquetTextWriter.write(file, to: output)
            #expect(rows == file.rowCount)
            let reader = try CSVReader(MemorySource(output.bytes))
            var count: Int64 = 0
            var expected = file.rows()
            var isSame = true
            try reader.forEachRecord { record throws(ColumnarError) in
                count += 1
                guard let row = try expected.next() else { return }
                for (index, value) in row.enumerated() {
                    isSame =
                        isSame
                        && (value == .null
                            ? record.isNull(index)
                            : String(decoding: record.bytes(index), as: UTF8.self) == value.description)
                    if case .list = value { found = true }
                }
            }
            #expect(isSame && (count == file.rowCount || file.schema.fields.count == 1), "\(name)")
        }
        #expect(found)
    }
}
