/// Reads JSON text record by record, in bounded memory: one object a line, one list of objects, or objects in a row.
///
/// ```swift
/// let reader = try JSONReader(FileSource(path: "events.ndjson"))
/// try reader.forEachRecord { record in print(record.row, record.bytes.count) }
/// ```
/// Each record is a well-formed JSON object in valid UTF-8; what its values mean is left to the caller. Input that is
/// compressed is expanded. Used by one thread at a time.
public final class JSONReader {
    private let reader: JSONBatchReader

    /// Records that the policy `reject` left out; nil loses them.
    public var rejectedRecords: (any RejectedRecords)?

    /// - Parameters:
    ///   - format: `automatic`, `ndjson` or `json`.
    ///   - options: encoding, policy for bad records and limits are taken from it.
    /// - Throws: `NotText` where the text does not begin like JSON and the format is `automatic`, `Unsupported` for
    ///   archives, `ReadFailed`, `CorruptFile`.
    public init(
        _ source: any ByteSource, format: InputFormat = .automatic, options: CSVOptions = CSVOptions()
    ) throws(ColumnarError) {
        let text = try InputSource.text(of: source, encoding: options.encoding)
        if text is ZipSource {
            throw ColumnarError(
                .unsupported, "JSON records are read from one file, not from an archive: unpack it first.")
        }
        let recognized = try format.recognized(text)
        guard recognized.format.isJSON else {
            throw ColumnarError(
                .notText, "The text does not begin as JSON records do: with { or [ and a first object.", byteOffset: 0)
        }
        var conversion = ConversionOptions()
        conversion.csv = options
        reader = JSONBatchReader(
            recognized.text, form: recognized.format == .ndjson ? .lines : nil, options: conversion,
            knowledge: JSONKnowledge(nil))
    }

    /// Calls `body` for each record.
    /// - Throws: `EmptyFile`, `MalformedRow`, `InvalidUTF8`, `LimitExceeded` for records (see `CSVOptions.BadRecords`),
    ///   what reading throws, and what `body` throws, which ends the reading.
    public func forEachRecord(_ body: (JSONRecord) throws(ColumnarError) -> Void) throws(ColumnarError) {
        try rejectedRecords?.beginPass()
        let rejectedRecords = rejectedRecords
        try reader.forEachRecord { records throws(ColumnarError) in
            for record in records { try rejectedRecords?.receive(record) }
        } _: { batch, range, ordinal throws(ColumnarError) in
            try body(JSONRecord(batch: batch, range: range, row: ordinal))
        }
    }
}

/// One record of a JSON text: valid until the closure that received it returns.
public struct JSONRecord {
    fileprivate let batch: RecordBatch
    fileprivate let range: Range<Int>

    /// Number of the record, from 1; rejected records count.
    public let row: Int64

    /// Line on which the record begins, from 1. Counts line ends in the window: cheap only now and then.
    public var line: Int64 { batch.line(at: range.lowerBound) }

    /// Offset of the first byte in the (decompressed) input, from 0.
    public var byteOffset: Int64 { batch.inputOffset(range.lowerBound) }

    /// The JSON text of the object, from brace to brace.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: batch.base + range.lowerBound, count: range.count)
    }
}
