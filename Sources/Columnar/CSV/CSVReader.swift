/// Reads a delimited text record by record, in bounded memory.
///
/// ```swift
/// let reader = try CSVReader(FileSource(path: "orders.csv"))
/// try reader.forEachRecord { record in print(record.string(0) ?? "null") }
/// ```
/// Compressed input, archives and encodings: see `CSVOptions`. Used by one thread at a time.
public final class CSVReader {
    private let options: CSVOptions
    private let reader: any RecordReader
    private let batch: RecordBatch
    /// The first batch is read at once, to know the columns.
    private var hasBatch: Bool

    /// Columns of the file, in its order.
    public var columns: [CSVColumn] { reader.columns }

    /// The character between fields, given or found.
    public var delimiter: Character { Character(Unicode.Scalar(reader.dialect.delimiter)) }

    /// Records that the policy `reject` left out; nil loses them.
    public var rejectedRecords: (any RejectedRecords)?

    /// Looks at the beginning of the input.
    /// - Throws: `EmptyFile`, `NotText`, `EmptyColumnName`, `DuplicateColumn`, `ReadFailed` and errors of the first
    ///   records.
    public init(_ source: any ByteSource, options: CSVOptions = CSVOptions()) throws(ColumnarError) {
        self.options = options
        var conversion = ConversionOptions()
        conversion.csv = options
        reader = try InputFormat.csv.reader(
            try InputSource.text(of: source, encoding: options.encoding), options: conversion)
        batch = RecordBatch(capacity: max(256, options.batchBytes))
        hasBatch = try reader.next(into: batch)
    }

    /// The position of a column by its normalised name.
    public func index(of name: String) -> Int? {
        columns.firstIndex { $0.name == name }
    }

    /// Calls `body` for each record that was not yet read.
    /// - Throws: what reading throws (see `CSVOptions.BadRecords`), and what `body` throws, which ends the reading.
    public func forEachRecord(_ body: (CSVRecord) throws(ColumnarError) -> Void) throws(ColumnarError) {
        let cursor = RecordCursor(batch, dialect: reader.dialect, nullTokens: NullTokens(options.nullTokens))
        try rejectedRecords?.beginPass()
        try rejectedRecords?.describe(RejectedLayout(columns: reader.columns, dialect: reader.dialect))
        while hasBatch {
            for record in batch.rejected { try rejectedRecords?.receive(record) }
            for row in 0..<batch.rows {
                cursor.move(to: row)
                try body(CSVRecord(cursor))
            }
            hasBatch = try reader.next(into: batch)
        }
    }
}
