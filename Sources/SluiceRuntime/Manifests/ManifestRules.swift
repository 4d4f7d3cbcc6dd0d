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
    /// Seconds that a manifest's files are waited for; nil: each manifest tells by itself.
    package var limit: Int64?
    /// It takes what lies behind this position.
    package var from: Position

    package init(
        bus: String, name: String, fingerprint: String, pattern: EventPattern?, limit: Int64?, from: Position = 0
    ) {
        self.bus = bus
        self.name = name
        self.fingerprint = fingerprint
        self.pattern = pattern
        self.limit = limit
        self.from = from
    }

    /// The fingerprint of a rule without a pattern.
    static let closed = ""
}

/// The rules in force, and how far the log was read for them. Rules change at a position of the log, while its reader
/// is somewhere before or behind: a rule that is new takes what lies behind its deployment, all others go on where they
/// were.
package struct ManifestRules: Sendable {
    package private(set) var rules: [ManifestRule] = []
    /// Records at or before it have been looked at for every rule.
    package var cursor: Position = 0

    package init() {}

    /// Takes the rules of a deployment into force, whose first record lies behind `begin`.
    package mutating func apply(_ wanted: [ManifestRule], begin: Position) {
        var taken = wanted
        for index in taken.indices {
            let rule = taken[index]
            let known = rules.first { $0.bus == rule.bus && $0.name == rule.name }
            // What came while it was off is none of its.
            guard let known, rule.pattern == nil || known.fingerprint != ManifestRule.closed else {
                taken[index].from = begin
                continue
            }
            // Another pattern takes what came since, too: a manifest that both take is waited for once.
            let isSame = known.fingerprint == rule.fingerprint
            taken[index].from = max(known.from, isSame ? cursor : min(cursor, begin))
        }
        rules = taken
        cursor = taken.map(\.from).min() ?? 0
    }

    // MARK: What the journal keeps

    static let cursorName = "manifest/cursor"
    static let rulesName = "manifest/rules"

    private struct Kept: Codable {
        var bus: String
        var name: String
        var pattern: String
        var from: Position
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
            guard var rule = wanted.first(where: { $0.bus == kept.bus && $0.name == kept.name }) else { return nil }
            rule.fingerprint = kept.pattern
            rule.from = kept.from
            return rule
        }
    }

    /// Everything, after `apply`.
    var changes: [ControlChange] {
        guard !rules.isEmpty else { return [.removeValue(name: Self.cursorName), .removeValue(name: Self.rulesName)] }
        let kept = rules.map { Kept(bus: $0.bus, name: $0.name, pattern: $0.fingerprint, from: $0.from) }
        return [note, .putValue(name: Self.rulesName, body: JSONText.encode(kept))]
    }

    /// How far the log was read.
    var note: ControlChange { .putValue(name: Self.cursorName, body: Array("\(cursor)".utf8)) }
}
