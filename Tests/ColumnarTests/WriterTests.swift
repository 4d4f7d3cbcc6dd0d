import Columnar
import Foundation
import Testing

/// The footer of a Parquet file in memory.
private func footer(_ bytes: [UInt8]) throws -> FileMetadata {
    #expect(bytes.prefix(4) == ArraySlice(Array("PAR1".utf8)))
    #expect(bytes.suffix(4) == ArraySlice(Array("PAR1".utf8)))
    let length = bytes.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    return try ThriftReader.decode(FileMetadata.self, from: Array(bytes.dropLast(8).suffix(length)))
}

private func slice(_ bytes: [UInt8], _ offset: Int64?, _ length: Int32?) throws -> [UInt8] {
    let start = Int(try #require(offset))
    return Array(bytes[start..<start + Int(try #require(length))])
}

@Suite("Parquet writer")
struct WriterTests {
    private func write(_ text: String, _ change: (inout ConversionOptions) -> Void = { _ in }) throws -> [UInt8] {
        var options = ConversionOptions()
        change(&options)
        let sink = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
        return sink.bytes
    }

    @Test("pages lie where the offset index says, and bounds hold what the pages hold")
    func pageIndex() throws {
        let rows = 5000
        let text =
            "n,x,s\n" + (0..<rows).map { "\($0 * 7919 % 100_003),\($0 < 100 ? "" : "\($0).5"),w\($0 % 3)\n" }.joined()
        let bytes = try write(text) { options in
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

    private func little(_ value: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    @Test("text bounds are cut at a character, the upper one counted up")
    func textBounds() throws {
        let long = String(repeating: "é", count: 60)
        let bytes = try write("s\n\(long)a\n\(long)b\n")
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
        let none = try footer(write("s\n\(top)\n")).rowGroups[0].columns[0].metadata?.statistics
        #expect(none?.maxValue == nil)
    }

    @Test("row groups end by rows and by bytes")
    func rowGroups() throws {
        var random = SeededGenerator(seed: 3)
        let text = "s\n" + (0..<20_000).map { _ in String(random.next(), radix: 36) + "\n" }.joined()
        let small = try write(text) { options in
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
            for compression in [ParquetWriterOptions.Compression.none, .snappy, .zstd(level: 3)] {
                let bytes = try write(text) { options in
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

    @Test("dictionaries that outgrow their limits give way in the middle of a chunk")
    func largeDictionary() throws {
        let folder = try ScratchFolder()
        var text = "few,many,long\n"
        var random = SeededGenerator(seed: 9)
        for row in 0..<120_000 {
            // Few of the first values are new, all of the later ones.
            let many = row < 40_000 ? "v\(row % 50)" : "value number \(row)"
            let long = row < 30_000 ? row * 37 % 100 * 1_000_003 : Int.random(in: 0..<1 << 40, using: &random)
            text += "\(row % 3),\(many),\(long)\n"
        }
        let csv = folder.path("in.csv")
        try Data(text.utf8).write(to: URL(filePath: csv))
        let bytes = try write(text) { $0.threads = 2 }
        let path = folder.path("out.parquet")
        try Data(bytes).write(to: URL(filePath: path))
        let encodings = try footer(bytes).rowGroups[0].columns.compactMap(\.metadata).map { Set($0.encodings) }
        #expect(encodings[1].isSuperset(of: [.rleDictionary, .deltaLengthByteArray]))
        #expect(encodings[2].isSuperset(of: [.rleDictionary, .deltaBinaryPacked]))
        try ParquetChecker.check([.init(parquet: path, csv: csv)], in: folder.url)
    }

    @Test("texts that differ only beyond their hash's first look stay apart, as do quoted null tokens")
    func exactKeys() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.csv.nullTokens = ["NA", "none at all", "-"]
        let path = folder.path("keys.parquet")
        let text =
            "s,n\nNA,1\n\"NA\",NA\nnone at all,-\n\"none at all\",\"NA\"\nabcdefgh,2\nabcdefghi,3\n\"abcdefgh\",\"3\"\n-,\"\"\n"
        try convert(text, options, to: path)
        let expected = ExpectedColumns(columns: [
            (
                "s",
                [
                    .null, .text("NA"), .null, .text("none at all"), .text("abcdefgh"), .text("abcdefghi"),
                    .text("abcdefgh"), .null,
                ]
            ),
            ("n", [.integer(1), .null, .null, .null, .integer(2), .integer(3), .integer(3), .null]),
        ])
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
    }

    @Test("null tokens that look like numbers are nulls, in dictionaries and among plain values")
    func numericTokens() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.csv.nullTokens = ["-999", "1000000007"]
        var text = "few,many,price\n"
        var expected = ExpectedColumns(columns: [("few", []), ("many", []), ("price", [])])
        for row in 0..<8000 {
            let isNull = row % 10 == 3
            text += isNull ? "-999,1000000007,-999\n" : "\(row % 7),\"\(row * 7_919_333)\",\"\(row).25\"\n"
            expected.columns[0].values.append(isNull ? .null : .integer(Int64(row % 7)))
            expected.columns[1].values.append(isNull ? .null : .integer(Int64(row * 7_919_333)))
            expected.columns[2].values.append(isNull ? .null : .double(Double(row) + 0.25))
        }
        let path = folder.path("tokens.parquet")
        try convert(text, options, to: path)
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
    }

    @Test("a file whose fields are all quoted gives the same bytes as one without quotes")
    func allQuoted() throws {
        var random = SeededGenerator(seed: 33)
        var (plain, quoted) = ("a,b,c,d,e,f\n", "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"\n")
        for row in 0..<9000 {
            let fields = [
                "\(row)", "\(Double(Int.random(in: 0..<500, using: &random)) / 4)", "word\(row % 5)",
                "2024-01-0\(1 + row % 9) 0\(row % 10):11:22", String(random.next(), radix: 16),
                row % 3 == 0 ? "true" : "false",
            ]
            plain += fields.joined(separator: ",") + "\n"
            quoted += fields.map { "\"\($0)\"" }.joined(separator: ",") + "\n"
        }
        #expect(try write(plain) { $0.csv.batchBytes = 4 << 20 } == write(quoted) { $0.csv.batchBytes = 4 << 20 })
    }

    @Test("numbers in text become the nearest double, like the standard library's")
    func doubles() throws {
        var random = SeededGenerator(seed: 21)
        var texts: [String] = [
            "0.1", "123456789012345678.9", "9007199254740993.0", "0.000000000000000000000000001", "1e22",
        ]
        texts += [
            "1e23", "8.5e-27", "179769313486231570000000000000000000000.5e270", "4.9e-324", "2.2250738585072011e-308",
        ]
        for _ in 0..<20_000 {
            let digits = (0..<Int.random(in: 1...22, using: &random)).map { _ in Int.random(in: 0...9, using: &random) }
            let point = Int.random(in: 1...digits.count, using: &random)
            let whole = digits[..<point].drop { $0 == 0 }.map(String.init).joined()
            var text = (whole.isEmpty ? "0" : whole) + "." + digits[point...].map(String.init).joined() + "5"
            if Bool.random(using: &random) { text = "-" + text }
            if Bool.random(using: &random) { text += "e\(Int.random(in: -40...40, using: &random))" }
            texts.append(text)
        }
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite { texts.append("\(value)".contains(".") ? "\(value)" : "\(value)e0") }
        }
        for _ in 0..<20_000 { texts.append("\(Double.random(in: 0..<1000, using: &random))") }
        let reader = try CSVReader(MemorySource("v,x\n" + texts.map { "\($0),1\n" }.joined()))
        var row = 0
        try reader.forEachRecord { record throws(ColumnarError) in
            let wanted = Double(texts[row])
            let found = record.double(0)
            #expect(found?.bitPattern == wanted?.bitPattern || wanted?.isFinite == false, "\(texts[row])")
            row += 1
        }
        #expect(row == texts.count)
    }
}

@Suite("Thrift compact protocol")
struct WriterThriftTests {
    private func sample() -> FileMetadata {
        var column = ColumnMetadata(
            type: .int64, encodings: [.plain, .rle], path: ["a", "b"], codec: .zstd, valueCount: -1,
            totalUncompressedSize: .max, totalCompressedSize: .min, dataPageOffset: 4)
        column.statistics = ParquetStatistics(nullCount: 3, maxValue: [1, 2], minValue: [], isMaxValueExact: false)
        column.encodingStats = (0..<20).map { PageEncodingStats(pageType: .dataPageV2, encoding: .plain, count: $0) }
        return FileMetadata(
            version: 2,
            schema: [
                SchemaElement(name: "root", childCount: 7),
                SchemaElement(
                    type: .int64, repetition: .optional, name: "é", logicalType: .decimal(precision: 9, scale: 2)),
                SchemaElement(name: "t", logicalType: .timestamp(unit: .nanoseconds, isAdjustedToUTC: true)),
                SchemaElement(name: "i", logicalType: .integer(bitWidth: 16, isSigned: false)),
                SchemaElement(name: "u", logicalType: .unknown(18)),
            ], rowCount: 0,
            rowGroups: [
                RowGroupMetadata(
                    columns: [ColumnChunkMetadata(fileOffset: 0, metadata: column)], totalByteSize: 1, rowCount: 2,
                    ordinal: 300)
            ], keyValues: [KeyValue(key: "k")], createdBy: "", columnOrders: [ColumnOrder(typeOrder: EmptyStruct())])
    }

    @Test("what is written is read")
    func roundTrip() throws {
        let value = sample()
        #expect(try ThriftReader.decode(FileMetadata.self, from: ThriftWriter.bytes(of: value)) == value)
    }

    @Test("cut and damaged metadata is an error, never a crash")
    func damaged() {
        let bytes = ThriftWriter.bytes(of: sample())
        for length in bytes.indices {
            let cut = columnarError { _ = try ThriftReader.decode(FileMetadata.self, from: Array(bytes[..<length])) }
            #expect(cut?.code == .corruptFile)
        }
        var random = SeededGenerator(seed: 2)
        for _ in 0..<5000 {
            var changed = bytes
            for _ in 0...Int.random(in: 0...3, using: &random) {
                changed[Int.random(in: changed.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = columnarError { _ = try ThriftReader.decode(FileMetadata.self, from: changed) }
        }
    }
}

@Suite("Parquet writer, row by row")
struct WriterRowTests {
    @Test("values of all types, at their limits, are read as they were written")
    func rows() throws {
        let folder = try ScratchFolder()
        let types: [ColumnType] = [
            .boolean, .bigint, .double, .decimal(precision: 18, scale: 3), .decimal(precision: 38, scale: 0), .date,
            .timestamp, .timestampUTC, .string,
        ]
        let columns = types.enumerated().map { ColumnSchema(name: "C\($0)", type: $1) }
        let top = String(repeating: "9", count: 38)
        let table: [[ColumnValue]] = [
            [
                .boolean(true), .bigint(.max), .double(.greatestFiniteMagnitude), .string("999999999999999.999"),
                .string(top), .date(days: 2_932_896), .timestamp(microseconds: 253_402_300_799_999_999),
                .timestamp(microseconds: 0), .string("\"quoted\", and\nlines"),
            ],
            [
                .boolean(false), .bigint(.min), .double(.leastNonzeroMagnitude), .string("-0.001"), .string("-" + top),
                .date(days: -719_162), .timestamp(microseconds: -62_135_596_800_000_000),
                .timestamp(microseconds: -1), .string(""),
            ],
            Array(repeating: .null, count: 9),
            [
                .null, .bigint(0), .double(.nan), .string("1"), .string("0"), .null, .null,
                .timestamp(microseconds: 1_700_000_000_123_456), .string("é"),
            ],
        ]
        let path = folder.path("rows.parquet")
        let writer = try ParquetWriter(FileSink(path: path), columns: columns)
        for row in table { try writer.append(row) }
        #expect(writer.rows == 4)
        let size = try writer.finish()
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64 == size)
        let expected = ExpectedColumns(columns: [
            ("c0", [.boolean(true), .boolean(false), .null, .null]),
            ("c1", [.integer(.max), .integer(.min), .null, .integer(0)]),
            ("c2", [.double(.greatestFiniteMagnitude), .double(.leastNonzeroMagnitude), .null, .double(.nan)]),
            ("c3", [.text("999999999999999.999"), .text("-0.001"), .null, .text("1.000")]),
            ("c4", [.text(top), .text("-" + top), .null, .text("0")]),
            ("c5", [.text("9999-12-31"), .text("0001-01-01"), .null, .null]),
            ("c6", [.text("9999-12-31 23:59:59.999999"), .text("0001-01-01 00:00:00"), .null, .null]),
            (
                "c7",
                [
                    .text("1970-01-01 00:00:00"), .text("1969-12-31 23:59:59.999999"), .null,
                    .text("2023-11-14 22:13:20.123456"),
                ]
            ),
            ("c8", [.text("\"quoted\", and\nlines"), .text(""), .null, .text("é")]),
        ])
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
    }

    @Test("many rows make row groups; wrong values are refused")
    func faults() throws {
        var options = ParquetWriterOptions()
        options.rowGroupRows = 3000
        let columns = [
            ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "b", type: .decimal(precision: 3, scale: 1)),
        ]
        let sink = MemorySink()
        let writer = try ParquetWriter(sink, columns: columns, options: options)
        for row in 0..<10_000 { try writer.append([.bigint(Int64(row)), .string("1.5")]) }
        try writer.finish()
        #expect(try footer(sink.bytes).rowGroups.map(\.rowCount) == [3000, 3000, 3000, 1000])
        let other = try ParquetWriter(MemorySink(), columns: columns)
        #expect(columnarError { try other.append([.bigint(1)]) }?.code == .malformedRow)
        #expect(columnarError { try other.append([.double(1), .null]) }?.column == "a")
        try other.append([.bigint(1), .string("1.5")])
        try other.append([.bigint(1), .string("1000.5")])
        let misfit = columnarError { try other.finish() }
        #expect(misfit?.code == .schemaMismatch)
        #expect(misfit?.column == "b")
        #expect(misfit?.row == 2)
        let twice = [ColumnSchema(name: "A b", type: .bigint), ColumnSchema(name: "a_b", type: .string)]
        #expect(columnarError { _ = try ParquetWriter(MemorySink(), columns: twice) }?.code == .duplicateColumn)
    }
}
