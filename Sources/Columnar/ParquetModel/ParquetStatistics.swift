// Structs of parquet.thrift: fields carry the ids of the format, unknown ones are skipped when reading.
// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/// Bounds and counts of a page or column chunk. Bounds are stored as PLAIN values without a length prefix.
package struct ParquetStatistics: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    /// The deprecated bound of old writers, in an order that is only right for signed numbers.
    package var legacyMax: [UInt8]?
    /// See `legacyMax`.
    package var legacyMin: [UInt8]?
    package var nullCount: Int64?
    package var distinctCount: Int64?
    /// An upper bound, in the order of the logical type.
    package var maxValue: [UInt8]?
    /// A lower bound, in the order of the logical type.
    package var minValue: [UInt8]?
    /// False where the bound is not the maximum itself (shortened text).
    package var isMaxValueExact: Bool?
    /// False where the bound is not the minimum itself.
    package var isMinValueExact: Bool?

    package init(
        legacyMax: [UInt8]? = nil, legacyMin: [UInt8]? = nil, nullCount: Int64? = nil,
        distinctCount: Int64? =
            nil, maxValue: [UInt8]? = nil, minValue: [UInt8]? = nil, isMaxValueExact: Bool? = nil,
        isMinValueExact: Bool? = nil
    ) {
        self.legacyMax = legacyMax
        self.legacyMin = legacyMin
        self.nullCount = nullCount
        self.distinctCount = distinctCount
        self.maxValue = maxValue
        self.minValue = minValue
        self.isMaxValueExact = isMaxValueExact
        self.isMinValueExact = isMinValueExact
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: legacyMax = try reader.binary(field)
            case 2: legacyMin = try reader.binary(field)
            case 3: nullCount = try reader.int64(field)
            case 4: distinctCount = try reader.int64(field)
            case 5: maxValue = try reader.binary(field)
            case 6: minValue = try reader.binary(field)
            case 7: isMaxValueExact = try reader.bool(field)
            case 8: isMinValueExact = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, binary: legacyMax)
        writer.field(2, binary: legacyMin)
        writer.field(3, int64: nullCount)
        writer.field(4, int64: distinctCount)
        writer.field(5, binary: maxValue)
        writer.field(6, binary: minValue)
        writer.field(7, bool: isMaxValueExact)
        writer.field(8, bool: isMinValueExact)
    }
}

/// How many pages of a kind use an encoding.
package struct PageEncodingStats: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var pageType: PageType
    package var encoding: ParquetEncoding
    package var count: Int32

    package init(
        pageType: PageType, encoding: ParquetEncoding, count: Int32
    ) {
        self.pageType = pageType
        self.encoding = encoding
        self.count = count
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        pageType = .dataPage
        encoding = .plain
        count = 0
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: pageType = PageType(rawValue: try reader.int32(field))
            case 2: encoding = ParquetEncoding(rawValue: try reader.int32(field))
            case 3: count = try reader.int32(field)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b1110
        if seen & required != required { throw reader.corrupt("a required field of PageEncodingStats is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int32: pageType.rawValue)
        writer.field(2, int32: encoding.rawValue)
        writer.field(3, int32: count)
    }
}
