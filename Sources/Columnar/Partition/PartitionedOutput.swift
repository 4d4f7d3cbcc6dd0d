/// One file of a partitioned conversion.
public struct PartitionFile: Sendable, Hashable {
    /// Folders under the table's own, each with a slash: `region=EU/year=2024/`; empty without keys.
    public var path: String
    /// The values of the partition columns in their order, `__HIVE_DEFAULT_PARTITION__` for null.
    public var values: [String]
    /// Of the files of this partition, from 0.
    public var number: Int
    /// Once the file is complete.
    public var rows: Int64 = 0
    public var bytes: Int64 = 0

    /// `part-00000.parquet`.
    public var name: String {
        let digits = String(number)
        return "part-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".parquet"
    }
}

/// Where the files of a partitioned conversion go. Used by one thread at a time.
public protocol PartitionedOutput: AnyObject {
    /// Begins a file. At most `Partitioning.openFiles` are under way at the same time.
    func begin(_ file: PartitionFile) throws(ColumnarError) -> any ByteSink

    /// A file is complete, and nothing more is written to its sink.
    func complete(_ file: PartitionFile) throws(ColumnarError)

    /// Takes back all files, complete or not, so that a conversion can start again with wider types.
    func reset() throws(ColumnarError)
}
