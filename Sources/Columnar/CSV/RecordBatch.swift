import Glibc

/// A window of the input: its bytes and where the fields of its records lie.
///
/// Fields are found by number: `index[row * stride + start(column)] + 1` is the offset of the first byte,
/// `index[row * stride + end(column)]` the offset after the last. With well-formed files the end of one field doubles
/// as the start of the next, so that the list of separators is the index as it stands.
///
/// Texts that do not stand in the input as columns need them (without escapes, a time in another form) lie in an annex
/// behind the data, where fields can point as well.
final class RecordBatch {
    /// Readable bytes before and after the data, so that loops may load whole words.
    static let padding = 64

    enum Layout {
        /// n numbers a row: a record's first separator is the last one of the record before.
        case separators
        /// n + 1 numbers a row: the last separator is a carriage return, the next record starts elsewhere.
        case separatorsAndStart
        /// 2n numbers a row: start and end of every field by themselves.
        case pairs
    }

    /// Data and annex. Moves when either grows.
    private(set) var base: UnsafeMutablePointer<UInt8>
    /// Bytes of data that fit.
    private(set) var capacity: Int
    private(set) var index: UnsafeMutablePointer<UInt32>
    private(set) var indexCapacity: Int
    /// Bytes that the annex has room for; it begins at `annexStart`.
    private var annexCapacity = 0
    /// Offset after the last byte of the annex.
    private(set) var annexEnd: Int

    /// Offset after the last byte of data; data begins at `padding`.
    var end = padding
    /// Offset of the first record.
    var start = padding
    /// Offset after the last complete record.
    var consumedEnd = padding
    var columns = 0
    var rows = 0
    var layout = Layout.separators
    /// Offset in the input of the first byte of data.
    var byteOffset: Int64 = 0
    /// Number of the first record, from 1.
    var firstRow: Int64 = 1
    /// Line of the first record, from 1.
    var firstLine: Int64 = 1
    /// Numbers of the records where some were left out; empty while they follow each other.
    var ordinals: [Int64] = []
    /// With `Layout.pairs`, start and end of every record without its line end.
    var extents: [UInt32] = []
    var rejected: [RejectedRecord] = []
    /// Whether rules have judged the records.
    var isJudged = false
    /// The file of an archive that the records are from.
    var member: String?
    /// Derived values of the records.
    var derived = DerivedValues([])
    /// The values of columns of the file that are lists or structures, by column and leaf. The column's own field is
    /// its text in the input.
    var nested: [Int: [NestedValues]] = [:]
    var lineEnd: UInt8 = 10
    /// Line ends between `start` and an offset that was asked for.
    private var counted = (offset: 0, lines: 0)

    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(capacity: capacity + 2 * Self.padding)
        memset(base, 0, Self.padding)
        annexEnd = capacity + 2 * Self.padding
        indexCapacity = 0
        index = .allocate(capacity: 1)
        reserveIndex()
    }

    deinit {
        base.deallocate()
        index.deallocate()
    }

    func clear() {
        (start, end, consumedEnd, rows, layout) = (Self.padding, Self.padding, Self.padding, 0, .separators)
        annexEnd = annexStart
        counted = (0, 0)
        isJudged = false
        extents.removeAll(keepingCapacity: true)
        ordinals.removeAll(keepingCapacity: true)
        rejected.removeAll(keepingCapacity: true)
    }

    /// Makes room for more bytes of data, keeping them. The annex is emptied.
    func grow(to size: Int) {
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: size + 2 * Self.padding + annexRoom)
        memcpy(larger, base, end)
        base.deallocate()
        base = larger
        capacity = size
        annexEnd = annexStart
        reserveIndex()
    }

    // MARK: annex

    private var annexStart: Int { capacity + 2 * Self.padding }
    /// With the bytes after it that loops may load.
    private var annexRoom: Int { annexCapacity == 0 ? 0 : annexCapacity + Self.padding }

    /// Room for `count` more bytes in the annex, at `base + annexEnd`. May move `base`.
    func reserveAnnex(_ count: Int) {
        let used = annexEnd - annexStart
        guard used + count > annexCapacity else { return }
        annexCapacity = max(4096, used + count, 2 * annexCapacity)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: annexStart + annexRoom)
        memcpy(larger, base, annexEnd)
        base.deallocate()
        base = larger
    }

    /// Takes `count` bytes at `base + annexEnd`, for which room was reserved, into the annex.
    /// - Returns: the offset of the first.
    func commitAnnex(_ count: Int) -> Int {
        defer { annexEnd += count }
        return annexEnd
    }

    /// Whether an offset lies in the input, not in the annex.
    func isInput(_ offset: Int) -> Bool { offset < annexStart }

    /// Makes room in the index for two numbers per byte and one more record; what it held is void.
    func reserveIndex() {
        let needed = 2 * (capacity + Self.padding) + 2 * columns + 8
        guard needed > indexCapacity else { return }
        index.deallocate()
        index = .allocate(capacity: needed)
        indexCapacity = needed
    }

    // MARK: fields

    var stride: Int {
        switch layout {
        case .separators: columns
        case .separatorsAndStart: columns + 1
        case .pairs: 2 * columns
        }
    }

    /// Numbers of a row from a field's start to the next one's.
    var step: Int { layout == .pairs ? 2 : 1 }

    func startSlot(_ column: Int) -> Int { step * column }
    func endSlot(_ column: Int) -> Int { step * column + 1 }

    /// Offsets of a raw field, quotes included.
    func field(row: Int, column: Int) -> Range<Int> {
        let record = row * stride
        let start = Int(index[record + startSlot(column)]) + 1
        return start..<max(start, Int(index[record + endSlot(column)]))
    }

    /// Offsets of a whole record without its line end. Fields that were added to a short record are not in it.
    func record(row: Int) -> Range<Int> {
        if layout == .pairs { return Int(extents[2 * row])..<Int(extents[2 * row + 1]) }
        let start = field(row: row, column: 0).lowerBound
        var end = min(field(row: row, column: columns - 1).upperBound, consumedEnd)
        while end > start, end <= consumedEnd, base[end - 1] == 10 || base[end - 1] == 13 { end -= 1 }
        return start..<end
    }

    // MARK: places

    func ordinal(row: Int) -> Int64 { ordinals.isEmpty ? firstRow + Int64(row) : ordinals[row] }

    /// The line of an offset in the batch. Counts line ends from the last place that was asked for, so that many places
    /// in their order cost no more than one at the end.
    func line(at offset: Int) -> Int64 {
        if offset < counted.offset || counted.offset < start { counted = (start, 0) }
        counted = (offset, counted.lines + countLines(counted.offset, offset))
        return firstLine + Int64(counted.lines)
    }

    func countLines(_ from: Int, _ to: Int) -> Int {
        var count = 0
        var position = from
        while position < to, let found = memchr(base + position, Int32(lineEnd), to - position) {
            count += 1
            position = UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found)) + 1
        }
        return count
    }

    func inputOffset(_ offset: Int) -> Int64 { byteOffset + Int64(offset - Self.padding) }

    /// At most 200 characters of text between two offsets, for messages.
    func excerpt(_ range: Range<Int>) -> String {
        Excerpt.text(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
    }

    // MARK: leaving records out

    /// Keeps the records with `keep[row]`, in order.
    func keep(_ keep: [Bool]) {
        let oldStride = stride
        for leaves in nested.values { for leaf in leaves { leaf.keep(keep) } }
        if ordinals.isEmpty { ordinals = (0..<rows).map { firstRow + Int64($0) } }
        if layout == .separators {
            // Each record's start must become its own before its neighbour goes.
            let needed = rows * (columns + 1) + 1
            let fresh = UnsafeMutablePointer<UInt32>.allocate(capacity: max(needed, indexCapacity))
            var target = 0
            for row in 0..<rows where keep[row] {
                memcpy(fresh + target * (columns + 1), index + row * oldStride, (columns + 1) * 4)
                ordinals[target] = ordinals[row]
                target += 1
            }
            index.deallocate()
            index = fresh
            indexCapacity = max(needed, indexCapacity)
            layout = .separatorsAndStart
            rows = target
        } else {
            var target = 0
            for row in 0..<rows where keep[row] {
                if target != row {
                    memmove(index + target * oldStride, index + row * oldStride, oldStride * 4)
                    ordinals[target] = ordinals[row]
                    if layout == .pairs {
                        extents[2 * target] = extents[2 * row]
                        extents[2 * target + 1] = extents[2 * row + 1]
                    }
                }
                target += 1
            }
            rows = target
        }
        ordinals.removeLast(ordinals.count - rows)
    }
}

/// Shortened texts for messages.
enum Excerpt {
    static func text(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int = 200) -> String {
        let text = String(decoding: bytes.prefix(limit * 4), as: UTF8.self)
        return text.count > limit || bytes.count > limit * 4 ? text.prefix(limit) + "…" : text
    }
}
