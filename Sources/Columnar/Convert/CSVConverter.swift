/// Converts delimited text to Parquet in one streaming pass, or two where a late value demands a wider type.
public enum CSVConverter {
    /// Converts everything that `source` has into one Parquet file in `sink`.
    ///
    /// Memory is bounded by the options (batch, row group), not by the input. Input that begins as Zstandard is
    /// decompressed. When this throws, what the sink received is no Parquet file and must be discarded.
    ///
    /// - Parameters:
    ///   - processor: judges each record and computes further columns.
    ///   - rejectedRecords: receives the records that are left out, in order.
    /// - Throws: `EmptyFile`, `NotText`, `InvalidUTF8`, `MalformedRow`, `UnclosedQuote`, `DuplicateColumn`,
    ///   `EmptyColumnName`, `SchemaMismatch`, `ReadFailed`, `WriteFailed`, `CorruptFile` (compressed input),
    ///   `Unsupported` (options), and what processor and receiver throw.
    public static func convert(
        from source: any ByteSource, to sink: any ByteSink, options: ConversionOptions = ConversionOptions(),
        processor: (any RecordProcessor)? = nil, rejectedRecords: (any RejectedRecords)? = nil
    ) throws(ColumnarError) -> ConversionReport {
        let source = try PeekedSource.decompressing(source)
        let first = ConversionPass(
            source: source, sink: sink, options: options, processor: processor, rejectedRecords: rejectedRecords)
        if let report = try first.run(kinds: nil) { return report }

        // A value did not fit the type that the first records suggested: look at all of them, and begin again.
        try source.rewind()
        let (kinds, fileColumns) = try allKinds(source, options)
        try source.rewind()
        try sink.reset()
        let second = ConversionPass(
            source: source, sink: sink, options: options, processor: processor, rejectedRecords: rejectedRecords)
        guard var report = try second.run(kinds: kinds) else {
            throw ColumnarError(
                .readFailed, "The input changed while it was converted. Convert it when it is complete.")
        }
        for (column, kinds) in zip(fileColumns, kinds) {
            guard let before = first.inferredTypes[column.name], let after = kinds.type else { continue }
            if before != after { report.widenedColumns.append(column.name) }
        }
        return report
    }

    /// The kinds of all values of the file, by column.
    private static func allKinds(
        _ source: any ByteSource, _ options: ConversionOptions
    ) throws(ColumnarError) -> ([ValueKinds], [CSVColumn]) {
        let reader = try BatchReader(source, options: options.csv)
        let batch = RecordBatch(capacity: max(4096, options.csv.batchBytes))
        var sampler: TypeSampler?
        while try reader.next(into: batch) {
            var current =
                sampler
                ?? TypeSampler(columns: reader.columns.count, nullTokens: NullTokens(options.csv.nullTokens))
            current.look(at: batch, columns: Array(reader.columns.indices), dialect: reader.dialect)
            sampler = current
        }
        return (sampler?.kinds ?? reader.columns.map { _ in [] }, reader.columns)
    }
}
