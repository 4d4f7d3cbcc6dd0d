import Columnar
import Foundation
import Testing

/// Bounds in the footer are there to be trusted: readers pass over row groups by them, and by the page index over
/// pages.
@Suite("Pruning by bounds", .timeLimit(.minutes(5)))
struct PruningTests {
    static let names = ["id", "word", "long", "amount", "wide", "x", "day", "at", "flag"]

    /// Rows as fields, with what bounds are often wrong about: texts that agree in their first 64 bytes, or have a
    /// character there that a cut would part, negative and long decimals, NaN, both zeros, nulls, a column of nulls at
    /// its beginning.
    static func rows(_ count: Int) -> [[String]] {
        var random = SeededGenerator(seed: 41)
        let words = ["alpha", "Ω", "beta", "ähre", "zeta", "", "\u{10FFFF}", "Beta"]
        return (0..<count).map { row in
            let tail = String(repeating: "é", count: Int.random(in: 0...80, using: &random))
            let month = row / (count / 12 + 1) + 1
            return [
                "\(row * 3 - 2000)", words[(row / 400 + row % 3) % words.count],
                "\(row / 700)" + String(repeating: "é", count: row % 2 == 0 ? 31 : 32) + "\(row % 97)\(tail)",
                row % 11 == 0 ? "" : "\(Int.random(in: -9999...9999, using: &random)).\(10 + row % 90)",
                "\(row % 2 == 0 ? "-" : "")\(row + 1)2345678901234567890123.\(10_000 + row % 90_000)",
                ["NaN", "-0.0", "0.0", "\(row).5", "-\(row).25", ""][row < 500 || row == 1700 ? 0 : 1 + row % 5],
                "2024-\(month < 10 ? "0" : "")\(month)-1\(row % 10)", "2024-01-01T0\(row % 10):00:00.\(100_000 + row)",
                row < 900 ? "" : row % 2 == 0 ? "true" : "false",
            ]
        }
    }

    private func write(_ rows: [[String]], _ change: (inout ConversionOptions) -> Void) throws -> [UInt8] {
        var options = ConversionOptions()
        options.parquet.rowGroupRows = 500
        options.parquet.pageRows = 60
        change(&options)
        let sink = MemorySink()
        let text = ([Self.names] + rows).map { $0.joined(separator: ",") + "\n" }.joined()
        _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
        return sink.bytes
    }

    @Test("pyarrow, DuckDB and Polars find by our bounds what they find without; bytes that are no UTF-8 included")
    func peers() throws {
        let folder = try ScratchFolder()
        let rows = Self.rows(3000)
        var files: [String] = []
        func save(_ bytes: [UInt8], _ name: String) throws {
            files.append(folder.path(name))
            try Data(bytes).write(to: URL(filePath: folder.path(name)))
        }
        try save(try write(rows) { _ in }, "current.parquet")
        try save(try write(rows) { $0.parquet.compatibility = .legacy }, "legacy.parquet")
        try save(
            try write(rows.shuffled()) {
                ($0.parquet.compatibility, $0.parquet.compression) = (.newest, .zstd(level: 1))
            }, "shuffled.parquet")
        // Texts of other writers come with a merge.
        try ReaderPython.run(script: "prune_peers.py", ["make", folder.url.path])
        let inputs = try (1...2).map { number in
            let path = folder.path("bytes-\(number).parquet")
            return ParquetMergeInput(name: path, file: try ParquetFile(ParquetFileInput(path: path)))
        }
        var options = ParquetWriterOptions()
        (options.rowGroupRows, options.pageRows) = (300, 50)
        let output = try FolderOutput(path: folder.path("merged-bytes"))
        let report = try ParquetMerger.merge(inputs, to: output, options: options)
        try output.publish()
        let merged = folder.path("merged-bytes/\(report.files[0].name)")
        #expect(!report.isCopied && report.rows == 3000)
        try FileManager.default.moveItem(atPath: merged, toPath: folder.path("bytes.parquet"))
        files.append(folder.path("bytes.parquet"))
        try ReaderPython.run(script: "prune_peers.py", ["check"] + files)

        // Where nothing can be said of the greatest text, nothing is; short texts are their own bounds.
        let groups = try footer([UInt8](Data(contentsOf: URL(filePath: folder.path("bytes.parquet"))))).rowGroups
        let statistics = groups.map { $0.columns[1].metadata?.statistics }
        #expect(statistics.contains { $0?.maxValue == nil } && statistics.contains { $0?.maxValue != nil })
    }

    @Test("the page index bounds every page's own values, however its column is stored")
    func pages() throws {
        let rows = Self.rows(3000)
        for compatibility in [ParquetWriterOptions.Compatibility.legacy, .current, .newest] {
            let bytes = try write(rows) { $0.parquet.compatibility = compatibility }
            let metadata = try footer(bytes)
            var first = 0
            for group in metadata.rowGroups {
                for (column, chunk) in group.columns.enumerated() {
                    let fields = (first..<first + Int(group.rowCount)).map { rows[$0][column] }
                    try check(chunk, fields, Self.names[column], bytes)
                }
                first += Int(group.rowCount)
            }
            #expect(first == rows.count)
        }
    }

    private func check(
        _ chunk: ColumnChunkMetadata, _ fields: [String], _ name: String, _ bytes: [UInt8]
    ) throws {
        let places = try ThriftReader.decode(
            OffsetIndex.self, from: slice(bytes, chunk.offsetIndexOffset, chunk.offsetIndexLength))
        guard chunk.columnIndexOffset != nil else {
            // A page with a NaN has no bounds, and so the chunk no index.
            #expect(name == "x" && fields.contains("NaN"))
            return
        }
        let index = try ThriftReader.decode(
            ColumnIndex.self, from: slice(bytes, chunk.columnIndexOffset, chunk.columnIndexLength))
        let starts = places.pages.map { Int($0.firstRow) } + [fields.count]
        #expect(index.minValues.count == places.pages.count && places.pages.count >= fields.count / 60)
        for page in places.pages.indices {
            let values = fields[starts[page]..<starts[page + 1]].filter { !$0.isEmpty }
            #expect(index.nullPages[page] == values.isEmpty, "\(name), page \(page)")
            #expect(index.nullCounts?[page] == Int64(starts[page + 1] - starts[page] - values.count))
            let (low, high) = (index.minValues[page], index.maxValues[page])
            for value in values where !isWithin(value, low, high, name) {
                Issue.record("\(name), page \(page): \(value) is not within \(low) and \(high)")
            }
        }
    }

    private func isWithin(_ value: String, _ low: [UInt8], _ high: [UInt8], _ name: String) -> Bool {
        func number(_ bytes: [UInt8]) -> Int64 { bytes.reversed().reduce(0) { $0 << 8 | Int64($1) } }
        switch name {
        case "word", "long":
            let text = Array(value.utf8)
            return low.count <= 64 && high.count <= 64 && !text.lexicographicallyPrecedes(low)
                && !high.lexicographicallyPrecedes(text)
        case "x", "amount":
            let bounds = [low, high].map { Double(bitPattern: UInt64(bitPattern: number($0))) }
            guard let value = Double(value), !value.isNaN else { return true }
            // Zeros of both signs must be within.
            return bounds[0] <= value && value <= bounds[1] && (bounds[0] != 0 || bounds[0].sign == .minus)
        case "wide":
            func wide(_ bytes: [UInt8]) -> Int128 {
                bytes.reduce(bytes[0] >= 0x80 ? -1 : 0) { $0 << 8 | Int128($1) }
            }
            guard let value = Int128(value.filter { $0 != "." }) else { return false }
            return wide(low) <= value && value <= wide(high)
        case "id": return Int64(value).map { number(low) <= $0 && $0 <= number(high) } ?? false
        // The texts of days, times and truth values have their order.
        default: return true
        }
    }
}
