// Structs of parquet.thrift: fields carry the ids of the format, unknown ones are skipped when reading.
// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/// The footer of a Parquet file.
package struct FileMetadata: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var version: Int32
    /// Depth first, the root at 0.
    package var schema: [SchemaElement]
    package var rowCount: Int64
    package var rowGroups: [RowGroupMetadata]
    package var keyValues: [KeyValue]?
    package var createdBy: String?
    /// One for each leaf; without them `minValue` and `maxValue` mean nothing.
    package var columnOrders: [ColumnOrder]?

    package init(
        version: Int32, schema: [SchemaElement], rowCount: Int64, rowGroups: [RowGroupMetadata],
        keyValues:
            [KeyValue]? = nil, createdBy: String? = nil, columnOrders: [ColumnOrder]? = nil
    ) {
        self.version = version
        self.schema = schema
        self.rowCount = rowCount
        self.rowGroups = rowGroups
        self.keyValues = keyValues
        self.createdBy = createdBy
        self.columnOrders = columnOrders
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        version = 0
        schema = []
        rowCount = 0
        rowGroups = []
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: version = try reader.int32(field)
            case 2: schema = try reader.structures(field, of: SchemaElement.self)
            case 3: rowCount = try reader.int64(field)
            case 4: rowGroups = try reader.structures(field, of: RowGroupMetadata.self)
            case 5: keyValues = try reader.structures(field, of: KeyValue.self)
            case 6: createdBy = try reader.string(field)
            case 7: columnOrders = try reader.structures(field, of: ColumnOrder.self)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b11110
        if seen & required != required { throw reader.corrupt("a required field of FileMetadata is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int32: version)
        writer.field(2, structures: schema)
        writer.field(3, int64: rowCount)
        writer.field(4, structures: rowGroups)
        writer.field(5, structures: keyValues)
        writer.field(6, string: createdBy)
        writer.field(7, structures: columnOrders)
    }
}

/// A horizontal slice of the table.
package struct RowGroupMetadata: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var columns: [ColumnChunkMetadata]
    /// Uncompressed bytes of all column chunks.
    package var totalByteSize: Int64
    package var rowCount: Int64
    package var fileOffset: Int64?
    package var totalCompressedSize: Int64?
    package var ordinal: Int16?

    package init(
        columns: [ColumnChunkMetadata], totalByteSize: Int64, rowCount: Int64, fileOffset: Int64? = nil,
        totalCompressedSize: Int64? = nil, ordinal: Int16? = nil
    ) {
        self.columns = columns
        self.totalByteSize = totalByteSize
        self.rowCount = rowCount
        self.fileOffset = fileOffset
        self.totalCompressedSize = totalCompressedSize
        self.ordinal = ordinal
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        columns = []
        totalByteSize = 0
        rowCount = 0
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: columns = try reader.structures(field, of: ColumnChunkMetadata.self)
            case 2: totalByteSize = try reader.int64(field)
            case 3: rowCount = try reader.int64(field)
            case 5: fileOffset = try reader.int64(field)
            case 6: totalCompressedSize = try reader.int64(field)
            case 7: ordinal = try reader.int16(field)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b1110
        if seen & required != required { throw reader.corrupt("a required field of RowGroupMetadata is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, structures: columns)
        writer.field(2, int64: totalByteSize)
        writer.field(3, int64: rowCount)
        writer.field(5, int64: fileOffset)
        writer.field(6, int64: totalCompressedSize)
        writer.field(7, int16: ordinal)
    }
}

/// How bounds of a column compare; the only known order is the one its type defines.
package struct ColumnOrder: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var typeOrder: EmptyStruct?

    package init(
        typeOrder: EmptyStruct? = nil
    ) {
        self.typeOrder = typeOrder
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: typeOrder = try reader.structure(field, as: EmptyStruct.self)
            default: try reader.skip(field)
            }
        }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, structure: typeOrder)
    }
}

/// A struct without fields: a marker in a union.
package struct EmptyStruct: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package init() {}

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            try reader.skip(field)
        }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
    }
}
