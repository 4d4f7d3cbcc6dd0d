import CLinux

/// The fields of one column in a batch, as loops over a column read them.
struct FieldTable {
    var bytes: UnsafePointer<UInt8>
    /// For row r: `starts[r * stride] + 1` is the offset of the first byte, `ends[r * stride]` the offset after the
    /// last.
    var starts: UnsafePointer<UInt32>
    var ends: UnsafePointer<UInt32>
    var stride: Int
    var rows: Int
    /// The quote character, or 256 where there is none.
    var quote: UInt32
    var text: FieldText

    init(_ batch: RecordBatch, column: Int, dialect: CSVDialect) {
        bytes = UnsafePointer(batch.base)
        starts = UnsafePointer(batch.index + batch.startSlot(column))
        ends = UnsafePointer(batch.index + batch.endSlot(column))
        stride = batch.stride
        rows = batch.rows
        quote = dialect.quote.map(UInt32.init) ?? 256
        text = FieldText(dialect)
    }

    /// Rows from a field to the one whose text is fetched meanwhile: the texts of a column lie a record apart, where no
    /// processor looks by itself.
    static let fetchDistance = 8

    /// Fields that lie as pairs of start and end, record by record.
    init(
        bytes: UnsafePointer<UInt8>, slots: UnsafePointer<UInt32>, column: Int, columns: Int, dialect: CSVDialect
    ) {
        self.bytes = bytes
        starts = slots + 2 * column
        ends = slots + 2 * column + 1
        stride = 2 * columns
        rows = 0
        quote = dialect.quote.map(UInt32.init) ?? 256
        text = FieldText(dialect)
    }
}

extension FieldTable {
    /// Fetches the text some rows behind a field into the cache.
    /// - Parameter last: start of the last row.
    @inline(__always)
    static func fetch(
        _ bytes: UnsafePointer<UInt8>, behind start: UnsafePointer<UInt32>, _ last: UnsafePointer<UInt32>, _ stride: Int
    ) {
        let ahead = start + (fetchDistance &* stride)
        clinux_prefetch(bytes + (Int((ahead < last ? ahead : last).pointee) &+ 1))
    }
}

/// Texts that mean null when they stand unquoted.
struct NullTokens {
    private let tokens: [[UInt8]]
    /// Bit n is set where a token of n bytes exists; longer than 63 counts as 63.
    private let lengths: UInt64

    init(_ tokens: [String]) {
        self.tokens = tokens.map { Array($0.utf8) }.filter { !$0.isEmpty }
        lengths = self.tokens.reduce(0) { $0 | 1 << UInt64(min($1.count, 63)) }
    }

    var isEmpty: Bool { tokens.isEmpty }
    var all: [[UInt8]] { tokens }

    @inline(__always)
    func contains(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        if lengths & (1 &<< UInt64(truncatingIfNeeded: min(length, 63))) == 0 { return false }
        return search(text, length)
    }

    @inline(never)
    private func search(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let text = UnsafeBufferPointer(start: text, count: length)
        return tokens.contains { $0.elementsEqual(text) }
    }
}
