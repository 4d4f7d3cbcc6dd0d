/// What the values of a file are like.
public struct FileProfile: Sendable, Hashable, Codable {
    /// Rows, without those that were left out.
    public var rows: Int64
    /// In the order of the table.
    public var columns: [ColumnProfile]
}

/// What the values of a column are like.
public struct ColumnProfile: Sendable, Hashable, Codable {
    /// A number of distinct values.
    public struct Distinct: Sendable, Hashable, Codable {
        public var count: Int64
        /// Whether all were counted; otherwise HyperLogLog estimated them, with a standard error of 0.8 %.
        public var isExact: Bool
    }

    /// Characters (Unicode scalars) of texts.
    public struct Lengths: Sendable, Hashable, Codable {
        public var minimum: Int
        public var maximum: Int
        public var mean: Double
    }

    /// A value that occurs often.
    public struct Frequent: Sendable, Hashable, Codable {
        /// Texts of more than 200 characters are cut.
        public var value: String
        public var count: Int64

        public init(value: String, count: Int64) {
            self.value = value
            self.count = count
        }
    }

    /// What a part of the values looks like.
    public struct Lookalike: Sendable, Hashable, Codable {
        public var kind: PersonalData
        /// Share of the values, 0...1, null not counted.
        public var share: Double

        public init(kind: PersonalData, share: Double) {
            self.kind = kind
            self.share = share
        }
    }

    public var name: String
    /// The column's type in Hive's words.
    public var type: String
    public var rows: Int64
    public var nulls: Int64
    public var distinct: Distinct
    /// In the order of the type, written as in the file; nil where there are no values.
    public var minimum: String?
    public var maximum: String?
    /// Of numbers; nil where one of them is not finite.
    public var mean: Double?
    /// Of numbers, of the whole and not of a sample.
    public var standardDeviation: Double?
    /// Of texts.
    public var lengths: Lengths?
    /// The most frequent first; exact with `distinct.isExact`, otherwise estimated from every sixteenth value,
    /// without values that are hardly more frequent than the others.
    public var top: [Frequent]
    /// Kinds of personal data that at least one in a thousand values looks like; estimated from every sixteenth value
    /// after the first 10,000.
    public var lookalikes: [Lookalike]
    /// Whether values were left out because the column looks like personal data.
    public var hidesValues: Bool?

    /// The share of values that look like personal data from which on `withoutPersonalData` hides values.
    public static let personalShare = 0.05

    /// Without values where the column looks like personal data: `top`, bounds, mean and deviation.
    public var withoutPersonalData: ColumnProfile {
        guard lookalikes.reduce(0, { $0 + $1.share }) >= Self.personalShare else { return self }
        var copy = self
        (copy.minimum, copy.maximum, copy.top, copy.hidesValues) = (nil, nil, [], true)
        // Of few values even a mean gives much away.
        (copy.mean, copy.standardDeviation) = (nil, nil)
        return copy
    }
}

extension FileProfile {
    /// Without the values of columns that look like personal data, so that the profile may lie beside the table.
    public var withoutPersonalData: FileProfile {
        FileProfile(rows: rows, columns: columns.map(\.withoutPersonalData))
    }
}
