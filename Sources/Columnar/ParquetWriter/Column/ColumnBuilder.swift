import Glibc

/// Turns the fields of one column into pages of a column chunk.
///
/// Every chunk starts with a dictionary keyed on the texts of the fields; where too many values are new, the column
/// goes on with plain values (or differences of integers). A page holds either ids or values. Used by one thread at a
/// time.
final class ColumnBuilder {
    let name: String
    let type: ColumnType
    let layout: ColumnLayout
    let options: ParquetWriterOptions
    let nullTokens: NullTokens
    let pageRows: Int
    /// Whether a number whose digits a double would lose is a misfit: so where the type was inferred.
    let keepsDigits: Bool

    var chunk: ColumnChunk
    private let memory: ColumnMemory

    // The page under way. `numberMemory` holds ids in dictionary mode and lengths of texts in plain mode.
    private var numberMemory: UnsafeMutablePointer<UInt32>?
    /// Plain numbers, doubles as bit patterns; made when first needed.
    private var values: UnsafeMutablePointer<Int64>?
    /// Values that the page has room for; more than `pageRows` where a single record holds more.
    private var capacity: Int
    /// Plain texts, one after the other.
    var texts = RawBuffer(capacity: 64)
    /// Bit i: row i of the page has a value.
    private(set) var validity: UnsafeMutablePointer<UInt8>
    /// How deep each value of the page is defined and where lists go on; nil in columns that are not nested, where a
    /// row has one value, there or not.
    let levels: NestedLevels?
    /// Rows; within lists, values and nulls.
    var pageRowCount = 0
    var pageValueCount = 0

    var usesDictionary: Bool
    /// Whether the next chunk begins with a dictionary.
    var startsWithDictionary: Bool
    var dictionary: ValueDictionary
    /// Values and distinct values of the chunk at the last look, to see how many of the values since then were new.
    var lookValues = 0
    var lookDistinct = 0
    var chunkValues = 0
    var looks = 0

    /// Watches the values, where a profile is wanted.
    var profiler: ColumnProfiler?
    /// Judges the values, where rules are to be kept.
    var watch: ColumnWatch?
    var mark = Mark()
    /// How booleans were written so far, bit i for `BooleanText.words[i]`.
    var booleanWords: UInt8 = 0

    var scratch = RawBuffer(capacity: 256)
    let months = MonthCache()

    init(
        name: String, type: ColumnType, options: ParquetWriterOptions, nullTokens: NullTokens, pageRows: Int,
        keepsDigits: Bool, levels: NestedLevels? = nil, memory: ColumnMemory
    ) {
        self.memory = memory
        chunk = ColumnChunk(memory)
        self.name = name
        self.type = type
        self.options = options
        self.nullTokens = nullTokens
        self.pageRows = pageRows
        self.keepsDigits = keepsDigits
        self.levels = levels
        capacity = pageRows
        layout = ColumnLayout(type)
        validity = .allocate(capacity: pageRows / 8 + 8)
        memset(validity, 0xFF, pageRows / 8 + 8)
        startsWithDictionary = layout != .boolean && layout != .fixed16
        usesDictionary = startsWithDictionary
        dictionary = ValueDictionary(keepsAllTexts: layout == .text)
        registerNullTokens()
    }

    /// Takes over from a builder that has seen nothing but nulls, with another type.
    convenience init(continuing other: ColumnBuilder, as type: ColumnType) {
        self.init(
            name: other.name, type: type, options: other.options, nullTokens: other.nullTokens,
            pageRows: other.pageRows, keepsDigits: other.keepsDigits, memory: other.memory)
        profiler = other.profiler
        watch = other.watch
        watch?.reset()
        swap(&chunk, &other.chunk)
        pageRowCount = other.pageRowCount
        memcpy(validity, other.validity, pageRows / 8 + 8)
    }

    deinit {
        freePage()
        validity.deallocate()
        texts.free()
        scratch.free()
        dictionary.free()
        chunk.free()
    }

    /// Appends all rows of a table.
    /// - Returns: the first row whose text does not fit the type, nil where all do. After a misfit the builder is of no
    ///   further use.
    func append(_ table: FieldTable, _ workspace: PageWorkspace) throws(ColumnarError) -> Int? {
        var row = 0
        while row < table.rows {
            let count = min(table.rows - row, pageRows - pageRowCount)
            if let misfit = usesDictionary
                ? appendIDs(table, from: row, count: count) : appendValues(table, from: row, count: count)
            {
                return misfit
            }
            row += count
            try finishFullPage(workspace)
        }
        return nil
    }

    /// Looks whether the dictionary is worth it, and ends the page when it is full.
    func finishFullPage(_ workspace: PageWorkspace) throws(ColumnarError) {
        if usesDictionary { try judgeDictionary(workspace) }
        if pageRowCount == pageRows || texts.count >= options.pageBytes { try finishPage(workspace) }
    }

    /// Appends rows without values: of a column that the file lacks.
    func appendNulls(_ count: Int, _ workspace: PageWorkspace) throws(ColumnarError) {
        var rest = count
        while rest > 0 {
            let step = min(rest, pageRows - pageRowCount)
            for row in pageRowCount..<pageRowCount + step { setNull(row) }
            levels?.appendNulls(step)
            pageRowCount += step
            rest -= step
            if pageRowCount == pageRows { try finishPage(workspace) }
        }
    }

    @inline(__always)
    func setNull(_ row: Int) {
        validity[row >> 3] &= ~(1 << UInt8(truncatingIfNeeded: row & 7))
    }

    /// Bytes that the chunk will take, roughly.
    var size: Int { chunk.size + dictionary.pageBytes + texts.count }

    /// Ends the chunk: its pages and dictionary are complete afterwards.
    func finishChunk(_ workspace: PageWorkspace) throws(ColumnarError) {
        judgeWholeChunk()
        if pageRowCount > 0 { try finishPage(workspace) }
        if dictionary.count > 0
            && chunk.pageList.contains(where: { $0.encoding == .rleDictionary || $0.encoding == .plainDictionary })
        {
            try finishDictionary(workspace)
        }
        if let profiler { profileChunk(profiler) }
    }

    /// Forgets the chunk, after it was written.
    func beginChunk() {
        chunk.clear()
        resetDictionary()
        usesDictionary = startsWithDictionary
        (lookValues, lookDistinct, chunkValues, looks) = (0, 0, 0, 0)
    }

    func resetDictionary() {
        watch?.reset()
        guard dictionary.count > 0 else { return }
        dictionary.clear()
        registerNullTokens()
    }

    private func registerNullTokens() {
        for token in nullTokens.all where token.count <= 8 {
            let padded = token + [0, 0, 0, 0, 0, 0, 0, 0]
            padded.withUnsafeBufferPointer { bytes in
                if let start = bytes.baseAddress { dictionary.insertNull(start, token.count) }
            }
        }
    }

    /// Memory of plain values of a page.
    func pageValues() -> UnsafeMutablePointer<Int64> {
        if let values { return values }
        let values = memory.allocate(8 * capacity).bindMemory(to: Int64.self, capacity: capacity)
        self.values = values
        return values
    }

    /// Memory of ids or lengths of a page.
    var numbers: UnsafeMutablePointer<UInt32> {
        if let numberMemory { return numberMemory }
        let numbers = memory.allocate(4 * capacity).bindMemory(to: UInt32.self, capacity: capacity)
        numberMemory = numbers
        return numbers
    }

    /// A column of plain numbers needs none.
    func freeNumbers() {
        if let numberMemory { memory.deallocate(numberMemory, 4 * capacity) }
        numberMemory = nil
    }

    private func freePage() {
        freeNumbers()
        if let values { memory.deallocate(values, 8 * capacity) }
        values = nil
    }

    /// Makes an empty page large enough for a record of many values.
    func growPage(to size: Int) {
        guard size > capacity else { return }
        freePage()
        capacity = size
        validity.deallocate()
        validity = .allocate(capacity: size / 8 + 8)
        memset(validity, 0xFF, size / 8 + 8)
    }
}
