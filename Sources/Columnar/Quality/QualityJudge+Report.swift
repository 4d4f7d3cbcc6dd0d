/// What came of it all.
extension QualityJudge {
    /// What came of it all.
    /// - Parameter rows: records of the file; those that were not judged could not be read.
    func report(rows: Int64, good: Int64, bad: Int64) throws(ColumnarError) -> QualityReport {
        let readable = judged
        let malformed = rows - judged
        var completeness: [String: Double] = [:]
        for watched in presence {
            completeness[columns[watched.column].name] =
                readable == 0 ? 1 : Double(watched.count) / Double(readable)
        }
        var failures: [String] = []
        var results = rules.rules.map { QualityReport.RuleResult(rule: $0.description, violations: 0, passed: true) }
        for rule in applied {
            results[rule.number].violations = rule.violations
            results[rule.number].measured = rule.share
            results[rule.number].unit = "share of rows"
            results[rule.number].passed = rule.threshold?.holds(rule.share) ?? (rule.violations == 0)
            if let threshold = rule.threshold, !threshold.holds(rule.share) {
                failures.append(
                    "\(rules.rules[rule.number]): the share of rows that pass is \(rule.share), not \(threshold)")
            }
        }
        for file in files {
            var found: [String] = []
            let outcome = try Self.evaluate(file.node, rows: rows, &found)
            results[file.number].passed = outcome.passed
            results[file.number].isOnFile = true
            results[file.number].violations = outcome.passed ? 0 : 1
            results[file.number].measured = outcome.measured
            if outcome.measured != nil { results[file.number].unit = outcome.unit }
            if !outcome.passed {
                failures.append("\(rules.rules[file.number]): found \(found.joined(separator: ", "))")
            }
        }
        for (number, rule) in rules.rules.enumerated() {
            switch rule.check {
            case .rowCount(let minimum, let maximum):
                results[number].isOnFile = true
                (results[number].measured, results[number].unit) = (Double(rows), "rows")
                guard rows < minimum ?? 0 || rows > maximum ?? .max else { continue }
                failures.append("\(rule), found \(rows) rows")
            case .completeness(let share):
                guard let name = rule.column, let found = completeness[name] else { continue }
                results[number].isOnFile = true
                (results[number].measured, results[number].unit) = (found, "share of rows")
                guard found < share else { continue }
                failures.append("\(rule), found \(found) (share of rows)")
            default: continue
            }
            results[number].violations = 1
            results[number].passed = false
        }
        failures += Self.thresholdFailures(rules.thresholds, rows: rows, good: good, bad: bad)
        return QualityReport(
            rows: rows, good: good, bad: bad, malformed: malformed, rules: results,
            completeness: completeness.sorted { $0.key < $1.key }.map { .init(column: $0.key, share: $0.value) },
            failures: failures)
    }

    private static func evaluate(
        _ node: FileNode, rows: Int64, _ found: inout [String]
    ) throws(ColumnarError) -> (passed: Bool, measured: Double?, unit: String?) {
        switch node {
        case .measure(let state, let condition):
            if let fault = state.fault {
                found.append("\"\(fault.text)\" in row \(fault.row), which is no number")
                return (false, nil, nil)
            }
            let value = try state.value(rows: rows)
            guard !condition.holds(value) else { return (true, state.saysYesOrNo ? nil : value, state.unit) }
            let number = value.isNaN ? "no values" : NumberCondition.text(value) + words(state.unit, of: value)
            if let finding = try state.finding() {
                found.append(state.saysYesOrNo ? finding : "\(number), \(finding)")
            } else {
                found.append(number)
            }
            return (false, value.isNaN || state.saysYesOrNo ? nil : value, state.unit)
        case .all(let nodes), .any(let nodes):
            var outcomes: [Bool] = []
            for node in nodes { outcomes.append(try evaluate(node, rows: rows, &found).passed) }
            if case .all = node { return (!outcomes.contains(false), nil, nil) }
            return (outcomes.contains(true), nil, nil)
        }
    }

    /// A unit as it stands behind a number.
    private static func words(_ unit: String?, of value: Double) -> String {
        guard let unit else { return "" }
        if unit.hasPrefix("share") { return " (\(unit))" }
        return " \(value == 1 ? unit.dropLast() : unit[...])"
    }

    private static func thresholdFailures(
        _ thresholds: QualityThresholds, rows: Int64, good: Int64, bad: Int64
    ) -> [String] {
        var failures: [String] = []
        if let limit = thresholds.maximumBadRows, bad > limit {
            failures.append("\(bad) bad rows, at most \(limit) are allowed")
        }
        if let limit = thresholds.maximumBadShare, rows > 0, Double(bad) > limit * Double(rows) {
            failures.append("\(bad) of \(rows) rows are bad, at most the share \(limit) of rows is allowed")
        }
        if bad > 0 && good == 0 { failures.append("no row is good") }
        return failures
    }
}
