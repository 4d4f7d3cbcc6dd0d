import Columnar
import Foundation

/// Rules in JSON.
enum JSONRules {
    static func decode(_ text: String) throws -> QualityRules {
        try JSONDecoder().decode(QualityRules.self, from: Data(text.utf8))
    }
}

/// Keeps what was rejected.
final class CollectedRejects: RejectedRecords {
    var records: [RejectedRecord] = []
    var layout: RejectedLayout?
    func beginPass() { records = [] }
    func describe(_ layout: RejectedLayout) { self.layout = layout }
    func receive(_ record: RejectedRecord) { records.append(record) }
    var rows: [Int64] { records.map(\.row) }
}

extension QualityRules {
    /// Judges a text by a DQDL ruleset.
    static func judge(
        _ text: String, _ dqdl: String, nullTokens: [String] = [], references: [String: ReferenceSet] = [:],
        now: Int64? = nil
    ) throws -> (report: QualityReport, bad: [Int64]) {
        var rules = try QualityRules(dqdl: "Rules = [ \(dqdl) ]", now: now)
        rules.nullTokens = nullTokens
        rules.references = references
        let bad = CollectedRejects()
        let report = try QualityFilter(rules).run(MemorySource(text), good: MemorySink(), bad: bad)
        return (report, bad.rows)
    }
}
