// Structs of parquet.thrift: fields carry the ids of the format, unknown ones are skipped when reading.
// Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift

/// Bounds of every page of a column chunk, for skipping pages.
package struct ColumnIndex: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    /// True where a page holds only nulls; its bounds are then empty.
    package var nullPages: [Bool]
    package var minValues: [[UInt8]]
    package var maxValues: [[UInt8]]
    package var boundaryOrder: BoundaryOrder
    package var nullCounts: [Int64]?

    package init(
        nullPages: [Bool], minValues: [[UInt8]], maxValues: [[UInt8]], boundaryOrder: BoundaryOrder,
        nullCounts: [Int64]? = nil
    ) {
        self.nullPages = nullPages
        self.minValues = minValues
        self.maxValues = maxValues
        self.boundaryOrder = boundaryOrder
        self.nullCounts = nullCounts
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        nullPages = []
        minValues = []
        maxValues = []
        boundaryOrder = .unordered
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: nullPages = try reader.bools(field)
            case 2: minValues = try reader.binaries(field)
            case 3: maxValues = try reader.binaries(field)
            case 4: boundaryOrder = BoundaryOrder(rawValue: try reader.int32(field))
            case 5: nullCounts = try reader.int64s(field)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b11110
        if seen & required != required { throw reader.corrupt("a required field of ColumnIndex is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, bools: nullPages)
        writer.field(2, binaries: minValues)
        writer.field(3, binaries: maxValues)
        writer.field(4, int32: boundaryOrder.rawValue)
        writer.field(5, int64s: nullCounts)
    }
}

/// Where the pages of a column chunk lie.
package struct OffsetIndex: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    package var pages: [PageLocation]

    package init(
        pages: [PageLocation]
    ) {
        self.pages = pages
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        pages = []
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: pages = try reader.structures(field, of: PageLocation.self)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b10
        if seen & required != required { throw reader.corrupt("a required field of OffsetIndex is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, structures: pages)
    }
}

/// Where one page lies.
package struct PageLocation: Sendable, Hashable, ThriftEncodable, ThriftDecodable {
    /// Of the page header, in the file.
    package var offset: Int64
    /// Page header included.
    package var compressedSize: Int32
    /// Of the page, counted within the row group.
    package var firstRow: Int64

    package init(
        offset: Int64, compressedSize: Int32, firstRow: Int64
    ) {
        self.offset = offset
        self.compressedSize = compressedSize
        self.firstRow = firstRow
    }

    package init(from reader: inout ThriftReader) throws(ColumnarError) {
        offset = 0
        compressedSize = 0
        firstRow = 0
        var seen: UInt64 = 0
        var lastID: Int16 = 0
        while let field = try reader.nextField(after: &lastID) {
            switch field.id {
            case 1: offset = try reader.int64(field)
            case 2: compressedSize = try reader.int32(field)
            case 3: firstRow = try reader.int64(field)
            default: try reader.skip(field)
            }
            if field.id > 0 && field.id < 64 { seen |= 1 << UInt64(field.id) }
        }
        let required: UInt64 = 0b1110
        if seen & required != required { throw reader.corrupt("a required field of PageLocation is missing") }
    }

    package func encodeFields(to writer: inout ThriftWriter) {
        writer.field(1, int64: offset)
        writer.field(2, int32: compressedSize)
        writer.field(3, int64: firstRow)
    }
}
