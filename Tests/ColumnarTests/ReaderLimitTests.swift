import Columnar
import Foundation
import Testing

/// Small files that claim much: refused before the memory is taken.
@Suite("Parquet reader: limits on memory")
struct ReaderLimitTests {
    /// A file of text columns with a dictionary each, which claims `size` bytes and `count` values.
    private func file(columns: Int, size: Int32, count: Int32, stored: [UInt8], codec: CompressionCodec) -> [UInt8] {
        var bytes = Array("PAR1".utf8)
        var chunks: [ColumnChunkMetadata] = []
        for column in 0..<columns {
            let start = Int64(bytes.count)
            bytes += ThriftWriter.bytes(
                of: PageHeader(
                    type: .dictionaryPage, uncompressedSize: size, compressedSize: Int32(stored.count),
                    dictionaryPage: DictionaryPageHeader(valueCount: count, encoding: .plain)))
            bytes += stored
            let pages = Int64(bytes.count)
            // One value, the first of the dictionary.
            let page: [UInt8] = [1, 2, 0]
            bytes += ThriftWriter.bytes(
                of: PageHeader(
                    type: .dataPageV2, uncompressedSize: Int32(page.count), compressedSize: Int32(page.count),
                    dataPageV2: DataPageHeaderV2(
                        valueCount: 1, nullCount: 0, rowCount: 1, encoding: .rleDictionary,
                        definitionLevelsByteLength: 0, repetitionLevelsByteLength: 0, isCompressed: false)))
            bytes += page
            chunks.append(
                ColumnChunkMetadata(
                    fileOffset: 0,
                    metadata: ColumnMetadata(
                        type: .byteArray, encodings: [.plain, .rleDictionary], path: ["c\(column)"], codec: codec,
                        valueCount: 1, totalUncompressedSize: Int64(size),
                        totalCompressedSize: Int64(bytes.count) - start,
                        dataPageOffset: pages, dictionaryPageOffset: start)))
        }
        let leaves = (0..<columns).map { SchemaElement(type: .byteArray, repetition: .required, name: "c\($0)") }
        let footer = ThriftWriter.bytes(
            of: FileMetadata(
                version: 1, schema: [SchemaElement(name: "schema", childCount: Int32(columns))] + leaves, rowCount: 1,
                rowGroups: [RowGroupMetadata(columns: chunks, totalByteSize: 0, rowCount: 1)]))
        return bytes + footer + (0..<4).map { UInt8(truncatingIfNeeded: footer.count >> (8 * $0)) } + Array("PAR1".utf8)
    }

    private func refusal(_ bytes: [UInt8], _ limits: ParquetLimits = ParquetLimits()) -> ColumnarError? {
        columnarError {
            let file = try ParquetFile(ParquetMemoryInput(bytes), limits: limits)
            var rows = file.rows()
            while try rows.next() != nil {}
        }
    }

    @Test("a dictionary that claims more than all open pages may have is refused by its claim")
    func claims() throws {
        // Nothing that expands to so much is there: it must not come to that.
        let bytes = file(columns: 1, size: 200 << 20, count: 50 << 20, stored: [0, 0, 0, 0], codec: .zstd)
        let error = try #require(refusal(bytes))
        #expect(error.code == .limitExceeded, "\(error)")
        #expect(error.byteOffset == 4)
        #expect(error.column == "c0")
        #expect(error.message.contains("openBytes"))
    }

    @Test("columns that are open together share one limit, and what is done counts no more")
    func shared() throws {
        // A dictionary of 1,000 empty texts.
        let texts = [UInt8](repeating: 0, count: 4000)
        let bytes = file(columns: 3, size: 4000, count: 1000, stored: texts, codec: .uncompressed)
        #expect(refusal(bytes) == nil)
        var limits = ParquetLimits()
        limits.openBytes = 3 * 12_003
        #expect(refusal(bytes, limits) == nil)
        limits.openBytes = 3 * 12_003 - 1
        let refused = try #require(refusal(bytes, limits))
        #expect((refused.code, refused.column) == (.limitExceeded, "c2"))
        // One after the other.
        limits.openBytes = 12_003
        let file = try ParquetFile(ParquetMemoryInput(bytes), limits: limits)
        for column in 0..<3 {
            var reader = try file.column(column, rowGroup: 0)
            while try reader.next() != nil {}
        }
    }

    @Test("a footer of many small parts is refused before they are in memory")
    func footer() throws {
        // Column chunks of three bytes each: 600 MB in memory, with the limits as they are.
        let count = 2 << 20
        let chunk: [UInt8] = [0x26, 0, 0]
        var group: [UInt8] = [0x19, 0xFC]
        var rest = count
        while rest >= 0x80 {
            group.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        group.append(UInt8(rest))
        for _ in 0..<count { group += chunk }
        group += [0x16, 0, 0x16, 0, 0]
        let root: [UInt8] = [0x48, 6] + Array("schema".utf8) + [0x15, 0, 0]
        let footer: [UInt8] = [0x15, 2, 0x19, 0x1C] + root + [0x16, 0, 0x19, 0x1C] + group + [0]
        let length = (0..<4).map { UInt8(truncatingIfNeeded: footer.count >> (8 * $0)) }
        let bytes = Array("PAR1".utf8) + footer + length + Array("PAR1".utf8)
        let error = try #require(refusal(bytes))
        #expect(error.code == .limitExceeded, "\(error)")
        #expect(error.message.contains("footerMemory"))
        #expect((error.byteOffset ?? 0) > 4)
    }

    @Test("files by their paths are closed while they are not read, and not read once another is in their place")
    func paths() throws {
        let folder = try ScratchFolder()
        var inputs: [ParquetMergeInput] = []
        for number in 0..<20 {
            let path = folder.path("\(number).parquet")
            try convert("a,b\n\(number),x\n", to: path)
            inputs.append(ParquetMergeInput(name: path, file: try ParquetFile(ParquetPathInput(path: path))))
        }
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            return target?.hasPrefix(folder.url.path + "/") == true
        }
        #expect(open == [])
        let output = try FolderOutput(path: folder.path("merged"))
        #expect(try ParquetMerger.merge(inputs, to: output).rows == 20)
        try convert("a,b\n7,y\n", to: folder.path("3.parquet"))
        let error = columnarError { _ = try ParquetMerger.merge(inputs, to: FolderOutput(path: folder.path("again"))) }
        #expect(error?.code == .readFailed)
        #expect(error?.message.contains("3.parquet was replaced") == true)
    }
}
