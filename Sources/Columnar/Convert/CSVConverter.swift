/// Converts delimited text, JSON and other records to Parquet in one streaming pass, or two where a late value demands
/// a wider type.
public enum CSVConverter {
    /// Converts everything that `source` has into one Parquet file in `sink`.
    ///
    /// Memory is bounded by the options (batch, row group), not by the input. Gzip,
    /// Zstandard and ZIP are recognised by the content, and expanded while reading; a quarantine file is recognised,
    /// and the records in it are converted. When this throws, what the sink received is no Parquet file and must be
    /// discarded.
    ///
    /// - Parameters:
    ///   - processor: judges each record and computes further columns.
    ///   - rejectedRecords: receives the records that are left out, in order.
    /// - Throws: `EmptyFile`, `NotText`, `InvalidUTF8`, `InvalidEncoding`, `HeaderMismatch` (archives), `MalformedRow`,
    ///   `UnclosedQuote`, `DuplicateColumn`, `EmptyColumnName`, `SchemaMismatch`, `ReadFailed`, `WriteFailed`,
    ///   `CorruptFile` (compressed input), `Unsupported` (options), and what processor and receiver throw.
    public static func convert(
        from source: any ByteSource, to sink: any ByteSink, options: ConversionOptions = ConversionOptions(),
        processor: (any RecordProcessor)? = nil, rejectedRecords: (any RejectedRecords)? = nil
    ) throws(ColumnarError) -> ConversionReport {
        try convert(
            from: source, target: .file(sink), options: options, processor: processor, rejectedRecords: rejectedRecords)
    }

    /// Converts everything that `source` has into the Parquet files of partitions.
    ///
    /// Memory is bounded as for one file, plus the pages under way of `Partitioning.openFiles` files. When this throws,
    /// nothing of what `output` received may be used.
    ///
    /// - Throws: as above, and `MissingColumn`, `DuplicateColumn`, `Unsupported`, `LimitExceeded` for the partitioning.
    public static func convert(
        from source: any ByteSource, to output: any PartitionedOutput, partitionedBy partitioning: Partitioning,
        options: ConversionOptions = ConversionOptions(), processor: (any RecordProcessor)? = nil,
        rejectedRecords: (any RejectedRecords)? = nil
    ) throws(ColumnarError) -> ConversionReport {
        try convert(
            from: source, target: .partitions(output, partitioning), options: options, processor: processor,
            rejectedRecords: rejectedRecords)
    }

    private static func convert(
        from source: any ByteSource, target: ConversionTarget, options: ConversionOptions,
        processor: (any RecordProcessor)?, rejectedRecords: (any RejectedRecords)?
    ) throws(ColumnarError) -> ConversionReport {
        var source = try InputSource.text(of: source, encoding: options.csv.encoding)
        var options = options
        let recognized = try QuarantineSource.recognizing(source, format: options.format)
        source = recognized.source
        if let feed = recognized.feed { try options.apply(feed.layout) }
        (source, options.format) = try options.format.recognized(source)
        while true {
            let report = try convertOnce(source, target, options, processor, rejectedRecords)
            let late = report.unmasked.filter(\.isMasked)
            guard let masking = options.masking, !late.isEmpty else { return report }
            // Columns that looked harmless at first have to be masked from the start. Each turn masks more of them.
            try masking.beginAgain(source, for: late)
            try target.reset()
            options.masking = masking.including(late)
        }
    }

    private static func convertOnce(
        _ source: any ByteSource, _ target: ConversionTarget, _ options: ConversionOptions,
        _ processor: (any RecordProcessor)?, _ rejectedRecords: (any RejectedRecords)?
    ) throws(ColumnarError) -> ConversionReport {
        func makePass() -> ConversionPass {
            ConversionPass(
                source: source, target: target, options: options, processor: processor,
                rejectedRecords: rejectedRecords)
        }
        let first = makePass()
        if let report = try first.run(scan: nil) { return report }

        // A value did not fit the type that the first records suggested, or they lack a column that is needed: look at
        // all records, and begin again.
        do throws(ColumnarError) {
            try source.rewind()
        } catch {
            if first.awaitsGoodRows {
                throw ColumnarError(
                    .readFailed,
                    "Some of the first records are left out, and the types of the others without them show only when all "
                        + "records are read twice, which a pipe or socket does not allow. Save the input to a file first, "
                        + "or give a schema.", row: 1)
            }
            throw first.missingColumn ?? error
        }
        let scan = try makePass().scan()
        try source.rewind()
        try target.reset()
        guard var report = try makePass().run(scan: scan) else {
            throw ColumnarError(
                .readFailed, "The input changed while it was converted. Convert it when it is complete.")
        }
        for column in report.columns + report.partitionColumns {
            if let before = first.inferredTypes[column.name], before != column.type {
                report.widenedColumns.append(column.name)
            }
        }
        return report
    }
}
