public import Columnar
public import FunctionKit

/// Converts delimited files to Parquet files of a table, and registers them: the schema that the catalog knows is the
/// one that a further file is read with.
public struct TableLoader: Sendable {
    /// Settings of the `configuration` of function.yaml; each may be left out.
    public struct Settings: Codable, Sendable {
        /// The bucket of the Parquet files.
        public var targetBucket: String?
        /// `snappy` (the default), `zstd` or `none`.
        public var compression: String?
        /// Unquoted texts that mean a missing value, beside the empty field.
        public var nullTokens: [String]?
        /// What becomes of rows with too few fields: `fail` (the default) fails the file, `pad` takes the missing ones for
        /// nulls. Rows with too many fields fail the file either way.
        public var malformedRows: String?
        /// Free properties of the table, such as `owner`.
        public var properties: [String: String]?

        public init() {}
    }

    /// What came of a file; the output of the functions that load one.
    public struct Loaded: Codable, Sendable, Hashable {
        public var database: String
        public var table: String
        public var bucket: String
        public var key: String
        public var rows: Int64
        public var columns: [TableColumn]
        /// Names of columns that the table did not have before.
        public var newColumns: [String]
    }

    private let bucket: String
    private let properties: [String: String]
    private let options: ConversionOptions

    /// Throws `HandlerError` with code `InvalidConfiguration` for an unknown compression or treatment of malformed rows.
    public init(_ settings: Settings, defaultBucket: String) throws {
        bucket = settings.targetBucket ?? defaultBucket
        properties = settings.properties ?? [:]
        var options = ConversionOptions()
        options.csv.nullTokens = settings.nullTokens ?? []
        switch settings.compression ?? "snappy" {
        case "snappy": options.parquet.compression = .snappy
        case "zstd": options.parquet.compression = .zstd(level: 3)
        case "none": options.parquet.compression = .none
        default:
            throw HandlerError(
                code: "InvalidConfiguration",
                message: "compression is \"\(settings.compression ?? "")\"; choose snappy, zstd or none", retry: false)
        }
        switch settings.malformedRows ?? "fail" {
        case "fail": options.csv.badRecords = .fail
        case "pad": options.csv.badRecords = .pad
        default:
            throw HandlerError(
                code: "InvalidConfiguration",
                message: "malformedRows is \"\(settings.malformedRows ?? "")\"; choose fail or pad", retry: false)
        }
        self.options = options
    }

    /// Converts one object to `<bucket>/<database>/<table>/<unique>.parquet` and registers it.
    ///
    /// Throws `HandlerError` with Columnar's codes (`EmptyFile`, `SchemaMismatch`, `MalformedRow`, …), `HostRefusal`.
    /// - Parameter processor: judges records and computes further columns.
    public func load(
        _ data: ObjectData, database: String, table: String, context: Context, processor: (any RecordProcessor)? = nil
    ) async throws -> Loaded {
        let source = data.info.location.description
        let known = try await context.catalog.table(database, table)
        var options = options
        options.schema = try known.map { try schema(of: $0) }
        options.parquet.keyValueMetadata = [
            (key: "sluice.source", value: source),
            (key: "sluice.function", value: "\(context.functionName) \(context.functionVersion)"),
        ]
        let prefix = "\(database)/\(table)/"
        let key = try await context.objects.generateKey(bucket, prefix: prefix, suffix: ".parquet")
        // The key is that of this event: a second run of it replaces what the first one made.
        let report = try await context.objects.put(bucket, key, overwrite: true) { writer in
            let descriptor = try writer.descriptor
            return try await data.withDescriptor { input in
                try convert(input, descriptor, options, processor, source)
            }
        }
        let columns = report.columns.map { TableColumn(name: $0.name, type: $0.type.description) }
        try await context.catalog.register(
            TableFile(
                database: database, table: table, file: ObjectLocation(bucket: bucket, key: key), rows: report.rows,
                columns: columns, location: "\(bucket)/\(prefix)", properties: properties),
            base: known)
        let newColumns = known == nil ? [] : report.newColumns.map(\.name)
        if !newColumns.isEmpty {
            context.logger.notice(
                "the table gets new columns", metadata: ["columns": "\(newColumns.joined(separator: ", "))"])
        }
        context.logger.info(
            "loaded", metadata: ["source": "\(source)", "table": "\(database).\(table)", "rows": "\(report.rows)"])
        return Loaded(
            database: database, table: table, bucket: bucket, key: key, rows: report.rows, columns: columns,
            newColumns: newColumns)
    }

    private func convert(
        _ input: Int32, _ output: Int32, _ options: ConversionOptions, _ processor: (any RecordProcessor)?,
        _ source: String
    ) throws -> ConversionReport {
        do throws(ColumnarError) {
            return try CSVConverter.convert(
                from: FileSource(descriptor: input, name: source),
                to: FileSink(descriptor: output, name: "the Parquet file"),
                options: options, processor: processor)
        } catch {
            throw HandlerError(error, in: source)
        }
    }

    /// The columns of a table as those of a file. A table that this loader could not extend is refused.
    private func schema(of table: Table) throws -> [ColumnSchema] {
        let name = "\(table.database).\(table.name)"
        guard table.partitionKeys.isEmpty, table.classification == "parquet" else {
            throw HandlerError(
                code: "Unsupported",
                message:
                    "the table \(name) is \(table.partitionKeys.isEmpty ? "" : "partitioned ")\(table.classification); "
                    + "this function adds Parquet files to tables without partitions only",
                retry: false)
        }
        return try table.columns.map { column in
            guard let type = ColumnType(column.type) else {
                throw HandlerError(
                    code: "Unsupported",
                    message:
                        "column \(column.name) of the table \(name) is \(column.type), which this function cannot write",
                    retry: false)
            }
            return ColumnSchema(name: column.name, type: type)
        }
    }
}
