import Columnar
import Foundation
import Testing

@Suite("JSON: random records, read by pyarrow, DuckDB and Polars", .timeLimit(.minutes(5)))
struct JSONRandomTests {
    @Test("every value survives, whatever its nesting and the options", arguments: ["ndjson", "list", "sequence"])
    func random(form: String) throws {
        let folder = try ScratchFolder()
        var jobs: [JSONChecker.Job] = []
        for seed in 0..<130 {
            let key = UInt64(seed) &* 3 &+ UInt64(form.utf8.count)
            var random = SeededGenerator(seed: key &* 7919)
            let text = RandomJSON.make(seed: key, form: form)
            var options = ConversionOptions()
            options.format = form == "ndjson" ? .ndjson : .json
            options.csv.batchBytes = [256, 1024, 65_536, 512 << 10].randomElement(using: &random) ?? 1024
            options.parquet.rowGroupRows = [7, 64, 1000, 1_000_000].randomElement(using: &random) ?? 1000
            options.parquet.pageRows = [8, 100, 20_000].randomElement(using: &random) ?? 100
            options.parquet.pageBytes = [256, 512 << 10].randomElement(using: &random) ?? 256
            options.parquet.compression =
                [.none, .snappy, .zstd(level: 1)].randomElement(using: &random) ?? .none
            options.parquet.compatibility = [.current, .legacy, .newest].randomElement(using: &random) ?? .current
            options.threads = Int.random(in: 1...2, using: &random)
            let path = folder.path("\(form)-\(seed).parquet")
            let source = folder.path("\(form)-\(seed).json")
            try Data(text.utf8).write(to: URL(filePath: source))
            do {
                try convert(text, options, to: path)
            } catch let error as ColumnarError {
                // Records without any field make no table.
                #expect(error.code == .emptyFile && !text.contains(":"), "\(source): \(error)")
                continue
            }
            jobs.append(.init(parquet: path, json: source))
        }
        #expect(jobs.count > 100)
        try JSONChecker.check(jobs, in: folder.url)
    }
}
