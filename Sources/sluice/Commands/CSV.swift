import ArgumentParser
import Columnar
import Glibc

/// `sluice csv`.
struct CSV: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "csv", abstract: "Delimited text to Parquet.", subcommands: [Convert.self])

    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Convert a CSV file to a Parquet file.")

        enum Compression: String, ExpressibleByArgument, CaseIterable {
            case snappy, zstd, none
        }

        @Argument(help: ArgumentHelp("Delimited text, also compressed with Zstandard.", valueName: "in.csv"))
        var input: String
        @Argument(help: ArgumentHelp("The Parquet file to make.", valueName: "out.parquet")) var destination: String
        @Option(name: .long, help: "How pages are compressed.") var compression = Compression.snappy
        @Option(name: .long, help: "1 or 2.") var threads = 1
        @Option(
            name: .long,
            help: ArgumentHelp("The character between fields, or `tab`; found by itself unless given.", valueName: "c"))
        var delimiter: String?
        @OptionGroup var outputOption: OutputOption

        private var delimiterCharacter: Character? {
            guard let delimiter else { return nil }
            return ["tab", "\\t"].contains(delimiter) ? "\t" : delimiter.first
        }

        func validate() throws {
            guard (1...2).contains(threads) else { throw ValidationError("--threads must be 1 or 2.") }
            if let delimiter, delimiter != "tab", delimiter != "\\t" {
                guard delimiter.utf8.count == 1 else {
                    throw ValidationError("--delimiter must be one ASCII character, or `tab`.")
                }
            }
        }

        private struct Result: Encodable {
            var rows: Int64
            var inputBytes: Int64
            var outputBytes: Int64
            var rowGroups: Int
            var columns: [Column]
            var widened: [String]
            var delimiter: String
            var seconds: Double

            struct Column: Encodable {
                var name: String
                var type: String
            }
        }

        func run() throws {
            var options = ConversionOptions()
            options.csv.delimiter = delimiterCharacter
            options.threads = threads
            options.parquet.compression =
                switch compression {
                case .snappy: .snappy
                case .zstd: .zstd(level: 3)
                case .none: .none
                }
            let clock = ContinuousClock()
            let started = clock.now
            let report = try convert(options)
            let seconds = (clock.now - started) / .seconds(1)
            let output = outputOption.output
            if output.json {
                return try output.object(
                    Result(
                        rows: report.rows, inputBytes: report.inputBytes, outputBytes: report.outputBytes,
                        rowGroups: report.rowGroups,
                        columns: report.columns.map { Result.Column(name: $0.name, type: "\($0.type)") },
                        widened: report.widenedColumns, delimiter: String(report.delimiter), seconds: seconds))
            }
            let rate = seconds > 0 ? Int64(Double(report.inputBytes) / seconds) : 0
            output.line(
                "\(Human.count(report.rows, "row")), \(Human.count(report.columns.count, "column")): "
                    + "\(Human.bytes(report.inputBytes)) -> \(Human.bytes(report.outputBytes)) in "
                    + "\(Human.milliseconds(seconds * 1000)) (\(Human.bytes(rate))/s)")
            for column in report.columns { output.line("  \(column.name) \(column.type)") }
        }

        /// Converts into a file beside the destination and renames it, so that a failure leaves nothing behind.
        private func convert(_ options: ConversionOptions) throws -> ConversionReport {
            let source = try FileSource(path: input)
            let staged = "\(destination).\(getpid()).tmp"
            do {
                let report = try CSVConverter.convert(from: source, to: FileSink(path: staged), options: options)
                guard rename(staged, destination) == 0 else { throw Failure.system("cannot make \(destination)") }
                return report
            } catch {
                unlink(staged)
                throw error
            }
        }
    }
}
