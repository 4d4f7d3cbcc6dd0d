/// All that is demanded of a file, and how much may be wrong with it before it fails as a whole.
///
/// Decodable from a mapping, in JSON or YAML alike (docs/data-quality.md has the reference):
/// ```yaml
/// requiredColumns: [order_id, amount]
/// columns:
///   order_id: { required: true, type: bigint, min: 1 }
///   amount:   { type: double, greaterThan: 0, max: 100000 }
///   country:  { allowed: [DE, FR, IT] }
///   email:    { pattern: '[^@ ]+@[^@ ]+', completeness: 0.9 }
///   code:     { minLength: 3, maxLength: 8 }
/// rows: { min: 1, max: 1000000 }
/// thresholds: { maximumBadShare: 0.1, maximumBadRows: 1000 }
/// nullTokens: [NULL, n/a]
/// dqdl: 'Rules = [ IsPrimaryKey "order_id", Mean "amount" between 5 and 500 ]'
/// references: { customers: reference/customers.csv }
/// ```
/// A record that breaks a rule is bad and is left out; a file that breaks a threshold fails. A missing value (an empty
/// field, or a null token) breaks only `required` and counts against `completeness`.
public struct QualityRules: Sendable {
    public var rules: [QualityRule]
    public var thresholds: QualityThresholds
    /// Texts that mean a missing value, beside the empty field.
    public var nullTokens: [String]
    /// Where the tables of `ReferentialIntegrity` lie, by alias: `bucket/key` in a function, a path elsewhere. Whoever
    /// judges reads them into `references`.
    public var referenceLocations: [String: String] = [:]
    /// The tables of `ReferentialIntegrity` by alias.
    public var references: [String: ReferenceSet] = [:]

    public init(
        rules: [QualityRule], thresholds: QualityThresholds = QualityThresholds(), nullTokens: [String] = []
    ) {
        self.rules = rules
        self.thresholds = thresholds
        self.nullTokens = nullTokens
    }
}

extension QualityRules {
    /// The tables that the rules refer to, with the columns they look at, by alias.
    public var neededReferences: [(alias: String, columns: [String])] {
        var found: [(alias: String, columns: [String])] = []
        for rule in rules {
            guard case .file(let test) = rule.check else { continue }
            for measure in test.measures {
                guard case .referentialIntegrity(_, let alias, let columns) = measure.kind else { continue }
                if !found.contains(where: { $0.alias == alias && $0.columns == columns }) {
                    found.append((alias, columns))
                }
            }
        }
        return found
    }
}

/// When a file with bad records fails as a whole. By default it does not, as long as one record is good.
public struct QualityThresholds: Sendable, Hashable {
    /// The most bad records.
    public var maximumBadRows: Int64?
    /// The largest share of bad records, 0...1.
    public var maximumBadShare: Double?

    public init(maximumBadRows: Int64? = nil, maximumBadShare: Double? = nil) {
        self.maximumBadRows = maximumBadRows
        self.maximumBadShare = maximumBadShare
    }
}
