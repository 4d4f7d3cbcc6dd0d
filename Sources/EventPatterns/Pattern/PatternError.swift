/// Why a pattern is refused.
///
/// `message` is the reference's wording (event-ruler's, which EventBridge repeats after "Reason: "), so that a pattern
/// tested here fails with the words it would fail with there.
public struct PatternError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The family of a refusal; `message` tells the particular.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case malformedJSON, invalidStructure, invalidMatcher, limitExceeded
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// The text is not JSON up to the end of its first value.
        public static let malformedJSON = Code(.malformedJSON)
        /// JSON, but not objects that end in non-empty arrays, or a `$or` of the wrong shape.
        public static let invalidStructure = Code(.invalidStructure)
        /// An operator that does not exist or whose operand is wrong.
        public static let invalidMatcher = Code(.invalidMatcher)
        /// Correct, but larger than a rule may be: nesting, paths, combinations, complexity.
        public static let limitExceeded = Code(.limitExceeded)

        public var description: String { kind.rawValue }
    }

    /// One step from the pattern's root to the place of a mistake.
    public enum Step: Sendable, Hashable {
        /// The value of a field, or of `$or`.
        case member(String)
        /// One of the patterns in the list of `$or`, or of the values in a field's list, from 0.
        case element(Int)
    }

    /// The family of the refusal.
    public var code: Code
    /// What is wrong, in the reference's words.
    public var message: String
    /// Where: the number of bytes before the end of the offending token.
    public var offset: Int
    /// Where: line and column from 1, the column in bytes.
    public var line: Int
    /// See `line`.
    public var column: Int
    /// The way to the field or the value in its list that is wrong; empty where it is the pattern as a whole.
    public var path: [Step] = []
    /// The field that is wrong, its names joined by dots; empty where it is the pattern as a whole.
    public var field: String {
        path.compactMap { step in
            guard case .member(let name) = step, name != "$or" else { return nil }
            return name
        }.joined(separator: ".")
    }

    init(_ code: Code, _ message: String, offset: Int = 0, line: Int = 1, column: Int = 1) {
        self.code = code
        self.message = Self.shortened(message)
        self.offset = offset
        self.line = line
        self.column = column
    }

    public var description: String { "\(message) (line \(line), column \(column))" }

    /// The sentence the service answers with (`InvalidEventPatternException`).
    public var eventBridgeDescription: String {
        "Event pattern is not valid. Reason: \(message)\n at [Source: (String); line: \(line), column: \(column)]"
    }

    /// Messages repeat what they are about, and a pattern may have a number of megabytes.
    private static func shortened(_ message: String) -> String {
        guard message.utf8.count > 2_000, message.count > 2_000 else { return message }
        return message.prefix(1_000) + "…" + message.suffix(200)
    }
}
