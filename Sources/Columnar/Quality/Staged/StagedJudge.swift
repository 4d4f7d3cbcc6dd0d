/// Judges rows while their columns are built: columns that rules look at are built first, so that a rule is judged once
/// for each entry of a dictionary, or by the bounds of numbers that lie parsed, instead of by the text of every row.
///
/// Where that shows bad rows, they are dropped from the columns again, or where they left an entry in a dictionary,
/// what was built is taken back and built without them. Where rules may see a value differently than its column does (a
/// value that does not fit the type, an empty text in quotes), the rows are judged by their fields, as `FieldRows` has
/// them.
final class StagedJudge {
    let judge: QualityJudge
    /// Positions of the leaves that rules look at.
    let leaves: [Int]
    /// By column of the file, the builder that has its values, while rows are staged.
    private var staged: [ColumnBuilder?]
    private let watches: [ColumnWatch?]

    /// Stages, and those of them that had to be judged by fields.
    private var stages = 0
    private var doubts = 0
    private static let fewStages = 16

    /// - Parameter columns: columns of the file.
    /// - Parameter leaf: the leaf that has the values of a column of the file; nil: none.
    init(_ judge: QualityJudge, columns: Int, leaf: (Int) -> Int?) {
        self.judge = judge
        staged = .init(repeating: nil, count: columns)
        var watches = [ColumnWatch?](repeating: nil, count: columns)
        var leaves: [Int] = []
        let tests = Dictionary(grouping: judge.tests, by: \.column)
        for column in judge.columnsLookedAt.sorted() {
            guard let found = leaf(column), tests[column, default: []].count <= ColumnWatch.mostTests else { continue }
            watches[column] = ColumnWatch(column: column, tests: tests[column, default: []])
            leaves.append(found)
        }
        self.watches = watches
        self.leaves = leaves
    }

    /// What the builder of a column of the file has to judge entries by.
    func watch(_ column: Int) -> ColumnWatch? { watches[column] }

    /// Whether staging is worth it: not where nearly all rows have to be judged by their fields.
    var isWorthwhile: Bool { stages < Self.fewStages || doubts * 2 < stages }

    /// Judges rows of which the columns in `builders` are staged.
    /// - Parameters:
    ///   - builders: columns of the file with their builders.
    ///   - fits: whether all values fit their columns' types.
    /// - Returns: whether any row is bad; what `judge` says then holds until the next call.
    func judge(
        _ rows: FieldRows, _ builders: [(column: Int, builder: ColumnBuilder)], fits: Bool
    ) throws(ColumnarError) -> Bool {
        stages += 1
        if !fits || builders.contains(where: { watches[$0.column]?.isDoubtful ?? false }) {
            doubts += 1
            try judge.judge(rows)
            return judge.foundBad
        }
        for (column, builder) in builders { staged[column] = builder }
        defer { for (column, _) in builders { staged[column] = nil } }
        try judge.judge(StagedRows(fields: rows, builders: staged, watches: watches))
        return judge.foundBad
    }

    /// Judges rows of which nothing is staged.
    func judge(_ rows: FieldRows) throws(ColumnarError) -> Bool {
        try judge.judge(rows)
        return judge.foundBad
    }
}

/// Rows whose values lie in builders, where they can be taken back.
private struct StagedRows: JudgedRows {
    let fields: FieldRows
    /// By column of the file.
    let builders: [ColumnBuilder?]
    let watches: [ColumnWatch?]

    var batch: RecordBatch { fields.batch }
    var first: Int { fields.first }
    var count: Int { fields.count }
    var dialect: CSVDialect { fields.dialect }

    func outcome(of test: ColumnTest) -> RowOutcome {
        guard let builder = builders[test.column], let watch = watches[test.column] else { return .mixed }
        let (values, nulls) = (builder.stagedValues, builder.stagedNulls)
        if values == 0 { return test.holdsOfNull ? .all : .none }
        guard let holds = holds(test, builder, watch) else { return .mixed }
        if nulls == 0 || holds == test.holdsOfNull { return holds ? .all : .none }
        return holds ? .values(values) : .nulls(nulls)
    }

    /// What is so of all values.
    private func holds(_ test: ColumnTest, _ builder: ColumnBuilder, _ watch: ColumnWatch) -> Bool? {
        if builder.usesDictionary {
            builder.completeVerdicts(watch)
            let bit: UInt64 = 1 << UInt64(test.bit)
            return watch.passedByAll & bit != 0 ? true : watch.passedByAny & bit == 0 ? false : nil
        }
        let summary = builder.stagedSummary
        guard case .booleans(let words) = summary.values else { return test.holds(of: summary) }
        var verdict: Bool?
        for (index, word) in BooleanText.words.enumerated() where words >> UInt8(index) & 1 == 1 {
            let holds = PaddedText.with(word) { test.holds($0, $1, isQuotedNull: false) }
            if verdict != nil, verdict != holds { return nil }
            verdict = holds
        }
        return verdict
    }

    func flag(_ test: ColumnTest) {
        guard let builder = builders[test.column], let watch = watches[test.column] else { return fields.flag(test) }
        if builder.usesDictionary {
            builder.flag(test, watch)
        } else if !builder.flagTexts(test) {
            fields.flag(test)
        }
    }

    func integers(of column: Int) -> UnsafeBufferPointer<Int64>? { builders[column]?.stagedIntegers }

    func appendNumbers(of column: Int, to numbers: inout [Double]) -> Bool {
        builders[column]?.appendStaged(to: &numbers) ?? false
    }
}
