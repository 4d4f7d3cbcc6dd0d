import ArgumentParser
import Columnar

extension Parquet {
    struct ToCSV: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "to-csv",
            abstract: "All rows as delimited text.",
            discussion: "As RFC 4180 has it: fields are quoted where they must be, nested values are JSON.")

        @Argument(help: "A Parquet file.") var file: String
        @Option(
            name: .shortAndLong, help: ArgumentHelp("Write here instead of the standard output.", valueName: "out.csv"))
        var output: String?
        @Option(
            name: .customLong("null"), parsing: .unconditional,
            help: ArgumentHelp("What stands for null.", valueName: "token"))
        var nullToken = ""
        @Option(help: ArgumentHelp("The character between fields, or `tab`.", valueName: "c")) var delimiter = ","
        @Flag(help: "Leave the names of the columns out.") var noHeader = false
        @Flag(help: "End lines with CR and LF.") var crlf = false

        private var delimiterByte: UInt8? {
            let text = ["tab", "\\t"].contains(delimiter) ? "\t" : delimiter
            guard text.utf8.count == 1, let byte = text.utf8.first, byte != 0x22, byte != 10, byte != 13 else {
                return nil
            }
            return byte
        }

        func validate() throws {
            try Destinations.check([("the input", file)], [("--output", output)])
            guard delimiterByte != nil else {
                throw ValidationError("--delimiter must be one ASCII character other than a quote, or `tab`.")
            }
            guard !nullToken.contains(where: { "\"\n\r".contains($0) || String($0) == delimiter }) else {
                throw ValidationError("--null must not contain quotes, line ends or the delimiter.")
            }
        }

        func run() throws {
            try FileCheck.readable(file)
            try FileCheck.writable(output)
            var options = ParquetTextOptions()
            options.nullToken = nullToken
            options.hasHeader = !noHeader
            options.usesCRLF = crlf
            if let delimiterByte { options.delimiter = delimiterByte }
            try Failure.named(file) {
                let parquet = try ParquetFile(try ParquetFileInput(path: file))
                if let output {
                    try StagedFile.write(output) { try ParquetTextWriter.write(parquet, to: $0, options: options) }
                } else {
                    try ParquetTextWriter.write(
                        parquet, to: FileSink(descriptor: 1, name: "the standard output"), options: options)
                }
            }
        }
    }
}
