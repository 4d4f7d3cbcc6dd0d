/// A column as it stands in a delimited file.
public struct CSVColumn: Sendable, Hashable {
    /// Normalised name (`ColumnName.normalized`).
    public var name: String
    /// Name as the header has it.
    public var sourceName: String
    /// Position in the file, from 0.
    public var index: Int

    public init(name: String, sourceName: String, index: Int) {
        self.name = name
        self.sourceName = sourceName
        self.index = index
    }
}
