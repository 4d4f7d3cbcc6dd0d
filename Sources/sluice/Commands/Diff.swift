import ArgumentParser
import HostAPI
import RowDiff

/// `sluice diff`.
struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Rows added, removed and changed between two CSV or Parquet files.",
        discussion: """
            Rows are compared as a multiset, wherever they stand, by the columns that both files have. With a key a row that \
            went and one that came with the same key are one row that changed; without --key a column that is never null \
            and never the same twice in both files is taken: one named id, *_id or *_key, else the first. Exit code 1 if the \
            files differ.
            """)

    @Argument(help: "The file as it was.") var before: String
    @Argument(help: "The file as it is.") var after: String
    @Option(name: .long, help: "A column that tells which row is which; repeat it for several.") var key: [String] = []
    @Option(help: ArgumentHelp("Show this many rows.", valueName: "n")) var examples = 10
    @Option(help: ArgumentHelp("csv or parquet; default: by the content.", valueName: "format")) var format: String?
    @Option(help: ArgumentHelp("Memory for counting; above it the files are read several times.", valueName: "MB"))
    var memory = 256
    @OptionGroup var outputOption: OutputOption

    func validate() throws {
        guard examples >= 0, memory >= 1 else { throw ValidationError("--examples and --memory must not be negative.") }
        guard format == nil || TableFile.Format(rawValue: format ?? "") != nil else {
            throw ValidationError("--format must be csv or parquet.")
        }
    }

    func run() throws {
        for path in [before, after] { try FileCheck.readable(path) }
        let kind = format.flatMap { TableFile.Format(rawValue: $0) }
        let difference = try TableDiff(keys: key, examples: examples, memory: memory << 20).compare(
            TableFile(before, format: kind), TableFile(after, format: kind))
        let output = outputOption.output
        if output.json { try output.object(difference) } else { RowText.show(difference, output) }
        if !difference.isEqual { throw ExitCode(1) }
    }
}

/// A difference of rows for reading.
enum RowText {
    /// `3 rows added, 1 removed, 2 changed by order_id`
    static func words(_ rows: RowDifference) -> String {
        var parts: [String] = []
        if rows.added > 0 { parts.append("\(Human.grouped(rows.added)) added") }
        if rows.removed > 0 { parts.append("\(Human.grouped(rows.removed)) removed") }
        if rows.changed > 0 {
            parts.append("\(Human.grouped(rows.changed)) changed by \(rows.keys.joined(separator: ", "))")
        }
        var text = parts.isEmpty ? "the same rows" : "rows: " + parts.joined(separator: ", ")
        if !rows.columnsAdded.isEmpty { text += "; new columns \(rows.columnsAdded.joined(separator: ", "))" }
        if !rows.columnsRemoved.isEmpty { text += "; without columns \(rows.columnsRemoved.joined(separator: ", "))" }
        if !rows.typesChanged.isEmpty { text += "; types \(rows.typesChanged.joined(separator: ", "))" }
        return text
    }

    static func show(_ rows: RowDifference, _ output: Output, indent: Int = 0) {
        output.line(String(repeating: " ", count: indent) + words(rows))
        guard !rows.examples.isEmpty else { return }
        var table: [[String]] = []
        for example in rows.examples {
            switch example.change {
            case "changed":
                let (before, after) = (example.before ?? [], example.after ?? [])
                table.append(
                    [output.style.yellow("~")]
                        + zip(before, after).map { $0 == $1 ? text($0) : "\(text($0)) → \(text($1))" })
            case "removed": table.append([output.style.red("-")] + (example.before ?? []).map(text))
            default: table.append([output.style.green("+")] + (example.after ?? []).map(text))
            }
        }
        output.table(([""] + rows.columns).map { Table.Column(stringLiteral: $0) }, table, indent: indent)
    }

    private static func text(_ value: String?) -> String { value.map { Text.oneLine($0) } ?? "∅" }
}
