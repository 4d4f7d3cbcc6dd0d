// Structs of parquet.thrift: fields carry the ids of the format, unknown ones are skipped when reading.
// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/// Precedes the bytes of each page.
package struct PageHeader: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var type: PageType
    /// Bytes after decompressing, without this header.
    package var uncompressedSize: Int32
    /// Bytes in the file, without this header.
    package var compressedSize: Int32
    package var crc: Int32?
    package var dataPage: DataPageHeader?
    package var dictionaryPage: DictionaryPageHeader?
    package var dataPageV2: DataPageHeaderV2?

    package init(
        type: PageType, uncompressedSize: Int32, compressedSize: Int32, crc: Int32? = nil,
        dataPage:
            DataPageHeader? = nil, dictionaryPage: DictionaryPageHeader? = nil,
        dataPageV2: DataPageHeaderV2? =
            nil
    ) {
        self.type = type
        self.uncompressedSize = uncompressedSize
        self.compressedSize = compressedSize
        self.crc = crc
        self.dataPage = dataPage
        self.dictionaryPage = dictionaryPage
        self.dataPageV2 = dataPageV2
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        type = .dataPage
        uncompressedSize = 0
        compressedSize = 0
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: type = PageType(rawValue: try reader.int32(field))
            case 2: uncompressedSize = try reader.int32(field)
            case 3: compressedSize = try reader.int32(field)
            case 4: crc = try reader.int32(field)
            case 5: dataPage = try reader.structure(field, as: DataPageHeader.self)
            case 7: dictionaryPage = try reader.structure(field, as: DictionaryPageHeader.self)
            case 8: dataPageV2 = try reader.structure(field, as: DataPageHeaderV2.self)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b1110
        if seen & required != required { throw reader.corrupt("a required field of PageHeader is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int32: type.rawValue)
        writer.field(2, int32: uncompressedSize)
        writer.field(3, int32: compressedSize)
        writer.field(4, int32: crc)
        writer.field(5, structure: dataPage)
        writer.field(7, structure: dictionaryPage)
        writer.field(8, structure: dataPageV2)
    }
}

/// A data page of version 1: levels and values are compressed together.
package struct DataPageHeader: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    /// Nulls included.
    package var valueCount: Int32
    package var encoding: ParquetEncoding
    package var definitionLevelEncoding: ParquetEncoding
    package var repetitionLevelEncoding: ParquetEncoding
    package var statistics: ParquetStatistics?

    package init(
        valueCount: Int32, encoding: ParquetEncoding, definitionLevelEncoding: ParquetEncoding,
        repetitionLevelEncoding: ParquetEncoding, statistics: ParquetStatistics? = nil
    ) {
        self.valueCount = valueCount
        self.encoding = encoding
        self.definitionLevelEncoding = definitionLevelEncoding
        self.repetitionLevelEncoding = repetitionLevelEncoding
        self.statistics = statistics
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        valueCount = 0
        encoding = .plain
        definitionLevelEncoding = .plain
        repetitionLevelEncoding = .plain
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: valueCount = try reader.int32(field)
            case 2: encoding = ParquetEncoding(rawValue: try reader.int32(field))
            case 3: definitionLevelEncoding = ParquetEncoding(rawValue: try reader.int32(field))
            case 4: repetitionLevelEncoding = ParquetEncoding(rawValue: try reader.int32(field))
            case 5: statistics = try reader.structure(field, as: ParquetStatistics.self)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b11110
        if seen & required != required { throw reader.corrupt("a required field of DataPageHeader is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int32: valueCount)
        writer.field(2, int32: encoding.rawValue)
        writer.field(3, int32: definitionLevelEncoding.rawValue)
        writer.field(4, int32: repetitionLevelEncoding.rawValue)
        writer.field(5, structure: statistics)
    }
}

/// The page with the distinct values of a column chunk.
package struct DictionaryPageHeader: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var valueCount: Int32
    package var encoding: ParquetEncoding
    package var isSorted: Bool?

    package init(
        valueCount: Int32, encoding: ParquetEncoding, isSorted: Bool? = nil
    ) {
        self.valueCount = valueCount
        self.encoding = encoding
        self.isSorted = isSorted
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        valueCount = 0
        encoding = .plain
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: valueCount = try reader.int32(field)
            case 2: encoding = ParquetEncoding(rawValue: try reader.int32(field))
            case 3: isSorted = try reader.bool(field)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b110
        if seen & required != required { throw reader.corrupt("a required field of DictionaryPageHeader is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int32: valueCount)
        writer.field(2, int32: encoding.rawValue)
        writer.field(3, bool: isSorted)
    }
}

/// A data page of version 2: levels stand before the values and are never compressed.
package struct DataPageHeaderV2: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    /// Nulls included.
    package var valueCount: Int32
    package var nullCount: Int32
    package var rowCount: Int32
    package var encoding: ParquetEncoding
    package var definitionLevelsByteLength: Int32
    package var repetitionLevelsByteLength: Int32
    /// Nil means true.
    package var isCompressed: Bool?
    package var statistics: ParquetStatistics?

    package init(
        valueCount: Int32, nullCount: Int32, rowCount: Int32, encoding: ParquetEncoding,
        definitionLevelsByteLength: Int32, repetitionLevelsByteLength: Int32, isCompressed: Bool? = nil,
        statistics: ParquetStatistics? = nil
    ) {
        self.valueCount = valueCount
        self.nullCount = nullCount
        self.rowCount = rowCount
        self.encoding = encoding
        self.definitionLevelsByteLength = definitionLevelsByteLength
        self.repetitionLevelsByteLength = repetitionLevelsByteLength
        self.isCompressed = isCompressed
        self.statistics = statistics
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        valueCount = 0
        nullCount = 0
        rowCount = 0
        encoding = .plain
        definitionLevelsByteLength = 0
        repetitionLevelsByteLength = 0
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: valueCount = try reader.int32(field)
            case 2: nullCount = try reader.int32(field)
            case 3: rowCount = try reader.int32(field)
            case 4: encoding = ParquetEncoding(rawValue: try reader.int32(field))
            case 5: definitionLevelsByteLength = try reader.int32(field)
            case 6: repetitionLevelsByteLength = try reader.int32(field)
            case 7: isCompressed = try reader.bool(field)
            case 8: statistics = try reader.structure(field, as: ParquetStatistics.self)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b1111110
        if seen & required != required { throw reader.corrupt("a required field of DataPageHeaderV2 is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int32: valueCount)
        writer.field(2, int32: nullCount)
        writer.field(3, int32: rowCount)
        writer.field(4, int32: encoding.rawValue)
        writer.field(5, int32: definitionLevelsByteLength)
        writer.field(6, int32: repetitionLevelsByteLength)
        writer.field(7, bool: isCompressed)
        writer.field(8, structure: statistics)
    }
}
