import ArgumentParser
import Columnar

/// `--compression`, `--compat`, `--partition-by`, …: how Parquet files are written.
struct ParquetOption: ParsableArguments {
    enum Compression: String, ExpressibleByArgument, CaseIterable {
        case snappy, zstd, gzip, none
    }

    @Option(help: "How pages are compressed.") var compression = Compression.snappy
    @Flag(help: "Only what readers of Parquet 1.0 know: dictionaries and plain values.") var compat = false
    @Flag(help: "Also encodings that only newer readers know, where they make a column smaller.") var newest = false

    func validate() throws {
        guard !compat || !newest else { throw ValidationError("Give --compat or --newest, not both.") }
    }

    /// Sets what was asked for.
    func apply(to options: inout ParquetWriterOptions) {
        options.compression =
            switch compression {
            case .snappy: .snappy
            case .zstd: .zstd(level: 3)
            case .gzip: .gzip(level: 6)
            case .none: .none
            }
        options.compatibility = compat ? .legacy : newest ? .newest : .current
    }
}

/// `--partition-by`, `--file-size`, `--open-files`: many files instead of one.
struct PartitionOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Make a folder of files: columns, separated by commas, or times as COLUMN:day (year, month, day, hour), or as "
                + "COLUMN:yyyy/MM/dd/HH for folders without names.", valueName: "keys"))
    var partitionBy: String?

    @Option(help: ArgumentHelp("Begin a new file at this size, such as 128MB; makes a folder.", valueName: "size"))
    var fileSize: ByteSize?

    @Option(help: ArgumentHelp("Most files to write at the same time.", valueName: "n"))
    var openFiles = 100

    func validate() throws {
        guard openFiles >= 1 else { throw ValidationError("--open-files must be at least 1.") }
        if let partitionBy {
            do { _ = try Partitioning(parsing: partitionBy) } catch { throw ValidationError("\(error.message)") }
        }
    }

    /// Nil for a single file.
    func partitioning() throws -> Partitioning? {
        guard partitionBy != nil || fileSize != nil else { return nil }
        var partitioning = Partitioning(keys: [], fileBytes: fileSize?.bytes)
        if let partitionBy { partitioning = try Partitioning(parsing: partitionBy, fileBytes: fileSize?.bytes) }
        partitioning.openFiles = openFiles
        return partitioning
    }
}

/// A number of bytes: `500`, `64kB`, `128MB`, `1GB`, or with `KiB`, `MiB`, `GiB`.
struct ByteSize: ExpressibleByArgument {
    var bytes: Int64

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let units: [String: Int64] = [
            "": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "kib": 1 << 10, "mib": 1 << 20,
            "gib": 1 << 30,
        ]
        guard let number = Int64(digits), number > 0, let unit = units[argument.dropFirst(digits.count).lowercased()]
        else { return nil }
        let (bytes, isOverflow) = number.multipliedReportingOverflow(by: unit)
        guard !isOverflow else { return nil }
        self.bytes = bytes
    }
}
