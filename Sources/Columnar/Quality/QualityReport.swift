/// What came out of judging a file.
public struct QualityReport: Sendable, Hashable, Codable {
    /// One rule's part in it.
    public struct RuleResult: Sendable, Hashable, Codable {
        /// As `QualityRule.description`.
        public var rule: String
        /// Records that broke it; for rules on the whole file 1 or 0.
        public var violations: Int64
        /// Whether it holds of the file. A rule on records that some broke does not, which alone does not fail the
        /// file.
        public var passed: Bool
        /// What was compared: the share of records that pass, or the measure of a rule on the whole file.
        /// Nil where the rule only asks whether something is so (`IsPrimaryKey`, `ColumnExists`).
        public var measured: Double?
        /// What `measured` counts: `rows`, `columns`, `distinct values`; a share (0...1) is a `share of rows`. Nil
        /// where it has the unit of the column's values.
        public var unit: String?
        /// True of a rule on the whole file, whose `violations` are no records; else nil.
        public var isOnFile: Bool?

        init(rule: String, violations: Int64, passed: Bool) {
            self.rule = rule
            self.violations = violations
            self.passed = passed
        }
    }

    /// One column's values.
    public struct Completeness: Sendable, Hashable, Codable {
        public var column: String
        /// Share of the well-formed records with a value, 0...1; 1 where there are no records.
        public var share: Double
    }

    /// Records in the input; `good + bad`.
    public var rows: Int64
    public var good: Int64
    public var bad: Int64
    /// Of the bad ones, those that could not be read at all: too few or many fields, invalid UTF-8.
    public var malformed: Int64
    public var rules: [RuleResult]
    /// Of the columns that have rules.
    public var completeness: [Completeness]
    /// Why the file fails as a whole; empty where it passes.
    public var failures: [String]
    /// Columns whose values were masked, with what was done: `email: sha256`. Nil where nothing was to be masked.
    public var masked: [String: String]?
    /// With automatic masks: values that look like personal data in columns that were not masked. Nil where there are
    /// none.
    public var unmasked: [UnmaskedValues]?

    /// Whether the file passes.
    public var passes: Bool { failures.isEmpty }

    /// Throws `QualityThreshold` with all failures where the file fails.
    public func requirePass() throws(ColumnarError) {
        guard !passes else { return }
        let worst = rules.filter { $0.violations > 0 && $0.isOnFile != true }.sorted { $0.violations > $1.violations }
            .prefix(5)
        let detail = worst.map { "\($0.rule) (\($0.violations))" }.joined(separator: "; ")
        throw ColumnarError(
            .qualityThreshold,
            "The file fails its quality rules: \(failures.joined(separator: "; ")). \(good) of \(rows) rows are good"
                + (detail.isEmpty ? "." : "; rules broken most: \(detail)."))
    }
}
