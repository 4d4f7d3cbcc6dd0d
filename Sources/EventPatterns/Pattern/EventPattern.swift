/// A parsed event pattern of the EventBridge language.
///
/// A pattern is a list of branches (more than one only with `$or`); an event matches if it matches a branch; a branch
/// is a list of fields that must all pass, in the order in which the reference tests them.
///
///     let pattern = try EventPattern(parsing: #"{"source":["aws.s3"]}"#)
///     let matches = try pattern.matches(#"{"source":"aws.s3"}"#)
///
/// To match many events, or many patterns at once, build a `Matcher`.
public struct EventPattern: Sendable, Hashable {
    /// What is asked of fields, over all branches, each condition once where there are several branches.
    let conditions: [FieldCondition]
    /// Sub-rules: every one is a list of conditions, in the order of their paths.
    let numbers: [[Int32]]
    /// What of the pattern EventBridge would not accept.
    public let extensions: Set<PatternExtension>

    /// Parses a pattern, or says in the reference's words why it is none.
    public init(
        parsing json: String, dialect: PatternDialect = .eventBridge, limits: PatternLimits = .init()
    ) throws(PatternError) {
        try self.init(parsing: Array(json.utf8), dialect: dialect, limits: limits)
    }

    /// Parses a pattern from UTF-8.
    public init(
        parsing json: [UInt8], dialect: PatternDialect = .eventBridge, limits: PatternLimits = .init()
    ) throws(PatternError) {
        self = try json.withUnsafeBufferPointer { bytes throws(PatternError) in
            try EventPattern(bytes, dialect, limits)
        }
    }

    /// Parses a pattern from UTF-8 in place.
    public init(
        parsing json: Span<UInt8>, dialect: PatternDialect = .eventBridge, limits: PatternLimits = .init()
    ) throws(PatternError) {
        self = try json.withUnsafeBufferPointer { bytes throws(PatternError) in
            try EventPattern(bytes, dialect, limits)
        }
    }

    private init(
        _ bytes: UnsafeBufferPointer<UInt8>, _ dialect: PatternDialect, _ limits: PatternLimits
    ) throws(PatternError) {
        var nothing: UInt8 = 0
        if let base = bytes.baseAddress {
            var parser = PatternParser(base: base, count: bytes.count, dialect: dialect, limits: limits)
            self = try parser.parse()
        } else {
            self = try withUnsafePointer(to: &nothing) { base throws(PatternError) in
                var parser = PatternParser(base: base, count: 0, dialect: dialect, limits: limits)
                return try parser.parse()
            }
        }
    }

    init(conditions: [FieldCondition], numbers: [[Int32]], extensions: Set<PatternExtension>) {
        self.conditions = conditions
        self.numbers = numbers
        self.extensions = extensions
    }

    /// The sub-rules with their conditions, one after the other.
    var branches: some Collection<[FieldCondition]> { numbers.lazy.map { $0.map { conditions[Int($0)] } } }

    /// The paths the pattern names, sorted, each once.
    public var paths: [String] {
        var seen: Set<FieldPath> = []
        for condition in conditions { seen.insert(condition.path) }
        return seen.sorted(by: FieldPath.precedes).map(\.description)
    }

    /// The number of sub-rules that `$or` makes of the pattern; 1 without it.
    package var branchCount: Int { numbers.count }

    /// What is asked of fields, over all branches, each once.
    package var conditionCount: Int { conditions.count }
}

/// Which language a text is read as.
public enum PatternDialect: Sendable, Hashable {
    /// The service's language; what it refuses is refused.
    case eventBridge
    /// The service's language and the operators of `PatternExtension`.
    case extended
}

/// An operator that EventBridge does not have: a rule that uses it runs only here.
public enum PatternExtension: String, Sendable, Hashable, CaseIterable {
    /// `{"regex": "..."}`: a regular expression over the whole string, matched in linear time.
    case regex
    /// `{"all-of": [...]}`: every alternative is passed by some value of the field.
    case allOf = "all-of"
    /// `{"wildcard": {"equals-ignore-case": "..."}}`.
    case wildcardIgnoreCase = "wildcard equals-ignore-case"
    /// `{"date": [">=", "2024-01-01T00:00:00Z", "<", "2025-01-01T00:00:00Z"]}`.
    case date
    /// `{"time-of-day": [">=", "22:00", "<", "06:00", "zone", "Europe/Berlin"]}`.
    case timeOfDay = "time-of-day"
}

/// How large a rule may be.
public struct PatternLimits: Sendable, Hashable {
    /// The most paths of one branch; the reference's limit is 256.
    public var paths: Int = 256
    /// The most branches `$or` may make; EventBridge's limit is 1,000.
    public var combinations: Int = 1000
    /// The most values of all fields and branches as they are written: to compile them takes microseconds each.
    public var values: Int = 100_000
    /// The most nested objects and arrays, as in the reference's JSON parser.
    public var depth: Int = 1000
    /// The highest complexity of one field's wildcards, as EventBridge counts it: roughly their stars, and the prefixes
    /// of what follows stars that end in the same letters. EventBridge accepts 7 and refuses 11.
    public var wildcardComplexity: Int = 10
    /// The most that one field's regular expressions may cost an event, in instructions for a text of 40 bytes: a tenth
    /// of what reading an event costs.
    public var regexCost: Int = PatternRegex.mostCost
    /// Whether what a pattern costs is limited at all.
    public var boundsCost = true
    /// The most that all fields and branches of a rule may cost an event together, in steps (`RuleWork`): a tenth of
    /// what reading an event costs.
    public var work: Int = 38
    /// The most branches of `$or` that one event can be led to at once, beside one for each field: each costs what a
    /// rule does (`RuleWork`).
    public var branches: Int = 8
    /// The name used in the message about too many paths.
    public var ruleName: String = "r"

    public init() {}

    /// For the language alone, as EventBridge has it: what a rule may cost the others of a host does not count.
    public static var language: PatternLimits {
        var limits = PatternLimits()
        (limits.work, limits.branches) = (.max, .max)
        return limits
    }

    /// For patterns that were accepted once and are stored: limits of cost that were set since do not count.
    public static var stored: PatternLimits {
        var limits = PatternLimits()
        limits.boundsCost = false
        return limits
    }
}
