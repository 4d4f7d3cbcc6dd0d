import Columnar
import Foundation
import Testing

/// The footer of a Parquet file in memory.
func footer(_ bytes: [UInt8]) throws -> FileMetadata {
    #expect(bytes.prefix(4) == ArraySlice(Array("PAR1".utf8)))
    #expect(bytes.suffix(4) == ArraySlice(Array("PAR1".utf8)))
    let length = bytes.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    return try ThriftReader.decode(FileMetadata.self, from: Array(bytes.dropLast(8).suffix(length)))
}

/// A part of a file, such as an index.
func slice(_ bytes: [UInt8], _ offset: Int64?, _ length: Int32?) throws -> [UInt8] {
    let start = Int(try #require(offset))
    return Array(bytes[start..<start + Int(try #require(length))])
}

/// The Parquet file that a text becomes.
func parquet(of text: String, _ change: (inout ConversionOptions) -> Void = { _ in }) throws -> [UInt8] {
    var options = ConversionOptions()
    change(&options)
    let sink = MemorySink()
    _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
    return sink.bytes
}

@Suite("Parquet writer")
struct WriterTests {
    @Test("pages lie where the offset index says, and bounds hold what the pages hold")
    func pageIndex() throws {
        let rows = 5000
        let text =
            "n,x,s\n" + (0..<rows).map { "\($0 * 7919 % 100_003),\($0 < 100 ? "" : "\($0).5"),w\($0 % 3)\n" }.joined()
        let bytes = try parquet(of: text) { options in
            options.parquet.pageRows = 1000
            options.parquet.rowGroupRows = 2500
            options.csv.batchBytes = 8192
        }
        let metadata = try footer(bytes)
        #expect(metadata.createdBy == "sluice")
        #expect(metadata.rowGroups.map(\.rowCount) == [2500, 2500])
        for group in metadata.rowGroups {
            for column in group.columns {
                let offsets = try ThriftReader.decode(
                    OffsetIndex.self, from: slice(bytes, column.offsetIndexOffset, column.offsetIndexLength))
                #expect(offsets.pages.count >= 3)
                var values: Int64 = 0
                for page in offsets.pages {
                    #expect(page.firstRow == values)
                    let header = try ThriftReader.decode(
                        PageHeader.self, from: slice(bytes, page.offset, page.compressedSize))
                    values += Int64(try #require(header.dataPage).valueCount)
                }
                #expect(values == group.rowCount)
            }
        }
        let numbers = metadata.rowGroups[0].columns[0]
        let index = try ThriftReader.decode(
            ColumnIndex.self, from: slice(bytes, numbers.columnIndexOffset, numbers.columnIndexLength))
        let places = try ThriftReader.decode(
            OffsetIndex.self, from: slice(bytes, numbers.offsetIndexOffset, numbers.offsetIndexLength))
        let starts = places.pages.map { Int($0.firstRow) } + [2500]
        for page in places.pages.indices {
            let values = (starts[page]..<starts[page + 1]).map { Int64($0 * 7919 % 100_003) }
            #expect(index.minValues[page] == little(values.min() ?? 0))
            #expect(index.maxValues[page] == little(values.max() ?? 0))
        }
        let floats = metadata.rowGroups[0].columns[1]
        #expect(floats.metadata?.statistics?.nullCount == 100)
    }

    @Test("pages of texts with a dictionary have the least and the greatest text that is in them")
    func textPages() throws {
        // Words that come in their order, one that is everywhere in the second half, and a page of nulls.
        let words = (0..<6000).map { row in
            row >= 5000 ? "" : row > 2500 && row % 100 == 0 ? "zebra" : "w\(1000 + row / 50)\(row % 2 == 0 ? "" : "é")"
        }
        let bytes = try parquet(of: "n,s\n" + words.map { "1,\($0)\n" }.joined()) { options in
            options.parquet.pageRows = 500
            options.csv.batchBytes = 4096
        }
        let column = try footer(bytes).rowGroups[0].columns[1]
        #expect(column.metadata?.dictionaryPageOffset != nil)
        let index = try ThriftReader.decode(
            ColumnIndex.self, from: slice(bytes, column.columnIndexOffset, column.columnIndexLength))
        #expect(index.nullPages == (0..<12).map { $0 >= 10 })
        for page in 0..<10 {
            let texts = words[page * 500..<page * 500 + 500].map { Array($0.utf8) }.sorted {
                $0.lexicographicallyPrecedes($1)
            }
            #expect(index.minValues[page] == texts.first && index.maxValues[page] == texts.last, "page \(page)")
        }
        #expect(column.metadata?.statistics?.minValue == Array("w1000".utf8))
        #expect(column.metadata?.statistics?.maxValue == Array("zebra".utf8))
    }

    @Test("small pages beside a large dictionary have the bounds of their own texts")
    func smallPages() throws {
        var random = SeededGenerator(seed: 17)
        let words = (0..<40_000).map { _ in "word \(Int.random(in: 0..<5000, using: &random) * 7919 % 100_003)" }
        let bytes = try parquet(of: "n,s\n" + words.map { "1,\($0)\n" }.joined()) { options in
            options.parquet.pageRows = 100
            options.csv.batchBytes = 4096
        }
        let column = try footer(bytes).rowGroups[0].columns[1]
        #expect(column.metadata?.dictionaryPageOffset != nil)
        let index = try ThriftReader.decode(
            ColumnIndex.self, from: slice(bytes, column.columnIndexOffset, column.columnIndexLength))
        #expect(index.minValues.count == 400)
        for page in index.minValues.indices {
            let texts = words[page * 100..<page * 100 + 100].map { Array($0.utf8) }.sorted {
                $0.lexicographicallyPrecedes($1)
            }
            #expect(index.minValues[page] == texts.first && index.maxValues[page] == texts.last, "page \(page)")
        }
    }

    @Test("sizes, levels and entries of the footer that cannot be are refused in words")
    func refusedOptions() throws {
        for (word, expected) in [
            ("zstd:19", ParquetWriterOptions.Compression.zstd(level: 19)), ("gzip:1", .gzip(level: 1)),
            ("zstd", .zstd(level: 3)), ("gzip", .gzip(level: 6)), ("snappy", .snappy), ("none", .none),
        ] {
            let read = try ParquetWriterOptions.Compression(word: word)
            let again = try ParquetWriterOptions.Compression(word: read.description)
            // Every level gives a file.
            let rows = try footer(parquet(of: "n\n1\n") { $0.parquet.compression = read }).rowCount
            #expect(read == expected && again == expected && rows == 1)
        }
        for word in ["zstd:0", "zstd:23", "zstd:", "zstd:fast", "gzip:10", "snappy:1", "none:1", "lz4", "", ":3"] {
            let error = columnarError { _ = try ParquetWriterOptions.Compression(word: word) }
            #expect(error?.code == .invalidConfiguration && error?.message.contains("\"\(word)\"") == true, "\(word)")
        }
        for change in [\ParquetWriterOptions.rowGroupRows, \.rowGroupBytes, \.pageRows, \.pageBytes] {
            let error = columnarError { _ = try parquet(of: "n\n1\n") { $0.parquet[keyPath: change] = 0 } }
            #expect(error?.code == .invalidConfiguration && error?.message.contains("at least 1") == true)
        }
        var options = ParquetWriterOptions()
        try options.addMetadata([(key: "owner", value: "a=b"), (key: "team", value: "")])
        for key in ["", "owner", "sluice.source", "ARROW:schema"] {
            #expect(columnarError { try options.addMetadata([(key: key, value: "x")]) }?.code == .invalidConfiguration)
        }
        #expect(options.keyValueMetadata.map(\.value) == ["a=b", ""])
    }

    private func little(_ value: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    @Test("text bounds are cut at a character, the upper one counted up")
    func textBounds() throws {
        let long = String(repeating: "é", count: 60)
        let bytes = try parquet(of: "s\n\(long)a\n\(long)b\n")
        let statistics = try #require(try footer(bytes).rowGroups[0].columns[0].metadata?.statistics)
        let (low, high) = (try #require(statistics.minValue), try #require(statistics.maxValue))
        #expect(statistics.isMinValueExact == false)
        #expect(statistics.isMaxValueExact == false)
        #expect(low == Array(String(repeating: "é", count: 32).utf8))
        #expect(high.count <= 64)
        #expect(Array((long + "b").utf8).lexicographicallyPrecedes(high))
        #expect(String(validating: high, as: UTF8.self) != nil)
        // Nothing lies above the greatest character: no bound rather than a wrong one.
        let top = String(repeating: "\u{10FFFF}", count: 20)
        let none = try footer(parquet(of: "s\n\(top)\n")).rowGroups[0].columns[0].metadata?.statistics
        #expect(none?.maxValue == nil)
    }

    @Test("row groups end by rows and by bytes")
    func rowGroups() throws {
        var random = SeededGenerator(seed: 3)
        let text = "s\n" + (0..<20_000).map { _ in String(random.next(), radix: 36) + "\n" }.joined()
        let small = try parquet(of: text) { options in
            options.csv.batchBytes = 16_384
            options.parquet.rowGroupBytes = 50_000
            options.parquet.pageRows = 500
        }
        let groups = try footer(small).rowGroups
        #expect(groups.count >= 4)
        #expect(groups.allSatisfy { ($0.totalCompressedSize ?? 0) < 120_000 })
        #expect(groups.map(\.rowCount).reduce(0, +) == 20_000)
    }

    @Test("compatibility decides the encodings; every setting is read everywhere")
    func encodings() throws {
        let folder = try ScratchFolder()
        var random = SeededGenerator(seed: 5)
        var text = "id,price,code,day,flag,exact\n"
        for row in 0..<40_000 {
            let price = Double.random(in: 1..<1000, using: &random)
            text +=
                "\(row),\(price),\(String(random.next(), radix: 16)),2024-0\(1 + row % 9)-1\(row % 7),\(row % 2 == 0),1.\(row)\n"
        }
        let csv = folder.path("in.csv")
        try Data(text.utf8).write(to: URL(filePath: csv))
        var jobs: [ParquetChecker.Job] = []
        for compatibility in [ParquetWriterOptions.Compatibility.legacy, .current, .newest] {
            for compression in [ParquetWriterOptions.Compression.none, .snappy, .zstd(level: 3), .automatic] {
                let bytes = try parquet(of: text) { options in
                    options.parquet.compatibility = compatibility
                    options.parquet.compression = compression
                    options.parquet.pageRows = 5000
                }
                let path = folder.path("\(compatibility)-\(compression).parquet")
                try Data(bytes).write(to: URL(filePath: path))
                jobs.append(.init(parquet: path, csv: csv))
                let columns = try footer(bytes).rowGroups[0].columns.compactMap(\.metadata)
                #expect(columns[0].encodings.contains(.deltaBinaryPacked) == (compatibility != .legacy))
                #expect(columns[2].encodings.contains(.deltaLengthByteArray) == (compatibility != .legacy))
                #expect(
                    columns[1].encodings.contains(.byteStreamSplit)
                        == (compatibility == .newest && compression != .none))
                #expect(
                    columns[3].encodings.contains(compatibility == .legacy ? .plainDictionary : .rleDictionary))
            }
        }
        try ParquetChecker.check(jobs, in: folder.url)
    }
}
