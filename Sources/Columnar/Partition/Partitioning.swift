/// How the rows of a conversion are divided among files.
public struct Partitioning: Sendable, Hashable {
    /// How fine a time is divided.
    public enum Unit: Int, Sendable, Hashable, CaseIterable {
        case year = 1, month, day, hour
    }

    /// What rows are divided by.
    public enum Key: Sendable, Hashable {
        /// The value of a column, which then is in the path (`region=EU/`) and no longer in the files. Booleans,
        /// integers, decimals, dates, times of day and texts.
        case column(String)
        /// The date or time in a column, which stays in the files: `year=2024/month=05/day=31/`. Times with a zone
        /// count in UTC.
        case time(column: String, Unit)
        /// The same without names: `2024/05/31/23/`.
        case timePath(column: String, Unit)
    }

    /// From the outermost folder to the innermost; empty: rows are divided by `fileBytes` alone.
    public var keys: [Key]
    /// Compressed bytes at which a file ends and another one begins; nil: files grow as they will.
    public var fileBytes: Int64?
    /// Most files that are written at the same time. Beyond that, the one that waited longest ends, and its partition
    /// goes on in another file.
    public var openFiles = 100
    /// Most partitions of one conversion; more are `LimitExceeded`, since a folder for each value is seldom meant.
    public var mostPartitions = 10_000

    public init(keys: [Key], fileBytes: Int64? = nil) {
        self.keys = keys
        self.fileBytes = fileBytes
    }

    /// Reads keys separated by commas: `region`, `at:day` (`year`, `month`, `day`, `hour`), `at:yyyy/MM/dd/HH` (or
    /// fewer parts).
    /// - Throws: `Unsupported`, naming the part that is wrong.
    public init(parsing text: String, fileBytes: Int64? = nil) throws(ColumnarError) {
        var keys: [Key] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let column = ColumnName.normalized(String(pieces.first ?? ""))
            guard !column.isEmpty else { throw Self.wrong(text, "a column's name is missing") }
            guard pieces.count == 2 else {
                keys.append(.column(column))
                continue
            }
            let word = String(pieces[1])
            if let unit = Unit.allCases.first(where: { "\($0)" == word }) {
                keys.append(.time(column: column, unit))
            } else if let unit = Unit.allCases.first(where: { $0.pattern == word }) {
                keys.append(.timePath(column: column, unit))
            } else {
                throw Self.wrong(
                    text, "\"\(word)\" is no unit; choose year, month, day, hour, or a path such as yyyy/MM/dd/HH")
            }
        }
        self.init(keys: keys, fileBytes: fileBytes)
    }

    private static func wrong(_ text: String, _ problem: String) -> ColumnarError {
        ColumnarError(.unsupported, "Cannot partition by \"\(text)\": \(problem).", text: text)
    }

    /// Names of the partition columns, in the order of the path.
    public var names: [String] { partitionColumns([:]).map(\.name) }

    /// Names of the columns that leave the files for the path.
    public var columns: [String] {
        keys.compactMap { if case .column(let name) = $0 { name } else { nil } }
    }

    /// The keys as columns of a table, in the order of the path. Parts of times are texts (`05`).
    /// - Parameter types: of the columns by name.
    func partitionColumns(_ types: [String: ColumnType]) -> [ColumnSchema] {
        keys.flatMap { key -> [ColumnSchema] in
            switch key {
            case .column(let name): [ColumnSchema(name: name, type: types[name] ?? .string)]
            case .time(_, let unit), .timePath(_, let unit):
                unit.parts.map { ColumnSchema(name: "\($0)", type: .string) }
            }
        }
    }
}

extension Partitioning.Unit {
    /// From the year to this unit.
    var parts: [Partitioning.Unit] { Self.allCases.filter { $0.rawValue <= rawValue } }

    var pattern: String { ["yyyy", "yyyy/MM", "yyyy/MM/dd", "yyyy/MM/dd/HH"][rawValue - 1] }
}
