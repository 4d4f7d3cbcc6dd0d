import Columnar
public import FunctionKit

extension TableLoader {
    /// A record of a batch: a JSON object on one line.
    public struct Line: Sendable {
        /// Without a line feed.
        public var bytes: [UInt8]
        /// Records of a group come in order: one after a rejected record waits with it.
        public var group: String
        /// Of the record: the effects of the load belong to the first record that is loaded.
        public var context: Context

        public init(_ bytes: [UInt8], group: String, context: Context) {
            self.bytes = bytes
            self.group = group
            self.context = context
        }
    }

    /// What became of the records of a batch.
    public struct LoadedLines: Sendable {
        /// The files; nil where no record was left for them.
        public var loaded: Loaded?
        /// Why records were left out, by their index.
        public var rejected: [Int: HandlerError] = [:]
        /// Indices of the records that were left out because one before them in their group was.
        public var heldBack: Set<Int> = []
    }

    /// Converts the records of a batch to one Parquet file of a table, or to one in each folder of its partition, and
    /// registers them. The files are named after the records in them: another batch adds its rows.
    ///
    /// A record that does not fit the table or breaks a rule is left out, with its reason; so is what comes after it in
    /// its group, which the host delivers again. All effects are those of one record's context: they are committed
    /// although others of the batch fail.
    ///
    /// Throws as `load(_:database:table:context:)` does.
    public func load(lines: [Line], source: String, database: String, table: String) async throws -> LoadedLines {
        var result = LoadedLines()
        var kept = Array(lines.indices)
        while let first = kept.first {
            let context = lines[first].context
            let known = try await context.catalog.table(database, table)
            var options = options
            // Whatever the settings say of files.
            options.format = .ndjson
            options.csv.badRecords = .reject
            options.mismatches = .reject
            try await complete(&options, known, source: source, context)
            let load = try StagedLines(
                self, options, kept.map { lines[$0].bytes }, source: source,
                table: known == nil ? nil : "\(database).\(table)", context)
            for (row, error) in load.rejected { result.rejected[kept[row]] = error }
            let left = Self.left(of: kept, lines, &result)
            guard left.count == kept.count - load.rejected.count, left.first == first else {
                // The files have records that are not to be in them, or are those of a record that is not.
                load.discard()
                kept = left
                continue
            }
            let prefix = "\(database)/\(table)/"
            let names = SourceName(ofRecords: kept.map { lines[$0].context.invocationID })
            let files = try load.put(names, prefix: prefix)
            let profile = try await checks.putProfile(load.report, bucket: bucket, prefix: prefix, names, context)
            var loaded = try await register(
                load.report, files, database: database, table: table, base: known, source: source, context)
            loaded.profile = profile
            result.loaded = loaded
            break
        }
        return result
    }

    /// What is left when the rejected records are gone, and what comes after them.
    private static func left(of kept: [Int], _ lines: [Line], _ result: inout LoadedLines) -> [Int] {
        var failed: Set<String> = []
        var left: [Int] = []
        for index in kept {
            if result.rejected[index] != nil {
                failed.insert(lines[index].group)
            } else if failed.contains(lines[index].group) {
                result.heldBack.insert(index)
            } else {
                left.append(index)
            }
        }
        return left
    }
}

/// Records of a batch as staged Parquet files.
private final class StagedLines {
    let report: ConversionReport
    /// By the place of the record.
    let rejected: [(row: Int, error: HandlerError)]
    private let bucket: String
    private let file: StagedObject?
    private let partitions: StagedPartitions?

    init(
        _ loader: TableLoader, _ options: ConversionOptions, _ lines: [[UInt8]], source: String, table: String?,
        _ context: Context
    ) throws {
        let rows = RejectedLines(source, table: table)
        let records = TableLoader.Records(options: options, processor: nil, rejected: rows, table: table)
        let input = MemorySource(Array(lines.joined(separator: [UInt8(ascii: "\n")])))
        bucket = loader.bucket
        if let partitioning = loader.partitioning {
            let staged = StagedPartitions(context.objects, bucket: bucket)
            (file, partitions) = (nil, staged)
            do {
                report = try loader.convert(input, staged, partitioning, records, source)
            } catch {
                staged.discard()
                throw staged.refusal ?? error
            }
        } else {
            let staged = try context.objects.stage(bucket)
            (file, partitions) = (staged, nil)
            do {
                report = try loader.convert(input, try staged.descriptor, records, source)
            } catch {
                staged.discard()
                throw error
            }
        }
        rejected = rows.rejected
        // Where no record is left, each says by itself why.
        guard report.rows > 0 else { return }
        do throws(ColumnarError) {
            try report.quality?.requirePass()
        } catch {
            discard()
            throw HandlerError(error, in: source)
        }
    }

    func discard() {
        file?.discard()
        partitions?.discard()
    }

    func put(_ names: SourceName, prefix: String) throws -> [TableLoader.Loaded.File] {
        if let partitions {
            let keys = try partitions.put(report.files, names, prefix: prefix)
            return zip(report.files, keys).map { .init(key: $1, rows: $0.rows, partition: $0.values) }
        }
        let key = names.key(prefix: prefix)
        try file?.put(as: key, overwrite: true)
        return [.init(key: key, rows: report.rows, partition: [])]
    }
}

/// The records that a conversion leaves out, as errors.
private final class RejectedLines: RejectedRecords {
    private(set) var rejected: [(row: Int, error: HandlerError)] = []
    private let source: String
    private let table: String?

    init(_ source: String, table: String?) {
        self.source = source
        self.table = table
    }

    func beginPass() throws(ColumnarError) { rejected = [] }

    func receive(_ record: RejectedRecord) throws(ColumnarError) {
        let column = record.column.map { ", column \($0)" } ?? ""
        let hint = record.code == .schemaMismatch ? table.map(HandlerError.dropHint) ?? "" : ""
        rejected.append(
            (
                Int(record.row) - 1,
                HandlerError(
                    code: record.code.description, message: "a record of \(source)\(column): \(record.reason)\(hint)",
                    retry: false)
            ))
    }
}
