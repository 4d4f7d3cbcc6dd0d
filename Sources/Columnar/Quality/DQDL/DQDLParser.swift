import Glibc

extension QualityRules {
    /// Reads a ruleset in the Data Quality Definition Language of AWS Glue: `Rules = [ IsComplete "id", … ]`.
    ///
    /// docs/data-quality.md lists what is covered. Fails with `InvalidRule`, with line, column and what was expected.
    /// - Parameter now: what `now()` is, in seconds since 1970; nil: the present.
    public init(dqdl text: String, now: Int64? = nil) throws(ColumnarError) {
        self.init(rules: try DQDLParser.rules(text, now: now ?? Int64(time(nil))))
    }

    /// Whether a text begins as a ruleset in DQDL does, and no mapping can: whoever expects a mapping can say so.
    public static func isDQDL(_ text: String) -> Bool {
        var rest = Substring(text)
        while let first = rest.first, first == "#" || first.isWhitespace || first == "\u{FEFF}" {
            rest = first == "#" ? rest.drop { !$0.isNewline } : rest.dropFirst()
        }
        return rest.hasPrefix("Rules") && rest.dropFirst(5).drop(while: \.isWhitespace).first == "="
    }
}

/// A parser by recursive descent over the words of a document.
struct DQDLParser {
    /// Composite rules within each other.
    private static let maximumDepth = 50

    let tokens: [DQDLToken]
    /// Seconds since 1970.
    let now: Int64
    private(set) var position = 0
    private var depth = 0

    static func rules(_ text: String, now: Int64) throws(ColumnarError) -> [QualityRule] {
        var parser = DQDLParser(tokens: try DQDLLexer.tokens(text), now: now)
        return try parser.document(text)
    }

    private init(tokens: [DQDLToken], now: Int64) {
        self.tokens = tokens
        self.now = now
    }

    // MARK: words

    var token: DQDLToken { tokens[position] }
    mutating func advance() { if position + 1 < tokens.count { position += 1 } }

    func fault(_ problem: String, at place: DQDLToken? = nil) -> ColumnarError {
        let place = place ?? token
        return DQDLLexer.fault(place.line, place.column, problem)
    }

    /// An error about the word that stands here.
    func expected(_ what: String) -> ColumnarError { fault("expected \(what), found \(token.description)") }

    func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }

    /// Whether the word is one of a keyword's two spellings, lower and upper case.
    func isWord(_ word: String) -> Bool {
        if case .word(let found) = token.kind { return found == word || found == word.uppercased() }
        return false
    }

    mutating func take(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func take(word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    mutating func require(symbol: String, _ what: String) throws(ColumnarError) {
        guard take(symbol: symbol) else { throw expected("\"\(symbol)\" \(what)") }
    }

    // MARK: document

    private mutating func document(_ text: String) throws(ColumnarError) -> [QualityRule] {
        guard case .word(let section) = token.kind else { throw expected("Rules = [ … ]") }
        guard section == "Rules" else { throw fault(Self.sectionComplaint(section)) }
        advance()
        try require(symbol: "=", "after Rules")
        try require(symbol: "[", "before the first rule")
        var rules: [QualityRule] = []
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        if !isSymbol("]") {
            repeat {
                let start = token
                let node = try rule()
                let written = Self.text(from: start, to: tokens[position - 1], followedBy: token, in: lines)
                rules.append(try QualityRule(node, written: written))
            } while take(symbol: ",")
        }
        guard take(symbol: "]") else { throw expected("\",\" or \"]\" after the rule") }
        if case .word(let section) = token.kind { throw fault(Self.sectionComplaint(section)) }
        guard token.kind == .end else { throw expected("nothing after the rules") }
        return rules
    }

    private static func sectionComplaint(_ section: String) -> String {
        switch section {
        case "Analyzers", "DefaultLabels", "Metadata", "Sources", "Monitors":
            "the section \(section) is not covered here; only Rules = [ … ] is"
        case _ where section.lowercased() == "rules": "expected Rules with a capital R, found \(section)"
        default: "expected Rules = [ … ], found \(section); constants are not covered here"
        }
    }

    /// A rule as it was written, on one line.
    private static func text(
        from start: DQDLToken, to last: DQDLToken, followedBy next: DQDLToken, in lines: [Substring]
    ) -> String {
        var parts: [String] = []
        for line in start.line...max(start.line, next.line) where line <= lines.count {
            var part = lines[line - 1]
            if line == next.line { part = part.prefix(next.column - 1) }
            if line == start.line { part = part.dropFirst(start.column - 1) }
            if line > last.line { break }
            parts.append(String(part))
        }
        let words = parts.joined(separator: " ").split(whereSeparator: \.isWhitespace)
        return words.joined(separator: " ")
    }

    // MARK: composite rules

    /// A rule, or several with `and` (which binds closer) and `or`.
    private mutating func rule() throws(ColumnarError) -> DQDLNode {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.maximumDepth else { throw fault("the composite rules are nested too deeply") }
        guard isSymbol("(") else { return .rule(try atom()) }
        var alternatives: [DQDLNode] = []
        repeat {
            var parts: [DQDLNode] = []
            repeat {
                try require(symbol: "(", "around each rule of a composite rule")
                parts.append(try rule())
                try require(symbol: ")", "after the rule")
            } while take(word: "and")
            alternatives.append(parts.count == 1 ? parts[0] : .all(parts))
        } while take(word: "or")
        return alternatives.count == 1 ? alternatives[0] : .any(alternatives)
    }
}

/// A rule as it was parsed.
indirect enum DQDLNode {
    enum Atom {
        case record(RecordRule)
        case file(FileTest)
    }

    case rule(Atom)
    case all([DQDLNode])
    case any([DQDLNode])

    /// As a test of single records, where all parts are such.
    var recordTest: RecordTest? {
        switch self {
        case .rule(.record(let rule)):
            guard rule.threshold == nil else { return nil }
            guard let condition = rule.condition else { return rule.test }
            // Records that a part is not about pass it.
            return .any([.unmet(condition), rule.test])
        case .rule(.file): return nil
        case .all(let nodes), .any(let nodes):
            var tests: [RecordTest] = []
            for node in nodes {
                guard let test = node.recordTest else { return nil }
                tests.append(test)
            }
            if case .all = self { return .all(tests) }
            return .any(tests)
        }
    }

    /// As a test of the file: a rule on records is met where all of them pass, or as many as its threshold says.
    var fileTest: FileTest {
        switch self {
        case .rule(.file(let test)): test
        case .rule(.record(let rule)):
            .measure(Measure(.compliance(rule.test), where: rule.condition), rule.threshold ?? .equal(1))
        case .all(let nodes): .all(nodes.map(\.fileTest))
        case .any(let nodes): .any(nodes.map(\.fileTest))
        }
    }
}

extension QualityRule {
    fileprivate init(_ node: DQDLNode, written: String) throws(ColumnarError) {
        let check: Check
        switch node {
        case .rule(.record(let rule)): check = .record(rule)
        case .rule(.file(let test)): check = .file(test)
        case .all, .any:
            if let test = node.recordTest { check = .record(RecordRule(test)) } else { check = .file(node.fileTest) }
        }
        var columns: [String] = []
        switch check {
        case .record(let rule): columns = rule.test.columns
        case .file(let test): columns = test.columns
        default: break
        }
        self.init(column: Set(columns).count == 1 ? columns.first : nil, check, text: written)
    }
}
