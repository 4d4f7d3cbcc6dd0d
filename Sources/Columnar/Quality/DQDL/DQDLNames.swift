/// The rule types of AWS Glue.
enum DQDLNames {
    /// Those that are covered here.
    static let covered = [
        "ColumnCount", "ColumnDataType", "ColumnExists", "ColumnLength", "ColumnNamesMatchPattern", "ColumnValues",
        "Completeness", "DistinctValuesCount", "IsComplete", "IsPrimaryKey", "IsUnique", "Mean",
        "ReferentialIntegrity", "RowCount", "StandardDeviation", "Sum", "UniqueValueRatio", "Uniqueness",
    ]

    /// Those that Glue has and this version has not.
    static let uncovered = [
        "AggregateMatch", "AllStatistics", "ColumnCorrelation", "CustomSql", "CustomSQL", "DataFreshness",
        "DatasetMatch", "DetectAnomalies", "Distribution", "DuplicateRowCount", "Entropy", "FileFreshness",
        "FileMatch", "FileSize", "FileUniqueness", "InterquartileRange", "Kurtosis", "Range", "RowCountMatch",
        "SchemaMatch", "Skewness", "Variance", "ZerosCount",
    ]

    /// Why a name is no rule type that can be used, with what was probably meant.
    static func complaint(_ name: String) -> String {
        if uncovered.contains(name) {
            return "\(name) is a rule type of AWS Glue that is not covered here; covered are "
                + covered.joined(separator: ", ")
        }
        let lowered = name.lowercased()
        let nearest = (covered + uncovered).map { ($0, distance(lowered, $0.lowercased())) }.min { $0.1 < $1.1 }
        if let nearest, nearest.1 <= max(2, name.count / 3) {
            return "\(name) is no rule type; did you mean \(nearest.0)?"
        }
        return "\(name) is no rule type; there are \(covered.joined(separator: ", "))"
    }

    /// How many characters must be added, left out or replaced to make one word of the other (Levenshtein).
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.prefix(64)), Array(right.prefix(64)))
        var row = Array(0...right.count)
        for (index, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (other, candidate) in right.enumerated() {
                let replaced = diagonal + (character == candidate ? 0 : 1)
                diagonal = row[other + 1]
                row[other + 1] = min(replaced, row[other] + 1, row[other + 1] + 1)
            }
        }
        return row[right.count]
    }
}
