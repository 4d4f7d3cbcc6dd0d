/// Judges records by rules, and keeps count.
struct QualityJudge {
    /// Why a record is bad.
    struct Verdict {
        var column: String?
        var reason: String
    }

    /// A rule on a column of this file, ready to be applied.
    private struct Applied {
        let number: Int
        let check: QualityRule.Check
        var matcher: PatternMatcher?
        var allowed: Set<[UInt8]> = []
    }

    private let rules: [QualityRule]
    private let columns: [CSVColumn]
    private let nullTokens: [[UInt8]]
    /// By position in the file.
    private var applied: [[Applied]]
    private(set) var violations: [Int64]
    /// Records with a value, by position in the file.
    private(set) var present: [Int64]

    /// The positions of the columns that need a look.
    let watched: [Int]

    init(_ rules: QualityRules, columns: [CSVColumn]) {
        self.rules = rules.rules
        self.columns = columns
        nullTokens = rules.nullTokens.map { Array($0.utf8) }
        violations = Array(repeating: 0, count: rules.rules.count)
        present = Array(repeating: 0, count: columns.count)
        applied = Array(repeating: [], count: columns.count)
        var watched: Set<Int> = []
        for (number, rule) in rules.rules.enumerated() {
            guard let index = columns.firstIndex(where: { $0.name == rule.column }) else { continue }
            watched.insert(index)
            var application = Applied(number: number, check: rule.check)
            switch rule.check {
            case .exists, .completeness, .rowCount: continue
            case .pattern(let pattern): application.matcher = PatternMatcher(pattern)
            case .allowed(let values): application.allowed = Set(values.map { Array($0.utf8) })
            default: break
            }
            applied[index].append(application)
        }
        self.watched = watched.sorted()
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

    /// Judges one field of a record; the first verdict is the record's. All rules are counted.
    /// - Parameter text: the field without its quotes; 16 bytes beyond it must be readable.
    mutating func judge(_ text: UnsafeBufferPointer<UInt8>, column: Int) -> Verdict? {
        let isMissing = text.isEmpty || nullTokens.contains { $0.elementsEqual(text) }
        if !isMissing { present[column] += 1 }
        var verdict: Verdict?
        for index in applied[column].indices {
            guard let problem = problem(text, isMissing, column, index) else { continue }
            violations[applied[column][index].number] += 1
            if verdict == nil {
                let name = columns[column].name
                verdict = Verdict(column: name, reason: "\(name): \(problem)")
            }
        }
        return verdict
    }

    private mutating func problem(
        _ text: UnsafeBufferPointer<UInt8>, _ isMissing: Bool, _ column: Int, _ index: Int
    ) -> String? {
        let rule = applied[column][index]
        if isMissing {
            if case .complete = rule.check { return "the value is missing" }
            return nil
        }
        guard let base = text.baseAddress else { return nil }
        let holds: Bool
        let demand: String
        switch rule.check {
        case .type(let type):
            holds = FieldType.holds(base, text.count, type: type)
            demand = "is not of type \(type)"
        case .range(let range):
            let value = FieldType.value(base, text.count, isTime: range.isTime)
            holds = value.map(range.contains) ?? false
            demand = value == nil ? "is no \(range.isTime ? "date or timestamp" : "number")" : "is not \(range)"
        case .length(let minimum, let maximum):
            // Every byte but those that continue a scalar.
            let count = text.reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
            holds = count >= minimum ?? 0 && count <= maximum ?? .max
            demand = "has \(count) characters, not \(minimum ?? 0)...\(maximum.map(String.init) ?? "")"
        case .pattern(let pattern):
            holds = applied[column][index].matcher?.matches(text) ?? true
            demand = "does not match \(pattern.text)"
        case .allowed:
            holds = rule.allowed.contains(Array(text))
            demand = "is not among the allowed values"
        case .complete, .exists, .completeness, .rowCount: return nil
        }
        return holds ? nil : "\"\(Excerpt.text(text, limit: 80))\" \(demand)"
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
