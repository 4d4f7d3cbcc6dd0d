/// A horizontal slice of the table.
public struct ParquetRowGroup: Sendable {
    public let index: Int
    public let rowCount: Int64
    /// Of all columns, expanded.
    public let uncompressedBytes: Int64
    /// One for each of `ParquetSchema.columns`.
    public let columns: [ParquetColumnChunk]

    init(
        _ metadata: RowGroupMetadata, index: Int, schema: ParquetSchema, orders: [ColumnOrder]?, footerStart: Int64
    ) throws(ColumnarError) {
        guard metadata.columns.count == schema.columns.count else {
            throw ParquetFile.corrupt(
                "row group \(index) has \(metadata.columns.count) columns and the schema \(schema.columns.count)",
                at: footerStart)
        }
        guard metadata.rowCount >= 0 else {
            throw ParquetFile.corrupt("row group \(index) claims \(metadata.rowCount) rows", at: footerStart)
        }
        self.index = index
        rowCount = metadata.rowCount
        uncompressedBytes = metadata.totalByteSize
        var columns: [ParquetColumnChunk] = []
        columns.reserveCapacity(schema.columns.count)
        for (chunk, leaf) in zip(metadata.columns, schema.columns) {
            let isOrdered = orders.map { leaf.index < $0.count && $0[leaf.index].typeOrder != nil } ?? false
            do throws(DecodeFault) {
                columns.append(
                    try ParquetColumnChunk(
                        chunk, column: leaf, rows: metadata.rowCount, isOrdered: isOrdered, footerStart: footerStart))
            } catch {
                throw ParquetFile.corrupt(
                    "row group \(index), column \"\(leaf.name)\" \(error.problem)", at: footerStart)
            }
        }
        self.columns = columns
    }
}

/// One column of one row group: where it lies and what its statistics say.
public struct ParquetColumnChunk: Sendable {
    public let column: ParquetLeaf
    /// Nulls included.
    public let valueCount: Int64
    /// `snappy`, `zstd`, `none`, `gzip`, …
    public let codec: String
    /// As in parquet.thrift: `PLAIN`, `RLE_DICTIONARY`, …
    public let encodings: [String]
    public let compressedBytes: Int64
    public let uncompressedBytes: Int64
    public let nullCount: Int64?
    public let distinctCount: Int64?
    /// A lower bound of the values; exact unless `isMinimumExact` is false. Nil where the writer left none, or in an
    /// order that cannot be relied on.
    public let minimum: ParquetValue?
    public let maximum: ParquetValue?
    public let isMinimumExact: Bool
    public let isMaximumExact: Bool
    /// Whether values are kept once, in a dictionary page.
    public let hasDictionary: Bool
    /// Whether the page index has this column's bounds of each page.
    public let hasColumnIndex: Bool
    /// Whether the page index says where this column's pages are.
    public let hasOffsetIndex: Bool
    let codecType: CompressionCodec
    let range: Range<Int64>
    let isElsewhere: Bool

    init(
        _ chunk: ColumnChunkMetadata, column: ParquetLeaf, rows: Int64, isOrdered: Bool, footerStart: Int64
    ) throws(DecodeFault) {
        guard let metadata = chunk.metadata else { throw DecodeFault("has no metadata (or is encrypted)") }
        guard metadata.type == column.physicalType else {
            throw DecodeFault("has values of \(metadata.type.word); the schema says \(column.physicalType.word)")
        }
        // Rows of a flat column have one value each; nested ones at least one a row.
        guard metadata.valueCount >= rows, column.repetitionLevel > 0 || metadata.valueCount == rows else {
            throw DecodeFault("claims \(metadata.valueCount) values for \(rows) rows")
        }
        var start = metadata.dataPageOffset
        // Some writers put 0 where there is no dictionary.
        if let offset = metadata.dictionaryPageOffset, offset > 0, offset < start { start = offset }
        let size = metadata.totalCompressedSize
        isElsewhere = chunk.filePath != nil
        // pyarrow gives chunks without values a size and no place.
        let isNowhere = isElsewhere || metadata.valueCount == 0
        guard isNowhere || (start >= 4 && size >= 0 && start <= footerStart && size <= footerStart - start) else {
            throw DecodeFault("claims \(size) bytes at \(start) in a file whose data ends at \(footerStart)")
        }
        // A copy of the group moves both, also the one that is not the start.
        for offset in [metadata.dataPageOffset, metadata.dictionaryPageOffset ?? 0]
        where !isNowhere && offset > footerStart {
            throw DecodeFault("claims a page at \(offset) in a file whose data ends at \(footerStart)")
        }
        range = isNowhere ? 0..<0 : start..<start + size
        self.column = column
        valueCount = metadata.valueCount
        codecType = metadata.codec
        codec = metadata.codec.word
        encodings = metadata.encodings.map(\.word)
        compressedBytes = size
        uncompressedBytes = metadata.totalUncompressedSize
        hasDictionary =
            metadata.dictionaryPageOffset ?? 0 > 0 || metadata.encodings.contains(.rleDictionary)
            || metadata.encodings.contains(.plainDictionary)
        hasColumnIndex = chunk.columnIndexOffset != nil
        hasOffsetIndex = chunk.offsetIndexOffset != nil
        let statistics = metadata.statistics
        nullCount = statistics?.nullCount
        distinctCount = statistics?.distinctCount
        // The old bounds compare bytes and numbers as signed, which is right for signed numbers only.
        let isOldUsable = column.hasSignedOrder
        let low = (isOrdered ? statistics?.minValue : nil) ?? (isOldUsable ? statistics?.legacyMin : nil)
        let high = (isOrdered ? statistics?.maxValue : nil) ?? (isOldUsable ? statistics?.legacyMax : nil)
        minimum = low.flatMap { ParquetValue(bound: $0, leaf: column) }
        maximum = high.flatMap { ParquetValue(bound: $0, leaf: column) }
        isMinimumExact = statistics?.isMinValueExact ?? true
        isMaximumExact = statistics?.isMaxValueExact ?? true
    }
}

extension ParquetLeaf {
    /// Whether the order of values is that of signed numbers.
    fileprivate var hasSignedOrder: Bool {
        if case .integer(_, false)? = meaning { return false }
        return [.boolean, .int32, .int64, .float, .double].contains(physicalType)
    }
}
