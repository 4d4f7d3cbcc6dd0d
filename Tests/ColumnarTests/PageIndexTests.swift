import Columnar
import Foundation
import Testing

/// The page index, read by decoders that others make of the format's definition, beside the values that pyarrow reads.
@Suite("Page index by parquet.thrift", .timeLimit(.minutes(5)))
struct PageIndexTests {
    private struct Count: Decodable {
        var file: String
        var pages: Int
        var bounded: Int
    }

    private func files(in folder: ScratchFolder) throws -> [String] {
        var files: [String] = []
        func save(_ bytes: [UInt8], _ name: String) throws {
            files.append(folder.path(name))
            try Data(bytes).write(to: URL(filePath: folder.path(name)))
        }
        func write(_ rows: [[String]], _ change: (inout ConversionOptions) -> Void) throws -> [UInt8] {
            var options = ConversionOptions()
            (options.parquet.rowGroupRows, options.parquet.pageRows) = (700, 60)
            change(&options)
            let sink = MemorySink()
            let text = ([PruningTests.names] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
            _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
            return sink.bytes
        }
        let rows = PruningTests.rows(2000)
        try save(try write(rows) { $0.threads = 2 }, "current.parquet")
        try save(try write(rows) { $0.parquet.compatibility = .legacy }, "legacy.parquet")
        try save(
            try write(rows.shuffled()) {
                ($0.parquet.compatibility, $0.parquet.compression) = (.newest, .zstd(level: 1))
            }, "newest.parquet")

        // Within lists and structures.
        var json = ""
        for row in 0..<1500 {
            let items = (0..<row % 4).map { item in
                let price = item == 1 ? "null" : "\(row).\(item)5"
                return "{\"sku\":\"sku \(row * 7 % 1000) \(item)\",\"price\":\(price)}"
            }
            let place =
                row % 9 == 0
                ? "null" : "{\"x\":\(row % 5 == 0 ? "null" : "\(row)"),\"at\":\"2024-05-01T00:00:0\(row % 10)Z\"}"
            json +=
                "{\"id\":\(row),\"items\":\(row % 11 == 0 ? "null" : "[\(items.joined(separator: ","))]"),\"place\":\(place)}\n"
        }
        var options = ConversionOptions()
        options.format = .ndjson
        (options.parquet.rowGroupRows, options.parquet.pageRows) = (700, 60)
        let nested = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource(json), to: nested, options: options)
        try save(nested.bytes, "nested.parquet")

        // What a merge writes.
        let inputs = try files[..<2].map {
            ParquetMergeInput(name: $0, file: try ParquetFile(ParquetFileInput(path: $0)))
        }
        var writing = ParquetWriterOptions()
        (writing.rowGroupRows, writing.pageRows) = (1500, 80)
        let output = try FolderOutput(path: folder.path("merged"))
        let report = try ParquetMerger.merge(inputs, to: output, options: writing)
        try output.publish()
        files.append(folder.path("merged/\(report.files[0].name)"))
        return files
    }

    @Test("bounds, nulls, places, sizes and row numbers of every page, of all encodings, in lists and after a merge")
    func everyPage() throws {
        let folder = try ScratchFolder()
        let files = try files(in: folder)
        let printed = try ReaderPython.run(script: "page_index.py", files)
        let counts = try printed.split(separator: "\n").map {
            try JSONDecoder().decode(Count.self, from: Data($0.utf8))
        }
        #expect(counts.map(\.file) == files)
        for count in counts { #expect(count.pages > 90 && count.bounded > count.pages / 2, "\(count)") }
    }

    @Test("a bound, a null count, a place and a row number that are wrong are found")
    func wrong() throws {
        let folder = try ScratchFolder()
        let file = try files(in: folder)[0]
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: file)))
        let chunk = try #require(try footer(bytes).rowGroups.first?.columns.first)
        let start = Int(try #require(chunk.columnIndexOffset))
        let index = try ThriftReader.decode(
            ColumnIndex.self, from: Array(bytes[start..<start + Int(try #require(chunk.columnIndexLength))]))
        let placesStart = Int(try #require(chunk.offsetIndexOffset))
        let places = try ThriftReader.decode(
            OffsetIndex.self, from: Array(bytes[placesStart..<placesStart + Int(try #require(chunk.offsetIndexLength))])
        )
        func script(_ bytes: [UInt8]) throws -> Int32 {
            let path = folder.path("changed.parquet")
            try Data(bytes).write(to: URL(filePath: path))
            let process = Process()
            process.executableURL = URL(filePath: ReaderPython.interpreter)
            process.arguments = [
                URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                    .appending(path: "Tools/page_index.py").path, path,
            ]
            (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
            try process.run()
            process.waitUntilExit()
            return process.terminationStatus
        }
        func replacing(_ start: Int, _ part: [UInt8]) -> [UInt8] {
            Array(bytes[..<start]) + part + bytes[(start + part.count)...]
        }
        #expect(try script(replacing(start, ThriftWriter.bytes(of: index))) == 0)
        for change in 0..<3 {
            var changed = index
            switch change {
            case 0: changed.minValues[1][0] ^= 1
            case 1: changed.maxValues[2][0] ^= 1
            default: changed.nullCounts?[3] += 1
            }
            let bytes = ThriftWriter.bytes(of: changed)
            #expect(bytes.count == Int(chunk.columnIndexLength ?? 0))
            #expect(try script(replacing(start, bytes)) == 2, "change \(change) of the column index")
        }
        for change in 0..<3 {
            var changed = places
            switch change {
            case 0: changed.pages[4].offset += 1
            case 1: changed.pages[4].compressedSize += 1
            default: changed.pages[4].firstRow += 1
            }
            let bytes = ThriftWriter.bytes(of: changed)
            #expect(bytes.count == Int(chunk.offsetIndexLength ?? 0))
            #expect(try script(replacing(placesStart, bytes)) == 2, "change \(change) of the offset index")
        }
    }
}
