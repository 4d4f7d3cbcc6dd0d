// Structs of parquet.thrift: fields carry the ids of the format, unknown ones are skipped when reading.
// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/// Where one column of one row group lies.
package struct ColumnChunkMetadata: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    /// Nil: in this file.
    package var filePath: String?
    /// 0 in files of today (deprecated).
    package var fileOffset: Int64
    package var metadata: ColumnMetadata?
    package var offsetIndexOffset: Int64?
    package var offsetIndexLength: Int32?
    package var columnIndexOffset: Int64?
    package var columnIndexLength: Int32?

    package init(
        filePath: String? = nil, fileOffset: Int64, metadata: ColumnMetadata? = nil, offsetIndexOffset: Int64? = nil,
        offsetIndexLength: Int32? = nil, columnIndexOffset: Int64? = nil,
        columnIndexLength: Int32? =
            nil
    ) {
        self.filePath = filePath
        self.fileOffset = fileOffset
        self.metadata = metadata
        self.offsetIndexOffset = offsetIndexOffset
        self.offsetIndexLength = offsetIndexLength
        self.columnIndexOffset = columnIndexOffset
        self.columnIndexLength = columnIndexLength
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        fileOffset = 0
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: filePath = try reader.string(field)
            case 2: fileOffset = try reader.int64(field)
            case 3: metadata = try reader.structure(field, as: ColumnMetadata.self)
            case 4: offsetIndexOffset = try reader.int64(field)
            case 5: offsetIndexLength = try reader.int32(field)
            case 6: columnIndexOffset = try reader.int64(field)
            case 7: columnIndexLength = try reader.int32(field)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b100
        if seen & required != required { throw reader.corrupt("a required field of ColumnChunkMetadata is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, string: filePath)
        writer.field(2, int64: fileOffset)
        writer.field(3, structure: metadata)
        writer.field(4, int64: offsetIndexOffset)
        writer.field(5, int32: offsetIndexLength)
        writer.field(6, int64: columnIndexOffset)
        writer.field(7, int32: columnIndexLength)
    }
}

/// How one column of one row group is stored.
package struct ColumnMetadata: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var type: PhysicalType
    package var encodings: [ParquetEncoding]
    /// Names from the root (exclusive) to the leaf.
    package var path: [String]
    package var codec: CompressionCodec
    /// Nulls included.
    package var valueCount: Int64
    /// Page headers included.
    package var totalUncompressedSize: Int64
    /// Page headers included.
    package var totalCompressedSize: Int64
    package var keyValues: [KeyValue]?
    package var dataPageOffset: Int64
    package var indexPageOffset: Int64?
    package var dictionaryPageOffset: Int64?
    package var statistics: ParquetStatistics?
    package var encodingStats: [PageEncodingStats]?

    package init(
        type: PhysicalType, encodings: [ParquetEncoding], path: [String], codec: CompressionCodec,
        valueCount:
            Int64, totalUncompressedSize: Int64, totalCompressedSize: Int64, keyValues: [KeyValue]? = nil,
        dataPageOffset: Int64, indexPageOffset: Int64? = nil, dictionaryPageOffset: Int64? = nil,
        statistics:
            ParquetStatistics? = nil, encodingStats: [PageEncodingStats]? = nil
    ) {
        self.type = type
        self.encodings = encodings
        self.path = path
        self.codec = codec
        self.valueCount = valueCount
        self.totalUncompressedSize = totalUncompressedSize
        self.totalCompressedSize = totalCompressedSize
        self.keyValues = keyValues
        self.dataPageOffset = dataPageOffset
        self.indexPageOffset = indexPageOffset
        self.dictionaryPageOffset = dictionaryPageOffset
        self.statistics = statistics
        self.encodingStats = encodingStats
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        type = .boolean
        encodings = []
        path = []
        codec = .uncompressed
        valueCount = 0
        totalUncompressedSize = 0
        totalCompressedSize = 0
        dataPageOffset = 0
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: type = PhysicalType(rawValue: try reader.int32(field))
            case 2: encodings = try reader.int32s(field).map(ParquetEncoding.init(rawValue:))
            case 3: path = try reader.strings(field)
            case 4: codec = CompressionCodec(rawValue: try reader.int32(field))
            case 5: valueCount = try reader.int64(field)
            case 6: totalUncompressedSize = try reader.int64(field)
            case 7: totalCompressedSize = try reader.int64(field)
            case 8: keyValues = try reader.structures(field, of: KeyValue.self)
            case 9: dataPageOffset = try reader.int64(field)
            case 10: indexPageOffset = try reader.int64(field)
            case 11: dictionaryPageOffset = try reader.int64(field)
            case 12: statistics = try reader.structure(field, as: ParquetStatistics.self)
            case 13: encodingStats = try reader.structures(field, of: PageEncodingStats.self)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b1011111110
        if seen & required != required { throw reader.corrupt("a required field of ColumnMetadata is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int32: type.rawValue)
        writer.field(2, int32s: encodings.map(\.rawValue))
        writer.field(3, strings: path)
        writer.field(4, int32: codec.rawValue)
        writer.field(5, int64: valueCount)
        writer.field(6, int64: totalUncompressedSize)
        writer.field(7, int64: totalCompressedSize)
        writer.field(8, structures: keyValues)
        writer.field(9, int64: dataPageOffset)
        writer.field(10, int64: indexPageOffset)
        writer.field(11, int64: dictionaryPageOffset)
        writer.field(12, structure: statistics)
        writer.field(13, structures: encodingStats)
    }
}
