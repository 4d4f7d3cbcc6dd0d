/// The finished pages of one column in the row group under way.
struct ColumnChunk {
    struct Page {
        var offset: Int
        var size: Int
        /// Records; within lists each has any number of values.
        var rows: Int
        /// Values, nulls included.
        var values: Int
        var nulls: Int
        var encoding: ParquetEncoding
        var bounds: ValueBounds
    }

    /// Headers and bytes of data pages, one after the other.
    var pages = RawBuffer(capacity: 4096)
    var dictionaryPage = RawBuffer(capacity: 64)
    var pageList: [Page] = []
    /// Compressed or not: decided at the first page, since a chunk has one codec.
    var codec: CompressionCodec?
    /// Whether doubles are stored as BYTE_STREAM_SPLIT; nil until tried.
    var splitsBytes: Bool?
    var rows = 0
    var values = 0
    var nulls = 0
    var uncompressedSize = 0
    var bounds = ValueBounds()

    func free() {
        pages.free()
        dictionaryPage.free()
    }

    mutating func clear() {
        pages.count = 0
        dictionaryPage.count = 0
        pageList.removeAll(keepingCapacity: true)
        (codec, splitsBytes, rows, values, nulls) = (nil, nil, 0, 0, 0)
        (uncompressedSize, bounds) = (0, ValueBounds())
    }

    var size: Int { pages.count + dictionaryPage.count }

    /// Adds the page that lies encoded in the workspace.
    mutating func addDataPage(
        _ workspace: PageWorkspace, rows: Int, values: Int, nulls: Int, encoding: ParquetEncoding, bounds: ValueBounds
    ) throws(ColumnarError) {
        let plain = workspace.page.bytes
        let stored = try store(plain, workspace)
        let header = PageHeader(
            type: .dataPage, uncompressedSize: Int32(plain.count), compressedSize: Int32(stored.count),
            dataPage: DataPageHeader(
                valueCount: Int32(values), encoding: encoding, definitionLevelEncoding: .rle,
                repetitionLevelEncoding: .rle))
        let offset = pages.count
        Self.append(header, stored, to: &pages)
        uncompressedSize += pages.count - offset - stored.count + plain.count
        pageList.append(
            Page(
                offset: offset, size: pages.count - offset, rows: rows, values: values, nulls: nulls,
                encoding: encoding, bounds: bounds))
        self.rows += rows
        self.values += values
        self.nulls += nulls
    }

    /// Sets the dictionary page from PLAIN values; Parquet 1.0 has a name of its own for them there.
    mutating func setDictionary(
        _ plain: UnsafeRawBufferPointer, count: Int, isLegacy: Bool, _ workspace: PageWorkspace
    ) throws(ColumnarError) {
        dictionaryPage.count = 0
        let stored = try store(plain, workspace)
        let header = PageHeader(
            type: .dictionaryPage, uncompressedSize: Int32(plain.count), compressedSize: Int32(stored.count),
            dictionaryPage: DictionaryPageHeader(
                valueCount: Int32(count), encoding: isLegacy ? .plainDictionary : .plain))
        Self.append(header, stored, to: &dictionaryPage)
        uncompressedSize += dictionaryPage.count - stored.count + plain.count
    }

    private mutating func store(
        _ plain: UnsafeRawBufferPointer, _ workspace: PageWorkspace
    ) throws(ColumnarError) -> UnsafeRawBufferPointer {
        let compressor = workspace.compressor
        if codec == .uncompressed || compressor.codec == .uncompressed {
            codec = .uncompressed
            return plain
        }
        try compressor.compress(plain)
        if codec == nil {
            // Less than a twentieth saved is not worth the reader's time. Tiny pages tell nothing.
            let gains = compressor.output.count < plain.count - plain.count / 20 || plain.count < 1024
            codec = gains ? compressor.codec : .uncompressed
            if !gains { return plain }
        }
        return compressor.output.bytes
    }

    private static func append(_ header: PageHeader, _ bytes: UnsafeRawBufferPointer, to buffer: inout RawBuffer) {
        buffer.append(ThriftWriter.bytes(of: header))
        if let start = bytes.baseAddress { buffer.append(start.assumingMemoryBound(to: UInt8.self), bytes.count) }
    }
}
