import CLinux

/// What is wrong with a JSON text, and where.
struct JSONFault: Error {
    enum Problem {
        case expectedObject, expectedName, expectedColon, expectedCommaOrBrace, expectedCommaOrBracket, expectedValue
        case controlCharacter, badEscape, loneSurrogate, badNumber, badLiteral, tooDeep, duplicateName
        case textAfterRecord, invalidUTF8, tooManyValues, tooManyFields
        /// Of a field of a record, which is to be a column.
        case emptyName
        /// A list goes on where a record must come.
        case expectedRecord
        /// Well-formed, but not what the columns can hold; the one who throws it keeps the details.
        case conflict
        /// A record that is to be passed over: nothing is wrong that was not said before.
        case skipped
    }

    var problem: Problem
    /// Offset in the scanned memory.
    var offset: Int

    init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    /// The problem in words that follow "at byte n".
    var words: String {
        switch problem {
        case .expectedObject: "a record must be an object, in { and }"
        case .expectedName: "a field name in double quotes must come here"
        case .expectedColon: "a colon must come here"
        case .expectedCommaOrBrace: "a comma or } must come here"
        case .expectedCommaOrBracket: "a comma or ] must come here"
        case .expectedValue: "a value must come here"
        case .controlCharacter:
            "a string has a line end or another control character, which must be escaped, or is not closed"
        case .badEscape: "a string has an escape that JSON does not know"
        case .loneSurrogate: "a string has one half of a surrogate pair"
        case .badNumber: "a number is not written as JSON wants it"
        case .badLiteral: "only true, false and null are words of JSON"
        case .tooDeep: "values are nested more than \(JSONScanner.maximumDepth) deep"
        case .duplicateName: "a field occurs twice in its object"
        case .textAfterRecord: "text follows the record"
        case .invalidUTF8: "an invalid byte of UTF-8"
        case .tooManyValues: "a record has more nested values than one may have"
        case .tooManyFields: "records have more than \(JSONSurveyor.maximumColumns) different fields"
        case .emptyName: "a field has an empty name"
        case .expectedRecord: "a record must come here, after the comma or the bracket"
        case .conflict: "the value does not fit its column"
        case .skipped: "the record was left out before"
        }
    }
}

/// Walks over JSON text as RFC 8259 defines it, token by token, without checking UTF-8.
///
/// 64 bytes after the text must be readable. They need a character that no token has (zero, or a line end where lines
/// end records), so that no loop has to look for the end.
struct JSONScanner {
    /// Deepest nesting of a record; it bounds recursion.
    static let maximumDepth = 128

    let bytes: UnsafePointer<UInt8>
    var position: Int
    /// Whether a line feed ends a record, and so is no white space.
    let endsAtLineFeed: Bool

    @inline(__always)
    var byte: UInt8 { bytes[position] }

    @inline(__always)
    mutating func skipSpace() {
        if bytes[position] <= 0x20 { skipSpaces() }
    }

    @inline(never)
    private mutating func skipSpaces() {
        while true {
            switch bytes[position] {
            case 0x20, 0x09, 0x0D: position &+= 1
            case 0x0A where !endsAtLineFeed: position &+= 1
            default: return
            }
        }
    }

    /// Passes over a string, which begins here.
    /// - Returns: whether it has no escapes.
    @inline(__always)
    mutating func string() throws(JSONFault) -> Bool {
        position &+= 1 &+ Int(truncatingIfNeeded: clinux_plain_text(bytes + position + 1))
        if bytes[position] == 0x22 {
            position &+= 1
            return true
        }
        try escapedString()
        return false
    }

    @inline(never)
    private mutating func escapedString() throws(JSONFault) {
        while bytes[position] == 0x5C {
            let escape = position
            switch bytes[position &+ 1] {
            case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: position &+= 2
            case 0x75:
                let first = try hexadecimal(at: position + 2)
                position &+= 6
                if first & 0xFC00 == 0xDC00 { throw JSONFault(.loneSurrogate, at: escape) }
                if first & 0xFC00 == 0xD800 {
                    guard bytes[position] == 0x5C else { throw JSONFault(.loneSurrogate, at: stop(position, escape)) }
                    guard bytes[position + 1] == 0x75 else {
                        throw JSONFault(.loneSurrogate, at: stop(position + 1, escape))
                    }
                    guard try hexadecimal(at: position + 2) & 0xFC00 == 0xDC00 else {
                        throw JSONFault(.loneSurrogate, at: escape)
                    }
                    position &+= 6
                }
            default: throw JSONFault(.badEscape, at: stop(position + 1, escape))
            }
            position &+= Int(truncatingIfNeeded: clinux_plain_text(bytes + position))
        }
        guard bytes[position] == 0x22 else { throw JSONFault(.controlCharacter, at: position) }
        position &+= 1
    }

    /// Where to report a fault: the place itself where the text may simply be cut off there.
    private func stop(_ place: Int, _ start: Int) -> Int {
        bytes[place] == 0 ? place : start
    }

    private func hexadecimal(at start: Int) throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for offset in start..<start + 4 {
            guard let digit = JSONText.hexadecimal(bytes[offset]) else { throw JSONFault(.badEscape, at: offset) }
            value = value << 4 | digit
        }
        return value
    }

    /// Passes over a number, which begins here.
    @inline(__always)
    mutating func number() throws(JSONFault) {
        if bytes[position] == 0x2D { position &+= 1 }
        let first = bytes[position]
        if first == 0x30 {
            position &+= 1
        } else {
            guard first &- 0x31 <= 8 else { throw JSONFault(.badNumber, at: position) }
            skipDigits()
        }
        if bytes[position] == 0x2E {
            position &+= 1
            guard bytes[position] &- 0x30 <= 9 else { throw JSONFault(.badNumber, at: position) }
            skipDigits()
        }
        if bytes[position] | 0x20 == 0x65 { try exponent() }
        // A number that goes on (`007`, `1.5.2`, `12abc`) is none; what follows decides otherwise.
    }

    @inline(never)
    private mutating func exponent() throws(JSONFault) {
        position += 1
        if bytes[position] == 0x2B || bytes[position] == 0x2D { position += 1 }
        guard bytes[position] &- 0x30 <= 9 else { throw JSONFault(.badNumber, at: position) }
        skipDigits()
    }

    @inline(__always)
    private mutating func skipDigits() {
        while true {
            // Bytes become digit values; the lowest byte that is none ends the run. Carries only spoil bytes after it.
            let word = loadWord(bytes + position) ^ 0x3030_3030_3030_3030
            let others = ((word &+ 0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080
            if others != 0 {
                position &+= others.trailingZeroBitCount &>> 3
                return
            }
            position &+= 8
        }
    }

    /// Passes over `true`, `false` or `null`.
    @inline(__always)
    mutating func literal() throws(JSONFault) {
        let word = UInt32(truncatingIfNeeded: loadWord(bytes + position))
        if word == 0x6C6C_756E || word == 0x6575_7274 {
            position &+= 4
        } else if word == 0x736C_6166, bytes[position &+ 4] == 0x65 {
            position &+= 5
        } else {
            throw badLiteral()
        }
    }

    @inline(never)
    private func badLiteral() -> JSONFault {
        for word in ["true", "false", "null"] where word.utf8.first == bytes[position] {
            for (offset, byte) in word.utf8.enumerated() where bytes[position + offset] != byte {
                return JSONFault(.badLiteral, at: position + offset)
            }
        }
        return JSONFault(.expectedValue, at: position)
    }

    /// Passes over a value of any kind.
    /// - Parameter depth: of the value itself, 1 for a record.
    mutating func skipValue(depth: Int) throws(JSONFault) {
        switch bytes[position] {
        case 0x22: _ = try string()
        case 0x7B:
            guard depth <= Self.maximumDepth else { throw JSONFault(.tooDeep, at: position) }
            position += 1
            skipSpace()
            if bytes[position] == 0x7D {
                position += 1
                return
            }
            while true {
                guard bytes[position] == 0x22 else { throw JSONFault(.expectedName, at: position) }
                _ = try string()
                try colon()
                try skipValue(depth: depth + 1)
                if try endsObject() { return }
            }
        case 0x5B:
            guard depth <= Self.maximumDepth else { throw JSONFault(.tooDeep, at: position) }
            position += 1
            skipSpace()
            if bytes[position] == 0x5D {
                position += 1
                return
            }
            while true {
                try skipValue(depth: depth + 1)
                if try endsList() { return }
            }
        case 0x2D, 0x30...0x39: try number()
        default: try literal()
        }
    }

    /// Passes over the colon after a name and white space around it.
    @inline(__always)
    mutating func colon() throws(JSONFault) {
        skipSpace()
        guard bytes[position] == 0x3A else { throw JSONFault(.expectedColon, at: position) }
        position &+= 1
        skipSpace()
    }

    /// Passes over the comma or brace after a value of an object.
    /// - Returns: whether it was the brace.
    @inline(__always)
    mutating func endsObject() throws(JSONFault) -> Bool { try ends(0x7D, else: .expectedCommaOrBrace) }

    /// Passes over the comma or bracket after a value of a list.
    /// - Returns: whether it was the bracket.
    @inline(__always)
    mutating func endsList() throws(JSONFault) -> Bool { try ends(0x5D, else: .expectedCommaOrBracket) }

    @inline(__always)
    private mutating func ends(_ closing: UInt8, else problem: JSONFault.Problem) throws(JSONFault) -> Bool {
        skipSpace()
        let byte = bytes[position]
        if byte == 0x2C {
            position &+= 1
            skipSpace()
            return false
        }
        guard byte == closing else { throw JSONFault(problem, at: position) }
        position &+= 1
        return true
    }
}
