/// How a Parquet file is to be written.
public struct ParquetWriterOptions: Sendable {
    /// How pages are compressed. A column whose pages hardly shrink is stored uncompressed.
    public enum Compression: Sendable, Hashable {
        case none
        /// Snappy, but Zstandard for texts that seldom repeat and that it makes clearly smaller at about the same
        /// speed: Snappy finds repetitions alone, so that ids, hashes and the like keep their size with it.
        case automatic
        case snappy
        /// Zstandard, level 1 (fast) to 22 (small).
        case zstd(level: Int)
        /// Gzip, level 1 (fast) to 9 (small).
        case gzip(level: Int)
    }

    /// Which readers must understand the file.
    public enum Compatibility: Sendable, Hashable {
        /// Delta encodings as pyarrow, DuckDB, Polars and Spark from 3.3 on read them.
        case current
        /// Also BYTE_STREAM_SPLIT for doubles where it makes a chunk smaller: pyarrow, DuckDB, Polars, Spark from 4 on.
        case newest
        /// Dictionaries and plain values only, under their names of Parquet 1.0, for old readers.
        case legacy
    }

    public var compression = Compression.automatic
    public var compatibility = Compatibility.current
    /// Most rows of a row group.
    public var rowGroupRows = 1_000_000
    /// Compressed bytes at which a row group ends, looked at after each batch; bounds the memory that the writer takes.
    public var rowGroupBytes = 24 << 20
    /// Most rows of a page; fewer in tables of many columns.
    public var pageRows = 20_000
    /// Uncompressed bytes at which a page of texts ends.
    public var pageBytes = 512 << 10
    /// Free entries of the footer, such as the source object and the function version.
    public var keyValueMetadata: [(key: String, value: String)] = []
    /// Whether bounds and places of pages are written behind the row groups.
    public var writesPageIndex = true

    public init() {}

    /// Throws `InvalidConfiguration` for sizes that no file can have.
    func check() throws(ColumnarError) {
        for (name, value) in [
            ("rowGroupRows", rowGroupRows), ("rowGroupBytes", rowGroupBytes), ("pageRows", pageRows),
            ("pageBytes", pageBytes),
        ] where value < 1 {
            throw ColumnarError(.invalidConfiguration, "\(name) must be at least 1; it is \(value).")
        }
    }

    /// Adds free entries of the user's own to the footer.
    ///
    /// Throws `InvalidConfiguration` for a key that is empty, stands twice, or means something to readers: `sluice.…`,
    /// and `ARROW:schema`, from which pyarrow takes the types.
    public mutating func addMetadata(_ entries: [(key: String, value: String)]) throws(ColumnarError) {
        for (key, value) in entries {
            guard !key.isEmpty else {
                throw ColumnarError(.invalidConfiguration, "A key of the metadata is empty; give it a name.")
            }
            guard !key.hasPrefix("sluice."), key != "ARROW:schema" else {
                throw ColumnarError(
                    .invalidConfiguration, "The metadata key \(key) is taken; choose another, such as owner.")
            }
            guard !keyValueMetadata.contains(where: { $0.key == key }) else {
                throw ColumnarError(.invalidConfiguration, "The metadata key \(key) is given twice.")
            }
            keyValueMetadata.append((key, value))
        }
    }
}

extension ParquetWriterOptions.Compression: CustomStringConvertible {
    /// Reads `auto`, `snappy`, `zstd`, `gzip`, `none`, and with a level `zstd:1` to `zstd:22`, `gzip:1` to `gzip:9`.
    /// Without one, Zstandard has level 3 and gzip level 6.
    ///
    /// Throws `InvalidConfiguration` for any other word.
    public init(word: String) throws(ColumnarError) {
        let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let levels: ClosedRange<Int>?
        switch String(parts[0]) {
        case "auto":
            self = .automatic
            levels = nil
        case "snappy":
            self = .snappy
            levels = nil
        case "none":
            self = .none
            levels = nil
        case "zstd":
            self = .zstd(level: 3)
            levels = 1...22
        case "gzip":
            self = .gzip(level: 6)
            levels = 1...9
        default:
            throw ColumnarError(
                .invalidConfiguration,
                "The compression \"\(word)\" is unknown; choose auto, snappy, zstd, gzip or none, or a level, such as "
                    + "zstd:9."
            )
        }
        guard parts.count > 1 else { return }
        guard let levels else {
            throw ColumnarError(
                .invalidConfiguration, "The compression \"\(word)\" has a level, and \(parts[0]) knows none.")
        }
        guard let level = Int(parts[1]), levels.contains(level) else {
            throw ColumnarError(
                .invalidConfiguration,
                "The level of the compression \"\(word)\" must be \(levels.lowerBound) (fast) to \(levels.upperBound) "
                    + "(small).")
        }
        self = parts[0] == "zstd" ? .zstd(level: level) : .gzip(level: level)
    }

    /// The word that it is read from.
    public var description: String {
        switch self {
        case .none: "none"
        case .automatic: "auto"
        case .snappy: "snappy"
        case .zstd(let level): "zstd:\(level)"
        case .gzip(let level): "gzip:\(level)"
        }
    }
}
