import ArgumentParser
import Columnar
import FunctionJSON

/// `sluice csv`.
struct CSV: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "csv", abstract: "Convert, check and profile CSV and other files of records.",
        subcommands: [Convert.self, Profile.self, Validate.self])

    struct Convert: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "convert", abstract: "Convert a file of records to Parquet.",
            discussion: """
                Types are inferred from all values unless --schema or --table gives them. Either the whole output appears \
                or, after an error, nothing; docs/columnar.md has the details.

                  sluice csv convert orders.csv.gz orders.parquet
                  sluice csv convert orders.csv orders/ --partition-by country
                  sluice csv convert orders.csv out.parquet --quarantine bad.ndjson
                """)

        @Argument(
            help: ArgumentHelp(
                "CSV, JSON, an access log or fixed-width text; also as gzip, zstd or ZIP; - for the standard input.",
                valueName: "in"))
        var input: String
        @Argument(help: ArgumentHelp("The Parquet file to make, or the folder of files.", valueName: "out"))
        var destination: String
        @OptionGroup(title: "Input") var inputOption: InputOption
        @OptionGroup(title: "Quality") var rulesOption: RulesOption
        @OptionGroup(title: "Masking") var maskOption: MaskOption
        @Option(help: ArgumentHelp("Where a profile of the written values goes, as JSON.", valueName: "out.json"))
        var profile: String?
        @OptionGroup(title: "Parquet") var parquetOption: ParquetOption
        @OptionGroup(title: "Several files") var partitionOption: PartitionOption
        @OptionGroup(title: "Columns") var schemaOption: SchemaOption
        @OptionGroup var dataOption: DataOption
        @OptionGroup var threadsOption: ThreadsOption
        @OptionGroup var outputOption: OutputOption

        func validate() throws {
            try Destinations.check(
                [("the input", input), ("--schema", schemaOption.schema)] + rulesOption.files + maskOption.files
                    + inputOption.files,
                [("the output", destination), ("--profile", profile), ("--quarantine", inputOption.quarantine)])
        }

        private struct Result: Encodable {
            var rows: Int64
            var rejectedRows: Int64
            var inputBytes: Int64
            var outputBytes: Int64
            var rowGroups: Int
            var columns: [Column]
            var widened: [String]
            /// What differs from the given schema, in words.
            var drift: [String]
            /// Of a folder: its files and the columns of their paths.
            var partitionColumns: [Column]
            var files: [File]
            var delimiter: String
            /// What was done to columns that were masked.
            var masked: [String: String]
            /// Of automatic masks: what looks like personal data and was not masked.
            var unmasked: [UnmaskedValues]
            var quality: QualityReport?
            var seconds: Double

            struct Column: Encodable {
                var name: String
                var type: String

                init(_ column: ColumnSchema) {
                    name = column.name
                    type = "\(column.type)"
                }
            }

            struct File: Encodable {
                var path: String
                var rows: Int64
                var bytes: Int64
            }
        }

        func run() async throws {
            var options = ConversionOptions()
            options.threads = threadsOption.count
            options.parquet.keyValueMetadata = [(key: "sluice.source", value: input)]
            try parquetOption.apply(to: &options.parquet)
            try await schemaOption.apply(to: &options, dataOption, partitionOption.partitioning())
            try inputOption.apply(to: &options)
            options.quality = try rulesOption.qualityRules()
            options.masking = try maskOption.masking()
            if profile != nil { options.profile = 10 }
            ProgramMemory.release()
            let clock = ContinuousClock()
            let started = clock.now
            let report = try Failure.named(input, hint: inputOption.hint) {
                try inputOption.withQuarantine(of: input) { try convert(options, $0) }
            }
            let seconds = (clock.now - started) / .seconds(1)
            InputOption.warn(of: report, input)
            let output = outputOption.output
            if output.json {
                return try output.object(
                    Result(
                        rows: report.rows, rejectedRows: report.rejectedRows, inputBytes: report.inputBytes,
                        outputBytes: report.outputBytes,
                        rowGroups: report.rowGroups,
                        columns: report.columns.map(Result.Column.init), widened: report.widenedColumns,
                        drift: report.drift.lines, partitionColumns: report.partitionColumns.map(Result.Column.init),
                        files: report.files.map {
                            Result.File(path: $0.path + $0.name, rows: $0.rows, bytes: $0.bytes)
                        }, delimiter: String(report.delimiter), masked: report.masked,
                        unmasked: report.unmasked, quality: report.quality, seconds: seconds))
            }
            let rate = seconds > 0 ? Int64(Double(report.inputBytes) / seconds) : 0
            output.line(
                "\(Human.count(report.rows, "row")), \(Human.count(report.columns.count, "column")): "
                    + "\(Human.bytes(report.inputBytes)) -> \(Human.bytes(report.outputBytes)) in "
                    + "\(Human.milliseconds(seconds * 1000)) (\(Human.bytes(rate))/s)")
            for column in report.columns { output.line("  \(column.name) \(column.type)") }
            if !report.files.isEmpty {
                let keys = report.partitionColumns.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
                output.line(
                    "\(Human.count(report.files.count, "file")) in "
                        + "\(Human.count(Set(report.files.map(\.path)).count, "partition"))"
                        + (keys.isEmpty ? "" : " (\(keys))"))
            }
            for line in report.drift.lines { output.line(line) }
            for (column, action) in report.masked.sorted(by: { $0.key < $1.key }) {
                output.line("masked \(column): \(action)")
            }
            MaskText.warn(report.unmasked)
            if let quality = report.quality { QualityText.write(quality, to: output) }
            if report.rejectedRows > 0 {
                let place = inputOption.quarantine.map { ", in \($0)" } ?? ""
                output.line("\(Human.count(report.rejectedRows, "row")) left out\(place)")
            }
        }

        /// Converts into files beside their destinations and renames them, so that a failure leaves nothing behind.
        private func convert(
            _ options: ConversionOptions, _ rejected: (any RejectedRecords)?
        ) throws -> ConversionReport {
            let source = try RecordInput.open(input)
            try FileCheck.writable(profile)
            let report: ConversionReport
            if let partitioning = try partitionOption.partitioning() {
                let folder = try FolderOutput(path: destination)
                report = try CSVConverter.convert(
                    from: source, to: folder, partitionedBy: partitioning, options: options, rejectedRecords: rejected)
                try report.quality?.requirePass()
                try folder.publish()
            } else {
                try FileCheck.writable(destination)
                let file = StagedFile(destination)
                report = try CSVConverter.convert(
                    from: source, to: try file.sink(), options: options, rejectedRecords: rejected)
                try report.quality?.requirePass()
                try file.publish()
            }
            if let profile, let found = report.profile {
                try StagedFile.write(profile, try TapeEncoder().encode(found.withoutPersonalData))
            }
            return report
        }
    }
}
