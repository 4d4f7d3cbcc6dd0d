extension BenchData {
    /// Rules as one would have them for such a file: every kind of test, a key, a few figures on the whole.
    var rules: String {
        switch self {
        case .orders:
            """
            Rules = [
                IsPrimaryKey "order_id",
                ColumnValues "vendor_id" in [1, 2],
                ColumnDataType "pickup_at" = "Timestamp",
                (ColumnValues "passengers" between 0 and 7) or (ColumnValues "passengers" = NULL),
                ColumnValues "distance" >= 0,
                ColumnValues "flag" matches "[YN]",
                ColumnValues "payment" in ["credit card", "cash", "dispute", "no charge"],
                ColumnValues "fare" between 0 and 1000,
                ColumnLength "note" <= 80,
                ColumnValues "tip" > 0 where "payment = 'nobody'",
                Completeness "passengers" > 0.5, Mean "total" > 0, RowCount > 0, ColumnCount = 16
            ]
            """
        case .wide:
            "Rules = [\n"
                + (0..<8).map { group in
                    let column = group * 25
                    return """
                            ColumnValues "i\(column)" >= 0,
                            Completeness "f\(column + 1)" > 0.5,
                            ColumnValues "s\(column + 2)" matches "cat[0-9]+",
                            ColumnValues "b\(column + 3)" in ["true", "false"],
                            ColumnDataType "t\(column + 4)" = "Timestamp"
                        """
                }.joined(separator: ",\n") + "\n]"
        case .unique:
            """
            Rules = [
                IsPrimaryKey "id",
                ColumnLength "sha" = 39,
                ColumnValues "email" matches "[^@ ]+@[^@ ]+",
                ColumnLength "text" < 200
            ]
            """
        case .ndjson: "Rules = []"
        }
    }
}

/// What a conversion looks after besides converting.
struct BenchCheck {
    var name: String
    var rules: QualityRules?
    var profile: Int?

    /// With rules, with a profile, with both.
    static func all(_ data: BenchData) throws(ColumnarError) -> [BenchCheck] {
        // Rules and profile do the same for all formats.
        if data == .ndjson { return [] }
        let rules = try QualityRules(dqdl: data.rules)
        return [
            BenchCheck(name: "validated", rules: rules), BenchCheck(name: "profiled", profile: 10),
            BenchCheck(name: "checked", rules: rules, profile: 10),
        ]
    }
}
