import Glibc

/// One record of a delimited text, seen while it is read.
///
/// A record is a view of the reader's window: it and every pointer from it are only valid until the closure or method
/// that received it returns. Copy what is to be kept. Columns are addressed by position in the file.
public struct CSVRecord {
    private let cursor: RecordCursor

    init(_ cursor: RecordCursor) {
        self.cursor = cursor
    }

    private var batch: RecordBatch { cursor.batch }
    private var rowInBatch: Int { cursor.row }

    /// Number of fields: that of the file's columns.
    public var count: Int { batch.columns }

    /// Number of the record, from 1; the header does not count, rejected records do.
    public var row: Int64 { batch.ordinal(row: rowInBatch) }

    /// Line on which the record begins, from 1. Counts line ends in the window: cheap only now and then.
    public var line: Int64 { batch.line(at: batch.record(row: rowInBatch).lowerBound) }

    /// Offset of the first byte in the (decompressed) input, from 0.
    public var byteOffset: Int64 { batch.inputOffset(batch.record(row: rowInBatch).lowerBound) }

    /// The record as it stands in the input, quotes included, without its line end.
    public var rawBytes: UnsafeRawBufferPointer {
        let range = batch.record(row: rowInBatch)
        return UnsafeRawBufferPointer(start: batch.base + range.lowerBound, count: range.count)
    }

    /// Whether a field is null: empty without quotes, or an unquoted null token.
    public func isNull(_ column: Int) -> Bool {
        let (start, length) = cursor.field(column)
        if length == 0 { return true }
        return !cursor.text.isQuoted(start, length) && cursor.nullTokens.contains(start, length)
    }

    /// Whether a field stands in quotes.
    public func isQuoted(_ column: Int) -> Bool {
        let (start, length) = cursor.field(column)
        return cursor.text.isQuoted(start, length)
    }

    /// The UTF-8 text of a field, without quotes and escapes; empty for nulls that are empty fields.
    public func bytes(_ column: Int) -> UnsafeRawBufferPointer {
        let (start, length) = cursor.plain(column)
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    /// The text of a field, nil for null.
    public func string(_ column: Int) -> String? {
        isNull(column) ? nil : String(decoding: bytes(column), as: UTF8.self)
    }

    /// The value of a field as an integer, nil for null and for texts that are none (`007`, `+1` and `1.0` are none).
    public func integer(_ column: Int) -> Int64? {
        parse(column) { IntegerText.parse($0, $1) }
    }

    /// The value of a field as a number, nil for null and for texts that are none.
    public func double(_ column: Int) -> Double? {
        parse(column) { DoubleText.parse($0, $1) }
    }

    /// Whether a field is null or fits a type exactly, as a conversion with that type would have it.
    public func fits(_ column: Int, _ type: ColumnType) -> Bool {
        if type == .string || isNull(column) { return true }
        // Of records of JSON, what stands in a nested column was checked when they were taken apart.
        if type.isNested { return batch.nested[column] != nil }
        let (start, length) = cursor.field(column)
        return TypeCheck.fits(start, length, type, cursor.text, cursor.nullTokens, cursor.scratch)
    }

    @inline(__always)
    private func parse<Value>(_ column: Int, _ parser: (UnsafePointer<UInt8>, Int) -> Value?) -> Value? {
        guard !isNull(column) else { return nil }
        let (start, length) = cursor.plain(column)
        return length > 0 ? parser(start, length) : nil
    }
}

/// Where a reader stands in a batch; one serves all records, so that looking at a record costs no memory management.
final class RecordCursor {
    let text: FieldText
    let nullTokens: NullTokens
    let scratch = RecordScratch()
    private(set) var batch: RecordBatch
    private(set) var row = 0
    private var fields: UnsafePointer<UInt32>
    private var step = 1

    init(_ batch: RecordBatch, dialect: CSVDialect, nullTokens: NullTokens) {
        text = FieldText(dialect)
        self.nullTokens = nullTokens
        self.batch = batch
        fields = UnsafePointer(batch.index)
    }

    /// Goes to a batch, whose index may have moved.
    func begin(_ batch: RecordBatch) {
        if self.batch !== batch { self.batch = batch }
        move(to: 0)
    }

    /// Goes to a record of the batch. What was unescaped before is void.
    func move(to row: Int) {
        self.row = row
        scratch.clear()
        fields = UnsafePointer(batch.index + row * batch.stride)
        step = batch.step
    }

    /// A raw field, quotes included.
    @inline(__always)
    func field(_ column: Int) -> (UnsafePointer<UInt8>, Int) {
        precondition(column >= 0 && column < batch.columns, "no such column")
        let start = Int(fields[column &* step]) &+ 1
        return (UnsafePointer(batch.base + start), max(0, Int(fields[column &* step &+ 1]) &- start))
    }

    /// The text of a field.
    @inline(__always)
    func plain(_ column: Int) -> (UnsafePointer<UInt8>, Int) {
        let (start, length) = field(column)
        guard text.isQuoted(start, length) else { return (start, length) }
        return scratch.unquoted(start, length, text)
    }
}

/// Memory for unescaped fields of the records of a batch. Blocks never move, so that several fields of a record can be
/// looked at together.
final class RecordScratch {
    private var blocks: [RawBuffer] = []
    private var used = 0

    deinit { for block in blocks { block.free() } }

    /// Forgets all texts.
    func clear() {
        used = 0
    }

    func unquoted(
        _ field: UnsafePointer<UInt8>, _ length: Int, _ text: FieldText
    ) -> (start: UnsafePointer<UInt8>, length: Int) {
        if used == blocks.count { blocks.append(RawBuffer(capacity: 256)) }
        blocks[used].count = 0
        let inner = text.unquoted(field, length, scratch: &blocks[used])
        if inner.offsetInScratch != nil { used += 1 }
        return (inner.start, inner.length)
    }
}

/// Whether texts fit types, by the same parsers that builders use.
enum TypeCheck {
    static func fits(
        _ raw: UnsafePointer<UInt8>, _ rawLength: Int, _ type: ColumnType, _ fieldText: FieldText,
        _ nullTokens: NullTokens, _ scratch: RecordScratch
    ) -> Bool {
        var (text, length) = (raw, rawLength)
        if fieldText.isQuoted(raw, rawLength) { (text, length) = scratch.unquoted(raw, rawLength, fieldText) }
        if length == 0 || nullTokens.contains(text, length) { return true }
        return holds(text, length, type)
    }

    /// Whether an unquoted text is a value of a type.
    static func holds(_ text: UnsafePointer<UInt8>, _ length: Int, _ type: ColumnType) -> Bool {
        switch type {
        // What stands in a nested column was checked when the record was taken apart.
        case .string, .list, .structure: return true
        case .boolean: return BooleanText.parse(text, length) != nil
        case .bigint: return IntegerText.parse(text, length) != nil
        case .double: return DoubleText.parse(text, length) != nil
        case .date: return TemporalText.date(text, length) != nil
        case .time: return TemporalText.timeOfDay(text, length, allowsShort: true) != nil
        case .timestamp: return TemporalText.timestamp(text, length)?.hasZone == false
        case .timestampUTC: return TemporalText.timestamp(text, length)?.hasZone == true
        case .decimal(let precision, let scale):
            return DecimalText.parse(text, length, precision: precision, scale: scale) != nil
        }
    }
}
