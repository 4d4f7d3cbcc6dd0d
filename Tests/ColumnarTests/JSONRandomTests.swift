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
                [.none, .snappy, .automatic, .zstd(level: 1)].randomElement(using: &random) ?? .none
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

    @Test("records that are malformed or that rules leave out leave no trace, however deep their values lie")
    func leftOut() throws {
        let folder = try ScratchFolder()
        var jobs: [JSONChecker.Job] = []
        for seed in 0..<120 {
            var random = SeededGenerator(seed: UInt64(seed) &* 6151 &+ 5)
            let lines = RandomJSON.make(seed: 90_000 + UInt64(seed), form: "ndjson").split {
                $0 == "\n" || $0 == "\r\n"
            }
            .map { $0.replacing("\u{FEFF}", with: "") }.filter { $0.contains("{") }
            var (kept, broken, skip): ([String], [String], [Int]) = ([], [], [])
            for (index, line) in lines.enumerated() {
                let value = Int.random(in: 0..<10, using: &random)
                let isEmpty = line.drop(while: { " \t{".contains($0) }).hasPrefix("}")
                let record =
                    "{\"zz\":\(value)\(isEmpty ? "" : ",")"
                    + line[line.index(after: line.firstIndex(of: "{") ?? line.startIndex)...]
                if value > 7 { skip.append(index) }
                kept.append(record)
                broken.append(record)
                if Int.random(in: 0..<8, using: &random) == 0 {
                    // With a field and kinds of values that no other record has.
                    let cut = record.utf8.count > 12 ? String(record.dropLast(1)) : "nonsense"
                    broken.append(
                        ["{\"zz\":\"text\",\"only_here\":{\"a\":[1]},", "\(cut),\"only_there\":1", "{\"zz\":[]} x"]
                            .randomElement(using: &random) ?? "x")
                }
            }
            var options = ConversionOptions()
            options.format = .ndjson
            options.csv.badRecords = .reject
            options.csv.batchBytes = [256, 1024, 65_536, 512 << 10].randomElement(using: &random) ?? 1024
            options.parquet.rowGroupRows = [7, 64, 1_000_000].randomElement(using: &random) ?? 64
            options.parquet.pageRows = [8, 100, 20_000].randomElement(using: &random) ?? 100
            options.threads = Int.random(in: 1...2, using: &random)
            options.quality = try QualityRules(dqdl: #"Rules = [ ColumnValues "zz" < 8 ]"#)
            let (path, source) = (folder.path("\(seed).parquet"), folder.path("\(seed).json"))
            try Data(kept.joined(separator: "\n").utf8).write(to: URL(filePath: source))
            let rejected = CollectedRejects()
            try convert(broken.joined(separator: "\n"), options, rejected: rejected, to: path)
            #expect(rejected.records.count == broken.count - kept.count + skip.count, "\(seed)")
            jobs.append(.init(parquet: path, json: source, skip: skip))
        }
        try JSONChecker.check(jobs, in: folder.url)
    }
}
