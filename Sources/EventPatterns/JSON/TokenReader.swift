/// A strict pull parser over one JSON text, for patterns: it hands out the same tokens in the same order as the
/// reference's parser, because the reference's error messages depend on which token it looked at last.
///
/// Text after the first value is never read. Nesting is bounded by `maximumDepth`.
struct TokenReader: ~Copyable {
    enum Token: Equatable {
        case startObject, endObject, startArray, endArray, fieldName, string, number, `true`, `false`, null

        var isNumeric: Bool { self == .number }
    }

    private enum Expectation { case value, keyOrEnd, elementOrEnd, separatorOrEnd, nothing }

    let base: UnsafePointer<UInt8>
    let count: Int
    let maximumDepth: Int
    var position = 0
    private var expectation = Expectation.value
    /// One entry an open container: true for an object.
    private var containers: [Bool] = []
    /// The decoded string or field name, or the number as written.
    var text: [UInt8] = []
    private(set) var token = Token.null

    /// `base` must stay valid as long as the reader is used.
    init(base: UnsafePointer<UInt8>, count: Int, maximumDepth: Int) {
        self.base = base
        self.count = count
        self.maximumDepth = maximumDepth
    }

    /// The token's text as the reference prints it in messages.
    var printed: String {
        switch token {
        case .startObject: "{"
        case .endObject: "}"
        case .startArray: "["
        case .endArray: "]"
        case .true: "true"
        case .false: "false"
        case .null: "null"
        case .fieldName, .string, .number: String(decoding: text, as: UTF8.self)
        }
    }

    /// Whether there is any token at all.
    mutating func isAtEnd() -> Bool {
        skipWhitespace()
        return position >= count
    }

    /// A refusal located at the last byte read.
    func failure(_ code: PatternError.Code, _ message: String) -> PatternError {
        var line = 1
        var lineStart = 0
        let end = min(position, count)
        for index in 0..<end where base[index] == 0x0A {
            line += 1
            lineStart = index + 1
        }
        return PatternError(code, message, offset: end, line: line, column: end - lineStart + 1)
    }

    func syntax(_ message: String) -> PatternError { failure(.malformedJSON, message) }

    private mutating func skipWhitespace() {
        while position < count {
            switch base[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    func peek() throws(PatternError) -> UInt8 {
        guard position < count else {
            throw syntax(
                containers.isEmpty
                    ? "Unexpected end-of-input"
                    : "Unexpected end-of-input within/between \(containers.last == true ? "Object" : "Array") entries")
        }
        return base[position]
    }

    /// The next token.
    mutating func next() throws(PatternError) -> Token {
        token = try advance()
        return token
    }

    private mutating func advance() throws(PatternError) -> Token {
        skipWhitespace()
        var byte = try peek()
        switch expectation {
        case .nothing: throw syntax("Unexpected content after the value")
        case .keyOrEnd:
            if byte == UInt8(ascii: "}") { return close() }
            return try fieldName()
        case .separatorOrEnd:
            let inObject = containers.last == true
            if byte == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) { return close() }
            guard byte == UInt8(ascii: ",") else {
                throw syntax(
                    "\(unexpected(byte)): was expecting comma to separate \(inObject ? "Object" : "Array") entries")
            }
            position += 1
            skipWhitespace()
            if inObject { return try fieldName() }
        case .elementOrEnd:
            if byte == UInt8(ascii: "]") { return close() }
        case .value: break
        }
        byte = try peek()
        return try value(byte)
    }

    private mutating func close() -> Token {
        position += 1
        let wasObject = containers.removeLast()
        expectation = containers.isEmpty ? .nothing : .separatorOrEnd
        return wasObject ? .endObject : .endArray
    }

    private mutating func fieldName() throws(PatternError) -> Token {
        let byte = try peek()
        guard byte == UInt8(ascii: "\"") else {
            throw syntax("\(unexpected(byte)): was expecting double-quote to start field name")
        }
        try string()
        skipWhitespace()
        let separator = try peek()
        guard separator == UInt8(ascii: ":") else {
            throw syntax("\(unexpected(separator)): was expecting a colon to separate field name and value")
        }
        position += 1
        expectation = .value
        return .fieldName
    }

    private mutating func value(_ byte: UInt8) throws(PatternError) -> Token {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            position += 1
            let isObject = byte == UInt8(ascii: "{")
            if containers.count == maximumDepth {
                throw failure(
                    .limitExceeded,
                    "Document nesting depth (\(maximumDepth + 1)) exceeds the maximum allowed (\(maximumDepth))")
            }
            containers.append(isObject)
            expectation = isObject ? .keyOrEnd : .elementOrEnd
            return isObject ? .startObject : .startArray
        case UInt8(ascii: "\""):
            try string()
            expectation = containers.isEmpty ? .nothing : .separatorOrEnd
            return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try number()
            expectation = containers.isEmpty ? .nothing : .separatorOrEnd
            return .number
        default:
            let token = try literal(byte)
            expectation = containers.isEmpty ? .nothing : .separatorOrEnd
            return token
        }
    }

    private mutating func literal(_ byte: UInt8) throws(PatternError) -> Token {
        let start = position
        while position < count, isWordByte(base[position]) { position += 1 }
        let word = String(decoding: UnsafeBufferPointer(start: base + start, count: position - start), as: UTF8.self)
        switch word {
        case "true": return .true
        case "false": return .false
        case "null": return .null
        case "NaN", "Infinity", "INF": throw nonStandard(word)
        case "":
            if byte == UInt8(ascii: "/") {
                throw syntax(
                    "\(unexpected(byte)): maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"
                )
            }
            throw syntax(
                "\(unexpected(byte)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
            )
        default:
            throw syntax(
                "Unrecognized token '\(word)': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
            )
        }
    }

    func nonStandard(_ word: String) -> PatternError {
        syntax("Non-standard token '\(word)': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow")
    }

    func isWordByte(_ byte: UInt8) -> Bool {
        byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x5F || byte >= 0x80
    }
}
