/// One pass over the input of a conversion.
final class ConversionPass {
    let source: any ByteSource
    private let target: ConversionTarget
    let options: ConversionOptions
    let processor: (any RecordProcessor)?
    let rejectedRecords: (any RejectedRecords)?
    private let nullTokens: NullTokens

    var report = ConversionReport()
    var hasBatch = false
    var judge: QualityJudge?
    private var masker: Masker?
    /// Types by name when a value did not fit its inferred type.
    private(set) var inferredTypes: [String: ColumnType] = [:]
    /// Why the pass ended before its first record, where the first records of JSON lack a column that is needed.
    private(set) var missingColumn: ColumnarError?
    /// Whether the pass ended at its first records because some of them are left out, and may have had a say in the
    /// types.
    private(set) var awaitsGoodRows = false
    private var isUnderWay = false

    init(
        source: any ByteSource, target: ConversionTarget, options: ConversionOptions,
        processor: (any RecordProcessor)?, rejectedRecords: (any RejectedRecords)?
    ) {
        self.source = source
        self.target = target
        self.options = options
        self.processor = processor
        self.rejectedRecords = rejectedRecords
        // JSON has a null of its own.
        nullTokens = NullTokens(options.format.isJSON ? [] : options.csv.nullTokens)
    }

    /// Converts.
    /// - Parameter scan: what a pass over all values found; nil: types are inferred from the first batch.
    /// - Returns: nil where a value does not fit an inferred type, or a column that is needed may come later.
    func run(scan: Scan?) throws(ColumnarError) -> ConversionReport? {
        do throws(ColumnarError) {
            return try convert(scan)
        } catch {
            // The fields of JSON are known when all records have been seen.
            guard error.code == .missingColumn, options.format.isJSON, scan == nil, !isUnderWay else { throw error }
            missingColumn = error
            return nil
        }
    }

    private func convert(_ scan: Scan?) throws(ColumnarError) -> ConversionReport? {
        let batch = RecordBatch(capacity: max(256, options.csv.batchBytes))
        let (reader, plan, screen) = try begin(batch, shape: scan?.shape, skipping: scan?.skipped)
        if let scan, scan.skipped != nil {
            report.rejectedRows = scan.rejectedRows
        } else {
            try beginRejected(reader)
        }

        // The first batch with records shows the types. Records that are left out have no say in them.
        var sawRejected = false
        while hasBatch {
            try screen.apply(to: batch)
            sawRejected = sawRejected || !batch.rejected.isEmpty
            if batch.rows > 0 { break }
            try deliver(batch.rejected)
            hasBatch = try reader.next(into: batch)
        }
        if reader.hasNews { return nil }
        if sawRejected, scan == nil, options.format.isJSON, !confirmsTypes(batch, reader) {
            awaitsGoodRows = true
            return nil
        }
        let columns = reader.resolvedTypes.map { resolve(plan, $0) } ?? resolve(plan, scan ?? sample(batch, reader))
        let open = scan == nil ? plan.columns.indices.filter { columns[$0].isOpen } : []
        guard let table = try output(columns.map(\.schema), open: Set(open), plan) else { return nil }
        isUnderWay = true
        // JSON and its columns do not mean the same by null.
        if let table = table as? TableBuilder, !options.format.isJSON, options.judgesWhatColumnsSee {
            if let judge = screen.handOverJudge() { table.judgeRows(judge, fileColumns: reader.columns.count) }
        }
        if let misfit = try build(table, startingWith: hasBatch ? batch : nil, reader, screen) {
            let column = plan.columns[misfit.place.column]
            guard column.isInferred || (options.mismatches == .widen && scan == nil && column.isField) else {
                throw mismatch(misfit.place, plan, table.columns, misfit.batch)
            }
            for column in table.columns { inferredTypes[column.name] = column.type }
            return nil
        }
        if reader.hasNews {
            for column in table.columns { inferredTypes[column.name] = column.type }
            return nil
        }
        try table.finish()
        complete(table, plan, reader)
        if let judge {
            let rows = report.rows + report.rejectedRows
            report.quality = try judge.report(rows: rows, good: report.rows, bad: report.rejectedRows)
        } else {
            report.quality = scan?.quality
        }
        return report
    }

    /// The file or files that the rows go to. Nil where some types are open and there may be many files, which must
    /// agree: then all values are looked at first.
    private func output(
        _ columns: [ColumnSchema], open: Set<Int>, _ plan: OutputPlan
    ) throws(ColumnarError) -> (any RowOutput)? {
        switch target {
        case .file(let sink):
            return try TableBuilder(
                columns: columns, open: open, plan: plan, options: options, nullTokens: nullTokens, sink: sink)
        case .partitions(let output, let partitioning):
            guard options.profile == nil else {
                throw ColumnarError(
                    .unsupported, "A profile of partitioned output is not made. Profile the input, or write one file.")
            }
            if !open.isEmpty, hasBatch { return nil }
            return try PartitionedBuilder(
                columns: columns, plan: plan, partitioning: partitioning, options: options, nullTokens: nullTokens,
                output: output)
        }
    }

    /// Looks at all values that are kept, and writes nothing.
    func scan() throws(ColumnarError) -> Scan {
        if options.format.isJSON { return try scanJSON() }
        let batch = RecordBatch(capacity: max(256, options.csv.batchBytes))
        let (reader, plan, screen) = try begin(batch)
        var misfits: Set<Int> = []
        var sampler = TypeSampler(columns: reader.columns.count, nullTokens: nullTokens)
        while hasBatch {
            try screen.apply(to: batch)
            sampler.look(at: batch, columns: Array(reader.columns.indices), dialect: reader.dialect)
            if options.mismatches == .widen {
                for (index, column) in plan.columns.enumerated() where !misfits.contains(index) {
                    guard let type = column.type, case .field(let field) = column.origin else { continue }
                    let table = FieldTable(batch, column: field, dialect: reader.dialect)
                    if sampler.hasMisfit(table, type) { misfits.insert(index) }
                }
            }
            hasBatch = try reader.next(into: batch)
        }
        return Scan(kinds: sampler.kinds, misfits: misfits)
    }

    /// Reads the first batch, and prepares what a pass needs.
    func begin(
        _ batch: RecordBatch, shape: JSONShape? = nil, skipping skipped: SkippedRecords? = nil
    ) throws(ColumnarError) -> (any RecordReader, OutputPlan, RecordScreen) {
        var readerOptions = options
        // A derived column of the schema is not for the records to have.
        let derived = Set(processor?.derivedColumns.map(\.name) ?? [])
        readerOptions.schema?.removeAll { derived.contains(ColumnName.normalized($0.name)) }
        let reader = try options.format.reader(source, options: readerOptions, shape: shape, skipping: skipped)
        hasBatch = try reader.next(into: batch)
        var plan = try OutputPlan(
            file: reader.columns, types: reader.declaredTypes, schema: options.schema,
            derived: processor?.derivedColumns ?? [])
        try plan.requireValues(of: options.format)
        // What is skipped was judged, and what is not, too.
        if let rules = options.quality, skipped == nil {
            judge = try QualityJudge(
                rules, columns: reader.columns, dialect: reader.dialect, nullTokens: options.csv.nullTokens)
        }
        if let masking = options.masking {
            let masker = try Masker(
                masking, columns: reader.columns, dialect: reader.dialect, nullTokens: nullTokens, sample: batch)
            try plan.mask(masker, schema: options.schema, derivedBefore: processor?.derivedColumns.count ?? 0)
            self.masker = masker
        }
        try processor?.beginPass(columns: reader.columns)
        let screen = RecordScreen(
            plan: plan, dialect: reader.dialect, options: options, nullTokens: nullTokens, processor: processor,
            judge: judge, masker: masker)
        return (reader, plan, screen)
    }

    /// Batches that are read and built together when there are two threads: fewer meetings of the threads.
    private static let batchesAhead = 3

    /// Appends all records.
    /// - Returns: the first misfit with its batch, nil where everything fits.
    private func build(
        _ table: any RowOutput, startingWith first: RecordBatch?, _ reader: any RecordReader, _ screen: RecordScreen
    ) throws(ColumnarError) -> (place: TableBuilder.Misfit, batch: RecordBatch)? {
        let isPaired = options.threads > 1
        let capacity = max(256, options.csv.batchBytes)
        var current = first.map { [$0] } ?? []
        var spares: [RecordBatch] =
            isPaired ? (1..<2 * Self.batchesAhead).map { _ in RecordBatch(capacity: capacity) } : []
        while !current.isEmpty {
            try FreeMemory.require(toBuild: current)
            // With two threads, the next batches are read while these are built; what that throws counts afterwards.
            var next: (batches: [RecordBatch], error: ColumnarError?)?
            let free = Array(spares.prefix(Self.batchesAhead))
            let misfit = try table.append(current, reader.dialect) {
                if isPaired { next = self.readNext(reader, screen, into: free) }
            }
            if let misfit { return (misfit, current[misfit.batch]) }
            for batch in current { try deliver(batch.rejected) }
            let ahead = next ?? readNext(reader, screen, into: current)
            if reader.hasNews { return nil }
            if isPaired {
                spares.removeFirst(ahead.batches.count)
                spares += current
            }
            // What was read before an error is built before the error counts.
            if let error = ahead.error {
                if let misfit = try table.append(ahead.batches, reader.dialect, meanwhile: {}) {
                    return (misfit, ahead.batches[misfit.batch])
                }
                for batch in ahead.batches { try deliver(batch.rejected) }
                throw error
            }
            current = ahead.batches
        }
        return nil
    }

    /// Fills as many batches as there is input for; ends early with an error.
    private func readNext(
        _ reader: any RecordReader, _ screen: RecordScreen, into batches: [RecordBatch]
    ) -> (batches: [RecordBatch], error: ColumnarError?) {
        var filled: [RecordBatch] = []
        for batch in batches {
            do throws(ColumnarError) {
                guard try reader.next(into: batch) else { break }
                try screen.apply(to: batch)
            } catch {
                return (filled, error)
            }
            filled.append(batch)
        }
        return (filled, nil)
    }

    private func sample(_ batch: RecordBatch, _ reader: any RecordReader) -> Scan {
        var sampler = TypeSampler(columns: reader.columns.count, nullTokens: nullTokens)
        if hasBatch { sampler.look(at: batch, columns: Array(reader.columns.indices), dialect: reader.dialect) }
        return Scan(kinds: sampler.kinds)
    }

    private func complete(_ table: any RowOutput, _ plan: OutputPlan, _ reader: any RecordReader) {
        let columns = table.columns
        report.rows = table.rows
        report.outputBytes = table.bytesWritten
        report.rowGroups = table.rowGroups
        report.inputBytes = reader.bytesRead
        report.columns = columns
        if let table = table as? PartitionedBuilder {
            report.columns = table.fileColumns
            report.partitionColumns = table.partitionColumns
            report.files = table.files
        }
        report.newColumns = plan.newColumns.map { columns[$0] }
        let unseen = Set(reader.unseenColumns.map { reader.columns[$0].name })
        report.missingColumns = plan.columns.indices.filter {
            plan.missingColumns.contains($0) || unseen.contains(plan.columns[$0].name)
        }.map { columns[$0] }
        report.drift.newColumns = report.newColumns
        report.drift.missingColumns = report.missingColumns
        for (given, column) in zip(plan.columns, columns) {
            guard let type = given.type, type != column.type else { continue }
            report.drift.widenedColumns.append(.init(name: column.name, from: type, to: column.type))
        }
        report.masked = masker?.report ?? [:]
        report.unmasked = masker?.watch?.found ?? []
        if let top = options.profile, let table = table as? TableBuilder { report.profile = table.profile(top: top) }
        report.fileColumns = reader.columns.filter { !unseen.contains($0.name) }
        report.delimiter = Character(Unicode.Scalar(reader.dialect.delimiter))
        report.likelyDelimiter = reader.likelyDelimiter.map { Character(Unicode.Scalar($0)) }
    }
}
