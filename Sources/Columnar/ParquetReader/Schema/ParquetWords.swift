// The names that the format's documents and other tools use, for messages and schema text.

extension PhysicalType {
    /// As in a Parquet schema: `int64`, `binary`.
    package var word: String {
        switch self {
        case .boolean: "boolean"
        case .int32: "int32"
        case .int64: "int64"
        case .int96: "int96"
        case .float: "float"
        case .double: "double"
        case .byteArray: "binary"
        case .fixedLenByteArray: "fixed_len_byte_array"
        default: "type \(rawValue)"
        }
    }
}

extension ParquetEncoding {
    /// As in parquet.thrift: `RLE_DICTIONARY`.
    package var word: String {
        switch self {
        case .plain: "PLAIN"
        case .plainDictionary: "PLAIN_DICTIONARY"
        case .rle: "RLE"
        case .bitPacked: "BIT_PACKED"
        case .deltaBinaryPacked: "DELTA_BINARY_PACKED"
        case .deltaLengthByteArray: "DELTA_LENGTH_BYTE_ARRAY"
        case .deltaByteArray: "DELTA_BYTE_ARRAY"
        case .rleDictionary: "RLE_DICTIONARY"
        case .byteStreamSplit: "BYTE_STREAM_SPLIT"
        default: "encoding \(rawValue)"
        }
    }
}

extension CompressionCodec {
    /// `snappy`, `zstd`, `none`, …
    package var word: String {
        switch self {
        case .uncompressed: "none"
        case .snappy: "snappy"
        case .gzip: "gzip"
        case .lzo: "lzo"
        case .brotli: "brotli"
        case .lz4: "lz4"
        case .zstd: "zstd"
        case .lz4Raw: "lz4_raw"
        default: "codec \(rawValue)"
        }
    }
}

extension TimeUnit {
    /// `MILLIS`, `MICROS`, `NANOS`.
    var word: String {
        switch self {
        case .milliseconds: "MILLIS"
        case .microseconds: "MICROS"
        case .nanoseconds: "NANOS"
        }
    }

    /// How many make a second.
    var perSecond: Int64 {
        switch self {
        case .milliseconds: 1_000
        case .microseconds: 1_000_000
        case .nanoseconds: 1_000_000_000
        }
    }

    /// Digits of the fraction of a second.
    var digits: Int {
        switch self {
        case .milliseconds: 3
        case .microseconds: 6
        case .nanoseconds: 9
        }
    }
}

extension LogicalType {
    /// As parquet-cli prints it: `STRING`, `DECIMAL(10,2)`, `TIMESTAMP(MICROS,true)`.
    var word: String {
        switch self {
        case .string: "STRING"
        case .map: "MAP"
        case .list: "LIST"
        case .enumeration: "ENUM"
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
        case .date: "DATE"
        case .time(let unit, let isAdjusted): "TIME(\(unit.word),\(isAdjusted))"
        case .timestamp(let unit, let isAdjusted): "TIMESTAMP(\(unit.word),\(isAdjusted))"
        case .integer(let bitWidth, let isSigned): "INTEGER(\(bitWidth),\(isSigned))"
        case .null: "UNKNOWN"
        case .json: "JSON"
        case .bson: "BSON"
        case .uuid: "UUID"
        case .float16: "FLOAT16"
        case .unknown(let id): "LOGICAL(\(id))"
        }
    }
}
