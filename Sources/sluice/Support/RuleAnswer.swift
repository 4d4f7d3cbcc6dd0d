import EventModel
import EventPatterns
import FunctionJSON
import HostAPI

/// How an event fares with a rule, as `rules why --json` prints it.
struct RuleAnswer: Encodable {
    /// A field that fails.
    struct Failure: Encodable {
        var path: String
        /// missing, value, present, differentElements or undecided.
        var reason: String
        var expected: [String]
        /// At most ten.
        var found: [String]
        /// How many values there are, where not all are listed.
        var foundCount: Int?
        /// A likely mistake, or what the reason means.
        var note: String?

        init(_ failure: Explanation.Failure) {
            path = failure.path
            reason = failure.reason.rawValue
            expected = failure.expected
            found = failure.found
            foundCount = failure.foundCount > failure.found.count ? failure.foundCount : nil
            note = failure.hint
            if failure.reason == .undecided {
                note = "the arrays have too many combinations of elements to tell; a delivery would be a dead letter"
            }
        }
    }

    var rule: String
    var bus: String
    var enabled: Bool
    var matches: Bool
    /// Whether that could not be found out; absent: no.
    var undecided: Bool?
    /// Of the branch of the pattern that came nearest, as is the total.
    var passedFields: Int
    var totalFields: Int
    /// Where the pattern has `$or`: which of how many branches that is, from 1.
    var branch: Int?
    var branches: Int?
    /// The first field that fails; absent, as is the rest, where the event matches.
    var path: String?
    var reason: String?
    var expected: [String]?
    var found: [String]?
    var note: String?
    /// All fields that fail.
    var failures: [Failure] = []
    /// How often the pattern has `$or`.
    private var lists = 0

    private enum CodingKeys: String, CodingKey {
        case rule, bus, enabled, matches, undecided, passedFields, totalFields, branch, branches, path, reason
        case expected, found, note, failures
    }

    init(_ info: RuleInfo, _ event: RawJSON) throws {
        let explanation: Explanation
        let pattern = try info.parsedPattern(for: event)
        do {
            explanation = try pattern.explain(event.bytes)
        } catch {
            throw sluice.Failure.unmatchable(error, rule: info.name)
        }
        (rule, bus, enabled) = (info.name, info.bus, info.enabled)
        matches = explanation.matches
        passedFields = explanation.matches ? explanation.totalFields : explanation.passedFields
        totalFields = explanation.totalFields
        if pattern.branchCount > 1 {
            (branch, branches) = (explanation.branch + 1, pattern.branchCount)
            lists =
                info.pattern(for: event).text.split(separator: "\"$or\"", omittingEmptySubsequences: false).count - 1
        }
        guard let failure = explanation.failure else { return }
        failures = ([failure] + explanation.otherFailures).map(Failure.init)
        if explanation.isUndecided { undecided = true }
        (path, reason, expected) = (failures[0].path, failures[0].reason, failures[0].expected)
        (found, note) = (failures[0].found, failures[0].note)
    }

    /// Which alternative of `$or` is explained, in words.
    var nearestBranch: String? {
        guard let branch, let branches else { return nil }
        return lists == 1
            ? " in the nearest alternative of its $or, number \(branch) of \(branches)"
            : " in the nearest combination of its $or lists, number \(branch) of \(branches)"
    }
}
