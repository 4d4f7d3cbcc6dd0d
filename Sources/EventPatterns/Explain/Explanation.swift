/// Why an event matches a pattern or does not.
public struct Explanation: Sendable, Hashable, CustomStringConvertible {
    /// Why a field failed.
    public enum Reason: String, Sendable, Hashable {
        /// The field is not there.
        case missing
        /// Values are there, and none of them passes.
        case value
        /// The field is there although it must not be.
        case present
        /// Values pass, but only in other elements of an array than those that other fields need.
        case differentElements
        /// Whether there are such elements was not found out within the budget of steps: the event is undecided.
        case undecided
    }

    /// The first field that failed, in the order in which fields are tested.
    public struct Failure: Sendable, Hashable, CustomStringConvertible {
        /// The step names from the event's root, joined by dots.
        public var path: String
        public var reason: Reason
        /// What the pattern allows there, as it is written in a pattern.
        public var expected: [String]
        /// What the event has there, as it is written in the event; at most ten values.
        public var found: [String]
        /// How many values it has there.
        public var foundCount: Int
        /// A remark on a likely mistake: another case, another type, a step that is missing; or the fields that pass
        /// in other array elements.
        public var hint: String?

        static let mostFound = 10

        public var description: String {
            let wanted = expected.count == 1 ? expected[0] : "one of \(Self.list(expected, of: expected.count))"
            let found = Self.list(found, of: foundCount)
            let sentence: String
            switch reason {
            case .missing: sentence = "\"\(path)\" is missing; expected \(wanted)"
            case .present: sentence = "\"\(path)\" must not be there; found \(found)"
            case .value, .differentElements: sentence = "\"\(path)\": expected \(wanted), found \(found)"
            case .undecided:
                sentence =
                    "\"\(path)\": not decided: its values and those of the fields before it lie in arrays with too many combinations of elements"
            }
            return hint.map { "\(sentence) (\($0))" } ?? sentence
        }

        private static func list(_ items: [String], of count: Int) -> String {
            let shown = items.prefix(mostFound)
            return shown.joined(separator: ", ") + (count > shown.count ? " and \(count - shown.count) more" : "")
        }
    }

    /// Whether the event matches.
    public var matches: Bool
    /// For an event that does not match: the first failing field of the branch that came nearest.
    public var failure: Failure?
    /// The other fields of that branch that fail, each looked at by itself.
    public var otherFailures: [Failure] = []
    /// The fields of that branch, or of the branch that matches, that pass.
    public var passedFields: Int
    /// All fields of that branch.
    public var totalFields: Int
    /// Which branch of `$or` that is, from 0.
    public var branch: Int

    /// Whether no answer was found; then `matches` is false, and `failure` says where.
    public var isUndecided: Bool { failure?.reason == .undecided }

    public var description: String {
        guard let failure else { return "matches (\(totalFields) of \(totalFields) fields)" }
        if isUndecided { return "is undecided: \(failure)" }
        // The values of an `all-of` are conditions on one field.
        var others: [String] = []
        for other in otherFailures where other.path != failure.path && !others.contains(other.path) {
            others.append(other.path)
        }
        let names = others.map { "\"\($0)\"" }.joined(separator: ", ")
        return "does not match (\(passedFields) of \(totalFields) fields pass): \(failure)"
            + (names.isEmpty ? "" : "; \(others.count == 1 ? "does" : "do") not pass either: \(names)")
    }
}

extension EventPattern {
    /// Tells why an event matches or does not.
    public func explain(_ event: [UInt8]) throws(EventError) -> Explanation {
        try event.withUnsafeBufferPointer { bytes throws(EventError) in try Explainer(self).explain(bytes) }
    }

    /// Tells why an event matches or does not.
    public func explain(_ event: String) throws(EventError) -> Explanation { try explain(Array(event.utf8)) }
}
