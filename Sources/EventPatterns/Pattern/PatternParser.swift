/// Turns a pattern's text into branches, token by token in the reference's order, so that of several mistakes the same
/// one is reported.
struct PatternParser: ~Copyable {
    var reader: TokenReader
    let dialect: PatternDialect
    let limits: PatternLimits
    var extensions: Set<PatternExtension> = []
    /// The reference fails on an empty list inside anything-but only when the rule is added, after the parse.
    var hasEmptyExclusion = false
    /// The wildcards read so far.
    var wildcards = 0
    /// The values of all fields read so far, those in lists too.
    var values = 0
    /// The bytes read so far of texts with letters beside ASCII of which case is ignored.
    var casedBytes = 0
    /// The regular expressions read so far.
    var regexes = 0
    private var path: [[UInt8]] = []
    /// Where in the pattern the parser is: names, and places in lists.
    private var trail: [Step] = []

    private enum Step {
        case member([UInt8])
        case element(Int)
    }

    private var tree = BranchTree()
    /// What an `all-of` in the array being read asks for.
    var pendingGroups: [[ValueTest]]?

    init(base: UnsafePointer<UInt8>, count: Int, dialect: PatternDialect, limits: PatternLimits) {
        reader = TokenReader(base: base, count: count, maximumDepth: limits.depth)
        self.dialect = dialect
        self.limits = limits
    }

    mutating func parse() throws(PatternError) -> EventPattern {
        do throws(PatternError) {
            return try pattern()
        } catch {
            var error = error
            error.path = trail.map { step in
                switch step {
                case .member(let name): .member(String(decoding: name, as: UTF8.self))
                case .element(let index): .element(index)
                }
            }
            throw error
        }
    }

    private mutating func pattern() throws(PatternError) -> EventPattern {
        if reader.isAtEnd() { throw structure("Filter is not an object") }
        if try reader.next() != .startObject { throw structure("Filter is not an object") }
        var alternative = BranchTree.Alternative()
        var count = 0
        try object(&alternative, &count, insideOr: false)
        guard let branches = tree.branches(of: alternative, most: limits.paths) else {
            throw reader.failure(
                .limitExceeded, "Size of rule '\(limits.ruleName)' exceeds max value of \(limits.paths)")
        }
        if hasEmptyExclusion {
            throw dialect == .eventBridge
                ? matcher(PatternParser.emptyExclusionMessage) : structure("Empty arrays are not allowed")
        }
        let pattern = EventPattern(tree, branches, extensions: extensions)
        if wildcards > 1, limits.boundsCost { try checkWildcards(pattern.conditions) }
        if regexes > 1, limits.boundsCost { try checkRegexes(pattern.conditions) }
        try checkWork(pattern)
        return pattern
    }

    /// Refuses a rule whose conditions cost an event too much together, over all fields and branches.
    private func checkWork(_ pattern: EventPattern) throws(PatternError) {
        guard limits.boundsCost, limits.work < .max, !pattern.isLight(limits.work, branches: limits.branches) else {
            return
        }
        let cost = RuleWork.of(pattern)
        if cost.branches > limits.branches {
            throw reader.failure(
                .limitExceeded,
                "Rule is too complex - the branches of $or that one event may be led to at once cost as much as \(cost.branches) of one field, more than \(limits.branches) (not counted is one branch for each field); ask in each branch for a value, prefix or suffix that the others do not have, or divide them among several rules"
            )
        }
        guard cost.steps > limits.work else { return }
        let other = pattern.branches.count > 1 ? ", or divide the branches of $or among several rules" : ""
        throw reader.failure(
            .limitExceeded,
            "Rule is too complex - one event may have to take some \(cost.steps) steps for its fields and branches together, more than \(limits.work) (a step is two bytes that a wildcard looks for, 16 instructions of a regular expression, four comparisons, or a field that must be absent; besides, each further field counts two steps for a list, four and a half for a wildcard, a regular expression, an address or a time, and from the third with a wildcard on nine); use a prefix or suffix instead of a wildcard that begins or ends with *, fewer wildcards or shorter lists of them, leave a test to the handler\(other)"
        )
    }

    /// What the reference answers to `{"anything-but": {"prefix": []}}`: the text of its own failure, kept because the
    /// recorded cases hold it.
    private static let emptyExclusionMessage =
        "Cannot invoke \"software.amazon.event.ruler.NameState.getTerminalSubRuleIdsForPattern"
        + "(software.amazon.event.ruler.Patterns)\" because \"<local18>\" is null"

    /// The most values of one field that ignore case and have letters beside ASCII: they are compared one by one.
    /// Exclusions are compared with every value, and count four times.
    static let mostCased = 64

    /// The most bytes of such texts in a rule.
    static let mostCasedBytes = 65_536

    /// Refuses more values that are compared one by one than one field may have.
    private func checkCased(_ tests: [ValueTest]) throws(PatternError) {
        let count = tests.reduce(0) { $0 + $1.casedCount }
        guard limits.boundsCost, count > PatternParser.mostCased else { return }
        throw reader.failure(
            .limitExceeded,
            "Rule is too complex - one field ignores case in more than \(PatternParser.mostCased) values with letters beside ASCII (\(PatternParser.mostCased / 4) in anything-but), which are compared one by one; divide them among several rules"
        )
    }

    /// Refuses what the wildcards of one field, over all branches, would cost together.
    private func checkWildcards(_ conditions: [FieldCondition]) throws(PatternError) {
        var byPath: [FieldPath: Set<Wildcard>] = [:]
        for condition in conditions {
            for test in condition.tests {
                switch test {
                case .wildcard(let wildcard): byPath[condition.path, default: []].insert(wildcard)
                case .wildcardIgnoringCase(let wildcard):
                    byPath[condition.path, default: []].insert(PatternParser.folded(wildcard))
                case .anythingBut(.wildcards(let several)): byPath[condition.path, default: []].formUnion(several)
                default: continue
                }
            }
        }
        for wildcards in byPath.values where wildcards.count > 1 { try check(Array(wildcards)) }
    }

    /// Refuses regular expressions of one field, over all branches, that need too many states together.
    private func checkRegexes(_ conditions: [FieldCondition]) throws(PatternError) {
        var byPath: [FieldPath: Set<PatternRegex>] = [:]
        for condition in conditions {
            for case .regex(let regex) in condition.tests { byPath[condition.path, default: []].insert(regex) }
        }
        for regexes in byPath.values where regexes.count > 1 {
            let united: [PatternRegex]
            do throws(OperandError) { united = try PatternRegex.united(Array(regexes)) } catch {
                throw reader.failure(
                    .limitExceeded,
                    "Rule is too complex - the regular expressions of one field are matched as one: \(error.message)")
            }
            for regex in united { try check(regex, "the regular expressions of one field are matched as one, which") }
        }
    }

    func structure(_ message: String) -> PatternError { reader.failure(.invalidStructure, message) }
    func matcher(_ message: String) -> PatternError { reader.failure(.invalidMatcher, message) }

    /// Reads an object's fields. The opening brace has been read. `count` is how many branches there are so far.
    private mutating func object(
        _ alternative: inout BranchTree.Alternative, _ count: inout Int, insideOr: Bool
    ) throws(PatternError) {
        var isEmpty = true
        while try reader.next() != .endObject {
            isEmpty = false
            let step = reader.text
            trail.append(.member(step))
            if step == Array("$or".utf8) {
                try alternatives(&alternative, &count)
                trail.removeLast()
                continue
            }
            if insideOr {
                let name = String(decoding: step, as: UTF8.self)
                if PatternParser.reservedNames.contains(name) {
                    throw structure("\(name) is Ruler reserved fieldName which cannot be used inside $or.")
                }
            }
            switch try reader.next() {
            case .startObject:
                path.append(step)
                try object(&alternative, &count, insideOr: insideOr)
                path.removeLast()
            case .startArray:
                try leaf(step, &alternative)
                count = max(1, count)
            default:
                throw structure("\"\(String(decoding: step, as: UTF8.self))\" must be an object or an array")
            }
            trail.removeLast()
        }
        if isEmpty { throw structure("Empty objects are not allowed") }
    }

    /// Reads the array after `$or`: the branches so far, once for every object in it.
    private mutating func alternatives(
        _ alternative: inout BranchTree.Alternative, _ count: inout Int
    ) throws(PatternError) {
        let before = max(1, count)
        count = 0
        if try reader.next() != .startArray { throw structure("It must be an Array followed with $or.") }
        var read: [BranchTree.Alternative] = []
        while true {
            let token = try reader.next()
            if token == .endArray { break }
            trail.append(.element(read.count))
            guard token == .startObject else {
                throw structure("Only JSON object is allowed in array of $or relationship.")
            }
            var own = BranchTree.Alternative()
            var ownCount = before
            try object(&own, &ownCount, insideOr: true)
            trail.removeLast()
            read.append(own)
            count += ownCount
            if count > limits.combinations {
                throw reader.failure(
                    .limitExceeded,
                    "Rule is too complex - $or makes more than \(limits.combinations) combinations")
            }
        }
        if read.count < 2 { throw structure("There must have at least 2 Objects in $or relationship.") }
        alternative.add(read)
    }

    /// Reads a field's array. The opening bracket has been read.
    private mutating func leaf(_ step: [UInt8], _ alternative: inout BranchTree.Alternative) throws(PatternError) {
        var tests: [ValueTest] = []
        while true {
            let token = try reader.next()
            if token == .endArray { break }
            trail.append(.element(tests.count))
            guard let test = try test(token) else {
                throw structure("Match value must be String, number, true, false, or null")
            }
            trail.removeLast()
            tests.append(test)
        }
        let groups = pendingGroups ?? [tests]
        if pendingGroups != nil, tests.count > 1 { throw matcher("all-of must be the only value of its array") }
        pendingGroups = nil
        if tests.isEmpty { throw structure("Empty arrays are not allowed") }
        try checkCased(groups.flatMap(\.self))
        var bytes: [UInt8] = []
        for name in path {
            bytes += name
            bytes.append(UInt8(ascii: "."))
        }
        bytes += step
        alternative.add(tree.field(FieldPath(bytes: bytes), groups))
    }

    /// Counts a value of the rule, and refuses more than it may have as soon as there are more.
    mutating func countValue() throws(PatternError) {
        values += 1
        guard limits.boundsCost, values > limits.values else { return }
        throw reader.failure(
            .limitExceeded,
            "Rule is too complex - it has more than \(limits.values) values; divide them among several rules")
    }

    /// The test that begins with a token, nil if none does.
    mutating func test(_ token: TokenReader.Token) throws(PatternError) -> ValueTest? {
        try countValue()
        return switch token {
        case .startObject: try expression()
        case .string: stringLiteral(reader.text)
        case .number: numberLiteral(reader.text)
        case .true: .literal(.true)
        case .false: .literal(.false)
        case .null: .literal(.null)
        default: nil
        }
    }

    private func stringLiteral(_ text: [UInt8]) -> ValueTest {
        // Only text of digits with dots or hexadecimal digits with colons can be an address.
        guard let first = text.first, first == 0x3A || first &- 0x30 < 10 || (first | 0x20) &- 0x61 < 6 else {
            return .exact(text)
        }
        let address = text.withUnsafeBufferPointer { try? IPAddress(parsing: $0) }
        return address.map { .address($0) } ?? .exact(text)
    }

    private func numberLiteral(_ text: [UInt8]) -> ValueTest {
        text.withUnsafeBufferPointer { DecimalNumber.comparable($0) }.map { .number($0) } ?? .numberText(text)
    }

    /// The names that may not be fields inside `$or`.
    private static let reservedNames: Set<String> = [
        "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
        "html", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after",
        "date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range",
        "ip-address-not-in-range",
    ]
}
