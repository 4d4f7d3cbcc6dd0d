/// Judges the records of a file by rules, batch by batch and column by column, and keeps count. Used by one thread at a
/// time. What is known of rows beforehand (see `JudgedRows`) need not be looked up.
final class QualityJudge {
    /// Why a record is bad.
    struct Verdict {
        var column: String?
        var reason: String
    }

    /// A rule on records.
    final class Applied {
        /// In the list of rules.
        let number: Int
        let test: RecordEvaluator
        let condition: RecordEvaluator?
        let threshold: NumberCondition?
        /// Records that it is about, and those of them that break it.
        var records: Int64 = 0
        var violations: Int64 = 0

        init(number: Int, test: RecordEvaluator, condition: RecordEvaluator?, threshold: NumberCondition?) {
            self.number = number
            self.test = test
            self.condition = condition
            self.threshold = threshold
        }

        var share: Double { records == 0 ? 1 : Double(records - violations) / Double(records) }
    }

    indirect enum FileNode {
        case measure(MeasureState, NumberCondition)
        case all([FileNode])
        case any([FileNode])
    }

    let rules: QualityRules
    let columns: [CSVColumn]
    private let dialect: CSVDialect
    var applied: [Applied] = []
    var files: [(number: Int, node: FileNode, states: [MeasureState])] = []
    /// Of the columns with rules in mapping form, whether there is a value.
    var presence: [(column: Int, evaluator: RecordEvaluator, count: Int64)] = []
    /// Of each row the first rule it breaks, as position in `applied`; -1: none. Void unless `foundBad`.
    private var verdicts: [Int32] = []
    /// Of each row whether it breaks the rule under way.
    private var failed: [UInt8] = []
    /// Records that could be read.
    var judged: Int64 = 0
    /// Whether any of the rows that were judged last is bad.
    private(set) var foundBad = false

    /// - Parameter nullTokens: beside those of the rules.
    /// - Throws: `MissingColumn` where the file lacks a column that a rule needs; `InvalidRule` where a reference table
    ///   is not given.
    init(
        _ rules: QualityRules, columns: [CSVColumn], dialect: CSVDialect, nullTokens: [String] = []
    ) throws(ColumnarError) {
        self.rules = rules
        self.columns = columns
        self.dialect = dialect
        let tokens = NullTokens(rules.nullTokens + nullTokens)
        try Self.requireColumns(rules, columns)
        var shared: [[String]: DistinctKeys] = [:]
        for (number, rule) in rules.rules.enumerated() {
            if case .file(let test) = rule.check {
                var states: [MeasureState] = []
                let node = try Self.node(test, columns, tokens, rules.references, &shared, &states)
                files.append((number, node, states))
            }
            guard let record = try rule.recordRule else { continue }
            guard let test = RecordEvaluator(record.test, columns: columns, nullTokens: tokens) else { continue }
            let condition = record.condition.flatMap {
                RecordEvaluator($0, columns: columns, nullTokens: tokens)
            }
            applied.append(
                Applied(number: number, test: test, condition: condition, threshold: record.threshold))
        }
        // The first thing wrong is the leftmost; of one column, the first that is written.
        func place(_ rule: Applied) -> (Int, Int) { (rule.test.columns.first ?? 0, rule.number) }
        applied.sort { place($0) < place($1) }
        for (index, column) in columns.enumerated() {
            let isWatched = rules.rules.contains { $0.column == column.name && $0.isMappingForm }
            guard isWatched else { continue }
            let test = RecordTest.value(
                column: column.name, ValueTest(.nothing, isNegated: true, emptyIsNull: true))
            guard let evaluator = RecordEvaluator(test, columns: columns, nullTokens: tokens) else { continue }
            presence.append((index, evaluator, 0))
        }
    }

    private static func node(
        _ test: FileTest, _ columns: [CSVColumn], _ tokens: NullTokens, _ references: [String: ReferenceSet],
        _ shared: inout [[String]: DistinctKeys], _ states: inout [MeasureState]
    ) throws(ColumnarError) -> FileNode {
        switch test {
        case .measure(let measure, let condition):
            guard
                let state = try MeasureState(
                    measure, columns: columns, nullTokens: tokens, references: references, shared: &shared)
            else { return .any([]) }
            states.append(state)
            return .measure(state, condition)
        case .all(let tests), .any(let tests):
            var nodes: [FileNode] = []
            for test in tests { nodes.append(try node(test, columns, tokens, references, &shared, &states)) }
            if case .all = test { return .all(nodes) }
            return .any(nodes)
        }
    }

    private static func requireColumns(_ rules: QualityRules, _ columns: [CSVColumn]) throws(ColumnarError) {
        var missing: [String] = []
        var needing: String?
        for rule in rules.rules {
            for name in rule.requiredColumns
            where !columns.contains(where: { $0.name == name }) && !missing.contains(name) {
                missing.append(name)
                needing = needing ?? rule.text
            }
        }
        guard let first = missing.first else { return }
        throw ColumnarError(
            .missingColumn,
            "The rules require the column\(missing.count == 1 ? "" : "s") \(missing.joined(separator: ", "))"
                + (needing.map { " (\($0))" } ?? "") + "; the file has "
                + "\(columns.map(\.name).joined(separator: ", ")).", column: first)
    }

    // MARK: records

    /// Positions in the file of the columns that rules on rows, conditions and figures look at.
    var columnsLookedAt: Set<Int> {
        var columns = Set(tests.map(\.column))
        for file in files { for state in file.states { columns.formUnion(state.positions) } }
        return columns
    }

    /// All tests, each on one column.
    var tests: [ColumnTest] {
        applied.flatMap { $0.test.tests + ($0.condition?.tests ?? []) } + presence.flatMap(\.evaluator.tests)
            + files.flatMap { $0.states.flatMap(\.tests) }
    }

    /// Judges all records of a batch.
    /// - Throws: `WriteFailed` where distinct values do not fit into memory nor into a temporary file.
    func judge(_ batch: RecordBatch) throws(ColumnarError) {
        try judge(FieldRows(batch: batch, first: 0, count: batch.rows, dialect: dialect))
    }

    /// Judges some rows.
    /// - Throws: `WriteFailed` where distinct values do not fit into memory nor into a temporary file.
    func judge(_ rows: some JudgedRows) throws(ColumnarError) {
        let count = rows.count
        judged += Int64(count)
        foundBad = false
        for index in presence.indices { presence[index].count += Int64(presence[index].evaluator.passing(rows)) }
        for (index, rule) in applied.enumerated() {
            let failing = apply(rule, rows)
            guard failing > 0 else { continue }
            rule.violations += Int64(failing)
            if !foundBad {
                foundBad = true
                verdicts.removeAll(keepingCapacity: true)
                verdicts.append(contentsOf: repeatElement(-1, count: count))
            }
            failed.withUnsafeBufferPointer { failed in
                for row in 0..<count where failed[row] != 0 && verdicts[row] < 0 { verdicts[row] = Int32(index) }
            }
        }
        for file in files {
            for state in file.states { try state.take(rows) }
        }
    }

    /// Counts the rows that a rule is about.
    /// - Returns: how many break it, which `failed` says of each row unless it is none.
    private func apply(_ rule: Applied, _ rows: some JudgedRows) -> Int {
        let count = rows.count
        let about = rule.condition?.outcome(rows) ?? .all
        if case .none = about { return 0 }
        var flags: UnsafeMutablePointer<UInt8>?
        if case .all = about {
            rule.records += Int64(count)
        } else if let condition = rule.condition {
            rule.records += Int64(condition.passing(rows))
            flags = condition.flags(rows)
        }
        if case .all = rule.test.outcome(rows) { return 0 }
        if failed.count < count { failed = .init(repeating: 0, count: count) }
        let passed = rule.test.flags(rows)
        var failing = 0
        failed.withUnsafeMutableBufferPointer { failed in
            for row in 0..<count {
                // Records that the rule is not about pass.
                failed[row] = (1 ^ passed[row]) & (flags?[row] ?? 1)
                failing &+= Int(failed[row])
            }
        }
        return failing
    }

    /// Whether a row of those that were judged last breaks a rule.
    func isBad(row: Int) -> Bool { foundBad && verdicts[row] >= 0 }

    /// Why a row of those that were judged last is bad.
    /// - Parameters:
    ///   - row: among the judged.
    ///   - batchRow: in the batch.
    func verdict(_ batch: RecordBatch, row: Int, batchRow: Int) -> Verdict? {
        guard isBad(row: row) else { return nil }
        let rule = applied[Int(verdicts[row])]
        let found = rule.test.complaint(FieldRows(batch: batch, first: batchRow, count: 1, dialect: dialect))
        return Verdict(column: found.column.isEmpty ? nil : found.column, reason: found.reason)
    }
}

extension QualityRule {
    /// Whether it is one of the mapping form, in which an empty text in quotes is missing too.
    fileprivate var isMappingForm: Bool {
        switch check {
        case .record, .file: false
        default: true
        }
    }

    /// Columns without which the file fails.
    fileprivate var requiredColumns: [String] {
        switch check {
        case .exists: column.map { [$0] } ?? []
        case .completeness(let share): share > 0 ? column.map { [$0] } ?? [] : []
        case .record(let rule): rule.test.columns + (rule.condition?.columns ?? [])
        case .file(let test): test.columns
        default: []
        }
    }

    /// What it demands of every record, nil where it does not.
    fileprivate var recordRule: RecordRule? {
        get throws(ColumnarError) {
            let test: ValueTest.Check
            switch check {
            case .record(let rule): return rule
            case .exists, .completeness, .rowCount, .file: return nil
            case .complete:
                return column.map {
                    RecordRule(.value(column: $0, ValueTest(.nothing, isNegated: true, emptyIsNull: true)))
                }
            case .type(let type): test = .type(type)
            case .range(let range): test = .range(range)
            case .pattern(let pattern): test = .pattern(pattern)
            case .allowed(let values): test = .texts(values)
            case .length(let minimum, let maximum):
                test = .length(
                    try QualityRange(
                        lower: minimum.map { .init(.integer(Int64($0))) },
                        upper: maximum.map { .init(.integer(Int64($0))) }))
            }
            return column.map {
                RecordRule(.value(column: $0, ValueTest(test, acceptsNull: true, emptyIsNull: true)))
            }
        }
    }
}
