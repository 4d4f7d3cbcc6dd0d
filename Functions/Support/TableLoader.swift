public import Columnar
public import FunctionKit

/// Converts files of records to Parquet files of a table, and registers them: the schema that the catalog knows is the
/// one that a further file is read with.
public struct TableLoader: Sendable {
    let bucket: String
    private let properties: [String: String]
    let options: ConversionOptions
    let partitioning: Partitioning?
    private let quarantineBucket: String
    let checks: LoadChecks

    /// Throws `HandlerError` with code `InvalidConfiguration` for an unknown word or a partitioning that cannot be
    /// read.
    public init(_ settings: Settings, defaultBucket: String) throws {
        bucket = settings.targetBucket ?? defaultBucket
        properties = settings.properties ?? [:]
        quarantineBucket = settings.quarantineBucket ?? "quarantine"
        var options = ConversionOptions()
        options.csv.nullTokens = settings.nullTokens ?? []
        do throws(ColumnarError) {
            try settings.input?.apply(to: &options)
        } catch {
            throw HandlerError(code: "InvalidConfiguration", message: "input: \(error.message)", retry: false)
        }
        try settings.apply(to: &options.parquet)
        partitioning = try Self.partitioning(settings)
        checks = try LoadChecks(settings)
        switch settings.malformedRows ?? "fail" {
        case "fail": options.csv.badRecords = .fail
        case "pad": options.csv.badRecords = .pad
        case "quarantine":
            options.csv.badRecords = .reject
            options.mismatches = .reject
        default:
            throw HandlerError(
                code: "InvalidConfiguration",
                message: "malformedRows is \"\(settings.malformedRows ?? "")\"; choose fail, pad or quarantine",
                retry: false)
        }
        self.options = options
    }

    private static func partitioning(_ settings: Settings) throws -> Partitioning? {
        guard settings.partitionBy != nil || settings.fileBytes != nil else { return nil }
        guard settings.fileBytes ?? 1 > 0, settings.openFiles ?? 1 > 0 else {
            throw HandlerError(
                code: "InvalidConfiguration", message: "fileBytes and openFiles must be positive", retry: false)
        }
        do throws(ColumnarError) {
            var partitioning = Partitioning(keys: [], fileBytes: settings.fileBytes)
            if let keys = settings.partitionBy {
                partitioning = try Partitioning(parsing: keys, fileBytes: settings.fileBytes)
            }
            partitioning.openFiles = settings.openFiles ?? partitioning.openFiles
            return partitioning
        } catch {
            throw HandlerError(code: "InvalidConfiguration", message: error.message, retry: false)
        }
    }

    /// Converts one object to `<bucket>/<database>/<table>/<unique>.parquet`, or to files in folders of
    /// their partitions, and registers them. The names follow from the object's bucket and key: a new version of it
    /// replaces what was made of the one before.
    ///
    /// Throws `HandlerError` with Columnar's codes (`EmptyFile`, `SchemaMismatch`, `MalformedRow`, …), `HostRefusal`.
    /// - Parameter processor: judges records and computes further columns.
    public func load(
        _ data: ObjectData, database: String, table: String, context: Context, processor: (any RecordProcessor)? = nil
    ) async throws -> Loaded {
        let source = data.info.location.description
        let known = try await context.catalog.table(database, table)
        var options = options
        try await complete(&options, known, source: source, context)
        let prefix = "\(database)/\(table)/"
        let names = SourceName(data.info.location)
        let quarantine =
            options.csv.badRecords == .reject || options.quality != nil
            ? try StagedQuarantine(context.objects, bucket: quarantineBucket, source: source) : nil
        let records = Records(
            options: options, processor: processor, rejected: quarantine?.writer,
            table: known.map { "\($0.database).\($0.name)" })
        let (report, files) =
            if let partitioning {
                try await write(data, partitionedBy: partitioning, records, names, prefix, context)
            } else {
                try await write(data, records, names, prefix, context)
            }
        do throws(ColumnarError) {
            try report.quality?.requirePass()
        } catch {
            throw HandlerError(error, in: source)
        }
        guard report.rows > 0 || report.rejectedRows == 0 else {
            // As where rules are given: its dead letter keeps the file.
            throw HandlerError(
                code: "QualityThreshold",
                message:
                    "No row of \(source) is good: all \(report.rejectedRows) would go to quarantine. `sluice csv profile` "
                    + "and `sluice csv convert` show how it is read; look at delimiter, encoding and header first.",
                retry: false)
        }
        try await data.requireNewest(context)
        if let known, report.rows > 0 { try requireKinship(report, known, source: source) }
        try await removeOutdated(names, below: prefix, except: files, context)
        // Without a row nothing is known of the columns: a table's types are for good.
        let isNothing = known == nil && report.rows == 0
        if isNothing {
            context.logger.notice(
                "no rows: the first file with rows makes the table",
                metadata: ["source": "\(source)", "table": "\(database).\(table)"])
        }
        let profile =
            isNothing ? nil : try await checks.putProfile(report, bucket: bucket, prefix: prefix, names, context)
        var rejected: String?
        if let quarantine {
            let stem = try TableKey("\(prefix)\(data.info.location.key.split(separator: "/").last ?? "")").stem
            let key = try await context.objects.generateKey(
                quarantineBucket, prefix: "\(prefix)\(stem)-", suffix: ".ndjson")
            if try quarantine.put(as: key) { rejected = "\(quarantineBucket)/\(key)" }
        }
        var loaded = try await register(
            report, files, database: database, table: table, base: known, source: source, context)
        loaded.quarantine = rejected
        loaded.profile = profile
        if report.rejectedRows > 0 {
            context.logger.warning(
                "rows went to quarantine",
                metadata: [
                    "source": "\(source)", "rows": "\(report.rejectedRows)",
                    "quarantine": "\(rejected ?? quarantineBucket)",
                ])
        }
        return loaded
    }

    /// The settings, and what the table and the function say.
    func complete(
        _ options: inout ConversionOptions, _ known: Table?, source: String, _ context: Context
    ) async throws {
        options.schema = try known.map { try schema(of: $0) }
        options.parquet.keyValueMetadata =
            [
                (key: "sluice.source", value: source),
                (key: "sluice.function", value: "\(context.functionName) \(context.functionVersion)"),
            ] + options.parquet.keyValueMetadata
        try await checks.apply(to: &options, context)
    }

    /// Adds the files to the table, and tells of them.
    func register(
        _ report: ConversionReport, _ files: [Loaded.File], database: String, table: String, base known: Table?,
        source: String, _ context: Context
    ) async throws -> Loaded {
        let columns = report.columns.map { TableColumn(name: $0.name, type: $0.type.description) }
        for file in files {
            try await context.catalog.register(
                TableFile(
                    database: database, table: table, file: ObjectLocation(bucket: bucket, key: file.key),
                    rows: file.rows, columns: columns,
                    partitionKeys: report.partitionColumns.map {
                        TableColumn(name: $0.name, type: $0.type.description)
                    },
                    partition: file.partition, location: "\(bucket)/\(database)/\(table)/", properties: properties),
                base: known)
        }
        for column in report.unmasked {
            context.logger.warning(
                "values that look like personal data are not masked",
                metadata: ["source": "\(source)", "found": "\(column)"])
        }
        let newColumns = known == nil ? [] : report.newColumns.map(\.name)
        if !report.drift.isEmpty {
            context.logger.notice(
                "the file differs from the table",
                metadata: ["source": "\(source)", "drift": "\(report.drift)"])
        }
        context.logger.info(
            "loaded", metadata: ["source": "\(source)", "table": "\(database).\(table)", "rows": "\(report.rows)"])
        return Loaded(
            database: database, table: table, bucket: bucket, key: files.first?.key ?? "", rows: report.rows,
            columns: columns, newColumns: newColumns, drift: report.drift.lines, files: files,
            rejectedRows: report.rejectedRows, quality: report.quality,
            masked: report.masked.isEmpty ? nil : report.masked,
            unmasked: report.unmasked.isEmpty ? nil : report.unmasked)
    }

    /// How records are read, and what sees them.
    struct Records {
        var options: ConversionOptions
        var processor: (any RecordProcessor)?
        var rejected: (any RejectedRecords)?
        /// `database.table` whose types the columns have; nil: they are taken from the records.
        var table: String?
    }

    /// Deletes files of an earlier version of the source that this one does not replace: of partitions that it has no
    /// rows for any more. The catalog forgets a file with its object.
    private func removeOutdated(
        _ names: SourceName, below prefix: String, except files: [Loaded.File], _ context: Context
    ) async throws {
        let kept = Set(files.map(\.key))
        // Without partitions all names of a source begin alike.
        let isFlat = partitioning?.keys.isEmpty ?? true
        do {
            for try await object in context.objects.list(bucket, prefix: isFlat ? prefix + names.text : prefix)
            where names.made(object.location.key) && !kept.contains(object.location.key) {
                try await context.objects.delete(bucket, object.location.key)
            }
        } catch HostRefusal.Code.accessDenied {
            // One file has one name, which was replaced already.
            guard partitioning != nil else { return }
            throw HandlerError(
                code: "AccessDenied",
                message:
                    "to replace the files of an earlier version of its input, \(context.functionName) must see what "
                    + "is in \(bucket); add it to grants.read in function.yaml",
                retry: false)
        }
    }

    /// Writes one file.
    private func write(
        _ data: ObjectData, _ records: Records, _ names: SourceName, _ prefix: String, _ context: Context
    ) async throws -> (ConversionReport, [Loaded.File]) {
        // The key is that of the source: a second run, and a new version of the source, replace what there is.
        let key = names.key(prefix: prefix)
        let staged = try context.objects.stage(bucket)
        do {
            let report = try await data.withDescriptor { input in
                try convert(
                    FileSource(descriptor: input, name: data.info.location.description), try staged.descriptor, records,
                    data.info.location.description)
            }
            guard report.rows > 0 || records.table != nil else {
                staged.discard()
                return (report, [])
            }
            try staged.put(as: key, overwrite: true)
            return (report, [Loaded.File(key: key, rows: report.rows, partition: [])])
        } catch {
            staged.discard()
            throw error
        }
    }

    /// Writes the files of partitions.
    private func write(
        _ data: ObjectData, partitionedBy partitioning: Partitioning, _ records: Records, _ names: SourceName,
        _ prefix: String, _ context: Context
    ) async throws -> (ConversionReport, [Loaded.File]) {
        let staged = StagedPartitions(context.objects, bucket: bucket)
        do {
            let report = try await data.withDescriptor { input in
                try convert(
                    FileSource(descriptor: input, name: data.info.location.description), staged, partitioning, records,
                    data.info.location.description)
            }
            let keys = try staged.put(report.files, names, prefix: prefix)
            return (
                report,
                zip(report.files, keys).map { Loaded.File(key: $1, rows: $0.rows, partition: $0.values) }
            )
        } catch {
            staged.discard()
            // The host's own words say more than that a file could not be written.
            throw staged.refusal ?? error
        }
    }
}
