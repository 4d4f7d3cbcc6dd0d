import ArgumentParser
import Columnar
import HostAPI
import PlainYAML

/// `--schema`, `--table`, `--on-mismatch`: the columns that a conversion must give.
struct SchemaOption: ParsableArguments {
    enum Mismatch: String, ExpressibleByArgument, CaseIterable {
        case fail, reject, widen
    }

    @Option(
        help: ArgumentHelp(
            "The columns that the table has, as YAML: a list `columns` of {name: …, type: …}.", valueName: "file.yaml"))
    var schema: String?

    @Option(
        help: ArgumentHelp("The columns of a table in the catalog of a running host.", valueName: "database.table"),
        transform: TableName.init(argument:))
    var table: TableName?

    @Option(
        help: ArgumentHelp(
            "A value that does not fit the schema: fails the file, leaves its row out, or widens its column."))
    var onMismatch = Mismatch.fail

    func validate() throws {
        guard schema == nil || table == nil else { throw ValidationError("Give --schema or --table, not both.") }
    }

    /// Sets what was asked for.
    /// - Parameters:
    ///   - data: which host has the catalog.
    ///   - partitioning: how the rows are divided: of the table's partition keys, the file has those that are columns.
    func apply(
        to options: inout ConversionOptions, _ data: DataOption, _ partitioning: Partitioning?
    ) async throws {
        switch onMismatch {
        case .fail: options.mismatches = .fail
        case .reject: options.mismatches = .reject
        case .widen: options.mismatches = .widen
        }
        if let schema {
            options.schema = try columns(of: schema)
        } else if let table {
            let detail = try await data.host.table(database: table.database, name: table.name)
            let keys = detail.table.partitionKeys.filter { partitioning?.columns.contains($0.name) == true }
            options.schema = try (detail.table.columns + keys).map { column in
                guard let type = ColumnType(column.type) else {
                    throw Failure(
                        "column \(column.name) of \(table.text) is \(column.type), which cannot be written",
                        hint: "write the columns that you want into a file: --schema FILE.yaml")
                }
                return ColumnSchema(name: column.name, type: type)
            }
        }
    }

    private func columns(of path: String) throws -> [ColumnSchema] {
        let text = String(decoding: try InputFile.bytes(of: path), as: UTF8.self)
        do {
            return try PlainYAML.decode(SchemaFile.self, from: text).columns
        } catch {
            throw Failure.undecodable(path, error, hint: "columns: [{name: id, type: bigint}]")
        }
    }
}
