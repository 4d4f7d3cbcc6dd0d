import Columnar
import Foundation
import Testing

/// Which codec a column chunk has with `auto`: Zstandard where it makes texts clearly smaller, else Snappy or none.
@Suite("Parquet writer: the codec of each chunk", .timeLimit(.minutes(5)))
struct CodecChoiceTests {
    /// Ids and hashes have no repetitions, words and paths have; numbers and categories are no texts to this end.
    private func text(_ rows: Int, seed: UInt64 = 21) -> String {
        var random = SeededGenerator(seed: seed)
        let words = ["order", "late", "driver", "airport", "refund", "gate", "hotel", "customer"]
        var text = "uuid,sha,mail,words,kind,number,price,late\n"
        for row in 0..<rows {
            func hex(_ digits: Int) -> String {
                let number = String(random.next(), radix: 16)
                return String(repeating: "0", count: max(0, digits - number.count)) + number.suffix(digits)
            }
            let phrase = (0..<4).map { _ in words[Int(random.next() % 8)] }.joined(separator: " ")
            // Few of the first values of the last column are new, all of the later ones.
            let late = row < 30_000 ? "kind \(random.next() % 50)" : hex(16) + hex(16)
            text += "\(hex(8))-\(hex(4))-\(hex(4))-\(hex(12)),\(hex(16))\(hex(16))\(hex(8)),"
            text +=
                "user\(random.next() % 1_000_000_000)@\(words[row % 8])\(row % 977).example.com,\(phrase) #\(random.next() % 100_000_000),"
            text += "category \(row % 9),\(random.next() >> 2),\(Double(row) / 7),\(late)\n"
        }
        return text
    }

    private func codecs(_ bytes: [UInt8]) throws -> [[CompressionCodec]] {
        try footer(bytes).rowGroups.map { $0.columns.compactMap(\.metadata?.codec) }
    }

    @Test("ids, hashes and phrases are Zstandard's by default, everything else is not; all values are there")
    func choice() throws {
        let folder = try ScratchFolder()
        let csv = text(70_000)
        try Data(csv.utf8).write(to: URL(filePath: folder.path("in.csv")))
        var (sizes, jobs): ([String: Int], [ParquetChecker.Job]) = ([:], [])
        for name in ["default", "auto", "snappy", "none", "gzip:1"] {
            var options = ConversionOptions()
            options.parquet.rowGroupRows = 60_000
            if name != "default" { options.parquet.compression = try .init(word: name) }
            var files: [[UInt8]] = []
            for threads in 1...2 {
                options.threads = threads
                let sink = MemorySink()
                _ = try CSVConverter.convert(from: MemorySource(csv), to: sink, options: options)
                files.append(sink.bytes)
            }
            // Whichever thread has a column, and whatever it compressed before.
            #expect(files[0] == files[1])
            sizes[name] = files[0].count
            let path = folder.path("\(name).parquet")
            try Data(files[0]).write(to: URL(filePath: path))
            jobs.append(.init(parquet: path, csv: folder.path("in.csv")))
            let codecs = try codecs(files[0])
            #expect(codecs.count == 2)
            for group in codecs {
                switch name {
                case "default", "auto":
                    // In the first group the last column begins with ids of a dictionary, which do not shrink.
                    #expect(group[..<4] == [.zstd, .zstd, .zstd, .zstd] && group[7] == .zstd, "\(group)")
                    #expect(!group[4..<7].contains(.zstd), "\(group)")
                default:
                    let own: CompressionCodec = name == "snappy" ? .snappy : name == "none" ? .uncompressed : .gzip
                    #expect(group.allSatisfy { $0 == own || $0 == .uncompressed }, "\(name): \(group)")
                }
            }
        }
        try ParquetChecker.check(jobs, in: folder.url)
        #expect(sizes["default"] == sizes["auto"])
        #expect((sizes["auto"] ?? 0) * 4 < (sizes["snappy"] ?? 0) * 3, "\(sizes)")

        // Our own reader, too.
        let file = try ParquetFile(ParquetFileInput(path: folder.path("auto.parquet")))
        var reader = file.rows()
        let lines = csv.split(separator: "\n").dropFirst()
        for line in lines {
            let row = try #require(try reader.next())
            let fields = line.split(separator: ",")
            #expect(row[0].description == fields[0] && row[7].description == fields[7])
        }
        #expect(try reader.next() == nil)
    }

    @Test("readers of Parquet 1.0 get Snappy alone, and small files are no reason to change")
    func plain() throws {
        let csv = text(5_000)
        let old = MemorySink()
        var options = ConversionOptions()
        options.parquet.compatibility = .legacy
        _ = try CSVConverter.convert(from: MemorySource(csv), to: old, options: options)
        #expect(try codecs(old.bytes)[0].allSatisfy { $0 == .snappy || $0 == .uncompressed })
        let small = MemorySink()
        _ = try CSVConverter.convert(
            from: MemorySource(csv.split(separator: "\n").prefix(20).joined(separator: "\n")), to: small,
            options: ConversionOptions())
        #expect(try codecs(small.bytes)[0].allSatisfy { $0 != .zstd })
    }

    @Test("lists of texts and merged files choose likewise")
    func elsewhere() throws {
        let folder = try ScratchFolder()
        var random = SeededGenerator(seed: 3)
        var text = ""
        for row in 0..<3000 {
            let ids = (0..<row % 5).map { _ in "\"\(String(random.next(), radix: 16))\(random.next())\"" }
            text += "{\"n\":\(row),\"ids\":[\(ids.joined(separator: ","))]}\n"
        }
        var options = ConversionOptions()
        options.format = .ndjson
        let lists = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource(text), to: lists, options: options)
        #expect(try codecs(lists.bytes)[0][1] == .zstd)
        try Data(text.utf8).write(to: URL(filePath: folder.path("lists.ndjson")))
        try Data(lists.bytes).write(to: URL(filePath: folder.path("lists.parquet")))
        try JSONChecker.check(
            [.init(parquet: folder.path("lists.parquet"), json: folder.path("lists.ndjson"))], in: folder.url)

        var inputs: [ParquetMergeInput] = []
        var snappy = ConversionOptions()
        snappy.parquet.compression = .snappy
        for (seed, name) in ["a", "b"].enumerated() {
            let (csv, sink) = (self.text(4000, seed: UInt64(seed)), MemorySink())
            _ = try CSVConverter.convert(from: MemorySource(csv), to: sink, options: snappy)
            inputs.append(ParquetMergeInput(name: name, file: try ParquetFile(ParquetMemoryInput(sink.bytes))))
        }
        let output = try FolderOutput(path: folder.path("merged"))
        let report = try ParquetMerger.merge(inputs, to: output)
        try output.publish()
        let merged = try [UInt8](Data(contentsOf: URL(filePath: folder.path("merged/\(report.files[0].name)"))))
        let chosen = try codecs(merged)[0]
        #expect(report.rows == 8000 && chosen[..<3] == [.zstd, .zstd, .zstd], "\(chosen)")
    }

    @Test("the word is read and shown")
    func word() throws {
        #expect(try ParquetWriterOptions.Compression(word: "auto") == .automatic)
        #expect("\(ParquetWriterOptions().compression)" == "auto")
        #expect(
            columnarError { _ = try ParquetWriterOptions.Compression(word: "auto:3") }?.code == .invalidConfiguration)
    }
}
