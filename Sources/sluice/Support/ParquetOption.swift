import ArgumentParser
import Columnar

/// `--compression`, `--compat`, `--partition-by`, …: how Parquet files are written.
struct ParquetOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How pages are compressed: snappy, zstd, gzip, none, or with a level zstd:1 (fast) to zstd:22 (small), gzip:1 to "
                + "gzip:9; auto: snappy, and zstd for texts that it makes clearly smaller.", valueName: "method"))
    var compression = "auto"
    @Flag(help: "Only what readers of Parquet 1.0 know: dictionaries and plain values.") var compat = false
    @Flag(help: "Also encodings that only newer readers know, where they make a column smaller.") var newest = false

    @Option(help: ArgumentHelp("Most rows of a row group; 1,000,000 unless given.", valueName: "n"))
    var rowGroupRows: Int?
    @Option(
        help: ArgumentHelp(
            "End a row group at this many compressed bytes, such as 64MB; 24MiB unless given. Memory grows with it.",
            valueName: "size"))
    var rowGroupSize: ByteSize?
    @Option(
        help: ArgumentHelp("A free entry of the file's footer; may be repeated.", valueName: "key=value"))
    var metadata: [String] = []

    /// Beyond it, the pages of a row group would take more memory than most machines have to spare.
    private static let largestRowGroup: Int64 = 4 << 30

    func validate() throws {
        guard !compat || !newest else { throw ValidationError("Give --compat or --newest, not both.") }
        guard rowGroupRows ?? 1 >= 1 else { throw ValidationError("--row-group-rows must be at least 1.") }
        guard rowGroupSize?.bytes ?? 1 <= Self.largestRowGroup else {
            throw ValidationError("--row-group-size must be at most 4GiB.")
        }
        for entry in metadata where !entry.contains("=") {
            throw ValidationError("--metadata takes KEY=VALUE, not `\(entry)`.")
        }
        var options = ParquetWriterOptions()
        do throws(ColumnarError) {
            try apply(to: &options)
        } catch {
            throw ValidationError(error.message)
        }
    }

    /// Sets what was asked for; entries of the footer that are there stay.
    func apply(to options: inout ParquetWriterOptions) throws(ColumnarError) {
        options.compression = try ParquetWriterOptions.Compression(word: compression)
        options.compatibility = compat ? .legacy : newest ? .newest : .current
        if let rowGroupRows { options.rowGroupRows = rowGroupRows }
        if let rowGroupSize { options.rowGroupBytes = Int(clamping: rowGroupSize.bytes) }
        try options.addMetadata(
            metadata.map { entry in
                let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (key: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
            })
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
