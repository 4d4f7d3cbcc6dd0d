import Columnar
import Foundation
import Testing

@Suite("Partitions: random nested records", .timeLimit(.minutes(5)))
struct PartitionRandomTests {
    /// By the value of `zz`, the rows of a file as JSON, without that column.
    private func rows(of bytes: ParquetFile) throws -> [String: [String]] {
        var found: [String: [String]] = [:]
        let key = bytes.schema.fields.firstIndex { $0.name == "zz" }
        var reader = bytes.rows()
        while var row = try reader.next() {
            let value = key.map { row.remove(at: $0).json } ?? ""
            found[value, default: []].append(row.map(\.json).joined(separator: " "))
        }
        return found
    }

    @Test("the rows of all partitions together are those of one file, in their order and whatever their nesting")
    func divided() throws {
        let folder = try ScratchFolder()
        for seed in 0..<80 {
            var random = SeededGenerator(seed: UInt64(seed) &* 4409 &+ 11)
            let lines = RandomJSON.make(seed: 50_000 + UInt64(seed), form: "ndjson")
                .split { $0 == "\n" || $0 == "\r\n" }.filter { $0.contains("{") }
            var text = ""
            for (row, line) in lines.enumerated() {
                let value = ["1", "2", "30", "-4", "null", "5"].randomElement(using: &random) ?? "1"
                let inner = line[line.index(after: line.firstIndex(of: "{") ?? line.startIndex)...]
                let isEmpty = inner.drop { " \t".contains($0) }.hasPrefix("}")
                text += "{\"zz\":\(value),\"yy\":\(row)\(isEmpty ? "" : ",")\(inner)\n"
                if Int.random(in: 0..<20, using: &random) == 0 { text += "{\"zz\":\n" }
            }
            var options = ConversionOptions()
            options.format = .ndjson
            options.csv.badRecords = .reject
            options.csv.batchBytes = [256, 4096, 512 << 10].randomElement(using: &random) ?? 4096
            options.parquet.rowGroupRows = [5, 64, 1_000_000].randomElement(using: &random) ?? 64
            options.parquet.pageRows = [8, 100, 20_000].randomElement(using: &random) ?? 100
            options.threads = Int.random(in: 1...2, using: &random)
            let whole = MemorySink()
            _ = try CSVConverter.convert(from: MemorySource(text), to: whole, options: options)
            let expected = try rows(of: ParquetFile(ParquetMemoryInput(whole.bytes)))

            var partitioning = try Partitioning(parsing: "zz")
            partitioning.openFiles = Int.random(in: 1...6, using: &random)
            if Bool.random(using: &random) { partitioning.fileBytes = 2000 }
            let path = folder.path("\(seed)")
            let output = try FolderOutput(path: path)
            let report = try CSVConverter.convert(
                from: MemorySource(text), to: output, partitionedBy: partitioning, options: options)
            try output.publish()
            var found: [String: [String]] = [:]
            for file in report.files {
                let parquet = try ParquetFile(ParquetFileInput(path: "\(path)/\(file.path)\(file.name)"))
                let key = file.values == ["__HIVE_DEFAULT_PARTITION__"] ? "null" : file.values[0]
                found[key, default: []] += try rows(of: parquet)[""] ?? []
            }
            #expect(found == expected, "\(seed)")
        }
    }
}
