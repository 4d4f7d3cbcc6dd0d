// Structs of parquet.thrift: fields carry the ids of the format, unknown ones are skipped when reading.
// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/// A node of the schema tree, which is stored flat in depth-first order; the root comes first.
package struct SchemaElement: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    /// Nil for groups.
    package var type: PhysicalType?
    /// Bytes of a fixed-length value; nil otherwise.
    package var typeLength: Int32?
    /// Nil for the root.
    package var repetition: FieldRepetition?
    package var name: String
    /// Nil or 0 for leaves.
    package var childCount: Int32?
    package var convertedType: ConvertedType?
    /// Of decimals.
    package var scale: Int32?
    /// Of decimals.
    package var precision: Int32?
    package var fieldID: Int32?
    package var logicalType: LogicalType?

    package init(
        type: PhysicalType? = nil, typeLength: Int32? = nil, repetition: FieldRepetition? = nil, name: String,
        childCount: Int32? = nil, convertedType: ConvertedType? = nil, scale: Int32? = nil, precision: Int32? = nil,
        fieldID: Int32? = nil, logicalType: LogicalType? = nil
    ) {
        self.type = type
        self.typeLength = typeLength
        self.repetition = repetition
        self.name = name
        self.childCount = childCount
        self.convertedType = convertedType
        self.scale = scale
        self.precision = precision
        self.fieldID = fieldID
        self.logicalType = logicalType
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        name = ""
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: type = PhysicalType(rawValue: try reader.int32(field))
            case 2: typeLength = try reader.int32(field)
            case 3: repetition = FieldRepetition(rawValue: try reader.int32(field))
            case 4: name = try reader.string(field)
            case 5: childCount = try reader.int32(field)
            case 6: convertedType = ConvertedType(rawValue: try reader.int32(field))
            case 7: scale = try reader.int32(field)
            case 8: precision = try reader.int32(field)
            case 9: fieldID = try reader.int32(field)
            case 10: logicalType = try reader.structure(field, as: LogicalType.self)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b10000
        if seen & required != required { throw reader.corrupt("a required field of SchemaElement is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int32: type?.rawValue)
        writer.field(2, int32: typeLength)
        writer.field(3, int32: repetition?.rawValue)
        writer.field(4, string: name)
        writer.field(5, int32: childCount)
        writer.field(6, int32: convertedType?.rawValue)
        writer.field(7, int32: scale)
        writer.field(8, int32: precision)
        writer.field(9, int32: fieldID)
        writer.field(10, structure: logicalType)
    }
}

/// One entry of the free metadata of a file or column.
package struct KeyValue: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var key: String
    package var value: String?

    package init(
        key: String, value: String? = nil
    ) {
        self.key = key
        self.value = value
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        key = ""
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: key = try reader.string(field)
            case 2: value = try reader.string(field)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b10
        if seen & required != required { throw reader.corrupt("a required field of KeyValue is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, string: key)
        writer.field(2, string: value)
    }
}
