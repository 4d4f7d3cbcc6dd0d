import ArgumentParser
import HostAPI

/// `sluice catalog`.
struct Catalog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "Tables that functions made.",
        subcommands: [List.self, Show.self, Head.self, Drop.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Tables.")
        @Argument(help: "Only of this database.") var database: String?
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let tables = try await common.host.listTables(database: database)
            let output = common.output
            if output.json { return try tables.forEach(output.object) }
            guard !tables.isEmpty else { return output.line("no tables") }
            output.table(
                [
                    "TABLE", .number("COLUMNS"), .number("ROWS"), .number("FILES"), .number("SIZE"), .number("VERSION"),
                    .path("LOCATION"),
                ],
                tables.map {
                    [
                        "\($0.database).\($0.name)", "\($0.columns.count)", Human.grouped($0.rows),
                        Human.grouped($0.files),
                        Human.bytes($0.bytes), "\($0.version)", $0.location,
                    ]
                })
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A table: columns, location, partitions, figures, versions, files.")
        @Argument(
            help: ArgumentHelp("The table.", valueName: "database.table"), transform: TableName.init(argument:))
        var table: TableName
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let detail = try await common.host.table(database: table.database, name: table.name)
            let output = common.output
            if output.json { return try output.object(detail) }
            show(detail, output)
        }

        private func show(_ detail: TableDetail, _ output: Output) {
            let table = detail.table
            let keys = table.partitionKeys.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
            output.fields([
                ("table", output.style.bold("\(table.database).\(table.name)")),
                ("location", table.location), ("classification", table.classification),
                ("partitions", keys.isEmpty ? "none" : keys),
                ("rows", Human.grouped(table.rows)), ("files", Human.grouped(table.files)),
                ("size", Human.bytes(table.bytes)), ("version", "\(table.version)"),
            ])
            // `name type` with one space: scripts look for `favorite_num bigint`.
            output.heading("Columns")
            for column in table.columns { output.line("  \(column.name) \(column.type)") }
            if !table.properties.isEmpty {
                output.heading("Properties")
                output.fields(table.properties.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, indent: 2)
            }
            output.heading("Versions")
            var before: [TableInfo.Column] = []
            for version in detail.versions {
                let change =
                    before.isEmpty ? Human.count(version.columns.count, "column") : difference(before, version.columns)
                output.line("  \(version.version)  \(change)")
                before = version.columns
            }
            output.heading("Files")
            output.table(
                [.number("ROWS"), .number("SIZE"), .number("SCHEMA"), "PARTITION", .path("OBJECT")],
                detail.files.map { file in
                    [
                        Human.grouped(file.rows), Human.bytes(file.bytes), "\(file.schemaVersion)",
                        file.partition.isEmpty ? "-" : file.partition.joined(separator: "/"),
                        "\(file.bucket)/\(file.key)",
                    ]
                }, indent: 2)
            if Int64(detail.files.count) < table.files {
                output.line(output.style.dim("  … of \(Human.grouped(table.files)), the newest"))
            }
        }

        /// `+ city string, - age bigint`.
        private func difference(_ before: [TableInfo.Column], _ after: [TableInfo.Column]) -> String {
            let added = after.filter { !before.contains($0) }.map { "+ \($0.name) \($0.type)" }
            let removed = before.filter { !after.contains($0) }.map { "- \($0.name) \($0.type)" }
            return added.isEmpty && removed.isEmpty ? "columns unchanged" : (added + removed).joined(separator: ", ")
        }
    }

    struct Head: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "head", abstract: "The first rows of a table's newest files.",
            discussion: "Reads the files where the host has them; partition keys are columns, too.")
        @Argument(
            help: ArgumentHelp("The table.", valueName: "database.table"), transform: TableName.init(argument:))
        var table: TableName
        @OptionGroup var rowsOption: RowsOption
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let detail = try await common.host.table(database: table.database, name: table.name)
            let buckets = try await common.host.listBuckets()
            let keys = detail.table.partitionKeys.map(\.name)
            let files = detail.files.compactMap { file in
                buckets.first { $0.name == file.bucket }.map { bucket in
                    ParquetRows.File(
                        path: "\(bucket.path)/\(file.key)",
                        partition: zip(keys, file.partition).map { (name: $0, value: $1) })
                }
            }
            guard !files.isEmpty else {
                guard !common.output.json else { return }
                return common.output.line("table \(table.text) has no files")
            }
            try ParquetRows(output: common.output).show(
                files, rows: rowsOption.rows, total: detail.table.rows)
        }
    }
}
