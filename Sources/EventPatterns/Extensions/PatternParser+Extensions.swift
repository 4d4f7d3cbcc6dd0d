extension PatternParser {
    /// Reads the operand of an operator that only the extended dialect has; nil if the operator is none.
    mutating func extendedOperand(_ name: String) throws(PatternError) -> ValueTest? {
        guard dialect == .extended else { return nil }
        switch name {
        case "regex":
            guard try reader.next() == .string else { throw matcher("regex match pattern must be a string") }
            extensions.insert(.regex)
            regexes += 1
            let regex: PatternRegex
            do throws(OperandError) { regex = try PatternRegex(parsing: reader.text) } catch {
                throw matcher(error.message)
            }
            try check(regex, "regex")
            return .regex(regex)
        case "date":
            extensions.insert(.date)
            return .date(try dateRange())
        case "time-of-day":
            extensions.insert(.timeOfDay)
            return .timeOfDay(try timeOfDay())
        default: return nil
        }
    }

    /// Refuses a regular expression that would make other rules' events slow.
    func check(_ regex: PatternRegex, _ what: String) throws(PatternError) {
        guard limits.boundsCost, regex.cost > limits.regexCost else { return }
        let how =
            regex.cost == .max
            ? "repeats a part of several characters without end, which takes a state for each place in it; repeat a class of characters, or one with a separator before or behind it (`([a-z]+/)*`), or give the part a most number of times, as in `{0,4}`"
            : "takes some \(regex.cost) instructions for each text, more than \(limits.regexCost); use fewer alternatives and characters, or wildcards, prefixes and suffixes for some"
        throw reader.failure(.limitExceeded, "Rule is too complex - \(what) \(how)")
    }

    /// Reads the object after `wildcard`. Its brace has been read.
    mutating func wildcardIgnoringCase() throws(PatternError) -> ValueTest {
        guard try reader.next() == .fieldName else { throw matcher("Wildcard expression name not found") }
        let inner = String(decoding: reader.text, as: UTF8.self)
        guard inner == "equals-ignore-case" else { throw matcher("Unsupported wildcard pattern: \(inner)") }
        guard try reader.next() == .string else {
            throw matcher("equals-ignore-case match pattern must be a string")
        }
        let text = reader.text
        let parsed = try wildcard(text)
        // Ignoring case, more of its starts can be under way at once.
        try check([PatternParser.folded(parsed)])
        if try reader.next() != .endObject { throw matcher("Only one key allowed in match expression") }
        extensions.insert(.wildcardIgnoreCase)
        return .wildcardIgnoringCase(parsed)
    }

    /// A wildcard with one form for all that its characters match: what can be under way in a text together is alike in
    /// it.
    static func folded(_ wildcard: Wildcard) -> Wildcard {
        (try? Wildcard(parsing: CaseText.folded(wildcard.text))) ?? wildcard
    }

    /// Reads the list after `all-of`: what each of several values must pass.
    mutating func allOf() throws(PatternError) -> [[ValueTest]] {
        guard try reader.next() == .startArray else { throw matcher("Value of all-of must be an array.") }
        var groups: [[ValueTest]] = []
        pendingGroups = []  // refuses another all-of inside
        while true {
            let token = try reader.next()
            if token == .endArray { break }
            guard let test = try test(token) else {
                throw structure("Match value must be String, number, true, false, or null")
            }
            if test == .absent { throw matcher("exists: false is not supported inside all-of") }
            groups.append([test])
        }
        if groups.isEmpty { throw structure("Empty arrays are not allowed") }
        if try reader.next() != .endObject { throw matcher("Only one key allowed in match expression") }
        extensions.insert(.allOf)
        return groups
    }

    private mutating func dateRange() throws(PatternError) -> DateRange {
        guard try reader.next() == .startArray else { throw matcher("Value of date must be an array.") }
        var range = DateRange(low: nil, includesLow: true, high: nil, includesHigh: true, written: [])
        while true {
            let token = try reader.next()
            if token == .endArray { break }
            guard token == .string else { throw matcher("Invalid member in date match: \(reader.printed)") }
            let name = String(decoding: reader.text, as: UTF8.self)
            guard [">", ">=", "<", "<=", "="].contains(name) else {
                throw matcher("Unrecognized date range operator: \(name)")
            }
            guard try reader.next() == .string,
                let moment = reader.text.withUnsafeBufferPointer({ InstantText.microseconds($0) })
            else {
                throw matcher("Value of \(name) must be an RFC 3339 timestamp")
            }
            range.written += [name, String(decoding: reader.text, as: UTF8.self)]
            if name.hasPrefix(">") || name == "=" {
                if range.low != nil { throw matcher("Too many terms in date range expression") }
                range.low = moment
                range.includesLow = name != ">"
            }
            if name.hasPrefix("<") || name == "=" {
                if range.high != nil { throw matcher("Too many terms in date range expression") }
                range.high = moment
                range.includesHigh = name != "<"
            }
        }
        if range.written.isEmpty { throw matcher("Invalid member in date match: ]") }
        if range.first > range.last { throw matcher("Bottom must be less than top") }
        return range
    }
}
