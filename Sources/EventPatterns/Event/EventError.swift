/// Why an event cannot be matched.
public struct EventError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The family of a refusal.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case notAnObject, malformedJSON, tooLarge, tooManyCombinations
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// The first value of the text is not a JSON object.
        public static let notAnObject = Code(.notAnObject)
        /// The text breaks JSON's grammar before its first object ends.
        public static let malformedJSON = Code(.malformedJSON)
        /// The event has 2 GiB or more.
        public static let tooLarge = Code(.tooLarge)
        /// A pattern's fields lie in so many arrays that no answer was found within the budget of steps. Only a pattern
        /// matched by itself fails with it; a matcher names such rules and decides the others.
        public static let tooManyCombinations = Code(.tooManyCombinations)

        public var description: String { kind.rawValue }
    }

    /// The family of the refusal.
    public var code: Code
    /// What is wrong, where, and what was expected.
    public var message: String
    /// The byte at which the scan stopped.
    public var offset: Int

    public var description: String { message }

    init(_ code: Code, _ message: String, offset: Int) {
        self.code = code
        self.message = message
        self.offset = offset
    }

    /// A single pattern could not be decided.
    static let undecided = EventError(
        .tooManyCombinations, "Event has too many combinations of array elements for one rule", offset: 0)

    /// Words for a fault of the scanner.
    init(_ fault: ScanFault) {
        let place = " at byte \(fault.offset)"
        switch fault.reason {
        case .notAnObject: self.init(.notAnObject, "Event must be a JSON object", offset: fault.offset)
        case .tooLarge: self.init(.tooLarge, "Event has 2 GiB or more", offset: fault.offset)
        case .unexpectedEnd:
            self.init(.malformedJSON, "Event ends inside a value\(place)", offset: fault.offset)
        case .expectedKey:
            self.init(.malformedJSON, "Event has no quoted field name\(place)", offset: fault.offset)
        case .expectedColon:
            self.init(.malformedJSON, "Event has no ':' after a field name\(place)", offset: fault.offset)
        case .expectedComma:
            self.init(.malformedJSON, "Event has neither ',' nor a closing bracket\(place)", offset: fault.offset)
        case .expectedValue:
            self.init(.malformedJSON, "Event has no valid JSON value\(place)", offset: fault.offset)
        case .badNumber:
            self.init(.malformedJSON, "Event has a malformed number\(place)", offset: fault.offset)
        case .badEscape:
            self.init(.malformedJSON, "Event has an unknown escape in a string\(place)", offset: fault.offset)
        case .controlCharacter:
            self.init(.malformedJSON, "Event has a raw control character in a string\(place)", offset: fault.offset)
        case .badUTF8:
            self.init(.malformedJSON, "Event has text that is not UTF-8\(place)", offset: fault.offset)
        }
    }
}

/// A fault in the scanner's own terms: trivial, so that throwing it costs nothing on the way that does not throw.
struct ScanFault: Error {
    enum Reason: UInt8 {
        case notAnObject, tooLarge, unexpectedEnd, expectedKey, expectedColon, expectedComma
        case expectedValue, badNumber, badEscape, controlCharacter, badUTF8
    }

    var reason: Reason
    var offset: Int

    init(_ reason: Reason, _ offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}
