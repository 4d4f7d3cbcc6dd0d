import EventModel
import FunctionJSON

/// A pattern that is not part of an app yet.
package struct DraftPattern: Sendable, Hashable {
    /// Of the rule; nil for a pattern alone.
    package var name: String?
    /// The bus, or log of a stream, that the rule is for; nil where nothing is said.
    package var bus: String?
    /// JSON text, not yet parsed as a pattern.
    package var pattern: String

    package init(name: String? = nil, bus: String? = nil, pattern: String) {
        self.name = name
        self.bus = bus
        self.pattern = pattern
    }
}

/// Reads patterns out of a file that need not be part of an app: to try them before they are deployed.
package enum PatternFile {
    /// The patterns of a text: a pattern as JSON or YAML, or a rule file. Of a rule only `name`, `bus`, `stream` and
    /// `pattern` are looked at. One with a `schedule` has no pattern to try and is left out; one on a stream without
    /// `pattern` takes everything.
    ///
    /// - Parameter name: what the file is called in messages.
    package static func read(_ bytes: [UInt8], name: String) throws(ConfigError) -> [DraftPattern] {
        let collector = FindingCollector()
        let file = ConfigFile(name: name, collector: collector)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            file.report(.unreadableFile, "is not UTF-8 text", at: nil, hint: "save it as UTF-8")
            throw ConfigError(findings: collector.sorted)
        }
        // As it is: a pattern may repeat a key, which YAML must not.
        if let document = try? JSONDocument(parsing: bytes), isPatternAlone(document) {
            return [DraftPattern(pattern: text)]
        }
        var drafts: [DraftPattern] = []
        if let root = YAMLReader.read(text, file: file) {
            drafts = read(root, file: file)
        }
        if drafts.isEmpty, collector.findings.isEmpty {
            file.report(
                .missingKey, "the file holds no pattern", at: nil,
                hint: "write JSON, or a rule with `pattern`; a rule with `schedule` has none to try")
        }
        guard collector.findings.allSatisfy({ $0.severity == .warning }) else {
            throw ConfigError(findings: collector.sorted)
        }
        return drafts
    }

    /// No event has a field like these beside its detail, so a mapping with one is a rule.
    private static let marks = ["pattern", "stream", "schedule", "targets"]

    private static func isPatternAlone(_ document: JSONDocument) -> Bool {
        document.root.kind == .object && (marks + ["rules"]).allSatisfy { document.root[$0] == nil }
    }

    private static func read(_ root: YAMLNode, file: ConfigFile) -> [DraftPattern] {
        switch root.value {
        case .null: return []
        case .sequence(let items): return items.compactMap { rule($0, file: file) }
        case .mapping(let entries):
            if let rules = entries.first(where: { $0.key == "rules" })?.value, case .sequence(let items) = rules.value {
                return items.compactMap { rule($0, file: file) }
            }
            if entries.contains(where: { marks.contains($0.key) }) { return rule(root, file: file).map { [$0] } ?? [] }
            return [DraftPattern(pattern: root.json)]
        default:
            file.report(.invalidValue, "a pattern or a rule must be a mapping, not \(root.inWords)", at: root.place)
            return []
        }
    }

    private static func rule(_ node: YAMLNode, file: ConfigFile) -> DraftPattern? {
        guard var reader = MappingReader(node, subject: "a rule", file: file) else { return nil }
        if reader.has("schedule") { return nil }
        let name = reader.string("name")
        let stream = reader.string("stream")
        let bus = stream.map(StreamLog.name) ?? reader.string("bus")
        if stream != nil, !reader.has("pattern") {
            return DraftPattern(name: name, bus: bus, pattern: StreamFilter.everything)
        }
        return PatternText.read(&reader).map { DraftPattern(name: name, bus: bus, pattern: $0.1) }
    }
}
