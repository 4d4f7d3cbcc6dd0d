import Columnar
import FunctionKit

/// One file of records to Parquet, and the columns that a table gives it.
extension TableLoader {
    func convert(
        _ input: any ByteSource, _ output: any PartitionedOutput, _ partitioning: Partitioning, _ records: Records,
        _ source: String
    ) throws -> ConversionReport {
        do throws(ColumnarError) {
            return try CSVConverter.convert(
                from: input, to: output, partitionedBy: partitioning,
                options: records.options, processor: records.processor, rejectedRecords: records.rejected)
        } catch {
            throw HandlerError(error, in: source, table: records.table)
        }
    }

    func convert(
        _ input: any ByteSource, _ output: Int32, _ records: Records, _ source: String
    ) throws -> ConversionReport {
        do throws(ColumnarError) {
            return try CSVConverter.convert(
                from: input, to: FileSink(descriptor: output, name: "the Parquet file"),
                options: records.options, processor: records.processor, rejectedRecords: records.rejected)
        } catch {
            throw HandlerError(error, in: source, table: records.table)
        }
    }

    /// A file that has no column of its table is no file of it, but one that was read with the wrong delimiter, or put
    /// into the wrong folder: its values would stand in new columns beside nothing but nulls.
    func requireKinship(_ report: ConversionReport, _ table: Table, source: String) throws {
        let known = Set((table.columns + table.partitionKeys).map(\.name))
        let found = report.fileColumns.map(\.name)
        guard !found.isEmpty, !known.isEmpty, known.isDisjoint(with: found) else { return }
        func words(_ names: [String]) -> String {
            names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
        }
        let delimiter = report.likelyDelimiter.map {
            " With \(Self.word(report.delimiter)) as delimiter it has one column; with \(Self.word($0)) it would have "
                + "several."
        }
        throw HandlerError(
            code: "SchemaMismatch",
            message:
                "\(source) has no column of the table \(table.database).\(table.name): it has \(words(found)); the "
                + "table has \(words(table.columns.map(\.name))).\(delimiter ?? "")",
            retry: false)
    }

    private static func word(_ delimiter: Character) -> String { delimiter == "\t" ? "a tab" : "`\(delimiter)`" }

    /// The columns of a table as those of a file. A table that this loader could not extend is refused.
    func schema(of table: Table) throws -> [ColumnSchema] {
        let name = "\(table.database).\(table.name)"
        // Times make several keys, whose values come from a column that stays in the files.
        let mine = partitioning.map { $0.names } ?? []
        guard table.partitionKeys.map(\.name) == mine, table.classification == "parquet" else {
            func words(_ names: [String]) -> String {
                names.isEmpty ? "not partitioned" : "partitioned by \(names.joined(separator: ", "))"
            }
            throw HandlerError(
                code: "Unsupported",
                message:
                    "the table \(name) is \(table.classification) and \(words(table.partitionKeys.map(\.name))); "
                    + "this function writes Parquet files, \(words(mine))",
                retry: false)
        }
        let fromFile = Set(partitioning?.columns ?? [])
        let keys = table.partitionKeys.filter { fromFile.contains($0.name) }
        return try (table.columns + keys).map { column in
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
