/// Writes the parts of a Parquet file in their order: magic number, row groups, page index, footer.
///
/// Source: https://parquet.apache.org/docs/file-format/
final class ParquetFileWriter {
    private let sink: any ByteSink
    private let options: ParquetWriterOptions
    private var columns: [ColumnSchema]
    /// The stored columns: chunks come in this order.
    private var leaves: [LeafColumn]
    private(set) var bytesWritten: Int64 = 0
    private(set) var rowCount: Int64 = 0
    private var rowGroups: [RowGroupMetadata] = []
    private var indexes: [[(ColumnIndex?, OffsetIndex)]] = []

    private static let magic: [UInt8] = Array("PAR1".utf8)

    init(_ sink: any ByteSink, columns: [ColumnSchema], options: ParquetWriterOptions) throws(ColumnarError) {
        self.sink = sink
        self.options = options
        self.columns = columns
        leaves = LeafColumn.leaves(of: columns)
        try options.check()
        try write(Self.magic)
    }

    var rowGroupCount: Int { rowGroups.count }

    /// Writes finished chunks, one for each stored column in order, as a row group.
    func writeRowGroup(_ chunks: [ColumnChunk]) throws(ColumnarError) {
        guard let rows = chunks.first?.rows, rows > 0 else { return }
        let start = bytesWritten
        var metadata: [ColumnChunkMetadata] = []
        var chunkIndexes: [(ColumnIndex?, OffsetIndex)] = []
        var uncompressed: Int64 = 0
        var pieces: [UnsafeRawBufferPointer] = []
        for (column, chunk) in zip(leaves, chunks) {
            let dictionaryOffset = chunk.dictionaryPage.count > 0 ? bytesWritten : nil
            add(chunk.dictionaryPage.bytes, to: &pieces)
            let pagesOffset = bytesWritten
            for block in chunk.pages.filledBlocks { add(block, to: &pieces) }
            uncompressed += Int64(chunk.uncompressedSize)
            metadata.append(
                ColumnChunkMetadata(
                    fileOffset: 0,
                    metadata: describe(column, chunk, dictionaryOffset: dictionaryOffset, pagesOffset: pagesOffset)))
            if options.writesPageIndex { chunkIndexes.append(index(column, chunk, pagesOffset)) }
        }
        try sink.write(gathering: pieces)
        rowGroups.append(
            RowGroupMetadata(
                columns: metadata, totalByteSize: uncompressed, rowCount: Int64(rows), fileOffset: start,
                totalCompressedSize: bytesWritten - start, ordinal: Int16(exactly: rowGroups.count)))
        indexes.append(chunkIndexes)
        rowCount += Int64(rows)
    }

    /// Gives a column another type. Its chunks so far must hold nothing but nulls, which have no type.
    func setType(_ type: ColumnType, ofEmpty column: Int) {
        columns[column].type = type
        guard let leaf = leaves.firstIndex(where: { $0.column == column }) else { return }
        leaves[leaf].type = type
        for group in rowGroups.indices {
            rowGroups[group].columns[leaf].metadata?.type = ColumnLayout(type).physicalType
        }
    }

    /// Writes page index and footer. Nothing may be written afterwards.
    func finish() throws(ColumnarError) {
        var end = options.writesPageIndex ? pageIndex() : []
        let entries = options.keyValueMetadata.map { KeyValue(key: $0.key, value: $0.value) }
        let footer = FileMetadata(
            version: options.compatibility == .legacy ? 1 : 2, schema: schema(), rowCount: rowCount,
            rowGroups: rowGroups,
            keyValues: entries.isEmpty ? nil : entries, createdBy: "sluice",
            columnOrders: leaves.map { _ in ColumnOrder(typeOrder: EmptyStruct()) })
        let bytes = ThriftWriter.bytes(of: footer)
        end += bytes
        let length = UInt32(bytes.count)
        for shift in stride(from: UInt32(0), through: 24, by: 8) {
            end.append(UInt8(truncatingIfNeeded: length >> shift))
        }
        try write(end + Self.magic)
    }

    // MARK: metadata

    private func schema() -> [SchemaElement] {
        var elements = [SchemaElement(name: "schema", childCount: Int32(columns.count))]
        for column in columns { append(column, to: &elements) }
        return elements
    }

    private func append(_ column: ColumnSchema, to elements: inout [SchemaElement]) {
        switch column.type {
        case .structure(let fields):
            elements.append(
                SchemaElement(repetition: .optional, name: column.name, childCount: Int32(fields.count)))
            for field in fields { append(field, to: &elements) }
        case .list(let inner):
            var list = SchemaElement(repetition: .optional, name: column.name, childCount: 1)
            (list.logicalType, list.convertedType) = (.list, .list)
            elements.append(list)
            elements.append(
                SchemaElement(repetition: .repeated, name: LeafColumn.listPath[0], childCount: 1))
            append(ColumnSchema(name: LeafColumn.listPath[1], type: inner), to: &elements)
        default:
            var element = SchemaElement(
                type: ColumnLayout(column.type).physicalType, repetition: .optional, name: column.name)
            switch column.type {
            case .boolean, .bigint, .double, .list, .structure: break
            case .date: (element.logicalType, element.convertedType) = (.date, .date)
            case .time: element.logicalType = .time(unit: .microseconds, isAdjustedToUTC: false)
            case .timestamp:
                // The old annotation means instants, so that local timestamps have none.
                element.logicalType = .timestamp(unit: .microseconds, isAdjustedToUTC: false)
                // Readers of Parquet 1.0 would see bare integers; pyarrow marks its files in the same way for them.
                if options.compatibility == .legacy { element.convertedType = .timestampMicros }
            case .timestampUTC:
                element.logicalType = .timestamp(unit: .microseconds, isAdjustedToUTC: true)
                element.convertedType = .timestampMicros
            case .decimal(let precision, let scale):
                element.logicalType = .decimal(precision: Int32(precision), scale: Int32(scale))
                element.convertedType = .decimal
                (element.precision, element.scale) = (Int32(precision), Int32(scale))
                if element.type == .fixedLenByteArray { element.typeLength = 16 }
            case .string: (element.logicalType, element.convertedType) = (.string, .utf8)
            }
            elements.append(element)
        }
    }

    private func describe(
        _ column: LeafColumn, _ chunk: ColumnChunk, dictionaryOffset: Int64?, pagesOffset: Int64
    ) -> ColumnMetadata {
        var counts: [ParquetEncoding: Int32] = [:]
        for page in chunk.pageList { counts[page.encoding, default: 0] += 1 }
        var stats = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            PageEncodingStats(pageType: .dataPage, encoding: $0.key, count: $0.value)
        }
        var encodings = Set(counts.keys)
        encodings.insert(.rle)
        if dictionaryOffset != nil {
            let encoding: ParquetEncoding = options.compatibility == .legacy ? .plainDictionary : .plain
            encodings.insert(encoding)
            stats.insert(PageEncodingStats(pageType: .dictionaryPage, encoding: encoding, count: 1), at: 0)
        }
        return ColumnMetadata(
            type: ColumnLayout(column.type).physicalType, encodings: encodings.sorted { $0.rawValue < $1.rawValue },
            path: column.path, codec: chunk.codec ?? .uncompressed, valueCount: Int64(chunk.values),
            totalUncompressedSize: Int64(chunk.uncompressedSize), totalCompressedSize: Int64(chunk.size),
            dataPageOffset: pagesOffset, dictionaryPageOffset: dictionaryOffset,
            statistics: statistics(column, chunk), encodingStats: stats)
    }

    private func statistics(_ column: LeafColumn, _ chunk: ColumnChunk) -> ParquetStatistics {
        var statistics = ParquetStatistics(nullCount: Int64(chunk.nulls))
        guard let bounds = chunk.bounds.encoded(as: ColumnLayout(column.type)) else { return statistics }
        (statistics.minValue, statistics.maxValue) = (bounds.least, bounds.greatest)
        (statistics.isMinValueExact, statistics.isMaxValueExact) = (bounds.leastExact, bounds.greatestExact)
        return statistics
    }

    // MARK: page index

    private func index(_ column: LeafColumn, _ chunk: ColumnChunk, _ start: Int64) -> (ColumnIndex?, OffsetIndex) {
        var locations: [PageLocation] = []
        var columnIndex: ColumnIndex? = ColumnIndex(
            nullPages: [], minValues: [], maxValues: [], boundaryOrder: .unordered, nullCounts: [])
        var row: Int64 = 0
        let layout = ColumnLayout(column.type)
        for page in chunk.pageList {
            locations.append(
                PageLocation(offset: start + Int64(page.offset), compressedSize: Int32(page.size), firstRow: row))
            row += Int64(page.rows)
            let isNull = page.nulls == page.values
            let bounds = page.bounds.encoded(as: layout)
            // A page with values and without bounds (NaN only) leaves the chunk without an index.
            if !isNull && bounds == nil { columnIndex = nil }
            columnIndex?.nullPages.append(isNull)
            columnIndex?.minValues.append(bounds?.least ?? [])
            columnIndex?.maxValues.append(bounds?.greatest ?? [])
            columnIndex?.nullCounts?.append(Int64(page.nulls))
        }
        return (columnIndex, OffsetIndex(pages: locations))
    }

    /// All column indexes, then all offset indexes; the chunks' metadata say where they are.
    private func pageIndex() -> [UInt8] {
        var index: [UInt8] = []
        for group in rowGroups.indices {
            for column in indexes[group].indices {
                guard let columnIndex = indexes[group][column].0 else { continue }
                let bytes = ThriftWriter.bytes(of: columnIndex)
                rowGroups[group].columns[column].columnIndexOffset = bytesWritten + Int64(index.count)
                rowGroups[group].columns[column].columnIndexLength = Int32(bytes.count)
                index += bytes
            }
        }
        for group in rowGroups.indices {
            for column in indexes[group].indices {
                let bytes = ThriftWriter.bytes(of: indexes[group][column].1)
                rowGroups[group].columns[column].offsetIndexOffset = bytesWritten + Int64(index.count)
                rowGroups[group].columns[column].offsetIndexLength = Int32(bytes.count)
                index += bytes
            }
        }
        return index
    }

    // MARK: bytes

    /// Counts bytes that will be written with others.
    private func add(_ bytes: UnsafeRawBufferPointer, to pieces: inout [UnsafeRawBufferPointer]) {
        pieces.append(bytes)
        bytesWritten += Int64(bytes.count)
    }

    private func write(_ bytes: [UInt8]) throws(ColumnarError) {
        try bytes.withUnsafeBufferPointer { buffer throws(ColumnarError) in
            try sink.write(UnsafeRawBufferPointer(buffer))
        }
        bytesWritten += Int64(bytes.count)
    }
}
