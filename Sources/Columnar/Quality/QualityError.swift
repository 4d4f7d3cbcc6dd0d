extension ColumnarError.Code {
    /// A quality rule that cannot be applied: an unknown word, an unparsable pattern, bounds in the wrong order.
    public static let invalidRule = ColumnarError.Code("InvalidRule")
    /// A column that the rules require is not in the file.
    public static let missingColumn = ColumnarError.Code("MissingColumn")
    /// A file breaks the thresholds of its rules: too many bad records, too few rows, too many missing values.
    public static let qualityThreshold = ColumnarError.Code("QualityThreshold")
    /// A record breaks a quality rule.
    public static let ruleViolation = ColumnarError.Code("RuleViolation")
}
