/// Reads one JSON object for its texts and numbers (RFC 8259). Nested values are stepped over.
struct FlatJSON {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// By name, numbers as they are written; nil where it is no object.
    mutating func members() -> [String: String]? {
        var members: [String: String] = [:]
        guard take("{") else { return nil }
        if take("}") { return atEnd ? members : nil }
        repeat {
            skipBlanks()
            guard let name = text(), take(":") else { return nil }
            skipBlanks()
            guard let first = peek else { return nil }
            if first == UInt8(ascii: "\"") {
                guard let value = text() else { return nil }
                members[name] = value
            } else if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
                guard skipNested() else { return nil }
            } else {
                let start = position
                while let byte = peek, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}"), !Blank.isBlank(byte) {
                    position += 1
                }
                members[name] = String(decoding: bytes[start..<position], as: UTF8.self)
            }
        } while take(",")
        return take("}") && atEnd ? members : nil
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private var atEnd: Bool {
        mutating get {
            skipBlanks()
            return position == bytes.count
        }
    }

    private mutating func skipBlanks() {
        while let byte = peek, Blank.isBlank(byte) { position += 1 }
    }

    private mutating func take(_ symbol: Character) -> Bool {
        skipBlanks()
        guard let byte = peek, byte == symbol.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func skipNested() -> Bool {
        var depth = 0
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                guard text() != nil else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
            if depth == 0 { return true }
        }
        return false
    }

    private mutating func text() -> String? {
        guard peek == UInt8(ascii: "\"") else { return nil }
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            if byte == UInt8(ascii: "\"") { return String(validating: text, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard let escaped = peek else { return nil }
            position += 1
            switch escaped {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escaped)
            case UInt8(ascii: "b"): text.append(8)
            case UInt8(ascii: "f"): text.append(12)
            case UInt8(ascii: "n"): text.append(10)
            case UInt8(ascii: "r"): text.append(13)
            case UInt8(ascii: "t"): text.append(9)
            case UInt8(ascii: "u"):
                guard let scalar = scalar() else { return nil }
                text.append(contentsOf: String(Character(scalar)).utf8)
            default: return nil
            }
        }
        return nil
    }

    /// What follows `\u`, with the second half of a surrogate pair.
    private mutating func scalar() -> Unicode.Scalar? {
        guard let high = hexadecimal() else { return nil }
        guard 0xD800...0xDBFF ~= high else { return Unicode.Scalar(high) }
        guard peek == UInt8(ascii: "\\") else { return nil }
        position += 1
        guard peek == UInt8(ascii: "u") else { return nil }
        position += 1
        guard let low = hexadecimal(), 0xDC00...0xDFFF ~= low else { return nil }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    }

    private mutating func hexadecimal() -> UInt32? {
        guard position + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }
}
