/// What is demanded of one value.
public struct ValueTest: Sendable {
    /// What a value that is not null must be.
    public enum Check: Sendable {
        /// No value is so; with `acceptsNull`, the test is for null.
        case nothing
        /// A number between bounds. A text that is no number is not.
        case range(QualityRange)
        /// A number among these.
        case numbers(NumberSet)
        /// A text among these, to the letter.
        case texts(TextSet)
        /// A text of one or more blanks and nothing else.
        case blank
        /// A date, or a timestamp of which the day counts, on a day (since 1970-01-01) between bounds.
        case days(QualityRange)
        /// A date or timestamp on one of these days since 1970-01-01.
        case daySet(Set<Int64>)
        /// A text that matches as a whole.
        case pattern(QualityPattern)
        /// So many characters (Unicode scalars). A null has none.
        case length(QualityRange)
        /// A text that reads as a value of the type, by the same parsers that convert it.
        case type(ColumnType)
        /// A text that Apache Spark would cast to the type, see `CastType`.
        case cast(CastType)
        /// One of several.
        case either([Check])
    }

    public var check: Check
    /// Whether values that are not null pass when the check does not hold. A text that cannot be compared, because it
    /// is no number or no date, passes neither way.
    public var isNegated: Bool
    /// Whether null passes.
    public var acceptsNull: Bool
    /// Whether an empty text in quotes counts as null, as it does in columns other than text.
    public var emptyIsNull: Bool

    public init(_ check: Check, isNegated: Bool = false, acceptsNull: Bool = false, emptyIsNull: Bool = false) {
        self.check = check
        self.isNegated = isNegated
        self.acceptsNull = acceptsNull
        self.emptyIsNull = emptyIsNull
    }
}

/// Something that is so of a record or not.
public indirect enum RecordTest: Sendable {
    /// By the normalised name of a column.
    case value(column: String, ValueTest)
    case all([RecordTest])
    case any([RecordTest])
    /// It is not so, also where that is because a value is missing or cannot be compared.
    case unmet(RecordTest)

    /// The columns that it looks at, in order, each once.
    var columns: [String] {
        switch self {
        case .value(let column, _): return [column]
        case .all(let tests), .any(let tests):
            var names: [String] = []
            for name in tests.flatMap(\.columns) where !names.contains(name) { names.append(name) }
            return names
        case .unmet(let test): return test.columns
        }
    }
}

/// A demand on every record: those that do not meet it are bad.
public struct RecordRule: Sendable {
    public var test: RecordTest
    /// The records that it is about; nil: all.
    public var condition: RecordTest?
    /// What the share (0...1) of passing records, of those that it is about, must be for the file to pass; nil: any.
    public var threshold: NumberCondition?

    public init(_ test: RecordTest, where condition: RecordTest? = nil, threshold: NumberCondition? = nil) {
        self.test = test
        self.condition = condition
        self.threshold = threshold
    }
}

/// The types of DQDL's `ColumnDataType`: what Apache Spark casts a text to without making null of it. Blanks around the
/// value do not count. One difference: `12.5` is no integer here, where Spark would cut the fraction off.
public enum CastType: String, Sendable, Hashable, CaseIterable {
    /// `true`, `t`, `yes`, `y`, `1` and their opposites, in any case.
    case boolean
    /// Of 32 bits; sign and leading zeros may be.
    case integer
    /// Of 64 bits.
    case long
    case float
    case double
    /// `2024-05-31`, also as the first part of a timestamp.
    case date
    /// `2024-05-31 23:59:59.5`, with or without zone, or a date.
    case timestamp
}
