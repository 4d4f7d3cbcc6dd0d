/// How a table is written as delimited text.
public struct ParquetTextOptions: Sendable {
    /// What stands for null; texts that are the same, and empty ones, are quoted.
    public var nullToken = ""
    /// One ASCII character.
    public var delimiter = UInt8(ascii: ",")
    /// Whether the names of the columns come first.
    public var hasHeader = true
    /// Whether lines end with CR and LF, as RFC 4180 has it, instead of LF alone.
    public var usesCRLF = false

    public init() {}
}
