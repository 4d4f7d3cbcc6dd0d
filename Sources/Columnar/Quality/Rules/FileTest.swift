/// A number that all records of a file have together.
public struct Measure: Sendable {
    /// Which number. Columns by their normalised names; where several are given, their values count together.
    public enum Kind: Sendable {
        /// Records, those that cannot be read included.
        case rowCount
        case columnCount
        /// 1 where the column is there, else 0.
        case columnExists(String)
        /// 1 where the names of all columns, as the header has them, match as a whole, else 0.
        case columnNamesMatch(QualityPattern)
        /// Share of records with a value.
        case completeness(String)
        /// Distinct values that occur once, as a share of all values that are not null.
        case uniqueness([String])
        /// Distinct values that occur once, as a share of the distinct values.
        case uniqueValueRatio([String])
        /// Distinct values, null not counted.
        case distinctCount([String])
        /// 1 where no value is null and none occurs twice, else 0.
        case primaryKey([String])
        case mean(String)
        case sum(String)
        /// Of the whole, not of a sample.
        case standardDeviation(String)
        /// Share of records whose values of `columns` are in the reference table; null never is.
        case referentialIntegrity(columns: [String], reference: String, referenceColumns: [String])
        /// Share of records of which a test is so.
        case compliance(RecordTest)
    }

    public var kind: Kind
    /// The records that count; nil: all.
    public var condition: RecordTest?

    public init(_ kind: Kind, where condition: RecordTest? = nil) {
        self.kind = kind
        self.condition = condition
    }

    /// What the number counts; nil where it has the unit of the column's values, or only says yes or no.
    var unit: String? {
        switch kind {
        case .rowCount: "rows"
        case .columnCount: "columns"
        case .distinctCount: "distinct values"
        case .completeness, .referentialIntegrity, .compliance: "share of rows"
        case .uniqueness: "share of values"
        case .uniqueValueRatio: "share of distinct values"
        case .columnExists, .columnNamesMatch, .primaryKey, .mean, .sum, .standardDeviation: nil
        }
    }

    /// The columns that must be there for it to be measured.
    var columns: [String] {
        let own: [String] =
            switch kind {
            case .rowCount, .columnCount, .columnExists, .columnNamesMatch: []
            case .completeness(let name), .mean(let name), .sum(let name), .standardDeviation(let name): [name]
            case .uniqueness(let names), .uniqueValueRatio(let names), .distinctCount(let names),
                .primaryKey(let names):
                names
            case .referentialIntegrity(let names, _, _): names
            case .compliance(let test): test.columns
            }
        return own + (condition?.columns ?? [])
    }
}

/// A demand on the file as a whole: the file fails where it is not met.
public indirect enum FileTest: Sendable {
    case measure(Measure, NumberCondition)
    case all([FileTest])
    case any([FileTest])

    var columns: [String] {
        switch self {
        case .measure(let measure, _): measure.columns
        case .all(let tests), .any(let tests): tests.flatMap(\.columns)
        }
    }

    var measures: [Measure] {
        switch self {
        case .measure(let measure, _): [measure]
        case .all(let tests), .any(let tests): tests.flatMap(\.measures)
        }
    }
}
