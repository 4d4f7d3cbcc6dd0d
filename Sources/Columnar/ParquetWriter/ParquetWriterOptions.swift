/// How a Parquet file is to be written.
public struct ParquetWriterOptions: Sendable {
    /// How pages are compressed. A column whose pages hardly shrink is stored uncompressed.
    public enum Compression: Sendable, Hashable {
        case none
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

    public var compression = Compression.snappy
    public var compatibility = Compatibility.current
    /// Most rows of a row group.
    public var rowGroupRows = 1_000_000
    /// Compressed bytes at which a row group ends; bounds the memory that the writer takes.
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
}
