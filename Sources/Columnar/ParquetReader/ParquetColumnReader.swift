/// A portion of one column.
public struct ParquetBatch: Sendable {
    /// Values, nulls included.
    public var count: Int
    /// How deep each value is defined: `ParquetColumnReader.presentLevel` means that it is there. Empty where every
    /// value must be there.
    public var definitionLevels: [UInt32]
    /// At which repeated node each value repeats, 0 begins a row. Empty where nothing repeats.
    public var repetitionLevels: [UInt32]
    /// The values that are there, in order.
    public var values: ParquetVector
}

/// Reads one column of one row group in portions; holds one page and the dictionary at a time.
public struct ParquetColumnReader: Sendable {
    public let column: ParquetLeaf
    /// Values not yet read, nulls included.
    public private(set) var remaining: Int64
    private var pages: PageReader
    private var page: LoadedPage?
    private var pageLeft = 0
    private var repetition: RunLengthDecoder?
    private var definition: RunLengthDecoder?
    private var values: ValueDecoder?

    init(_ pages: PageReader, column: ParquetLeaf, count: Int64) {
        self.pages = pages
        self.column = column
        remaining = count
    }

    /// The definition level of a value that is there.
    public var presentLevel: UInt32 { UInt32(column.definitionLevel) }

    /// Between one and `maximum` values (nulls included) of a single page; nil at the end. Fails with `CorruptFile`,
    /// `Unsupported`, `LimitExceeded` or `ReadFailed`; do not go on reading after that.
    public mutating func next(maximum: Int = 8192) throws(ColumnarError) -> ParquetBatch? {
        while pageLeft == 0 {
            if remaining == 0 { return nil }
            try nextPage()
        }
        do throws(DecodeFault) {
            return try decode(max(1, min(maximum, pageLeft)))
        } catch {
            throw pages.place(error, at: page?.offset ?? 0)
        }
    }

    /// Where in the file the reader stands: the page under way, or what follows the last one.
    var place: Int64 { page?.offset ?? pages.offset }

    private mutating func nextPage() throws(ColumnarError) {
        // The page before goes first: two need not be in memory.
        (page, values, repetition, definition) = (nil, nil, nil, nil)
        guard let page = try pages.next() else {
            throw pages.place(DecodeFault("is missing: \(remaining) values are yet to come"), at: pages.offset)
        }
        do throws(DecodeFault) {
            guard Int64(page.valueCount) <= remaining else {
                throw DecodeFault("holds \(page.valueCount) values where \(remaining) are left")
            }
            repetition = try levels(page, page.repetition, highest: column.repetitionLevel)
            definition = try levels(page, page.definition, highest: column.definitionLevel)
            values = try ValueDecoder(
                page.bytes, range: page.values, encoding: page.encoding, leaf: column, limit: page.valueCount,
                dictionary: pages.dictionary)
        } catch {
            throw pages.place(error, at: page.offset)
        }
        self.page = page
        pageLeft = page.valueCount
    }

    private func levels(
        _ page: LoadedPage, _ range: Range<Int>?, highest: Int
    ) throws(DecodeFault) -> RunLengthDecoder? {
        guard let range else { return nil }
        return try RunLengthDecoder(page.bytes, range: range, width: Int.bitWidth - highest.leadingZeroBitCount)
    }

    private mutating func decode(_ maximum: Int) throws(DecodeFault) -> ParquetBatch {
        let count = min(maximum, values?.portion ?? maximum)
        var batch = ParquetBatch(count: count, definitionLevels: [], repetitionLevels: [], values: .boolean([]))
        if let levels = try repetition?.decode(count) { batch.repetitionLevels = levels }
        guard Self.highest(batch.repetitionLevels) <= UInt32(column.repetitionLevel) else {
            throw DecodeFault(
                "holds the repetition level \(Self.highest(batch.repetitionLevels)) of at most \(column.repetitionLevel)"
            )
        }
        var present = count
        if let same = try definition?.takeSame(count) {
            // One run: most often of values that are all there.
            if same < presentLevel {
                present = 0
                batch.definitionLevels = Array(repeating: same, count: count)
            } else if same > presentLevel {
                throw DecodeFault("holds the definition level \(same) of at most \(presentLevel)")
            }
        } else if let levels = try definition?.decode(count) {
            guard Self.highest(levels) <= presentLevel else {
                throw DecodeFault("holds the definition level \(Self.highest(levels)) of at most \(presentLevel)")
            }
            let wanted = presentLevel
            present = levels.withUnsafeBufferPointer { levels in
                var count = 0
                for level in levels { count &+= level == wanted ? 1 : 0 }
                return count
            }
            batch.definitionLevels = levels
        }
        let leaf = column
        if let decoded = try values?.decode(present, leaf: leaf) { batch.values = decoded }
        if case .bytes(let values) = batch.values, case .decimal? = leaf.meaning { try Self.checkDecimals(values) }
        pageLeft -= count
        remaining -= Int64(count)
        return batch
    }

    /// Digits of a number take a time that is the square of its length: none is longer than its type can need.
    private static func checkDecimals(_ values: ParquetBytes) throws(DecodeFault) {
        for span in values.spans where span.count > ParquetDecimal.mostBytes {
            throw DecodeFault("holds a decimal of \(span.count) bytes; \(ParquetDecimal.mostBytes) hold any")
        }
    }

    private static func highest(_ levels: [UInt32]) -> UInt32 {
        var highest: UInt32 = 0
        for level in levels { highest = max(highest, level) }
        return highest
    }
}
