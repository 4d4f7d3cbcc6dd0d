/// How a file differs from the schema that it was converted with.
public struct SchemaDrift: Sendable, Hashable {
    /// A column whose values needed a wider type than the schema has.
    public struct Widening: Sendable, Hashable {
        public var name: String
        public var from: ColumnType
        public var to: ColumnType

        public init(name: String, from: ColumnType, to: ColumnType) {
            self.name = name
            self.from = from
            self.to = to
        }
    }

    /// Columns of the file that the schema lacks, with their inferred types.
    public var newColumns: [ColumnSchema] = []
    /// Columns of the schema that the file lacks; they are null in the output.
    public var missingColumns: [ColumnSchema] = []
    /// Columns that got a wider type than the schema's; only with `ConversionOptions.Mismatches.widen`.
    public var widenedColumns: [Widening] = []

    public init() {}

    public var isEmpty: Bool { newColumns.isEmpty && missingColumns.isEmpty && widenedColumns.isEmpty }

    /// One line for each difference: `new column city string`, `missing column age bigint`,
    /// `widened column price bigint -> decimal(20,1)`.
    public var lines: [String] {
        newColumns.map { "new column \($0.name) \($0.type)" }
            + missingColumns.map { "missing column \($0.name) \($0.type)" }
            + widenedColumns.map { "widened column \($0.name) \($0.from) -> \($0.to)" }
    }
}

extension SchemaDrift: CustomStringConvertible {
    /// The lines, separated by semicolons; `none` without any.
    public var description: String { isEmpty ? "none" : lines.joined(separator: "; ") }
}
