import AppConfig
package import EventPatterns
import FunctionJSON
package import Journal

/// A rule whose pattern takes manifests.
package struct ManifestRule: Sendable {
    package var bus: String
    package var name: String
    /// Tells one pattern from another.
    package var fingerprint: String
    /// Nil: it takes no manifests any more, and what it waits for goes on being waited for.
    package var pattern: EventPattern?
    /// The pattern as the journal keeps it.
    package var text: String
    /// Seconds that a manifest's files are waited for; nil: each manifest tells by itself.
    package var limit: Int64?
    /// It takes what lies behind this position.
    package var from: Position
    /// And nothing behind this one: a deployment has given the rule another pattern, or none. Nil: it is in force.
    package var until: Position?

    package init(
        bus: String, name: String, fingerprint: String, pattern: EventPattern?, text: String = "", limit: Int64?,
        from: Position = 0
    ) {
        self.bus = bus
        self.name = name
        self.fingerprint = fingerprint
        self.pattern = pattern
        self.text = text
        self.limit = limit
        self.from = from
    }

    /// The fingerprint of a rule without a pattern.
    static let closed = ""

    var ruleName: ManifestRuleName { ManifestRuleName(bus: bus, rule: name) }

    /// Whether the rule has this position of the log at all.
    func takes(_ position: Position) -> Bool { position > from && position <= until ?? .max }
}

/// The rules in force, and how far the log was read for them. Rules change at a position of the log, while its reader
/// is somewhere before or behind: a rule that is new takes what lies behind its deployment, one that is turned off or
/// gets another pattern keeps what lies before it and is not read yet, and all others go on where they were.
package struct ManifestRules: Sendable {
    package private(set) var rules: [ManifestRule] = []
    /// Records at or before it have been looked at for every rule.
    package var cursor: Position = 0

    package init() {}

    /// Takes the rules of a deployment into force, whose first record lies behind `begin`.
    /// - Parameter last: the last record of the log that is read for the rules, asked for after the deployment.
    package mutating func apply(_ wanted: [ManifestRule], begin: Position, last: Position) {
        var taken: [ManifestRule] = []
        for rule in rules where rule.pattern != nil {
            // Without targets there is nobody to tell.
            guard wanted.contains(where: { $0.ruleName == rule.ruleName }) else { continue }
            var left = rule
            left.from = max(rule.from, cursor)
            if left.until == nil {
                if wanted.contains(where: { $0.ruleName == rule.ruleName && $0.fingerprint == rule.fingerprint }) {
                    continue
                }
                left.until = begin
            }
            // Other logs share the positions, and the reader comes no further than the records of its own.
            left.until = left.until.map { min($0, last) }
            if left.from < left.until ?? .max { taken.append(left) }
        }
        for rule in wanted {
            var next = rule
            let known = rules.first { $0.ruleName == rule.ruleName && $0.until == nil }
            switch known {
            case let known? where known.fingerprint == rule.fingerprint: next.from = max(known.from, cursor)
            // It takes nothing: it is to hold up nothing, either.
            case _? where rule.pattern == nil: next.from = cursor
            // Another pattern, or none before: what came while it was off is none of its.
            default: next.from = begin
            }
            taken.append(next)
        }
        rules = taken
        cursor = taken.map(\.from).min() ?? 0
    }

    /// Those that may still take what is not read yet: the ones in force, and the ones that were before.
    var taking: Set<ManifestRuleName> {
        Set(rules.lazy.filter { $0.pattern != nil && $0.until ?? .max > cursor }.map(\.ruleName))
    }

    // MARK: What the journal keeps

    static let cursorName = "manifest/cursor"
    static let rulesName = "manifest/rules"

    private struct Kept: Codable {
        var bus: String
        var name: String
        /// Its fingerprint.
        var pattern: String
        var from: Position
        /// Of a rule that takes manifests; earlier versions did not write them.
        var text: String?
        var limit: Int64?
        var until: Position?
    }

    /// As an earlier life left it.
    /// - Parameter wanted: the rules in force: taken for known where the journal has only the cursor, as earlier
    ///   versions wrote it.
    init?(cursor: [UInt8]?, rules: [UInt8]?, wanted: [ManifestRule]) {
        guard let cursor, let position = Position(String(decoding: cursor, as: UTF8.self)) else { return nil }
        self.cursor = position
        guard let rules, let kept = JSONText.decode([Kept].self, from: rules) else {
            self.rules = wanted
            return
        }
        self.rules = kept.compactMap { kept in
            let text = kept.text ?? ""
            var rule = ManifestRule(
                bus: kept.bus, name: kept.name, fingerprint: kept.pattern,
                pattern: text.isEmpty ? nil : try? StoredPatterns.parse(text), text: text, limit: kept.limit,
                from: kept.from)
            rule.until = kept.until
            guard rule.pattern == nil, rule.fingerprint != ManifestRule.closed else { return rule }
            // An earlier version has not written how it reads: the rule in force may tell.
            guard let known = wanted.first(where: { $0.ruleName == rule.ruleName }) else { return nil }
            if known.fingerprint == rule.fingerprint { (rule.pattern, rule.text) = (known.pattern, known.text) }
            return rule
        }
    }

    /// Everything, after `apply`.
    var changes: [ControlChange] {
        guard !rules.isEmpty else { return [.removeValue(name: Self.cursorName), .removeValue(name: Self.rulesName)] }
        let kept = rules.map {
            Kept(
                bus: $0.bus, name: $0.name, pattern: $0.fingerprint, from: $0.from,
                text: $0.pattern == nil ? nil : $0.text, limit: $0.limit, until: $0.until)
        }
        return [note, .putValue(name: Self.rulesName, body: JSONText.encode(kept))]
    }

    /// How far the log was read.
    var note: ControlChange { .putValue(name: Self.cursorName, body: Array("\(cursor)".utf8)) }
}
