/// The SQL of a where clause, as far as it is covered: comparisons of a column with a value (`= != <> < <= > >=`),
/// `is [not] null`, `[not] in (…)`, `[not] between … and …`, `and`, `or`, `not` and parentheses.
///
/// As in SQL, a comparison with null is neither true nor false, so its negation is not true either: `not` is carried
/// down to the comparisons, and null fails both ways.
struct WhereClause {
    private let tokens: [DQDLToken]
    private var position = 0
    private var depth = 0

    private static let maximumDepth = 50

    /// Fails with `InvalidRule`, with the place in the document.
    /// - Parameter place: of the text in the document.
    static func parse(_ sql: String, at place: DQDLToken) throws(ColumnarError) -> RecordTest {
        let tokens = try DQDLLexer.tokens(sql, language: .sql, line: place.line, column: place.column + 1)
        var clause = WhereClause(tokens: tokens)
        let test = try clause.alternatives(isNegated: false)
        guard clause.token.kind == .end else { throw clause.expected("and, or or the end of the condition") }
        return test
    }

    private init(tokens: [DQDLToken]) {
        self.tokens = tokens
    }

    private var token: DQDLToken { tokens[position] }
    private mutating func advance() { if position + 1 < tokens.count { position += 1 } }

    private func expected(_ what: String) -> ColumnarError {
        DQDLLexer.fault(
            token.line, token.column,
            "where: expected \(what), found \(token.description); covered are comparisons, is null, in, between, and, or, not"
        )
    }

    private mutating func take(_ word: String) -> Bool {
        guard case .word(let found) = token.kind, found.lowercased() == word else { return false }
        advance()
        return true
    }

    private mutating func take(symbol: String) -> Bool {
        guard token.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    private mutating func alternatives(isNegated: Bool) throws(ColumnarError) -> RecordTest {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.maximumDepth else { throw expected("fewer parentheses within each other") }
        var parts = [try conjunction(isNegated)]
        while take("or") { parts.append(try conjunction(isNegated)) }
        if parts.count == 1 { return parts[0] }
        return isNegated ? .all(parts) : .any(parts)
    }

    private mutating func conjunction(_ isNegated: Bool) throws(ColumnarError) -> RecordTest {
        var parts = [try term(isNegated)]
        while take("and") { parts.append(try term(isNegated)) }
        if parts.count == 1 { return parts[0] }
        return isNegated ? .any(parts) : .all(parts)
    }

    private mutating func term(_ isNegated: Bool) throws(ColumnarError) -> RecordTest {
        var isNegated = isNegated
        while take("not") { isNegated.toggle() }
        if take(symbol: "(") {
            let inner = try alternatives(isNegated: isNegated)
            guard take(symbol: ")") else { throw expected("\")\"") }
            return inner
        }
        return try comparison(isNegated)
    }

    private mutating func comparison(_ isNegated: Bool) throws(ColumnarError) -> RecordTest {
        guard case .word(let name) = token.kind else { throw expected("a column") }
        advance()
        if token.kind == .symbol("(") { throw expected("a comparison; functions are not covered:") }
        let column = ColumnName.normalized(name)
        var negated = isNegated
        func test(_ check: ValueTest.Check, emptyIsNull: Bool = false) -> RecordTest {
            .value(column: column, ValueTest(check, isNegated: negated, emptyIsNull: emptyIsNull))
        }
        if take("is") {
            if take("not") { negated.toggle() }
            guard take("null") else { throw expected("null") }
            return .value(column: column, ValueTest(.nothing, isNegated: negated, acceptsNull: !negated))
        }
        if take("not") {
            negated.toggle()
            guard case .word(let word) = token.kind, ["in", "between"].contains(word.lowercased()) else {
                throw expected("in or between after not")
            }
        }
        if take("in") {
            guard take(symbol: "(") else { throw expected("\"(\" after in") }
            var values: [Literal] = []
            repeat { values.append(try literal()) } while take(symbol: ",")
            guard take(symbol: ")") else { throw expected("\",\" or \")\"") }
            return try set(values, test)
        }
        if take("between") {
            let low = try literal()
            guard take("and") else { throw expected("and") }
            let high = try literal()
            return try range(.init(low.value), .init(high.value), [low, high], test)
        }
        guard case .symbol(let symbol) = token.kind else { throw expected("a comparison") }
        guard ["=", "==", "!=", "<>", "<", "<=", ">", ">="].contains(symbol) else { throw expected("a comparison") }
        advance()
        let value = try literal()
        switch symbol {
        case "=", "==": return try set([value], test)
        case "!=", "<>":
            negated.toggle()
            return try set([value], test)
        case "<": return try range(nil, .init(value.value, isInclusive: false), [value], test)
        case "<=": return try range(nil, .init(value.value), [value], test)
        case ">": return try range(.init(value.value, isInclusive: false), nil, [value], test)
        default: return try range(.init(value.value), nil, [value], test)
        }
    }

    // MARK: values

    private struct Literal {
        enum Kind {
            case number
            case text(String)
            case day(Int64)
        }

        var kind: Kind
        /// For ranges.
        var value: QualityRange.Value

        var isDay: Bool {
            if case .day = kind { return true }
            return false
        }
    }

    private mutating func literal() throws(ColumnarError) -> Literal {
        let isNegative = take(symbol: "-")
        switch token.kind {
        case .number(let text):
            guard let value = Double(text) else { throw expected("a number") }
            advance()
            return Literal(
                kind: .number, value: .init((isNegative ? "-" : "") + text, isNegative ? -value : value))
        case .text(let text) where !isNegative:
            advance()
            if let day = DQDLParser.day(text) { return Literal(kind: .day(day), value: .integer(day)) }
            return Literal(kind: .text(text), value: .number(.nan))
        case .word(let word) where !isNegative && ["true", "false"].contains(word.lowercased()):
            advance()
            return Literal(kind: .text(word.lowercased()), value: .number(.nan))
        default: throw expected("a number or a text in single quotes")
        }
    }

    private func set(
        _ values: [Literal], _ test: (ValueTest.Check, Bool) -> RecordTest
    ) throws(ColumnarError) -> RecordTest {
        var numbers: [QualityRange.Value] = []
        var texts: TextSet = []
        var days: Set<Int64> = []
        for value in values {
            switch value.kind {
            case .number: numbers.append(value.value)
            case .text(let value): texts.insert(value)
            case .day(let value): days.insert(value)
            }
        }
        var checks: [ValueTest.Check] = []
        if !numbers.isEmpty { checks.append(.numbers(NumberSet(numbers))) }
        if !texts.isEmpty { checks.append(.texts(texts)) }
        if !days.isEmpty { checks.append(.daySet(days)) }
        return test(checks.count == 1 ? checks[0] : .either(checks), texts.isEmpty)
    }

    private func range(
        _ lower: QualityRange.Bound?, _ upper: QualityRange.Bound?, _ values: [Literal],
        _ test: (ValueTest.Check, Bool) -> RecordTest
    ) throws(ColumnarError) -> RecordTest {
        for value in values {
            if case .text = value.kind { throw expected("numbers or dates around an order; texts are not covered:") }
        }
        let isDay = values[0].isDay
        guard values.allSatisfy({ $0.isDay == isDay }) else { throw expected("bounds of one kind") }
        let range = try QualityRange(lower: lower, upper: upper)
        return test(isDay ? .days(range) : .range(range), true)
    }
}
