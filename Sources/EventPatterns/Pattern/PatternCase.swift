/// One line of a conformance file: `{"pattern":"…","event":"…"}`, both JSON texts inside strings, with the expected
/// answer as `matches` or as `error` (`pattern` or `event`) and `message`.
package struct PatternCase: Sendable {
    package var group: String
    package var pattern: [UInt8]
    package var event: [UInt8]
    /// The expected answer: true or false; nil if the case expects an error.
    package var matches: Bool?
    /// The side that is wrong, `pattern` or `event`.
    package var error: String?
    /// The expected message where it is part of the contract.
    package var message: String?

    /// Reads a line; fields that are not named above are ignored. Text is kept byte for byte, a byte-order mark
    /// included.
    package init(line: [UInt8]) throws(PatternError) {
        self = try line.withUnsafeBufferPointer { bytes throws(PatternError) in
            guard let base = bytes.baseAddress else { throw PatternError(.malformedJSON, "Empty case") }
            return try PatternCase(base, bytes.count)
        }
    }

    private init(_ base: UnsafePointer<UInt8>, _ count: Int) throws(PatternError) {
        group = ""
        pattern = []
        event = []
        var reader = TokenReader(base: base, count: count, maximumDepth: 64)
        guard try reader.next() == .startObject else {
            throw reader.failure(.invalidStructure, "A case is a JSON object with \"pattern\" and \"event\"")
        }
        while try reader.next() == .fieldName {
            let name = String(decoding: reader.text, as: UTF8.self)
            let token = try reader.next()
            switch (name, token) {
            case ("pattern", .string): pattern = reader.text
            case ("event", .string): event = reader.text
            case ("group", .string): group = String(decoding: reader.text, as: UTF8.self)
            case ("error", .string): error = String(decoding: reader.text, as: UTF8.self)
            case ("message", .string): message = String(decoding: reader.text, as: UTF8.self)
            case ("matches", .true): matches = true
            case ("matches", .false): matches = false
            case (_, .startObject), (_, .startArray):
                throw reader.failure(.invalidStructure, "Field \"\(name)\" of a case must be a string or a boolean")
            default: break
            }
        }
    }

    /// The engine's answer to the case.
    package var answer: CaseAnswer { CaseAnswer.answer(pattern: pattern, event: event) }

    /// Whether an answer is the expected one.
    package func accepts(_ answer: CaseAnswer) -> Bool {
        switch answer {
        case .match(let found): matches == found
        case .patternError(let found): error == "pattern" && (message == nil || message == found)
        case .eventError(let found): error == "event" && (message == nil || message == found)
        }
    }
}
