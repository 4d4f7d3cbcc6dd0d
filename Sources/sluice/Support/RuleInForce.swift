import EventModel
import EventPatterns
import FunctionJSON
import HostAPI

/// What the rule of a draft's name, as it is in force, makes of the events that the draft is tried with.
struct RuleInForce {
    /// Beside the draft's own figures.
    struct Comparison: Encodable {
        /// Of the events tried.
        var matched: Int64 = 0
        /// Events that the draft would match, and the rule in force does not; and the other way round.
        var gained: Int64 = 0
        var lost: Int64 = 0
    }

    private(set) var comparison = Comparison()
    private let matcher: Matcher<Bool>
    private let scratch = MatchScratch()

    /// Nil where there is no such rule, or no host that could tell.
    init?(_ name: String?, bus: String, _ host: any HostControl) async {
        guard let name, let rule = try? await host.rule(bus: bus, name: name), rule.schedule == nil,
            // Of a manifest's rule the events that a draft is about are those of the manifests.
            let pattern = try? EventPattern(
                parsing: (rule.manifest?.pattern ?? rule.pattern).bytes, dialect: .extended, limits: .stored)
        else { return nil }
        matcher = Matcher([(true, pattern)])
    }

    mutating func compare(_ event: [UInt8], isMatched: Bool) {
        let was = (try? matcher.answer(in: StreamFilter.subject(of: event), scratch: scratch))?.matched.isEmpty == false
        if was { comparison.matched += 1 }
        if isMatched, !was { comparison.gained += 1 }
        if was, !isMatched { comparison.lost += 1 }
    }
}
