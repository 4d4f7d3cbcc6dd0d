/// The finished pages of one column in the row group under way.
struct ColumnChunk {
    struct Page {
        var offset: Int
        /// With its header.
        var size: Int
        /// Without its header, as it is stored.
        var storedSize: Int
        /// Records; within lists each has any number of values.
        var rows: Int
        /// Values, nulls included.
        var values: Int
        var nulls: Int
        var encoding: ParquetEncoding
        /// Long texts cut.
        var bounds: ValueBounds
    }

    private let memory: ColumnMemory
    /// Headers and bytes of data pages, one after the other.
    private(set) var pages: PageStore
    var dictionaryPage = RawBuffer(capacity: 64)
    var pageList: [Page] = []
    /// Compressed or not: decided at the first page, since a chunk has one codec.
    var codec: CompressionCodec?
    /// What the texts of the chunk are best compressed with, by a trial; nil: as pages in general.
    var textCodec: CompressionCodec?
    /// Whether a page of values, not ids, had its say in that.
    var hasTriedValues = false
    /// Whether doubles are stored as BYTE_STREAM_SPLIT; nil until tried.
    var splitsBytes: Bool?
    /// Whether lengths of texts stand apart from them, as differences; nil until tried.
    var splitsLengths: Bool?
    var rows = 0
    var values = 0
    var nulls = 0
    var uncompressedSize = 0
    var bounds = ValueBounds()

    init(_ memory: ColumnMemory) {
        self.memory = memory
        pages = PageStore(memory)
    }

    mutating func free() {
        pages.free()
        dictionaryPage.free()
    }

    mutating func clear() {
        pages.free()
        dictionaryPage.count = 0
        pageList.removeAll(keepingCapacity: true)
        (codec, textCodec, hasTriedValues, splitsBytes, splitsLengths) = (nil, nil, false, nil, nil)
        (rows, values, nulls) = (0, 0, 0)
        (uncompressedSize, bounds) = (0, ValueBounds())
    }

    var size: Int { pages.count + dictionaryPage.count }

    /// Adds the page that lies encoded in the workspace.
    mutating func addDataPage(
        _ workspace: PageWorkspace, rows: Int, values: Int, nulls: Int, encoding: ParquetEncoding, bounds: ValueBounds
    ) throws(ColumnarError) {
        let plain = workspace.page.bytes
        if encoding != .rleDictionary && encoding != .plainDictionary && !hasTriedValues {
            hasTriedValues = true
            if codec == .uncompressed { try reconsider(plain, workspace) }
        }
        let stored = try store(plain, workspace)
        let header = Self.header(plain: plain.count, stored: stored.count, values: values, encoding: encoding)
        let offset = pages.count
        append(header, stored)
        var bounds = bounds
        bounds.cutTexts()
        uncompressedSize += pages.count - offset - stored.count + plain.count
        pageList.append(
            Page(
                offset: offset, size: pages.count - offset, storedSize: stored.count, rows: rows, values: values,
                nulls: nulls,
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
        if codec == .uncompressed && !hasTriedValues { try reconsider(plain, workspace) }
        let stored = try store(plain, workspace)
        let header = PageHeader(
            type: .dictionaryPage, uncompressedSize: Int32(plain.count), compressedSize: Int32(stored.count),
            dictionaryPage: DictionaryPageHeader(
                valueCount: Int32(count), encoding: isLegacy ? .plainDictionary : .plain))
        dictionaryPage.append(ThriftWriter.bytes(of: header))
        if let start = stored.baseAddress {
            dictionaryPage.append(start.assumingMemoryBound(to: UInt8.self), stored.count)
        }
        uncompressedSize += dictionaryPage.count - stored.count + plain.count
    }

    private static func header(plain: Int, stored: Int, values: Int, encoding: ParquetEncoding) -> PageHeader {
        PageHeader(
            type: .dataPage, uncompressedSize: Int32(plain), compressedSize: Int32(stored),
            dataPage: DataPageHeader(
                valueCount: Int32(values), encoding: encoding, definitionLevelEncoding: .rle,
                repetitionLevelEncoding: .rle))
    }

    /// The pages so far, ids that hardly shrink, are uncompressed; the first page of values, or the dictionary, may
    /// show that the chunk is better compressed: then they are too, since a chunk has one codec.
    private mutating func reconsider(
        _ plain: UnsafeRawBufferPointer, _ workspace: PageWorkspace
    ) throws(ColumnarError) {
        let compressor = workspace.compressor
        let wanted = textCodec ?? compressor.codec
        guard wanted != .uncompressed, plain.count >= 1024 else { return }
        try compressor.compress(plain, as: wanted)
        let saved = plain.count - compressor.output.count
        guard saved > plain.count / 20, saved > pages.count / 50 else { return }
        var old = pages
        defer { old.free() }
        pages = PageStore(memory)
        codec = wanted
        let longest = pageList.reduce(0) { max($0, $1.storedSize) }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: longest, alignment: 16)
        defer { room.deallocate() }
        for index in pageList.indices {
            let page = pageList[index]
            let body = UnsafeMutableRawBufferPointer(rebasing: room[..<page.storedSize])
            old.copy(from: page.offset + page.size - page.storedSize, to: body)
            try compressor.compress(UnsafeRawBufferPointer(body), as: wanted)
            let offset = pages.count
            let header = Self.header(
                plain: body.count, stored: compressor.output.count, values: page.values, encoding: page.encoding)
            append(header, compressor.output.bytes)
            pageList[index].offset = offset
            pageList[index].size = pages.count - offset
            pageList[index].storedSize = compressor.output.count
        }
    }

    private mutating func store(
        _ plain: UnsafeRawBufferPointer, _ workspace: PageWorkspace
    ) throws(ColumnarError) -> UnsafeRawBufferPointer {
        let compressor = workspace.compressor
        let wanted = codec ?? textCodec ?? compressor.codec
        if wanted == .uncompressed {
            codec = .uncompressed
            return plain
        }
        try compressor.compress(plain, as: wanted)
        if codec == nil {
            // Less than a twentieth saved is not worth the reader's time. Tiny pages tell nothing.
            let gains = compressor.output.count < plain.count - plain.count / 20 || plain.count < 1024
            codec = gains ? wanted : .uncompressed
            if !gains { return plain }
        }
        return compressor.output.bytes
    }

    private mutating func append(_ header: PageHeader, _ bytes: UnsafeRawBufferPointer) {
        ThriftWriter.bytes(of: header).withUnsafeBytes { pages.append($0) }
        pages.append(bytes)
    }
}
