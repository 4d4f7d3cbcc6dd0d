extension DQDLParser {
    /// The expression of `ColumnValues`. Null fails, but for `!=` and `not in`, unless NULL is named.
    func value(_ expression: DQDLExpression) throws(ColumnarError) -> ValueTest {
        let operands = expression.operands
        let names = operands.map(\.kindName)
        var numbers: [QualityRange.Value] = []
        var texts: [String] = []
        var days: [(day: Int64, text: String)] = []
        var hasNull = false
        var hasEmpty = false
        var hasBlank = false
        for operand in operands {
            switch operand {
            case .number(let value, let text): numbers.append(.init(text, value))
            case .text(let text): texts.append(text)
            case .day(let day, let text): days.append((day, text))
            case .null: hasNull = true
            case .empty: hasEmpty = true
            case .blank: hasBlank = true
            }
        }
        // Dates among texts are texts.
        if !texts.isEmpty || hasEmpty || hasBlank {
            texts += days.map(\.text)
            days = []
        }
        let hasTexts = !texts.isEmpty || hasEmpty || hasBlank
        guard [hasTexts, !numbers.isEmpty, !days.isEmpty].filter({ $0 }).count <= 1 else {
            throw fault("the values are of different kinds: \(names.joined(separator: ", "))", at: expression.place)
        }
        switch expression.kind {
        case .matches, .notMatches:
            let test = ValueTest.Check.pattern(try pattern(texts.first ?? days.first?.text ?? "", expression.place))
            return ValueTest(test, isNegated: expression.kind == .notMatches)
        case .equal, .among, .notEqual, .notAmong:
            let isNegated = expression.kind == .notEqual || expression.kind == .notAmong
            var check = ValueTest.Check.nothing
            if !numbers.isEmpty {
                check = .numbers(NumberSet(numbers))
            } else if !days.isEmpty {
                check = .daySet(Set(days.map(\.day)))
            } else if hasTexts {
                var parts: [ValueTest.Check] = []
                let all = texts + (hasEmpty ? [""] : [])
                if !all.isEmpty { parts.append(.texts(TextSet(all))) }
                if hasBlank { parts.append(.blank) }
                check = parts.count == 1 ? parts[0] : .either(parts)
            }
            return ValueTest(
                check, isNegated: isNegated, acceptsNull: isNegated ? !hasNull : hasNull,
                emptyIsNull: !numbers.isEmpty || !days.isEmpty)
        case .greater, .greaterOrEqual, .less, .lessOrEqual, .between, .notBetween:
            guard !hasTexts, !hasNull else {
                throw fault(
                    "expected a number or a date, found \(names.joined(separator: ", ")); texts have no order in DQDL",
                    at: expression.place)
            }
            let isNegated = expression.kind == .notBetween
            if !days.isEmpty {
                let range = try range(expression, days.map { .integer($0.day) })
                return ValueTest(.days(range), isNegated: isNegated, emptyIsNull: true)
            }
            return ValueTest(.range(try range(expression, numbers)), isNegated: isNegated, emptyIsNull: true)
        }
    }

    /// The expression of `ColumnLength`; null is a text of no characters.
    func length(_ expression: DQDLExpression) throws(ColumnarError) -> ValueTest {
        var values: [QualityRange.Value] = []
        for operand in expression.operands {
            guard case .number(_, let text) = operand, let length = Int64(text) else {
                throw fault("a length is a whole number, not \(operand.kindName)", at: expression.place)
            }
            values.append(.integer(length))
        }
        switch expression.kind {
        case .matches, .notMatches:
            throw fault("a length is a number, which matches nothing", at: expression.place)
        case .among, .notAmong, .equal, .notEqual:
            let checks = try values.map { value throws(ColumnarError) in
                ValueTest.Check.length(try QualityRange(lower: .init(value), upper: .init(value)))
            }
            let isNegated = expression.kind == .notAmong || expression.kind == .notEqual
            let hasZero = values.contains(.integer(0))
            return ValueTest(
                checks.count == 1 ? checks[0] : .either(checks), isNegated: isNegated,
                acceptsNull: isNegated ? !hasZero : hasZero)
        default:
            let range = try range(expression, values)
            let isNegated = expression.kind == .notBetween
            return ValueTest(
                .length(range), isNegated: isNegated, acceptsNull: range.contains(.integer(0)) != isNegated)
        }
    }

    /// The expression of `ColumnDataType`: `= "Integer"`. A null is of every type.
    func dataType(_ expression: DQDLExpression) throws(ColumnarError) -> ValueTest {
        let known = CastType.allCases.map(\.rawValue).joined(separator: ", ")
        guard case .text(let name)? = expression.operands.first, expression.kind == .equal else {
            throw fault("expected = and a type in quotes: \(known)", at: expression.place)
        }
        guard let type = CastType(rawValue: name.lowercased()) else {
            throw fault("\"\(name)\" is no type; there are \(known)", at: expression.place)
        }
        return ValueTest(.cast(type), acceptsNull: true)
    }

    private func range(
        _ expression: DQDLExpression, _ values: [QualityRange.Value]
    ) throws(ColumnarError) -> QualityRange {
        func bound(_ isInclusive: Bool) -> QualityRange.Bound { .init(values[0], isInclusive: isInclusive) }
        switch expression.kind {
        case .greater: return try QualityRange(lower: bound(false), upper: nil)
        case .greaterOrEqual: return try QualityRange(lower: bound(true), upper: nil)
        case .less: return try QualityRange(lower: nil, upper: bound(false))
        case .lessOrEqual: return try QualityRange(lower: nil, upper: bound(true))
        default:
            guard let order = QualityRange.compare(values[0], values[1]), order < 0 else {
                throw fault(
                    "between holds nothing here: the bounds are excluded, and the lower comes first",
                    at: expression.place)
            }
            return try QualityRange(lower: bound(false), upper: .init(values[1], isInclusive: false))
        }
    }
}
