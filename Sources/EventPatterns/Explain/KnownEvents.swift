/// What is known of the events of one source, for rules that can never match them.
public struct KnownEvents: Sendable {
    public enum Kind: Sendable {
        case text, number
    }

    /// The only value of their `source`.
    public let source: String
    public let detailTypes: [String]
    /// Every field that an event's detail may have, by the way there from the event's root: `detail.object.size`.
    public let fields: [String: Kind]

    public init(source: String, detailTypes: [String], fields: [String: Kind]) {
        self.source = source
        self.detailTypes = detailTypes
        self.fields = fields
    }

    /// Why no event of this source passes a branch of a pattern; nil if one may, or if the branch takes other sources
    /// too.
    func reason(_ branch: [FieldCondition]) -> String? {
        let wanted = ValueTest.exact(Array(source.utf8))
        guard let sources = branch.first(where: { $0.path.description == "source" })?.tests,
            sources.allSatisfy({ $0 == wanted })
        else { return nil }
        return branch.lazy.compactMap(reason).first
    }

    private func reason(_ condition: FieldCondition) -> String? {
        let path = condition.path.description
        if path == "detail-type" {
            let known = detailTypes.map { ValueTest.exact(Array($0.utf8)) }
            let isPlain = condition.tests.allSatisfy { if case .exact = $0 { true } else { false } }
            guard isPlain, !condition.tests.contains(where: known.contains) else { return nil }
            let types = detailTypes.map { "\"\($0)\"" }.joined(separator: " or ")
            return "the detail-type of \(source)'s events is \(types), not \(Impossibility.list(condition.tests))"
        }
        guard path.hasPrefix("detail."), !condition.allowsAbsence else { return nil }
        switch fields[path] {
        case .text?:
            guard condition.tests.allSatisfy({ !Impossibility.canPass($0, onlyStrings: true) }) else { return nil }
            return "\"\(path)\" of \(source)'s events is a text, which \(Impossibility.accepts(condition.tests))"
        case .number?:
            guard condition.tests.allSatisfy(\.takesTextsAlone) else { return nil }
            return "\"\(path)\" of \(source)'s events is a number, which \(Impossibility.accepts(condition.tests))"
        case nil:
            if let field = fields.keys.filter({ $0.hasPrefix(path + ".") }).min() {
                return "\"\(path)\" of \(source)'s events is an object with fields of its own, such as \"\(field)\""
            }
            return "\(source)'s events have no field \"\(path)\""
        }
    }
}

extension ValueTest {
    /// No number passes it.
    fileprivate var takesTextsAlone: Bool {
        switch self {
        case .exact, .address, .prefix, .suffix, .equalsIgnoringCase, .prefixIgnoringCase, .suffixIgnoringCase,
            .wildcard, .cidr, .regex, .wildcardIgnoringCase:
            true
        default: false
        }
    }
}
