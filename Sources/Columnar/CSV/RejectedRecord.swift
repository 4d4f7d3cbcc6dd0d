/// A record that was left out of a conversion, with all that is needed to find, judge and feed it back.
public struct RejectedRecord: Sendable, Hashable {
    /// Why, in a word: `MalformedRow`, `InvalidUTF8`, `SchemaMismatch`, or a code of a `RecordProcessor`.
    public var code: ColumnarError.Code
    /// Why, in words.
    public var reason: String
    /// Number of the record, from 1; the header does not count.
    public var row: Int64
    /// Line on which it begins, from 1; the header counts.
    public var line: Int64
    /// Offset of its first byte in the input (decompressed, byte order mark included), from 0.
    public var byteOffset: Int64
    /// The column at fault, where there is one.
    public var column: String?
    /// The file within an archive; `line` and `byteOffset` count from its beginning.
    public var member: String?
    /// The record as it stands in the input, without its line end.
    public var bytes: [UInt8]

    public init(
        code: ColumnarError.Code, reason: String, row: Int64, line: Int64, byteOffset: Int64, column: String? = nil,
        bytes: [UInt8]
    ) {
        self.code = code
        self.reason = reason
        self.row = row
        self.line = line
        self.byteOffset = byteOffset
        self.column = column
        self.bytes = bytes
    }
}

/// Receives the records that a conversion leaves out, in the order of the input.
public protocol RejectedRecords: AnyObject {
    /// A pass over the input begins. A conversion may make two passes (a late value can demand a wider type): what
    /// was received before is void and will come again.
    func beginPass() throws(ColumnarError)

    /// How the file is written; comes after `beginPass` and before the first record.
    func describe(_ layout: RejectedLayout) throws(ColumnarError)

    /// Takes one record. An error ends the conversion.
    func receive(_ record: RejectedRecord) throws(ColumnarError)
}

extension RejectedRecords {
    public func describe(_ layout: RejectedLayout) throws(ColumnarError) {}
}
