extension DQDLParser {
    /// One rule: its type, parameters, expression, where clause and threshold.
    mutating func atom() throws(ColumnarError) -> DQDLNode.Atom {
        let place = token
        guard case .word(let name) = token.kind else { throw expected("a rule type such as IsComplete") }
        guard DQDLNames.covered.contains(name) else { throw fault(DQDLNames.complaint(name)) }
        advance()
        var parameters: [(text: String, place: DQDLToken)] = []
        while case .text(let text) = token.kind {
            parameters.append((text, token))
            advance()
        }
        let expression = try expression()
        let condition = try whereClause(name)
        var threshold: NumberCondition?
        if take(word: "with") {
            guard take(word: "threshold") else { throw expected("threshold after with") }
            guard ["ColumnValues", "ColumnDataType", "ColumnLength"].contains(name) else {
                throw fault("\(name) has no threshold; its own expression says what is enough", at: place)
            }
            guard let share = try self.expression() else { throw expected("a comparison such as > 0.9") }
            threshold = try number(share, name)
        }
        if isWord("labels") { throw fault("labels are not covered here") }
        if isWord("tags") { throw fault("tags are not covered here") }
        let parts = Parts(
            name: name, parameters: parameters, expression: expression, condition: condition, threshold: threshold,
            place: place)
        return try make(parts)
    }

    struct Parts {
        var name: String
        var parameters: [(text: String, place: DQDLToken)]
        var expression: DQDLExpression?
        var condition: RecordTest?
        var threshold: NumberCondition?
        var place: DQDLToken

        /// The only column.
        func column(_ parser: DQDLParser) throws(ColumnarError) -> String {
            guard parameters.count == 1 else {
                throw parser.fault(
                    "\(name) takes one column in quotes, and has \(parameters.count)",
                    at: parameters.count > 1 ? parameters[1].place : place)
            }
            return ColumnName.normalized(parameters[0].text)
        }

        func columns(_ parser: DQDLParser) throws(ColumnarError) -> [String] {
            guard !parameters.isEmpty else { throw parser.fault("\(name) takes a column in quotes", at: place) }
            return parameters.map { ColumnName.normalized($0.text) }
        }

        func noParameters(_ parser: DQDLParser) throws(ColumnarError) {
            if let first = parameters.first {
                throw parser.fault("\(name) takes no parameter, and has \"\(first.text)\"", at: first.place)
            }
        }

        func noExpression(_ parser: DQDLParser) throws(ColumnarError) {
            if let expression { throw parser.fault("\(name) takes no expression", at: expression.place) }
        }

        func needExpression(_ parser: DQDLParser) throws(ColumnarError) -> DQDLExpression {
            guard let expression else {
                throw parser.fault("\(name) needs an expression such as > 0.9, found \(parser.token.description)")
            }
            return expression
        }
    }

    private mutating func whereClause(_ name: String) throws(ColumnarError) -> RecordTest? {
        guard isWord("where") else { return nil }
        guard !["ColumnCount", "ColumnExists", "ColumnNamesMatchPattern"].contains(name) else {
            throw fault("\(name) looks at no records, so it has no where clause")
        }
        advance()
        guard case .text(let sql) = token.kind else { throw expected("a condition in quotes after where") }
        let condition = try WhereClause.parse(sql, at: token)
        advance()
        return condition
    }

    private func make(_ parts: Parts) throws(ColumnarError) -> DQDLNode.Atom {
        func measured(_ kind: Measure.Kind) throws(ColumnarError) -> DQDLNode.Atom {
            let condition = try number(try parts.needExpression(self), parts.name)
            return .file(.measure(Measure(kind, where: parts.condition), condition))
        }
        func demanded(_ kind: Measure.Kind) throws(ColumnarError) -> DQDLNode.Atom {
            try parts.noExpression(self)
            return .file(.measure(Measure(kind, where: parts.condition), .equal(1)))
        }
        switch parts.name {
        case "RowCount", "ColumnCount":
            try parts.noParameters(self)
            return try measured(parts.name == "RowCount" ? .rowCount : .columnCount)
        case "ColumnExists": return try demanded(.columnExists(try parts.column(self)))
        case "ColumnNamesMatchPattern":
            guard let parameter = parts.parameters.first, parts.parameters.count == 1 else {
                throw fault("ColumnNamesMatchPattern takes one regular expression in quotes", at: parts.place)
            }
            return try demanded(.columnNamesMatch(try pattern(parameter.text, parameter.place)))
        case "Completeness": return try measured(.completeness(try parts.column(self)))
        case "Uniqueness": return try measured(.uniqueness(try parts.columns(self)))
        case "UniqueValueRatio": return try measured(.uniqueValueRatio(try parts.columns(self)))
        case "DistinctValuesCount": return try measured(.distinctCount(try parts.columns(self)))
        case "IsUnique": return try demanded(.uniqueness(try parts.columns(self)))
        case "IsPrimaryKey": return try demanded(.primaryKey(try parts.columns(self)))
        case "Mean": return try measured(.mean(try parts.column(self)))
        case "Sum": return try measured(.sum(try parts.column(self)))
        case "StandardDeviation": return try measured(.standardDeviation(try parts.column(self)))
        case "ReferentialIntegrity": return try measured(try referentialIntegrity(parts))
        case "IsComplete":
            let column = try parts.column(self)
            try parts.noExpression(self)
            let test = ValueTest(.nothing, isNegated: true)
            return .record(RecordRule(.value(column: column, test), where: parts.condition))
        default:
            let column = try parts.column(self)
            let expression = try parts.needExpression(self)
            let test: ValueTest
            switch parts.name {
            case "ColumnLength": test = try length(expression)
            case "ColumnDataType": test = try dataType(expression)
            default: test = try value(expression)
            }
            return .record(
                RecordRule(.value(column: column, test), where: parts.condition, threshold: parts.threshold))
        }
    }

    /// `ReferentialIntegrity "city,state" "reference.{ref_city,ref_state}"`
    private func referentialIntegrity(_ parts: Parts) throws(ColumnarError) -> Measure.Kind {
        guard parts.parameters.count == 2 else {
            throw fault(
                "ReferentialIntegrity takes the columns and \"alias.column\" or \"alias.{column,column}\"",
                at: parts.place)
        }
        let reference = parts.parameters[1].text
        guard let dot = reference.firstIndex(of: "."), dot != reference.startIndex else {
            throw fault(
                "expected \"alias.column\", found \"\(reference)\"; the alias names the reference table",
                at: parts.parameters[1].place)
        }
        var list = reference[reference.index(after: dot)...]
        if list.hasPrefix("{"), list.hasSuffix("}") { list = list.dropFirst().dropLast() }
        func names(_ list: some StringProtocol) -> [String] {
            list.split(separator: ",", omittingEmptySubsequences: false).map { ColumnName.normalized(String($0)) }
        }
        let (own, other) = (names(parts.parameters[0].text), names(list))
        guard own.count == other.count, !(own + other).contains("") else {
            throw fault(
                "the \(own.count) column(s) of \"\(parts.parameters[0].text)\" do not go with the \(other.count) of "
                    + "\"\(reference)\"", at: parts.parameters[1].place)
        }
        return .referentialIntegrity(columns: own, reference: String(reference[..<dot]), referenceColumns: other)
    }

    /// An expression on a number.
    private func number(_ expression: DQDLExpression, _ name: String) throws(ColumnarError) -> NumberCondition {
        var values: [Double] = []
        for operand in expression.operands {
            switch operand {
            case .number(let value, _): values.append(value)
            // Glue's documentation writes Completeness "colA" = "1.0" too.
            case .text(let text):
                guard let value = Double(text) else {
                    throw fault("\(name) is compared with numbers, not with \"\(text)\"", at: expression.place)
                }
                values.append(value)
            default:
                throw fault("\(name) is compared with numbers, not with \(operand.kindName)", at: expression.place)
            }
        }
        switch expression.kind {
        case .equal: return .equal(values[0])
        case .notEqual: return .notEqual(values[0])
        case .greater: return .greater(values[0])
        case .greaterOrEqual: return .greaterOrEqual(values[0])
        case .less: return .less(values[0])
        case .lessOrEqual: return .lessOrEqual(values[0])
        case .between, .notBetween:
            try ordered(values[0], values[1], expression)
            return expression.kind == .between ? .between(values[0], values[1]) : .notBetween(values[0], values[1])
        case .among: return .among(values)
        case .notAmong: return .notAmong(values)
        case .matches, .notMatches: throw fault("\(name) is a number, which matches nothing", at: expression.place)
        }
    }

    func ordered(_ low: Double, _ high: Double, _ expression: DQDLExpression) throws(ColumnarError) {
        guard low < high else {
            throw fault(
                "between \(NumberCondition.text(low)) and \(NumberCondition.text(high)) holds nothing; the bounds are "
                    + "excluded and the lower comes first", at: expression.place)
        }
    }

    func pattern(_ text: String, _ place: DQDLToken) throws(ColumnarError) -> QualityPattern {
        do {
            return try QualityPattern(text)
        } catch {
            throw fault(error.message, at: place)
        }
    }
}
