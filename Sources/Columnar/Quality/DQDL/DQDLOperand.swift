/// One value on the right side of an expression.
enum DQDLOperand {
    case number(Double, text: String)
    case text(String)
    /// Days since 1970-01-01.
    case day(Int64, text: String)
    case null
    case empty
    case blank

    var kindName: String {
        switch self {
        case .number: "a number"
        case .text: "a text"
        case .day: "a date"
        case .null: "NULL"
        case .empty: "EMPTY"
        case .blank: "WHITESPACES_ONLY"
        }
    }
}

/// An expression: an operator with its values.
struct DQDLExpression {
    enum Operator {
        case equal, notEqual, greater, greaterOrEqual, less, lessOrEqual
        case between, notBetween
        case among, notAmong
        case matches, notMatches
    }

    var kind: Operator
    var operands: [DQDLOperand]
    /// Where it begins.
    var place: DQDLToken
}

extension DQDLParser {
    /// The expression that stands here, nil where none begins.
    mutating func expression() throws(ColumnarError) -> DQDLExpression? {
        let place = token
        let comparisons: [(String, DQDLExpression.Operator)] = [
            ("=", .equal), ("!=", .notEqual), (">", .greater), (">=", .greaterOrEqual), ("<", .less),
            ("<=", .lessOrEqual),
        ]
        for (symbol, kind) in comparisons where isSymbol(symbol) {
            advance()
            return DQDLExpression(kind: kind, operands: [try operand()], place: place)
        }
        let isNegated = take(word: "not")
        if take(word: "between") {
            let low = try operand()
            guard take(word: "and") else { throw expected("and with the upper bound of between") }
            return DQDLExpression(
                kind: isNegated ? .notBetween : .between, operands: [low, try operand()], place: place)
        }
        if take(word: "in") {
            try require(symbol: "[", "after in")
            var operands: [DQDLOperand] = []
            repeat { operands.append(try operand()) } while take(symbol: ",")
            guard take(symbol: "]") else { throw expected("\",\" or \"]\" in the list") }
            return DQDLExpression(kind: isNegated ? .notAmong : .among, operands: operands, place: place)
        }
        if take(word: "matches") {
            guard case .text(let pattern) = token.kind else { throw expected("a regular expression in quotes") }
            advance()
            return DQDLExpression(
                kind: isNegated ? .notMatches : .matches, operands: [.text(pattern)], place: place)
        }
        if isNegated { throw expected("between, in or matches after not") }
        return nil
    }

    private mutating func operand() throws(ColumnarError) -> DQDLOperand {
        let isNegative = take(symbol: "-")
        if case .number(let text) = token.kind {
            guard let value = Double(text) else { throw expected("a number") }
            advance()
            return .number(isNegative ? -value : value, text: (isNegative ? "-" : "") + text)
        }
        if isNegative { throw expected("a number after -") }
        switch token.kind {
        case .text(let text):
            advance()
            if let day = Self.day(text) { return .day(day, text: text) }
            return .text(text)
        case .word(let word):
            switch word {
            case "NULL", "null":
                advance()
                return .null
            case "EMPTY", "empty":
                advance()
                return .empty
            case "WHITESPACES_ONLY", "whitespaces_only":
                advance()
                return .blank
            case "now": return try dateExpression()
            case "avg", "min", "max", "sum", "last", "std", "abs", "index", "percentile":
                throw fault("\(word)(…) makes a dynamic rule, which looks at earlier runs and is not covered here")
            default: throw expected("a number, a text in quotes, a date, NULL, EMPTY or WHITESPACES_ONLY")
            }
        case .symbol("("):
            advance()
            let value = try dateExpression()
            try require(symbol: ")", "after the date expression")
            return value
        default: throw expected("a value")
        }
    }

    /// `now()`, `now() - 3 days`. Of hours and minutes the day that they lead to counts, as in Glue.
    private mutating func dateExpression() throws(ColumnarError) -> DQDLOperand {
        guard take(word: "now") else { throw expected("now()") }
        try require(symbol: "(", "after now")
        try require(symbol: ")", "after now(")
        var seconds = now
        if isSymbol("-") || isSymbol("+") {
            let sign: Int64 = isSymbol("-") ? -1 : 1
            advance()
            guard case .number(let text) = token.kind, let count = Int64(text), count <= 1_000_000 else {
                throw expected("a whole number of days, hours or minutes")
            }
            advance()
            guard case .word(let unit) = token.kind, let length = Self.units[unit] else {
                throw expected("days, hours or minutes")
            }
            advance()
            seconds += sign * count * length
        }
        let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        return .day(day, text: "now()")
    }

    private static let units: [String: Int64] = [
        "day": 86_400, "days": 86_400, "hour": 3600, "hours": 3600, "minute": 60, "minutes": 60,
    ]

    /// A text of the form 2024-05-31 as a day.
    static func day(_ text: String) -> Int64? {
        guard text.utf8.count == 10 else { return nil }
        return PaddedText.with(text) { TemporalText.date($0, $1) }
    }
}

/// Texts as the parsers want them: with readable bytes behind.
enum PaddedText {
    static func with<Result>(_ text: String, _ body: (UnsafePointer<UInt8>, Int) -> Result?) -> Result? {
        let padded = Array(text.utf8) + [UInt8](repeating: 0, count: 16)
        return padded.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.flatMap { body($0, text.utf8.count) }
        }
    }
}
