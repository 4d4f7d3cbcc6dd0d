import ArgumentParser
import HostAPI

extension Catalog {
    /// `sluice catalog drop`: the way to other types.
    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop",
            abstract: "Forget a table: the next file for it makes it anew, with its own columns and types.",
            discussion: """
                The table's files stay in their bucket unless --delete-files is given; they belong to no table then. A file \
                whose source is loaded again replaces the one that was made of it before:

                  sluice catalog drop shop.orders --delete-files
                  sluice buckets trigger landing-zone shop/orders/
                """)
        @Argument(
            help: ArgumentHelp("The table.", valueName: "database.table"), transform: TableName.init(argument:))
        var table: TableName
        @Flag(help: "Delete the table's files, too.") var deleteFiles = false
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let result = try await common.host.dropTable(
                database: table.database, name: table.name, request: DropTableRequest(deleteFiles: deleteFiles))
            let output = common.output
            if output.json { return try output.object(result) }
            output.line("table \(table.text) is dropped; the next file for it makes it anew")
            if result.deleted > 0 { output.line("\(Human.count(Int(result.deleted), "file")) deleted") }
            if result.left > 0 {
                output.line(
                    result.left == 1
                        ? "1 file of it stays in \(result.location): load its source again, which replaces it, or delete it, "
                            + "before files with other types come beside it"
                        : "\(Human.count(Int(result.left), "file")) of it stay in \(result.location): load their sources again, "
                            + "which replaces them, or delete them, before files with other types come beside them")
            }
        }
    }
}
