// The enumerations of parquet.thrift. Each is a struct over its number, so that a file with values of a newer format
// version still decodes and the reader can say which feature it lacks.
// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/// How values are stored.
package struct PhysicalType: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let boolean = PhysicalType(rawValue: 0)
    package static let int32 = PhysicalType(rawValue: 1)
    package static let int64 = PhysicalType(rawValue: 2)
    package static let int96 = PhysicalType(rawValue: 3)
    package static let float = PhysicalType(rawValue: 4)
    package static let double = PhysicalType(rawValue: 5)
    package static let byteArray = PhysicalType(rawValue: 6)
    package static let fixedLenByteArray = PhysicalType(rawValue: 7)
}

/// The older annotation of what stored values mean; written beside the logical type for old readers.
package struct ConvertedType: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let utf8 = ConvertedType(rawValue: 0)
    package static let map = ConvertedType(rawValue: 1)
    package static let mapKeyValue = ConvertedType(rawValue: 2)
    package static let list = ConvertedType(rawValue: 3)
    package static let enumeration = ConvertedType(rawValue: 4)
    package static let decimal = ConvertedType(rawValue: 5)
    package static let date = ConvertedType(rawValue: 6)
    package static let timeMillis = ConvertedType(rawValue: 7)
    package static let timeMicros = ConvertedType(rawValue: 8)
    package static let timestampMillis = ConvertedType(rawValue: 9)
    package static let timestampMicros = ConvertedType(rawValue: 10)
    package static let uint8 = ConvertedType(rawValue: 11)
    package static let uint16 = ConvertedType(rawValue: 12)
    package static let uint32 = ConvertedType(rawValue: 13)
    package static let uint64 = ConvertedType(rawValue: 14)
    package static let int8 = ConvertedType(rawValue: 15)
    package static let int16 = ConvertedType(rawValue: 16)
    package static let int32 = ConvertedType(rawValue: 17)
    package static let int64 = ConvertedType(rawValue: 18)
    package static let json = ConvertedType(rawValue: 19)
    package static let bson = ConvertedType(rawValue: 20)
    package static let interval = ConvertedType(rawValue: 21)
}

/// Whether a field must be there, may be missing, or may occur many times.
package struct FieldRepetition: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let required = FieldRepetition(rawValue: 0)
    package static let optional = FieldRepetition(rawValue: 1)
    package static let repeated = FieldRepetition(rawValue: 2)
}

/// How values or levels of a page are encoded.
package struct ParquetEncoding: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let plain = ParquetEncoding(rawValue: 0)
    package static let plainDictionary = ParquetEncoding(rawValue: 2)
    package static let rle = ParquetEncoding(rawValue: 3)
    package static let bitPacked = ParquetEncoding(rawValue: 4)
    package static let deltaBinaryPacked = ParquetEncoding(rawValue: 5)
    package static let deltaLengthByteArray = ParquetEncoding(rawValue: 6)
    package static let deltaByteArray = ParquetEncoding(rawValue: 7)
    package static let rleDictionary = ParquetEncoding(rawValue: 8)
    package static let byteStreamSplit = ParquetEncoding(rawValue: 9)
}

/// How the bytes of pages are compressed.
package struct CompressionCodec: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let uncompressed = CompressionCodec(rawValue: 0)
    package static let snappy = CompressionCodec(rawValue: 1)
    package static let gzip = CompressionCodec(rawValue: 2)
    package static let lzo = CompressionCodec(rawValue: 3)
    package static let brotli = CompressionCodec(rawValue: 4)
    package static let lz4 = CompressionCodec(rawValue: 5)
    package static let zstd = CompressionCodec(rawValue: 6)
    package static let lz4Raw = CompressionCodec(rawValue: 7)
}

/// What a page holds.
package struct PageType: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let dataPage = PageType(rawValue: 0)
    package static let indexPage = PageType(rawValue: 1)
    package static let dictionaryPage = PageType(rawValue: 2)
    package static let dataPageV2 = PageType(rawValue: 3)
}

/// The order of the pages' minima and maxima in a column index.
package struct BoundaryOrder: RawRepresentable, Sendable, Hashable {
    package var rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let unordered = BoundaryOrder(rawValue: 0)
    package static let ascending = BoundaryOrder(rawValue: 1)
    package static let descending = BoundaryOrder(rawValue: 2)
}
