extension TokenReader {
    mutating func number() throws(PatternError) {
        let start = position
        if base[position] == UInt8(ascii: "-") {
            position += 1
            let byte = try peek()
            if byte == UInt8(ascii: "I") {
                while position < count, isWordByte(base[position]) { position += 1 }
                throw nonStandard(
                    String(decoding: UnsafeBufferPointer(start: base + start, count: position - start), as: UTF8.self))
            }
            guard isDigit(byte) else {
                throw syntax(
                    "\(unexpected(byte)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value"
                )
            }
        }
        if base[position] == UInt8(ascii: "0") {
            position += 1
            if position < count, isDigit(base[position]) {
                throw syntax("Invalid numeric value: Leading zeroes not allowed")
            }
        } else {
            skipDigits()
        }
        if position < count, base[position] == UInt8(ascii: ".") {
            position += 1
            guard isDigit(try peek()) else { throw syntax("Decimal point not followed by a digit") }
            skipDigits()
        }
        if position < count, base[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            let sign = try peek()
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            guard isDigit(try peek()) else { throw syntax("Exponent indicator not followed by a digit") }
            skipDigits()
        }
        if position < count {
            switch base[position] {
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"): break
            default:
                throw syntax(
                    "\(unexpected(base[position])): Expected space separating root-level values or a separator after a number"
                )
            }
        }
        text = Array(UnsafeBufferPointer(start: base + start, count: position - start))
    }

    func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    mutating func skipDigits() {
        while position < count, isDigit(base[position]) { position += 1 }
    }

    /// A character as the reference's parser describes it.
    private func described(_ byte: UInt8) -> String {
        let (scalar, _) = UTF8Reading.scalar(base + position, count - position)
        let code = scalar?.value ?? UInt32(byte)
        if code < 0x20 { return "(CTRL-CHAR, code \(code))" }
        let shown = scalar.map { String(Character($0)) } ?? "?"
        return code > 255 ? "'\(shown)' (code \(code) / 0x\(String(code, radix: 16)))" : "'\(shown)' (code \(code))"
    }

    func unexpected(_ byte: UInt8) -> String { "Unexpected character (\(described(byte)))" }

    /// Reads a string at the opening quote into `text`.
    mutating func string() throws(PatternError) {
        position += 1
        text.removeAll(keepingCapacity: true)
        while true {
            guard position < count else {
                throw syntax("Unexpected end-of-input: was expecting closing quote for a string value")
            }
            let byte = base[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"):
                position += 1
                try escape()
            case 0..<0x20:
                throw syntax(
                    "Illegal unquoted character (\(described(byte))): has to be escaped using backslash to be included in string value"
                )
            case 0x20..<0x80:
                text.append(byte)
                position += 1
            default:
                let length = UTF8Reading.sequenceLength(base + position, count - position)
                if length == 0 { throw syntax("Invalid UTF-8 byte 0x\(String(byte, radix: 16))") }
                for offset in 0..<length { text.append(base[position + offset]) }
                position += length
            }
        }
    }

    mutating func escape() throws(PatternError) {
        let byte = try peek()
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try hexUnit()
            if unit & 0xFC00 == 0xD800, position + 6 <= count, base[position] == UInt8(ascii: "\\"),
                base[position + 1] == UInt8(ascii: "u"), let low = JSONText.hexUnit(base + position + 2),
                low & 0xFC00 == 0xDC00
            {
                position += 6
                JSONText.append(0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF), to: &text)
            } else if unit & 0xF800 == 0xD800 {
                text.append(JSONText.strayInPattern)
            } else {
                JSONText.append(unit, to: &text)
            }
        default:
            throw syntax("Unrecognized character escape '\(String(decoding: [byte], as: UTF8.self))' (code \(byte))")
        }
    }

    mutating func hexUnit() throws(PatternError) -> UInt32 {
        guard position + 4 <= count, let unit = JSONText.hexUnit(base + position) else {
            throw syntax("Unexpected character in a \\u escape: expected four hexadecimal digits")
        }
        position += 4
        return unit
    }
}
