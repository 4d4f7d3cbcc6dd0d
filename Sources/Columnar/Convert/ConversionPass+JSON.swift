/// Types of JSON from the records that stay alone.
extension ConversionPass {
    /// Whether well-formed records may be left out.
    private var leavesRecordsOut: Bool {
        options.quality != nil || processor != nil || options.mismatches == .reject
    }

    /// Looks at all records. Where some are left out, all are read and judged with types that hold every value, those
    /// that are left out are delivered, and the others looked at once more: only they have a say in types.
    func scanJSON() throws(ColumnarError) -> Scan {
        let shape = try options.format.survey(source, options: options)
        let mayRepeat = shape.hasRepeatedNames && options.csv.badRecords == .reject
        guard leavesRecordsOut || mayRepeat else { return Scan(kinds: [], shape: shape) }
        try source.rewind()
        let skipped = SkippedRecords()
        let batch = RecordBatch(capacity: max(256, options.csv.batchBytes))
        let (reader, _, screen) = try begin(batch, shape: shape)
        try beginRejected(reader)
        var kept: Int64 = 0
        while hasBatch {
            try screen.apply(to: batch)
            for record in batch.rejected { skipped.add(record.row) }
            try deliver(batch.rejected)
            kept += Int64(batch.rows)
            hasBatch = try reader.next(into: batch)
        }
        // With nothing to skip the next pass judges and delivers by itself.
        guard skipped.count > 0 else { return Scan(kinds: [], shape: shape) }
        try source.rewind()
        let good = try options.format.survey(source, options: options, skipping: skipped)
        // A field that only the others have is a column all the same, as one of CSV would be.
        for field in shape.fields { good.ensureField(field.sourceName) }
        // A record with a name twice was kept because the place is text, though one that is left out made it so.
        if good.hasRepeatedNames { good.makeOpaque(where: shape) }
        let rejected = report.rejectedRows
        return Scan(
            kinds: [], shape: good, skipped: skipped, rejectedRows: rejected,
            quality: try judge?.report(rows: kept + rejected, good: kept, bad: rejected))
    }

    /// Whether the records of the first batch that stay show the same types as all of them, from which the types were
    /// inferred.
    func confirmsTypes(_ batch: RecordBatch, _ reader: any RecordReader) -> Bool {
        guard let types = reader.resolvedTypes else { return true }
        var surveyor = JSONSurveyor()
        for row in 0..<batch.rows {
            var scanner = JSONScanner(
                bytes: UnsafePointer(batch.base), position: batch.record(row: row).lowerBound,
                endsAtLineFeed: options.format == .ndjson)
            guard (try? surveyor.look(&scanner)) == true else { return false }
        }
        let given = Set((options.schema ?? []).map { ColumnName.normalized($0.name) })
        return reader.columns.indices.allSatisfy { index in
            let name = reader.columns[index].name
            if given.contains(name) { return true }
            guard let field = surveyor.root.fields.first(where: { $0.name == name }) else { return false }
            return field.shape.type() == types[index]
        }
    }
}
