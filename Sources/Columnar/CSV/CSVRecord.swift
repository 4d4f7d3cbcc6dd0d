import Glibc

/// One record of a delimited text, seen while it is read.
///
/// A record is a view of the reader's window: it and every pointer from it are only valid until the closure or method
/// that received it returns. Copy what is to be kept. Columns are addressed by position in the file.
public struct CSVRecord {
    private let batch: RecordBatch
    private let rowInBatch: Int
    private let text: FieldText
    private let nullTokens: NullTokens
    private let scratch: RecordScratch

    init(_ batch: RecordBatch, row: Int, text: FieldText, nullTokens: NullTokens, scratch: RecordScratch) {
        self.batch = batch
        rowInBatch = row
        self.text = text
        self.nullTokens = nullTokens
        self.scratch = scratch
    }

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
        let range = batch.field(row: rowInBatch, column: column)
        if range.isEmpty { return true }
        let start = UnsafePointer(batch.base + range.lowerBound)
        return !text.isQuoted(start, range.count) && nullTokens.contains(start, range.count)
    }

    /// Whether a field stands in quotes.
    public func isQuoted(_ column: Int) -> Bool {
        let range = batch.field(row: rowInBatch, column: column)
        return text.isQuoted(UnsafePointer(batch.base + range.lowerBound), range.count)
    }

    /// The UTF-8 text of a field, without quotes and escapes; empty for nulls that are empty fields.
    public func bytes(_ column: Int) -> UnsafeRawBufferPointer {
        let range = batch.field(row: rowInBatch, column: column)
        let start = UnsafePointer(batch.base + range.lowerBound)
        guard text.isQuoted(start, range.count) else {
            return UnsafeRawBufferPointer(start: start, count: range.count)
        }
        let inner = scratch.unquoted(start, range.count, text)
        return UnsafeRawBufferPointer(start: inner.start, count: inner.length)
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
        let range = batch.field(row: rowInBatch, column: column)
        return TypeCheck.fits(batch.base + range.lowerBound, range.count, type, text, nullTokens, scratch)
    }

    private func parse<Value>(_ column: Int, _ parser: (UnsafePointer<UInt8>, Int) -> Value?) -> Value? {
        guard !isNull(column) else { return nil }
        let field = bytes(column)
        guard let start = field.baseAddress, field.count > 0 else { return nil }
        return parser(start.assumingMemoryBound(to: UInt8.self), field.count)
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
        switch type {
        case .string: return true
        case .boolean: return BooleanText.parse(text, length) != nil
        case .bigint: return IntegerText.parse(text, length) != nil
        case .double: return DoubleText.parse(text, length) != nil
        case .date: return TemporalText.date(text, length) != nil
        case .timestamp: return TemporalText.timestamp(text, length)?.hasZone == false
        case .timestampUTC: return TemporalText.timestamp(text, length)?.hasZone == true
        case .decimal(let precision, let scale):
            return DecimalText.parse(text, length, precision: precision, scale: scale) != nil
        }
    }
}
