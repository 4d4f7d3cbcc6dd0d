/// Judges records by rules, and keeps count. A class, so that judging a record moves no state around.
final class QualityJudge {
    /// Why a record is bad.
    struct Verdict {
        var column: String?
        var reason: String
    }

    /// What is watched of one column.
    private final class Watched {
        let name: String
        var rules: [AppliedRule] = []
        /// Records with a value.
        var present: Int64 = 0

        init(name: String) {
            self.name = name
        }
    }

    private let rules: [QualityRule]
    private let columns: [CSVColumn]
    private let nullTokens: [[UInt8]]
    /// By position in the file; nil where no rule looks.
    private let watchedColumns: [Watched?]
    /// The positions of the columns that need a look.
    let watched: [Int]
    /// Of each rule, the broken records.
    private(set) var violations: [Int64]

    init(_ rules: QualityRules, columns: [CSVColumn]) {
        self.rules = rules.rules
        self.columns = columns
        nullTokens = rules.nullTokens.map { Array($0.utf8) }
        violations = Array(repeating: 0, count: rules.rules.count)
        var watchedColumns: [Watched?] = columns.map { _ in nil }
        for (number, rule) in rules.rules.enumerated() {
            guard let index = columns.firstIndex(where: { $0.name == rule.column }) else { continue }
            let watched = watchedColumns[index] ?? Watched(name: columns[index].name)
            watchedColumns[index] = watched
            if let applied = AppliedRule(rule.check, number: number) { watched.rules.append(applied) }
        }
        self.watchedColumns = watchedColumns
        watched = watchedColumns.indices.filter { watchedColumns[$0] != nil }
    }

    /// Rules on columns that this file lacks: `exists`, and `completeness` of what is not there at all.
    var missing: [QualityRule] {
        rules.filter { rule in
            guard let column = rule.column, !columns.contains(where: { $0.name == column }) else { return false }
            switch rule.check {
            case .exists: return true
            case .completeness(let share): return share > 0
            default: return false
            }
        }
    }

    /// Records in which a watched column has a value.
    func present(column: Int) -> Int64 { watchedColumns[column]?.present ?? 0 }

    /// Judges one field of a record; the first verdict is the record's. All rules are counted.
    /// - Parameter text: the field without its quotes; 16 bytes beyond it must be readable.
    func judge(_ text: UnsafeBufferPointer<UInt8>, column: Int) -> Verdict? {
        guard let watched = watchedColumns[column] else { return nil }
        let isMissing = text.isEmpty || (!nullTokens.isEmpty && nullTokens.contains { $0.elementsEqual(text) })
        if !isMissing { watched.present += 1 }
        var verdict: Verdict?
        for rule in watched.rules where isMissing ? rule.demandsValue : !rule.holds(text) {
            violations[rule.number] += 1
            if verdict == nil {
                let problem = isMissing ? "the value is missing" : rule.complaint(text)
                verdict = Verdict(column: watched.name, reason: "\(watched.name): \(problem)")
            }
        }
        return verdict
    }
}

/// A rule on the values of a column, ready to be applied to many.
private final class AppliedRule {
    /// In the list of rules.
    let number: Int
    /// Whether a missing value breaks it.
    let demandsValue: Bool
    private let check: QualityRule.Check
    private var matcher: PatternMatcher?
    private let allowed: Set<[UInt8]>

    /// Nil for rules that do not look at single values.
    init?(_ check: QualityRule.Check, number: Int) {
        self.check = check
        self.number = number
        switch check {
        case .exists, .completeness, .rowCount: return nil
        case .complete: (demandsValue, allowed) = (true, [])
        case .allowed(let values): (demandsValue, allowed) = (false, Set(values.map { Array($0.utf8) }))
        case .pattern(let pattern):
            (demandsValue, allowed) = (false, [])
            matcher = PatternMatcher(pattern)
        case .type, .range, .length: (demandsValue, allowed) = (false, [])
        }
    }

    /// - Parameter text: not empty.
    func holds(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = text.baseAddress else { return true }
        switch check {
        case .type(let type): return FieldType.holds(base, text.count, type: type)
        case .range(let range):
            return FieldType.value(base, text.count, isTime: range.isTime).map(range.contains) ?? false
        case .length(let minimum, let maximum):
            let count = characters(text)
            return count >= minimum ?? 0 && count <= maximum ?? .max
        case .pattern: return matcher?.matches(text) ?? true
        case .allowed: return allowed.contains(Array(text))
        case .complete, .exists, .completeness, .rowCount: return true
        }
    }

    /// What is wrong with a value that does not hold.
    func complaint(_ text: UnsafeBufferPointer<UInt8>) -> String {
        let demand: String
        switch check {
        case .type(let type): demand = "is not of type \(type)"
        case .range(let range):
            let isOther = text.baseAddress.map { FieldType.value($0, text.count, isTime: range.isTime) == nil } ?? true
            demand = isOther ? "is no \(range.isTime ? "date or timestamp" : "number")" : "is not \(range)"
        case .length(let minimum, let maximum):
            demand = "has \(characters(text)) characters, not \(minimum ?? 0)...\(maximum.map(String.init) ?? "")"
        case .pattern(let pattern): demand = "does not match \(pattern.text)"
        case .allowed: demand = "is not among the allowed values"
        case .complete, .exists, .completeness, .rowCount: demand = "breaks the rule"
        }
        return "\"\(Excerpt.text(text, limit: 80))\" \(demand)"
    }

    /// Every byte but those that continue a Unicode scalar.
    private func characters(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        text.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
    }
}

/// What a field is, by the parsers that also convert it.
enum FieldType {
    static func holds(_ text: UnsafePointer<UInt8>, _ count: Int, type: ColumnType) -> Bool {
        switch type {
        case .string: true
        case .boolean: BooleanText.parse(text, count) != nil
        case .bigint: IntegerText.parse(text, count) != nil
        case .double: DoubleText.parse(text, count) != nil
        case .decimal(let precision, let scale):
            DecimalText.parse(text, count, precision: precision, scale: scale) != nil
        case .date: TemporalText.date(text, count) != nil
        case .time: TemporalText.timeOfDay(text, count, allowsShort: true) != nil
        case .timestamp: TemporalText.timestamp(text, count).map { !$0.hasZone } ?? false
        case .timestampUTC: TemporalText.timestamp(text, count).map { $0.hasZone } ?? false
        }
    }

    static func value(_ text: UnsafePointer<UInt8>, _ count: Int, isTime: Bool) -> QualityRange.Value? {
        if isTime { return TemporalText.timestamp(text, count).map { .time($0.microseconds) } }
        if let value = IntegerText.parse(text, count) { return .integer(value) }
        return DoubleText.parse(text, count).map { .number($0) }
    }
}
