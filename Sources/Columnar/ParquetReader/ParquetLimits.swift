/// What a reader accepts of a file that it does not trust. Each limit is checked before memory is taken.
public struct ParquetLimits: Sendable {
    /// Of the footer with the metadata.
    public var footerBytes = 256 << 20
    /// Memory of the footer's parts: many of them take a few bytes in the file each, and hundreds in memory.
    public var footerMemory = 512 << 20
    /// Of all pages and dictionaries of a file that are open at the same time, expanded.
    public var openBytes = 512 << 20
    /// Of one page, expanded. Writers make pages of about one megabyte; a single huge text may need more.
    public var pageBytes = 512 << 20
    /// Of the header before a page (statistics are in it).
    public var pageHeaderBytes = 16 << 20
    /// Values in one row, over all nested columns.
    public var valuesPerRow = 4 << 20

    public init() {}
}
