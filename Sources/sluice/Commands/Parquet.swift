import ArgumentParser
import Columnar
import CLinux
import Glibc

/// `sluice parquet`.
struct Parquet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parquet", abstract: "Look into Parquet files.",
        subcommands: [Schema.self, Head.self, Stats.self, ToCSV.self, Merge.self])

    private static func open(_ path: String) throws -> ParquetFile {
        try FileCheck.readable(path)
        return try Failure.named(path) { try ParquetFile(try ParquetFileInput(path: path)) }
    }

    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "schema", abstract: "Columns and types.")
        @Argument(help: "A Parquet file.") var file: String
        @OptionGroup var outputOption: OutputOption

        private struct Column: Encodable {
            var name: String
            var type: String
            var repetition: String
        }

        func run() throws {
            let parquet = try open(file)
            let output = outputOption.output
            guard output.json else {
                // Its own lines: what follows a line end in one of ours is indented.
                for line in "\(parquet.schema)".split(separator: "\n") { output.line(String(line)) }
                return
            }
            for field in parquet.schema.fields {
                try output.object(Column(name: field.name, type: field.typeName, repetition: field.repetition.rawValue))
            }
        }
    }

    struct Head: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "head", abstract: "The first rows.")
        @Argument(help: "A Parquet file, or a folder of them, such as a table's.") var file: String
        @OptionGroup var rowsOption: RowsOption
        @OptionGroup var outputOption: OutputOption

        func run() throws {
            var status = stat()
            var files = [file]
            if stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                files = try MergeFiles.parquetFiles(in: file)
                guard !files.isEmpty else {
                    throw Failure(
                        "there is no Parquet file in \(file)",
                        hint: "name a file, or a folder that has files *.parquet in it or below it")
                }
            }
            try ParquetRows(output: outputOption.output).show(
                files.map { .init(path: $0) }, rows: rowsOption.rows)
        }
    }

    struct Stats: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stats", abstract: "Row groups, sizes, encodings, bounds.")
        @Argument(help: "A Parquet file.") var file: String
        @OptionGroup var outputOption: OutputOption

        private struct Chunk: Encodable {
            var rowGroup: Int
            var column: String
            var type: String
            var values: Int64
            var nulls: Int64?
            var minimum: String?
            var maximum: String?
            var codec: String
            var encodings: [String]
            var compressedBytes: Int64
            var uncompressedBytes: Int64
        }

        func run() throws {
            let parquet = try open(file)
            let output = outputOption.output
            if !output.json {
                // What pyarrow keeps there is for machines.
                let entries = parquet.keyValueMetadata.filter { $0.key != "ARROW:schema" && $0.key != "pandas" }
                output.fields(
                    [
                        ("rows", Human.grouped(parquet.rowCount)), ("row groups", "\(parquet.rowGroups.count)"),
                        ("columns", "\(parquet.schema.columns.count)"), ("format", "\(parquet.formatVersion)"),
                        ("written by", parquet.createdBy),
                    ] + entries.map { ("metadata", Text.oneLine("\($0.key)=\($0.value ?? "")")) })
            }
            for group in parquet.rowGroups {
                let chunks = group.columns.map { chunk in
                    Chunk(
                        rowGroup: group.index, column: chunk.column.name, type: chunk.column.typeName,
                        values: chunk.valueCount, nulls: chunk.nullCount, minimum: chunk.minimum?.description,
                        maximum: chunk.maximum?.description, codec: chunk.codec, encodings: chunk.encodings,
                        compressedBytes: chunk.compressedBytes, uncompressedBytes: chunk.uncompressedBytes)
                }
                if output.json {
                    try chunks.forEach(output.object)
                } else {
                    show(group, chunks, output)
                }
            }
        }

        private func show(_ group: ParquetRowGroup, _ chunks: [Chunk], _ output: Output) {
            output.heading("Row group \(group.index): \(Human.count(group.rowCount, "row"))")
            output.table(
                [
                    "COLUMN", "TYPE", .number("NULLS"), "MINIMUM", "MAXIMUM", .number("SIZE"), .number("EXPANDED"),
                    "CODEC",
                    "ENCODINGS",
                ],
                chunks.map { chunk in
                    [
                        chunk.column, chunk.type, chunk.nulls.map(Human.grouped) ?? "-", short(chunk.minimum),
                        short(chunk.maximum), Human.bytes(chunk.compressedBytes), Human.bytes(chunk.uncompressedBytes),
                        chunk.codec, chunk.encodings.joined(separator: ", "),
                    ]
                }, indent: 2)
        }

        private func short(_ text: String?) -> String { text.map { Text.short($0) } ?? "-" }
    }
}
