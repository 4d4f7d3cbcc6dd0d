/// The operand of an ignore-case matcher.
///
/// The reference does not fold: each character of the *pattern* stands for its lower-case or its upper-case form
/// (full mappings, root locale), so "straße" matches "STRASSE" but "STRASSE" does not match "straße". Characters
/// outside the basic plane follow the same rule here; event-ruler loses them.
struct CaseText: Sendable, Hashable {
    /// The text as written.
    var text: [UInt8]
    /// The ASCII-lower-case text, if the pattern is all ASCII: then folding ASCII letters is exact.
    var asciiFolded: [UInt8]?
    /// Otherwise one entry a character: its forms, one or two.
    var alternatives: [Alternative]

    struct Alternative: Sendable, Hashable {
        var lower: [UInt8]
        var upper: [UInt8]
    }

    init(_ text: [UInt8]) {
        self.text = text
        if text.allSatisfy({ $0 < 0x80 }) {
            asciiFolded = text.map(CaseText.asciiLower)
            alternatives = []
            return
        }
        asciiFolded = nil
        alternatives = CaseText.alternatives(of: text)
    }

    /// The two forms of each character.
    static func alternatives(of text: [UInt8]) -> [Alternative] {
        scalars(of: text).map { unit in
            switch unit {
            case .scalar(let scalar):
                Alternative(
                    lower: Array(scalar.properties.lowercaseMapping.utf8),
                    upper: Array(scalar.properties.uppercaseMapping.utf8))
            case .stray(let byte): Alternative(lower: [byte], upper: [byte])
            }
        }
    }

    /// The bytes of a text in lower and in upper case, if a text with either at each place is one of its forms: if no
    /// character has forms that differ in more than one byte.
    static func byteForms(of text: [UInt8]) -> LiteralSearch.Literal? {
        var literal = LiteralSearch.Literal(bytes: [], others: [])
        for alternative in alternatives(of: text) {
            guard alternative.lower.count == alternative.upper.count,
                zip(alternative.lower, alternative.upper).filter({ $0 != $1 }).count <= 1
            else { return nil }
            literal.bytes += alternative.lower
            literal.others += alternative.upper
        }
        return literal
    }

    static func asciiLower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// A scalar, or a byte that stands for half of a surrogate pair and equals nothing.
    enum Unit {
        case scalar(Unicode.Scalar)
        case stray(UInt8)
    }

    static func scalars(of text: [UInt8]) -> [Unit] {
        var units: [Unit] = []
        var index = 0
        while index < text.count {
            let (scalar, length) = text.withUnsafeBufferPointer {
                UTF8Reading.scalar($0.baseAddress.unsafelyUnwrapped + index, $0.count - index)
            }
            if let scalar { units.append(.scalar(scalar)) } else { units.append(.stray(text[index])) }
            index += length
        }
        return units
    }

    /// A key that is the same for every text the pattern matches: upper case of lower case of upper case, scalar by
    /// scalar. Nil if a character's two forms have different keys (then the pattern cannot be looked up by key).
    var foldedKey: [UInt8]? {
        var key: [UInt8] = []
        for alternative in alternatives {
            let lower = CaseText.folded(alternative.lower)
            if lower != CaseText.folded(alternative.upper) { return nil }
            key += lower
        }
        return key
    }

    /// The folded key of a text; see `foldedKey`.
    static func folded(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        text.withUnsafeBufferPointer { fold($0) { result.append($0) } }
        return result
    }

    /// Feeds the folded key of a text to `append`, byte by byte.
    @inline(__always)
    static func fold(_ text: UnsafeBufferPointer<UInt8>, _ append: (UInt8) -> Void) {
        guard let base = text.baseAddress else { return }
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte < 0x80 {
                append(byte &- 0x61 < 26 ? byte & 0xDF : byte)
                index += 1
                continue
            }
            let (scalar, length) = UTF8Reading.scalar(base + index, text.count - index)
            if let scalar {
                for upper in scalar.properties.uppercaseMapping.unicodeScalars {
                    for lower in upper.properties.lowercaseMapping.unicodeScalars {
                        for byte in lower.properties.uppercaseMapping.utf8 { append(byte) }
                    }
                }
            } else {
                append(byte)
            }
            index += length
        }
    }
}

/// Reading of UTF-8 that may hold stray bytes.
enum UTF8Reading {
    /// The scalar at `base` and the number of its bytes; nil and 1 for a byte that starts none.
    static func scalar(_ base: UnsafePointer<UInt8>, _ count: Int) -> (Unicode.Scalar?, Int) {
        let length = sequenceLength(base, count)
        guard length > 0 else { return (nil, 1) }
        let first = UInt32(base[0])
        switch length {
        case 1: return (Unicode.Scalar(first), 1)
        case 2: return (Unicode.Scalar((first & 0x1F) << 6 | UInt32(base[1] & 0x3F)), 2)
        case 3:
            return (Unicode.Scalar((first & 0x0F) << 12 | UInt32(base[1] & 0x3F) << 6 | UInt32(base[2] & 0x3F)), 3)
        default:
            let high = (first & 0x07) << 18 | UInt32(base[1] & 0x3F) << 12
            return (Unicode.Scalar(high | UInt32(base[2] & 0x3F) << 6 | UInt32(base[3] & 0x3F)), 4)
        }
    }

    /// The length of the well-formed sequence at `base` (RFC 3629, table 3-7 of Unicode), 0 if there is none.
    static func sequenceLength(_ base: UnsafePointer<UInt8>, _ count: Int) -> Int {
        guard count > 0 else { return 0 }
        func continues(_ index: Int) -> Bool { base[index] & 0xC0 == 0x80 }
        let first = base[0]
        switch first {
        case 0..<0x80: return 1
        case 0xC2...0xDF: return count >= 2 && continues(1) ? 2 : 0
        case 0xE0...0xEF:
            guard count >= 3, continues(1), continues(2) else { return 0 }
            if first == 0xE0, base[1] < 0xA0 { return 0 }
            if first == 0xED, base[1] > 0x9F { return 0 }
            return 3
        case 0xF0...0xF4:
            guard count >= 4, continues(1), continues(2), continues(3) else { return 0 }
            if first == 0xF0, base[1] < 0x90 { return 0 }
            if first == 0xF4, base[1] > 0x8F { return 0 }
            return 4
        default: return 0
        }
    }
}
