import Columnar
import Foundation
import Testing

@Suite("Partitioned conversion", .timeLimit(.minutes(5)))
struct PartitionTests {
    private struct Job: Encodable {
        var folder: String
        var columns: [String]
        var partitions: [String]
        var rows: [[String?]]
    }

    private func convert(
        _ text: String, _ partitioning: Partitioning, _ options: ConversionOptions = ConversionOptions(),
        to path: String
    ) throws -> ConversionReport {
        let output = try FolderOutput(path: path)
        let report = try CSVConverter.convert(
            from: MemorySource(text), to: output, partitionedBy: partitioning, options: options)
        try output.publish()
        return report
    }

    private func verify(
        _ folder: ScratchFolder, _ path: String, _ columns: [String], _ partitions: [String], _ rows: [[String?]]
    ) throws {
        let job = folder.url.appending(path: "job-\(UUID().uuidString).json")
        try JSONEncoder().encode(Job(folder: path, columns: columns, partitions: partitions, rows: rows)).write(to: job)
        try ReaderPython.run(script: "verify_partitions.py", [job.path])
    }

    private func paths(_ folder: String) -> [String] {
        (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? [])
            .filter { $0.hasSuffix(".parquet") }.sorted()
    }

    @Test("values of columns become folders that pyarrow, DuckDB and Polars read back, whatever the values are")
    func values() throws {
        let folder = try ScratchFolder()
        let odd = [
            "EU", "a/b", "50%", "x=y", "naïve 日本", "sp ace", "{[^]}", "q'u\"o", "back\\slash", "tab\there", "a+b",
            "%2F", "..",
        ]
        var text = "id,region,ok,v\n"
        var rows: [[String?]] = []
        for row in 0..<400 {
            let region: String? = row % 17 == 3 ? nil : odd[row % odd.count]
            let ok: String? = row % 11 == 5 ? nil : row % 2 == 0 ? "true" : "false"
            let word = ok.map { row % 4 == 0 ? $0.uppercased() : $0 } ?? ""
            let field = region.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" } ?? ""
            text += "\(row),\(field),\(word),v\(row % 7)\n"
            rows.append(["\(row)", region, ok, "v\(row % 7)"])
        }
        let path = folder.path("table")
        let report = try convert(text, try Partitioning(parsing: "region,ok"), to: path)
        #expect(report.rows == 400)
        #expect(report.columns.map(\.name) == ["id", "v"])
        #expect(
            report.partitionColumns == [
                ColumnSchema(name: "region", type: .string), ColumnSchema(name: "ok", type: .boolean),
            ])
        #expect(report.files.map { $0.path + $0.name } == paths(path))
        #expect(report.files.reduce(0) { $0 + $1.rows } == 400)
        #expect(report.files.contains { $0.path == "region=a%2Fb/ok=true/" && $0.values == ["a/b", "true"] })
        #expect(report.files.contains { $0.path.hasPrefix("region=__HIVE_DEFAULT_PARTITION__/") })
        for file in report.files {
            let size = try FileManager.default.attributesOfItem(atPath: "\(path)/\(file.path)\(file.name)")[.size]
            #expect(size as? Int64 == file.bytes)
        }
        try verify(folder, path, ["id", "region", "ok", "v"], ["region", "ok"], rows)
    }

    @Test("times become year, month, day and hour; the column stays")
    func times() throws {
        let folder = try ScratchFolder()
        var text = "id,at\n"
        var rows: [[String?]] = []
        for row in 0..<300 {
            // 1969 and 2024, with zones that move the hour to another day.
            let (year, day) = (row % 2 == 0 ? "1969" : "2024", row % 27 + 1)
            let two = day < 10 ? "0\(day)" : "\(day)"
            text += row % 13 == 0 ? "\(row),\n" : "\(row),\(year)-02-\(two)T23:30:00+01:00\n"
            rows.append(row % 13 == 0 ? ["\(row)", nil, nil, nil, nil] : ["\(row)", year, "02", two, "22"])
        }
        let path = folder.path("hours")
        let report = try convert(text, try Partitioning(parsing: "at:hour"), to: path)
        #expect(report.columns.map(\.name) == ["id", "at"])
        #expect(report.partitionColumns.map(\.name) == ["year", "month", "day", "hour"])
        #expect(report.files.contains { $0.path == "year=1969/month=02/day=05/hour=22/" })
        try verify(folder, path, ["id", "year", "month", "day", "hour"], ["year", "month", "day", "hour"], rows)

        let plain = folder.path("plain")
        let second = try convert(text, try Partitioning(parsing: "at:yyyy/MM/dd"), to: plain)
        #expect(second.files.contains { $0.path == "2024/02/06/" && $0.values == ["2024", "02", "06"] })
        let null = PartitionFileName.null
        #expect(second.files.contains { $0.path == "\(null)/\(null)/\(null)/" })
        for (key, first) in [("at:year", "year=1969/"), ("at:month", "year=1969/month=02/")] {
            let other = try convert(text, try Partitioning(parsing: key), to: folder.path(String(key.dropFirst(3))))
            #expect(other.files.count == 3 && other.files[1].path >= first && other.rows == 300)
        }
    }

    private enum PartitionFileName { static let null = "__HIVE_DEFAULT_PARTITION__" }

    @Test("few open files: partitions go on in further files, and every row is there once")
    func openFiles() throws {
        let folder = try ScratchFolder()
        var random = SeededGenerator(seed: 8)
        for round in 0..<6 {
            var text = "id,key,n,word\n"
            var rows: [[String?]] = []
            for row in 0..<2500 {
                let key = Int.random(in: 0..<20, using: &random)
                text += "\(row),\(key),\(row * 7),word \(row % 30)\n"
                rows.append(["\(row)", "\(key)", "\(row * 7)", "word \(row % 30)"])
            }
            var partitioning = try Partitioning(parsing: "key")
            partitioning.openFiles = [1, 3, 50][round % 3]
            var options = ConversionOptions()
            options.csv.batchBytes = [1024, 65_536][round % 2]
            options.parquet.rowGroupBytes = [2000, 1 << 20][round % 2]
            options.threads = 1 + round % 2
            options.parquet.compatibility = round < 3 ? .current : .legacy
            let path = folder.path("open-\(round)")
            let report = try convert(text, partitioning, options, to: path)
            #expect(report.rows == 2500 && Set(report.files.map(\.path)).count == 20)
            #expect((report.files.count > 20) == (partitioning.openFiles < 20 && options.csv.batchBytes == 1024))
            #expect(report.files.map { $0.path + $0.name } == paths(path))
            try verify(folder, path, ["id", "key", "n", "word"], ["key"], rows)
        }
    }

    @Test("files end near the target size, with keys and without")
    func fileSize() throws {
        let folder = try ScratchFolder()
        var random = SeededGenerator(seed: 4)
        var text = "id,half,s\n"
        var rows: [[String?]] = []
        for row in 0..<30_000 {
            let word = String(random.next(), radix: 36)
            text += "\(row),\(row % 2),\(word)\n"
            rows.append(["\(row)", "\(row % 2)", word])
        }
        var options = ConversionOptions()
        options.csv.batchBytes = 16_384
        for (name, keys) in [("plain", []), ("keyed", [Partitioning.Key.column("half")])]
            as [(String, [Partitioning.Key])]
        {
            let path = folder.path(name)
            let report = try convert(text, Partitioning(keys: keys, fileBytes: 100_000), options, to: path)
            #expect(report.files.count >= 4 && report.rows == 30_000)
            let last = Set(Dictionary(grouping: report.files, by: \.path).compactMap { $0.value.last })
            for file in report.files where !last.contains(file) {
                #expect((80_000..<160_000).contains(file.bytes), "\(file)")
            }
            try verify(folder, path, ["id", "half", "s"], keys.isEmpty ? [] : ["half"], rows)
        }
    }

    @Test("late values widen all files alike; columns without early values have one type in all files")
    func widening() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.csv.batchBytes = 512
        var text = "key,n,late,bad\n"
        var rows: [[String?]] = []
        for row in 0..<800 {
            let (n, late) = (row == 700 ? "1.5" : "\(row)", row < 600 ? "" : "\(row)")
            text += "\(row % 3),\(n),\(late),\(row == 790 ? "x" : "7")\n"
            rows.append(["\(row % 3)", row == 700 ? "1.5" : "\(row).0", row < 600 ? nil : late, row == 790 ? "x" : "7"])
        }
        let path = folder.path("wide")
        let report = try convert(text, try Partitioning(parsing: "key"), options, to: path)
        #expect(report.columns.map(\.type.description) == ["double", "bigint", "string"])
        #expect(Set(report.files.map(\.path)).count == 3)
        try verify(folder, path, ["key", "n", "late", "bad"], ["key"], rows)
        // The key itself can widen.
        let other = try convert(text, try Partitioning(parsing: "bad"), options, to: folder.path("bad"))
        #expect(other.files.map(\.path) == ["bad=7/", "bad=x/"])
    }

    @Test("records with lists and structures are divided too")
    func nested() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.format = .ndjson
        options.csv.batchBytes = 4096
        var text = ""
        for row in 0..<500 {
            text +=
                "{\"id\": \(row), \"key\": \"k\(row % 3)\", \"tags\": [\(row), \(row + 1)], \"who\": {\"n\": \"p\(row)\"}}\n"
        }
        let path = folder.path("nested")
        let report = try convert(text, try Partitioning(parsing: "key"), options, to: path)
        #expect(report.rows == 500 && report.files.map(\.path) == ["key=k0/", "key=k1/", "key=k2/"])
        for (index, written) in report.files.enumerated() {
            let file = try ParquetFile(ParquetFileInput(path: "\(path)/\(written.path)\(written.name)"))
            var rows = file.rows()
            var row = index
            while let values = try rows.next() {
                #expect(values.map(\.description) == ["\(row)", "[\(row), \(row + 1)]", "{\"n\": \"p\(row)\"}"])
                row += 3
            }
            #expect(row >= 500)
        }
        let refused = columnarError {
            _ = try convert(text, try Partitioning(parsing: "tags"), options, to: folder.path("t"))
        }
        #expect(refused?.code == .unsupported && refused?.message.contains("tags") == true)
    }

    @Test("what cannot be partitioned says why, and leaves nothing behind")
    func refusals() throws {
        let folder = try ScratchFolder()
        let text = "id,d,at,s,year,flag\n1,1.5,2024-01-02 03:04:05,x,2024,true\n2,2.5,2024-01-02 03:04:05,\"\",2024,\n"
        for (keys, code, word) in [
            ("d", "Unsupported", "decimal"), ("at", "Unsupported", "at:day"), ("nope", "MissingColumn", "nope"),
            ("id,id", "DuplicateColumn", "id"), ("at:year", "DuplicateColumn", "year"),
            ("flag:day", "Unsupported", "boolean"), ("at:week", "Unsupported", "week"),
            ("id,,s", "Unsupported", "missing"),
        ] {
            let error = columnarError {
                let output = try FolderOutput(path: folder.path("out"))
                _ = try CSVConverter.convert(
                    from: MemorySource(text), to: output, partitionedBy: try Partitioning(parsing: keys))
            }
            #expect(error?.code.description == code, "\(keys)")
            #expect(error?.message.contains(word) == true, "\(keys): \(error?.message ?? "")")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
        }
        let only = columnarError {
            _ = try CSVConverter.convert(
                from: MemorySource("a\n1\n"), to: FolderOutput(path: folder.path("out")),
                partitionedBy: try Partitioning(parsing: "a"))
        }
        #expect(only?.code == .unsupported)
        let words = columnarError {
            _ = try convert("s,x\nsoon,1\n", try Partitioning(parsing: "s:day"), to: folder.path("out"))
        }
        #expect(words?.code == .unsupported && words?.message.contains("string") == true)
        var few = try Partitioning(parsing: "id")
        few.mostPartitions = 50
        let many = "id,x\n" + (0..<100).map { "\($0),1\n" }.joined()
        #expect(columnarError { _ = try convert(many, few, to: folder.path("many")) }?.code == .limitExceeded)
        let long = "id,s\n1,\(String(repeating: "x", count: 300))\n"
        #expect(
            columnarError { _ = try convert(long, try Partitioning(parsing: "s"), to: folder.path("l")) }?.code
                == .limitExceeded)
        // An empty text is a value, not null.
        let report = try convert(text, try Partitioning(parsing: "s"), to: folder.path("s"))
        #expect(report.files.map(\.path) == ["s=/", "s=x/"])
        #expect(columnarError { _ = try FolderOutput(path: folder.path("s")) }?.code == .writeFailed)
        // A header alone: no partition, or one file where there are no keys.
        #expect(try convert("a,b\n", try Partitioning(parsing: "a"), to: folder.path("e")).files.isEmpty)
        #expect(try convert("a,b\n", Partitioning(keys: [], fileBytes: 1000), to: folder.path("f")).files.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["e", "f", "s"])
    }
}
