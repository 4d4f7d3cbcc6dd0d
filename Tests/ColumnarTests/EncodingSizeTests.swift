import Columnar
import Foundation
import Testing

@Suite("Parquet writer: encodings by size", .timeLimit(.minutes(5)))
struct EncodingSizeTests {
    @Test("Each column is about as small as the best single encoding makes it")
    func sizes() throws {
        let folder = try ScratchFolder()
        let printed = try ReaderPython.run(script: "encoding_sizes.py", [folder.url.path])
        let sizes = try JSONDecoder().decode([String: [String: Int64]].self, from: Data(printed.utf8))
        let csv = folder.path("shapes.csv")
        var jobs: [ParquetChecker.Job] = []
        for compatibility in [ParquetWriterOptions.Compatibility.current, .newest, .legacy] {
            var options = ConversionOptions()
            options.parquet.compatibility = compatibility
            let path = folder.path("\(compatibility).parquet")
            _ = try CSVConverter.convert(from: FileSource(path: csv), to: FileSink(path: path), options: options)
            jobs.append(.init(parquet: path, csv: csv))
            let file = try ParquetFile(ParquetFileInput(path: path))
            for chunk in file.rowGroups[0].columns {
                let known = try #require(sizes[chunk.column.name])
                let allowed = known.filter {
                    switch compatibility {
                    case .legacy: ["PLAIN", "DICTIONARY"].contains($0.key)
                    case .current: $0.key != "BYTE_STREAM_SPLIT"
                    case .newest: true
                    }
                }
                let best = try #require(allowed.values.min())
                let share = Double(chunk.compressedBytes) / Double(best)
                // Early values decide on the dictionary: "thousands" are mostly new at first and hardly ever later.
                // Without differences, sorted times compress better plain than as ids, which nobody can know.
                let limit = chunk.column.name == "thousands" ? 1.5 : compatibility == .legacy ? 1.25 : 1.12
                #expect(
                    share < limit,
                    "\(chunk.column.name), \(compatibility): \(chunk.compressedBytes) with \(chunk.encodings), \(known)"
                )
            }
        }
        try ParquetChecker.check(jobs, in: folder.url)
    }
}
