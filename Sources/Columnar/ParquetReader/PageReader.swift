/// A data page, expanded, with its parts located.
struct LoadedPage: Sendable {
    var bytes: [UInt8]
    var hold: PageHold
    /// Values, nulls included.
    var valueCount: Int
    var encoding: ParquetEncoding
    /// Nil where the column has no such levels.
    var repetition: Range<Int>?
    var definition: Range<Int>?
    var values: Range<Int>
    /// Of the page's header in the file.
    var offset: Int64
}

/// Reads the pages of one column chunk in their order; holds one page and the dictionary.
struct PageReader: Sendable {
    private let input: any ParquetInput
    private let limits: ParquetLimits
    private let budget: PageBudget
    private let leaf: ParquetLeaf
    private let codec: CompressionCodec
    private let rowGroup: Int
    private let end: Int64
    private(set) var offset: Int64
    private(set) var dictionary: ParquetVector?
    private var dictionaryHold: PageHold?

    /// - Parameter range: where the chunk lies; checked to be within the file.
    init(
        _ input: any ParquetInput, limits: ParquetLimits, budget: PageBudget, leaf: ParquetLeaf,
        codec: CompressionCodec, rowGroup: Int, range: Range<Int64>
    ) {
        self.input = input
        self.limits = limits
        self.budget = budget
        self.leaf = leaf
        self.codec = codec
        self.rowGroup = rowGroup
        offset = range.lowerBound
        end = range.upperBound
    }

    /// The next data page; nil at the end of the chunk. A dictionary before it is kept.
    mutating func next() throws(ColumnarError) -> LoadedPage? {
        while offset < end {
            let start = offset
            let header = try readHeader()
            guard header.compressedSize >= 0, Int64(header.compressedSize) <= end - offset else {
                throw place(
                    DecodeFault("claims \(header.compressedSize) bytes where \(end - offset) are left"), at: start)
            }
            guard header.uncompressedSize >= 0, Int(header.uncompressedSize) <= limits.pageBytes else {
                throw place(
                    DecodeFault(
                        "claims \(header.uncompressedSize) bytes expanded; the limit is \(limits.pageBytes)",
                        code: .limitExceeded), at: start)
            }
            let body = offset
            offset += Int64(header.compressedSize)
            switch header.type {
            case .dataPage, .dataPageV2, .dictionaryPage:
                let stored = try input.read(at: body, count: Int(header.compressedSize))
                do throws(DecodeFault) {
                    if let crc = header.crc, UInt32(bitPattern: crc) != CRC32.checksum(stored) {
                        throw DecodeFault("does not match its checksum")
                    }
                    if header.type == .dictionaryPage {
                        try loadDictionary(stored, header)
                    } else if header.type == .dataPage {
                        return try loadPage(stored, header, at: start)
                    } else {
                        return try loadPageV2(stored, header, at: start)
                    }
                } catch {
                    throw place(error, at: start)
                }
            default: continue
            }
        }
        return nil
    }

    /// An error at a page of this column.
    func place(_ fault: DecodeFault, at offset: Int64) -> ColumnarError {
        ColumnarError(
            fault.code, "Column \"\(leaf.name)\", row group \(rowGroup): the page \(fault.problem).",
            byteOffset: offset,
            column: leaf.name)
    }

    /// Headers say nothing of their own length: read a little, and more if that was too short.
    private mutating func readHeader() throws(ColumnarError) -> PageHeader {
        var count = 512
        while true {
            let portion = Int(min(Int64(count), end - offset))
            let bytes = try input.read(at: offset, count: portion)
            let result = bytes.withUnsafeBytes { buffer -> Result<(PageHeader, Int), ColumnarError> in
                do throws(ColumnarError) {
                    var reader = ThriftReader(buffer, fileOffset: offset)
                    let header = try PageHeader(from: &reader)
                    return .success((header, reader.position))
                } catch {
                    return .failure(error)
                }
            }
            switch result {
            case .success((let header, let length)):
                offset += Int64(length)
                return header
            case .failure(var error):
                if portion < count || count >= limits.pageHeaderBytes {
                    error.message = "Column \"\(leaf.name)\", row group \(rowGroup), page header: \(error.message)"
                    error.column = leaf.name
                    throw error
                }
                count *= 8
            }
        }
    }

    private mutating func loadDictionary(_ stored: [UInt8], _ header: PageHeader) throws(DecodeFault) {
        guard let details = header.dictionaryPage else { throw DecodeFault("lacks its dictionary header") }
        guard dictionary == nil else { throw DecodeFault("is the second dictionary of its column chunk") }
        guard details.encoding == .plain || details.encoding == .plainDictionary else {
            throw .unsupported("holds a dictionary in \(details.encoding.word)")
        }
        guard details.valueCount >= 0, leaf.physicalType != .boolean else {
            throw DecodeFault("holds a dictionary of \(details.valueCount) \(leaf.physicalType.word) values")
        }
        let size = Int(header.uncompressedSize)
        // Numbers are copied out of the page; texts are views into it, which take more than the shortest of them.
        let values =
            leaf.physicalType == .byteArray || leaf.physicalType == .fixedLenByteArray
            ? min(Int(details.valueCount), size / (leaf.valueWidth ?? 4)) * MemoryLayout<ParquetBytes.Span>.stride
            : size
        dictionaryHold = try budget.take(size + values)
        let bytes = try PageDecompressor.expand(stored, 0..<stored.count, codec: codec, size: size)
        var decoder = try PlainDecoder(bytes, range: 0..<bytes.count, leaf: leaf)
        dictionary = try decoder.decode(Int(details.valueCount))
    }

    private func loadPage(_ stored: [UInt8], _ header: PageHeader, at start: Int64) throws(DecodeFault) -> LoadedPage {
        guard let details = header.dataPage else { throw DecodeFault("lacks its data page header") }
        let hold = try budget.take(Int(header.uncompressedSize))
        let bytes = try PageDecompressor.expand(
            stored, 0..<stored.count, codec: codec, size: Int(header.uncompressedSize))
        var position = 0
        func levels(_ highest: Int, _ encoding: ParquetEncoding) throws(DecodeFault) -> Range<Int>? {
            if highest == 0 { return nil }
            guard encoding == .rle else { throw .unsupported("has levels in \(encoding.word)") }
            let length = try readLength(bytes, &position, end: bytes.count)
            defer { position += length }
            return position..<position + length
        }
        let repetition = try levels(leaf.repetitionLevel, details.repetitionLevelEncoding)
        let definition = try levels(leaf.definitionLevel, details.definitionLevelEncoding)
        return LoadedPage(
            bytes: bytes, hold: hold, valueCount: try count(details.valueCount), encoding: details.encoding,
            repetition: repetition, definition: definition, values: position..<bytes.count, offset: start)
    }

    private func loadPageV2(_ stored: [UInt8], _ header: PageHeader, at start: Int64) throws(DecodeFault) -> LoadedPage
    {
        guard let details = header.dataPageV2 else { throw DecodeFault("lacks its data page header") }
        let repetitionCount = Int(details.repetitionLevelsByteLength)
        let definitionCount = Int(details.definitionLevelsByteLength)
        let size = Int(header.uncompressedSize)
        guard repetitionCount >= 0, definitionCount >= 0, repetitionCount + definitionCount <= min(stored.count, size)
        else { throw DecodeFault("claims \(repetitionCount) + \(definitionCount) bytes of levels in \(stored.count)") }
        let levelCount = repetitionCount + definitionCount
        let hold = try budget.take(size)
        let isCompressed = (details.isCompressed ?? true) && codec != .uncompressed
        // Some writers leave a page of nulls alone with no compressed bytes at all.
        let isEmpty = stored.count == levelCount && size == levelCount
        var bytes = stored
        if isCompressed && !isEmpty {
            bytes = try PageDecompressor.expand(
                stored, levelCount..<stored.count, codec: codec, size: size - levelCount)
            bytes.insert(contentsOf: stored[..<levelCount], at: 0)
        }
        return LoadedPage(
            bytes: bytes, hold: hold, valueCount: try count(details.valueCount), encoding: details.encoding,
            repetition: leaf.repetitionLevel == 0 ? nil : 0..<repetitionCount,
            definition: leaf.definitionLevel == 0 ? nil : repetitionCount..<levelCount,
            values: levelCount..<bytes.count, offset: start)
    }

    private func count(_ claimed: Int32) throws(DecodeFault) -> Int {
        guard claimed >= 0 else { throw DecodeFault("claims \(claimed) values") }
        return Int(claimed)
    }
}
