/// Where the columns of fixed-width text lie. From YAML or JSON with any decoder:
///
///     columns:
///       - {name: id, start: 1, width: 6, type: bigint}
///       - {name: city, start: 7, end: 26}
///       - note:27-60
///     skipLines: 1
///
/// An entry may also be text in the form of `Column.init(_:)`. What is wrong is `DecodingError.dataCorrupted`.
public struct FixedWidthLayout: Sendable, Hashable {
    /// What positions count.
    public enum Unit: String, Sendable, Hashable, CaseIterable, Codable {
        /// Unicode scalars, so that `ß` is one place.
        case characters
        /// Bytes of the text as UTF-8.
        case bytes
    }

    /// One column: its name, its places and its type.
    public struct Column: Sendable, Hashable {
        public var name: String
        /// First place, from 1.
        public var start: Int
        public var width: Int
        /// Nil: values decide.
        public var type: ColumnType?

        public init(name: String, start: Int, width: Int, type: ColumnType? = nil) {
            (self.name, self.start, self.width, self.type) = (name, start, width, type)
        }

        /// `name:first-last` or `name:first-last:type`, such as `price:7-16:decimal(10,2)`.
        /// - Throws: `Unsupported`.
        public init(_ text: String) throws(ColumnarError) {
            let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            let places = parts.count > 1 ? parts[1].split(separator: "-", omittingEmptySubsequences: false) : []
            guard parts.count > 1, places.count == 2, let first = Int(places[0]), let last = Int(places[1]), first >= 1,
                last >= first
            else {
                throw ColumnarError(
                    .unsupported,
                    "\"\(text)\" is no column: write name:first-last or name:first-last:type, from place 1.")
            }
            self.init(name: String(parts[0]), start: first, width: last - first + 1)
            guard parts.count == 3 else { return }
            guard let type = ColumnType(String(parts[2])) else {
                throw ColumnarError(.unsupported, "The column \(parts[0]) has the unknown type \"\(parts[2])\".")
            }
            self.type = type
        }

        /// Place after the last.
        var end: Int { start + width }
    }

    public private(set) var columns: [Column]
    /// Lines at the beginning that are no records, such as a header.
    public var skippedLines = 0
    /// Whether blanks around values are dropped. Numbers, dates and times are always read without.
    public var trims = true
    public var unit = Unit.characters
    /// Whether what follows the last column is left out; else only blanks may stand there.
    public var ignoresRest = false

    /// - Throws: `Unsupported` for no columns or impossible places; `EmptyColumnName`, `DuplicateColumn`.
    public init(_ columns: [Column]) throws(ColumnarError) {
        let names = try ColumnName.normalized(header: columns.map(\.name), line: 0)
        self.columns = zip(names, columns).map { name, column in
            Column(name: name, start: column.start, width: column.width, type: column.type)
        }
        guard !columns.isEmpty else { throw ColumnarError(.unsupported, "A layout needs at least one column.") }
        for column in columns
        where column.start < 1 || column.width < 1 || column.start > 1 << 24 || column.width > 1 << 24 {
            throw ColumnarError(
                .unsupported,
                "The column \(column.name) has \(column.width) places from place \(column.start): both must be 1 or more.",
                column: column.name)
        }
    }

    /// Place after the last column.
    var end: Int { columns.reduce(1) { max($0, $1.end) } }
}

extension FixedWidthLayout: Codable {
    private enum Key: String, CodingKey, CaseIterable { case columns, skipLines, trim, unit, ignoreRest }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let entries = try container.decode([Entry].self, forKey: .columns)
        do throws(ColumnarError) {
            try self.init(entries.map(\.column))
        } catch {
            throw DecodingError.dataCorruptedError(forKey: .columns, in: container, debugDescription: error.message)
        }
        skippedLines = max(0, try container.decodeIfPresent(Int.self, forKey: .skipLines) ?? 0)
        trims = try container.decodeIfPresent(Bool.self, forKey: .trim) ?? true
        unit = try container.decodeIfPresent(Unit.self, forKey: .unit) ?? .characters
        ignoresRest = try container.decodeIfPresent(Bool.self, forKey: .ignoreRest) ?? false
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(columns.map(Entry.init), forKey: .columns)
        try container.encode(skippedLines, forKey: .skipLines)
        try container.encode(trims, forKey: .trim)
        try container.encode(unit, forKey: .unit)
        try container.encode(ignoresRest, forKey: .ignoreRest)
    }

    private struct Entry: Codable {
        var column: Column

        init(_ column: Column) {
            self.column = column
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(column.name, forKey: .name)
            try container.encode(column.start, forKey: .start)
            try container.encode(column.width, forKey: .width)
            try container.encodeIfPresent(column.type?.description, forKey: .type)
        }

        private enum Key: String, CodingKey { case name, start, width, end, type }

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                do throws(ColumnarError) {
                    column = try Column(text)
                } catch {
                    throw DecodingError.dataCorrupted(
                        .init(codingPath: decoder.codingPath, debugDescription: error.message))
                }
                return
            }
            let container = try decoder.container(keyedBy: Key.self)
            column = Column(
                name: try container.decode(String.self, forKey: .name),
                start: try container.decode(Int.self, forKey: .start), width: 0)
            let width = try container.decodeIfPresent(Int.self, forKey: .width)
            let end = try container.decodeIfPresent(Int.self, forKey: .end)
            if let width {
                column.width = width
            } else {
                let end = try end ?? container.decode(Int.self, forKey: .end)
                column.width = end.subtractingReportingOverflow(column.start).partialValue &+ 1
            }
            guard let name = try container.decodeIfPresent(String.self, forKey: .type) else { return }
            guard let type = ColumnType(name) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .type, in: container, debugDescription: "unknown type \"\(name)\"")
            }
            column.type = type
        }
    }
}
