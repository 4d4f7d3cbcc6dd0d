import Columnar
import Foundation
import Testing

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
