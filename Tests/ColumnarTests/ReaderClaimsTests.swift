import Columnar
import Testing

/// Footers that claim what no file can hold: an error, never an overflow or a time without end.
@Suite("Parquet reader: claims of footers", .timeLimit(.minutes(5)))
struct ReaderClaimsTests {
    /// A file of the text, with its footer changed.
    private func file(
        _ csv: String, _ types: [(String, ColumnType)], _ change: (inout FileMetadata) -> Void
    ) throws -> [UInt8] {
        let sink = MemorySink()
        var options = ConversionOptions()
        options.schema = types.map { ColumnSchema(name: $0.0, type: $0.1) }
        _ = try CSVConverter.convert(from: MemorySource(csv), to: sink, options: options)
        var bytes = sink.bytes
        let length = bytes.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        var footer = try ThriftReader.decode(FileMetadata.self, from: Array(bytes.dropLast(8).suffix(length)))
        change(&footer)
        bytes.removeLast(8 + length)
        let written = ThriftWriter.bytes(of: footer)
        bytes += written
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: written.count >> (8 * $0)) } + Array("PAR1".utf8)
        return bytes
    }

    @Test("Pages that begin beyond the data are refused, also where the other offset is right")
    func offsets() throws {
        for beyond in [Int64.max, 1 << 40] {
            let dictionary = try file("s\na\n", [("s", .string)]) { footer in
                footer.rowGroups[0].columns[0].metadata?.dictionaryPageOffset = beyond
            }
            #expect(columnarError { _ = try ParquetFile(ParquetMemoryInput(dictionary)) }?.code == .corruptFile)
            let data = try file("s\na\n", [("s", .string)]) { footer in
                footer.rowGroups[0].columns[0].metadata?.dictionaryPageOffset = 4
                footer.rowGroups[0].columns[0].metadata?.dataPageOffset = beyond
            }
            #expect(columnarError { _ = try ParquetFile(ParquetMemoryInput(data)) }?.code == .corruptFile)
        }
    }

    @Test("Files that claim more rows together than there can be are not copied into one")
    func rows() throws {
        let bytes = try file("s\na\n", [("s", .string)]) { footer in
            // A type that is copied as it is stored.
            footer.schema[1].logicalType = .json
            footer.schema[1].convertedType = nil
            footer.rowCount = 1 << 62
            footer.rowGroups[0].rowCount = 1 << 62
            footer.rowGroups[0].columns[0].metadata?.valueCount = 1 << 62
        }
        let input = ParquetMergeInput(name: "claims", file: try ParquetFile(ParquetMemoryInput(bytes)))
        for fileBytes in [nil, 1] as [Int64?] {
            let error = columnarError {
                _ = try ParquetMerger.merge([input, input, input], to: NoOutput(), fileBytes: fileBytes)
            }
            #expect(error?.code == .corruptFile, "\(error.map { "\($0)" } ?? "merged")")
        }
    }

    @Test("A decimal longer than any type needs is damage, and no bound of the statistics")
    func decimals() throws {
        let text = String(repeating: "7", count: 2_000_000)
        let bytes = try file("d\n\(text)\n", [("d", .string)]) { footer in
            footer.schema[1].logicalType = .decimal(precision: 10, scale: 2)
            footer.schema[1].convertedType = nil
            footer.rowGroups[0].columns[0].metadata?.statistics = ParquetStatistics(
                maxValue: Array(text.utf8), minValue: Array(text.utf8))
        }
        let file = try ParquetFile(ParquetMemoryInput(bytes))
        #expect(file.schema.columns[0].typeName == "decimal(10,2)")
        if case .decimal? = file.rowGroups[0].columns[0].minimum { Issue.record("a bound of 2,000,000 bytes") }
        let error = columnarError { _ = try file.head(rows: 1) }
        #expect(error?.code == .corruptFile && error?.message.contains("2000000 bytes") == true)
    }

    /// Keeps nothing, not even for other readers: what is copied from such files claims the same.
    private final class NoOutput: PartitionedOutput {
        func begin(_ file: PartitionFile) throws(ColumnarError) -> any ByteSink { Columnar.MemorySink() }
        func complete(_ file: PartitionFile) throws(ColumnarError) {}
        func reset() throws(ColumnarError) {}
    }
}
