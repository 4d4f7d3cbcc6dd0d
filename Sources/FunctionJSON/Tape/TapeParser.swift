import CLinux

/// RFC 8259, strictly, in one pass without recursion: nodes are appended as their values are met, and a container's
/// node is completed when it closes.
struct TapeParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let maximumDepth: Int
    private var position = 0
    private var nodes: [TapeNode] = []
    private var open: [Int] = []

    init(bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func parse() throws(JSONError) -> [TapeNode] {
        guard bytes.count <= Int(Int32.max) else {
            throw error(.tooLarge, "\(bytes.count) bytes are more than a document may have (2147483647)", at: 0)
        }
        nodes.reserveCapacity(bytes.count / 12 + 8)
        skipWhiteSpace()
        repeat {
            try value()
            try closeFinished()
        } while !open.isEmpty
        skipWhiteSpace()
        if position < bytes.count {
            throw error(.trailingBytes, "expected the end after the value, found \(found())", at: position)
        }
        return nodes
    }

    /// One scalar, one empty container, or the opening of a container up to its first value.
    @inline(__always)
    private mutating func value() throws(JSONError) {
        var opening = true
        while opening {
            opening = false
            guard position < bytes.count else { throw unexpected("a value") }
            switch bytes[position] {
            case UInt8(ascii: "\""): try string()
            case UInt8(ascii: "{"):
                try push(.object)
                if take(UInt8(ascii: "}")) {
                    pop()
                } else {
                    try name()
                    opening = true
                }
            case UInt8(ascii: "["):
                try push(.array)
                if take(UInt8(ascii: "]")) {
                    pop()
                } else {
                    opening = true
                }
            case UInt8(ascii: "t"): try literal("true", .true)
            case UInt8(ascii: "f"): try literal("false", .false)
            case UInt8(ascii: "n"): try literal("null", .null)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
            default: throw unexpected("a value")
            }
        }
    }

    /// After a value: counts it, then closes containers until another value must follow or nothing is open.
    @inline(__always)
    private mutating func closeFinished() throws(JSONError) {
        while let container = open.last {
            nodes[container].count += 1
            skipWhiteSpace()
            guard position < bytes.count else {
                throw unexpected(nodes[container].kind == .object ? "',' or '}'" : "',' or ']'")
            }
            let byte = bytes[position]
            if byte == UInt8(ascii: ",") {
                position += 1
                skipWhiteSpace()
                if nodes[container].kind == .object { try name() }
                return
            }
            guard byte == (nodes[container].kind == .object ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw unexpected(nodes[container].kind == .object ? "',' or '}'" : "',' or ']'")
            }
            position += 1
            pop()
        }
    }

    private mutating func push(_ kind: JSONKind) throws(JSONError) {
        guard open.count < maximumDepth else {
            throw error(.tooDeep, "more than \(maximumDepth) nested arrays and objects", at: position)
        }
        open.append(nodes.count)
        nodes.append(TapeNode(offset: UInt32(position), length: 0, next: 0, count: 0, kind: kind, escaped: false))
        position += 1
        skipWhiteSpace()
    }

    private mutating func pop() {
        let container = open.removeLast()
        nodes[container].length = UInt32(position) - nodes[container].offset
        nodes[container].next = UInt32(nodes.count)
    }

    /// A member's name, its colon, and the space up to its value.
    private mutating func name() throws(JSONError) {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw unexpected("a member name in quotes")
        }
        try string()
        skipWhiteSpace()
        guard take(UInt8(ascii: ":")) else { throw unexpected("':'") }
        skipWhiteSpace()
    }

    private mutating func literal(_ text: StaticString, _ kind: JSONKind) throws(JSONError) {
        let count = text.utf8CodeUnitCount
        for index in 0..<count {
            guard position + index < bytes.count else {
                throw error(.unexpectedEnd, "expected '\(text)', the input ends", at: bytes.count)
            }
            guard bytes[position + index] == text.utf8Start[index] else {
                throw error(.unexpectedByte, "expected '\(text)'", at: position + index)
            }
        }
        append(kind, position, count)
        position += count
    }

    private mutating func string() throws(JSONError) {
        let start = position + 1
        var index = start
        var escaped = false
        let count = bytes.count
        scan: while true {
            // Sixteen bytes at a time while none is a quote, a backslash, a control character or beyond ASCII.
            index += Int(clinux_plain_ascii(bytes.baseAddress.unsafelyUnwrapped + index, UInt64(count - index)))
            if index + 8 <= count {
                let word = UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped)
                    .loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if !Self.needsLook(word) { index += 8 }
            }
            while index < count {
                let byte = bytes[index]
                if byte == UInt8(ascii: "\"") { break scan }
                if byte == UInt8(ascii: "\\") {
                    escaped = true
                    index = try escape(index)
                } else if byte < 0x20 {
                    throw error(
                        .controlCharacter, "a control character (\(Self.hex(byte))) in a string must be escaped",
                        at: index)
                } else if byte < 0x80 {
                    index += 1
                    if index & 7 == 0 { continue scan }
                } else {
                    let length = StringText.sequenceLength(bytes, index)
                    guard length > 0 else {
                        throw error(.invalidUTF8, "the string is not UTF-8 (byte \(Self.hex(byte)))", at: index)
                    }
                    index += length
                }
            }
            throw error(.unexpectedEnd, "a string begins at byte \(position) and does not end", at: count)
        }
        append(.string, start, index - start, escaped: escaped)
        position = index + 1
    }

    /// Checks the escape at `index` and returns the index after it.
    private func escape(_ index: Int) throws(JSONError) -> Int {
        guard index + 1 < bytes.count else {
            throw error(.unexpectedEnd, "the input ends in an escape", at: bytes.count)
        }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return index + 2
        case UInt8(ascii: "u"):
            guard let unit = StringText.hex4(bytes, index + 2) else {
                throw error(.invalidEscape, "\\u must be followed by four hex digits", at: index)
            }
            if (0xDC00..<0xE000).contains(unit) {
                throw error(.invalidEscape, "the second half of a surrogate pair stands alone", at: index)
            }
            guard (0xD800..<0xDC00).contains(unit) else { return index + 6 }
            guard index + 8 <= bytes.count, bytes[index + 6] == UInt8(ascii: "\\"),
                bytes[index + 7] == UInt8(ascii: "u"),
                let low = StringText.hex4(bytes, index + 8), (0xDC00..<0xE000).contains(low)
            else { throw error(.invalidEscape, "the first half of a surrogate pair stands alone", at: index) }
            return index + 12
        default: throw error(.invalidEscape, "unknown escape in a string", at: index)
        }
    }

    private mutating func number() throws(JSONError) {
        let start = position
        var index = position
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let integer = digits(&index)
        guard integer > 0 else { throw error(.invalidNumber, "a number needs a digit here", at: index) }
        if integer > 1, bytes[index - integer] == UInt8(ascii: "0") {
            throw error(.invalidNumber, "a number must not begin with 0 and another digit", at: index - integer)
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            guard digits(&index) > 0 else { throw error(.invalidNumber, "a digit must follow the point", at: index) }
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            guard digits(&index) > 0 else { throw error(.invalidNumber, "a digit must follow the exponent", at: index) }
        }
        append(.number, start, index - start)
        position = index
    }

    @inline(__always)
    private func digits(_ index: inout Int) -> Int {
        let start = index
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") < 10 { index += 1 }
        return index - start
    }

    @inline(__always)
    private mutating func append(_ kind: JSONKind, _ offset: Int, _ length: Int, escaped: Bool = false) {
        nodes.append(
            TapeNode(
                offset: UInt32(offset), length: UInt32(length), next: UInt32(nodes.count + 1), count: 0, kind: kind,
                escaped: escaped))
    }

    @inline(__always)
    private mutating func skipWhiteSpace() {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Whether any byte of the word is a quote, a backslash, below 0x20 or above 0x7F (the classic zero-byte tricks).
    @inline(__always)
    private static func needsLook(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let hit = (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word
        return hit & highs != 0
    }

    private func unexpected(_ wanted: String) -> JSONError {
        position < bytes.count
            ? error(.unexpectedByte, "expected \(wanted), found \(found())", at: position)
            : error(.unexpectedEnd, "expected \(wanted), the input ends", at: bytes.count)
    }

    private func found() -> String {
        let byte = bytes[position]
        return (0x21..<0x7F).contains(byte) ? "'\(Character(Unicode.Scalar(byte)))'" : "the byte \(Self.hex(byte))"
    }

    private func error(_ code: JSONError.Code, _ message: String, at offset: Int) -> JSONError {
        JSONError(code, message, at: offset, in: bytes)
    }

    private static func hex(_ byte: UInt8) -> String { "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}
