import Columnar
import Foundation
import Testing

/// A file of `make_inputs.py random`.
private struct RandomInput: Decodable {
    struct Options: Decodable {
        var delimiter: String
        var quote: String
        var escape: String?
        var comment: String?
        var nullToken: String?
        var encoding: String
        var header: Bool
        var trims: Bool
    }

    var input: String
    var options: Options
    var rows: Int64
}

@Suite(
    "Random inputs: dialects, encodings and compression, read by pyarrow, DuckDB and Polars", .timeLimit(.minutes(10)))
struct RandomInputTests {
    @Test("every value survives")
    func random() throws {
        let folder = try ScratchFolder()
        let count = Int(ProcessInfo.processInfo.environment["SLUICE_RANDOM_INPUTS"] ?? "") ?? 240
        let first = Int(ProcessInfo.processInfo.environment["SLUICE_RANDOM_SEED"] ?? "") ?? 0
        try InputTools.run(["random", folder.url.path, "\(first)", "\(count)"])
        let manifest = try Data(contentsOf: folder.url.appending(path: "manifest.json"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let inputs = try decoder.decode([RandomInput].self, from: manifest)
        #expect(inputs.count == count)
        for (index, input) in inputs.enumerated() {
            var random = SeededGenerator(seed: UInt64(first + index))
            var options = ConversionOptions()
            options.csv.delimiter = input.options.delimiter.first
            options.csv.quote = input.options.quote.first
            options.csv.escape = input.options.escape?.first
            options.csv.comment = input.options.comment?.first
            options.csv.nullTokens = input.options.nullToken.map { [$0] } ?? []
            options.csv.encoding = try #require(TextEncoding(rawValue: input.options.encoding))
            options.csv.hasHeader = input.options.header
            options.csv.trimsFields = input.options.trims
            options.csv.batchBytes = [256, 4096, 512 << 10].randomElement(using: &random) ?? 4096
            options.threads = Int.random(in: 1...2, using: &random)
            let output = "\(input.input).parquet"
            do {
                let report = try CSVConverter.convert(
                    from: FileSource(path: input.input), to: FileSink(path: output), options: options)
                #expect(report.rows == input.rows, "\(input)")
            } catch {
                Issue.record("\(input): \(error)")
            }
        }
        // The expected values go from one script to the other.
        let jobs = try Data(contentsOf: folder.url.appending(path: "checks.json"))
        try ParquetChecker.check(jobs: jobs, count: count, in: folder.url)
    }
}
