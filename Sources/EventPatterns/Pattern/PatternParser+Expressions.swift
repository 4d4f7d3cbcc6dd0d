extension PatternParser {
    private static let onlyOneKey = "Only one key allowed in match expression"
    /// The reference says this also where no number is in sight.
    private static let tooMany = "Too many elements in numeric expression"

    /// Reads `{"operator": operand}`. The opening brace has been read.
    mutating func expression() throws(PatternError) -> ValueTest {
        guard try reader.next() == .fieldName else { throw matcher("Match expression name not found") }
        let name = String(decoding: reader.text, as: UTF8.self)
        let test: ValueTest
        switch name {
        case "exactly": test = .exact(try stringOperand("exact match pattern must be a string"))
        case "prefix": test = try affix("prefix", "Prefix", { .prefix($0) }, { .prefixIgnoringCase($0) })
        case "suffix": test = try affix("suffix", "Suffix", { .suffix($0) }, { .suffixIgnoringCase($0) })
        case "equals-ignore-case":
            test = .equalsIgnoringCase(
                try caseText(stringOperand("equals-ignore-case match pattern must be a string")))
        case "wildcard":
            let token = try reader.next()
            if token == .startObject, dialect == .extended {
                test = try wildcardIgnoringCase()
            } else {
                guard token == .string else { throw matcher("wildcard match pattern must be a string") }
                test = .wildcard(try wildcard(reader.text))
            }
        case "cidr":
            let text = try stringOperand("prefix match pattern must be a string")
            do throws(OperandError) { test = .cidr(try AddressBlock.parse(text)) } catch {
                throw matcher(error.message)
            }
        case "exists":
            switch try reader.next() {
            case .true: test = .exists
            case .false: test = .absent
            default: throw matcher("exists match pattern must be either true or false.")
            }
        case "numeric":
            guard try reader.next() == .startArray else { throw matcher("Value of numeric must be an array.") }
            test = try numeric()
            if try reader.next() != .endObject { throw matcher(Self.tooMany) }
            return test
        case "anything-but": return .anythingBut(try anythingBut())
        case "all-of" where dialect == .extended:
            // The groups of an all-of that is being read are still empty.
            if let pendingGroups {
                throw matcher(
                    pendingGroups.isEmpty
                        ? "all-of is not supported inside all-of; its values can stand in the outer one"
                        : "all-of must be the only value of its array")
            }
            pendingGroups = try allOf()
            return .exists  // stands for the groups until the array ends
        default:
            guard let extended = try extendedOperand(name) else { throw matcher("Unrecognized match type \(name)") }
            test = extended
        }
        if try reader.next() != .endObject { throw matcher(Self.onlyOneKey) }
        return test
    }

    private mutating func stringOperand(_ refusal: String) throws(PatternError) -> [UInt8] {
        guard try reader.next() == .string else { throw matcher(refusal) }
        return reader.text
    }

    private mutating func affix(
        _ name: String, _ title: String, _ plain: ([UInt8]) -> ValueTest, _ ignoringCase: (CaseText) -> ValueTest
    ) throws(PatternError) -> ValueTest {
        switch try reader.next() {
        case .string: return plain(reader.text)
        case .startObject:
            guard try reader.next() == .fieldName else { throw matcher("\(title) expression name not found") }
            let inner = String(decoding: reader.text, as: UTF8.self)
            guard inner == "equals-ignore-case" else { throw matcher("Unsupported \(name) pattern: \(inner)") }
            let text = try stringOperand("equals-ignore-case match pattern must be a string")
            if try reader.next() != .endObject { throw matcher(Self.onlyOneKey) }
            return ignoringCase(try caseText(text))
        default: throw matcher("\(name) match pattern must be a string")
        }
    }

    mutating func wildcard(_ text: [UInt8]) throws(PatternError) -> Wildcard {
        let wildcard: Wildcard
        do throws(OperandError) { wildcard = try Wildcard(parsing: text) } catch { throw matcher(error.message) }
        // Looked at here, where the place is known; what several do together, at the end.
        try check([wildcard])
        wildcards += 1
        return wildcard
    }

    /// A text whose case is ignored.
    private mutating func caseText(_ text: [UInt8]) throws(PatternError) -> CaseText {
        if text.contains(where: { $0 >= 0x80 }) { casedBytes += text.count }
        if limits.boundsCost, casedBytes > PatternParser.mostCasedBytes {
            throw reader.failure(
                .limitExceeded,
                "Rule is too complex - texts with letters beside ASCII of which case is ignored have \(casedBytes) bytes or more, more than \(PatternParser.mostCasedBytes)"
            )
        }
        return CaseText(text)
    }

    func check(_ wildcards: [Wildcard]) throws(PatternError) {
        let limit = limits.wildcardComplexity
        guard limits.boundsCost, WildcardComplexity.score(wildcards, limit: limit) > limit else { return }
        // Beyond the limit it is counted only as far as is of use to people.
        let most = max(100, 2 * limit)
        let score = WildcardComplexity.score(wildcards, limit: most)
        throw reader.failure(
            .limitExceeded,
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character (the wildcards of one field have complexity \(score > most ? "over \(most)" : "\(score)"), more than \(limit))"
        )
    }

    // MARK: numeric

    /// The double of the number just read, or the reference's refusal.
    private func comparable(_ text: [UInt8]) throws(PatternError) -> Double {
        guard let value = text.withUnsafeBufferPointer({ DecimalNumber.comparable($0) }) else {
            throw matcher("Cannot compare number : \(String(decoding: text, as: UTF8.self))")
        }
        return value
    }

    /// Reads the array after `numeric`. The opening bracket has been read.
    private mutating func numeric() throws(PatternError) -> ValueTest {
        guard try reader.next() == .string else {
            throw matcher("Invalid member in numeric match: \(reader.printed)")
        }
        let name = String(decoding: reader.text, as: UTF8.self)
        let operand = try reader.next()
        switch name {
        case "=", ">=", ">", "<=", "<":
            guard operand.isNumeric else {
                throw matcher("Value of \(name == "=" ? "equals" : name) must be numeric")
            }
        default: throw matcher("Unrecognized numeric range operator: \(name)")
        }
        let first = reader.text
        let next = try reader.next()
        switch name {
        case "=":
            if next != .endArray { throw matcher(Self.tooMany) }
            return .number(try comparable(first))
        case "<", "<=":
            if next != .endArray { throw matcher(Self.tooMany) }
            return .range(
                NumericRange(
                    low: -.infinity, includesLow: true, high: try comparable(first), includesHigh: name == "<="))
        default:
            if next != .endArray { return try upperBound(first, includesLow: name == ">=", next) }
            return .range(
                NumericRange(
                    low: try comparable(first), includesLow: name == ">=", high: .infinity, includesHigh: true))
        }
    }

    private mutating func upperBound(
        _ bottom: [UInt8], includesLow: Bool, _ token: TokenReader.Token
    ) throws(PatternError) -> ValueTest {
        guard token == .string else { throw matcher("Bad value in numeric range: \(reader.printed)") }
        let name = String(decoding: reader.text, as: UTF8.self)
        guard name == "<" || name == "<=" else { throw matcher("Bad numeric range operator: \(name)") }
        guard try reader.next().isNumeric else { throw matcher("Value of \(name) must be numeric") }
        let top = reader.text
        if try reader.next() != .endArray { throw matcher("Too many terms in numeric range expression") }
        let low = try comparable(bottom)
        let high = try comparable(top)
        if low >= high { throw matcher("Bottom must be less than top") }
        return .range(NumericRange(low: low, includesLow: includesLow, high: high, includesHigh: name == "<="))
    }

    // MARK: anything-but

    private enum ExclusionKind { case plain, ignoringCase, prefix, suffix, wildcard }

    /// Reads from the operand of `anything-but` to the end of the expression.
    private mutating func anythingBut() throws(PatternError) -> Exclusion {
        var kind = ExclusionKind.plain
        var token = try reader.next()
        if token == .startObject {
            guard try reader.next() == .fieldName else { throw matcher("Anything-But expression name not found") }
            let name = String(decoding: reader.text, as: UTF8.self)
            switch name {
            case "equals-ignore-case": kind = .ignoringCase
            case "prefix": kind = .prefix
            case "suffix": kind = .suffix
            case "wildcard": kind = .wildcard
            default: throw matcher("Unsupported anything-but pattern: \(name)")
            }
            token = try reader.next()
        }
        guard token == .startArray || token == .string || token == .number else {
            throw matcher("Value of anything-but must be an array or single string/number value.")
        }
        let exclusion =
            kind == .plain ? try plainExclusion(token) : try textExclusion(kind, token)
        if try reader.next() != .endObject { throw matcher(Self.tooMany) }
        if kind != .plain, try reader.next() != .endObject { throw matcher(Self.tooMany) }
        if exclusion.isEmpty { hasEmptyExclusion = true }
        return exclusion
    }

    private mutating func plainExclusion(_ token: TokenReader.Token) throws(PatternError) -> Exclusion {
        switch token {
        case .string: return .strings([reader.text])
        case .number: return .numbers([try comparable(reader.text)])
        default: break
        }
        var strings: [[UInt8]] = []
        var numbers: [Double] = []
        loop: while true {
            switch try reader.next() {
            case .endArray: break loop
            case .string:
                strings.append(reader.text)
                try countValue()
            case .number:
                numbers.append(try comparable(reader.text))
                try countValue()
            default: throw matcher("Inside anything but list, start|null|boolean is not supported.")
            }
        }
        if strings.isEmpty == numbers.isEmpty {
            throw matcher(
                "Inside anything but list, either all values are number or string, mixed type is not supported")
        }
        return numbers.isEmpty ? .strings(strings) : .numbers(numbers)
    }

    private mutating func textExclusion(
        _ kind: ExclusionKind, _ token: TokenReader.Token
    ) throws(PatternError) -> Exclusion {
        var texts: [[UInt8]] = []
        var current = token == .startArray ? try reader.next() : token
        while current != .endArray {
            guard current == .string else {
                switch kind {
                case .ignoringCase:
                    throw matcher(
                        "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
                case .wildcard: throw matcher("wildcard match pattern must be a string")
                default: throw matcher("prefix/suffix match pattern must be a string")
                }
            }
            if kind == .prefix || kind == .suffix, reader.text.isEmpty {
                throw matcher("Null prefix/suffix not allowed")
            }
            texts.append(reader.text)
            try countValue()
            if token != .startArray { break }
            current = try reader.next()
        }
        switch kind {
        case .prefix: return .prefixes(texts)
        case .suffix: return .suffixes(texts)
        case .ignoringCase:
            var values: [CaseText] = []
            for text in texts { values.append(try caseText(text)) }
            return .equalsIgnoringCase(values)
        default:
            var wildcards: [Wildcard] = []
            for text in texts { wildcards.append(try wildcard(text)) }
            return .wildcards(wildcards)
        }
    }
}
