extension EventScanner {
    /// Skips one value that begins with `byte`, checking its syntax when strict.
    mutating func skipValue(_ byte: UInt8) throws(ScanFault) {
        if byte == UInt8(ascii: "\"") {
            try skipString()
        } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
            if let known, known.start == position {
                position = known.end
            } else if strict {
                try skipContainer(byte)
            } else {
                try skipBrackets()
            }
        } else {
            try skipScalar(byte)
        }
    }

    @inline(__always)
    mutating func skipScalar(_ byte: UInt8) throws(ScanFault) {
        switch byte {
        case UInt8(ascii: "t"): try skipLiteral(0x6575_7274, 4)
        case UInt8(ascii: "f"): try skipLiteral(0x6573_6C61, 5)
        case UInt8(ascii: "n"): try skipLiteral(0x6C6C_756E, 4)
        default: try skipNumber()
        }
    }

    /// Skips `true`, `false` or `null`, told by the last four letters.
    @inline(__always)
    mutating func skipLiteral(_ lastFour: UInt64, _ length: Int) throws(ScanFault) {
        guard position + length <= count, ByteHash.half(base + (position + length - 4)) == lastFour else {
            throw ScanFault(.expectedValue, position)
        }
        position += length
    }

    /// Skips a container with all it holds.
    mutating func skipContainer(_ opening: UInt8) throws(ScanFault) {
        // The kinds of the containers around, a bit each, the innermost lowest: 64 here, what is deeper in the scratch.
        var around: UInt64 = 0
        var depth = 0
        var inObject = opening == UInt8(ascii: "{")
        scratch.skipped.truncate(0)
        let names = scratch.expectedNames
        var name = 0
        position += 1
        var byte = try significantByte()
        var isFirst = true
        while true {
            if byte == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                position += 1
                if depth == 0 { return }
                inObject = around & 1 == 1
                around >>= 1
                depth -= 1
                if depth >= 64, scratch.skipped.removeLast() == 1 { around |= 1 << 63 }
                isFirst = false
                byte = try significantByte()
                continue
            }
            if !isFirst {
                guard byte == UInt8(ascii: ",") else { throw ScanFault(.expectedComma, position) }
                position += 1
                byte = try significantByte()
            }
            isFirst = false
            if inObject {
                let expected = names + (name & (ExpectedName.places - 1))
                name &+= 1
                if position + expected.pointee.reach <= count, expected.pointee.stands(at: base + position) {
                    position &+= expected.pointee.length
                } else {
                    guard byte == UInt8(ascii: "\"") else { throw ScanFault(.expectedKey, position) }
                    try skipName(expecting: expected)
                }
                byte = try significantByte()
            }
            if byte == UInt8(ascii: "\"") {
                try skipString()
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                if depth >= 64 { scratch.skipped.append(UInt8(truncatingIfNeeded: around >> 63)) }
                around = around << 1 | (inObject ? 1 : 0)
                depth += 1
                inObject = byte == UInt8(ascii: "{")
                name = 0
                position += 1
                isFirst = true
            } else {
                try skipScalar(byte)
            }
            byte = try significantByte()
        }
    }

    /// Skips a field name and its colon, and remembers it for the next object.
    @inline(never)
    private mutating func skipName(expecting expected: UnsafeMutablePointer<ExpectedName>) throws(ScanFault) {
        let start = position
        let hasEscapes = try skipString()
        try skipColon()
        if !hasEscapes, base[position - 2] == UInt8(ascii: "\"") {
            expected.pointee.remember(base + start, length: position - start, available: count - start)
        }
    }

    /// Skips the colon after a field name.
    @inline(__always)
    mutating func skipColon() throws(ScanFault) {
        if try significantByte() != UInt8(ascii: ":") { throw ScanFault(.expectedColon, position) }
        position += 1
    }

    /// Skips a container of an event that is known to be valid: only brackets and strings count.
    mutating func skipBrackets() throws(ScanFault) {
        var depth = 0
        while position < count {
            switch base[position] {
            case UInt8(ascii: "\""):
                try skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 {
                    position += 1
                    return
                }
            default: break
            }
            position += 1
        }
        throw ScanFault(.unexpectedEnd, position)
    }

    /// Skips the rest of the object that is open, its closing brace included.
    mutating func skipToEndOfObject() throws(ScanFault) {
        var depth = 1
        while position < count {
            switch base[position] {
            case UInt8(ascii: "\""):
                try skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 {
                    position += 1
                    return
                }
            default: break
            }
            position += 1
        }
        throw ScanFault(.unexpectedEnd, position)
    }

    /// Skips a number, checking its grammar.
    @inline(__always)
    mutating func skipNumber() throws(ScanFault) {
        let start = position
        var index = position
        if base[index] == UInt8(ascii: "-") { index += 1 }
        guard index < count, base[index] &- 0x30 < 10 else {
            throw ScanFault(index > start ? .badNumber : .expectedValue, start)
        }
        if base[index] == 0x30 {
            index += 1
        } else {
            index = endOfDigits(index)
        }
        if index < count, base[index] == UInt8(ascii: ".") {
            index += 1
            let digits = index
            index = endOfDigits(index)
            if index == digits { throw ScanFault(.badNumber, start) }
        }
        if index < count, base[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < count, base[index] == UInt8(ascii: "-") || base[index] == UInt8(ascii: "+") { index += 1 }
            let digits = index
            while index < count, base[index] &- 0x30 < 10 { index += 1 }
            if index == digits { throw ScanFault(.badNumber, start) }
        }
        position = index
    }

    /// The first place from `index` on that is no digit, eight bytes at a time.
    @inline(__always)
    func endOfDigits(_ start: Int) -> Int {
        var index = start
        while index + 8 <= count {
            let digits = ByteHash.word(base + index) ^ 0x3030_3030_3030_3030
            // A byte above 9 gets its high bit, without a carry into the next.
            let others = ((digits & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7676_7676_7676_7676 | digits) & 0x8080_8080_8080_8080
            if others != 0 { return index + others.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < count, base[index] &- 0x30 < 10 { index += 1 }
        return index
    }

    /// Skips a string from its opening to past its closing quote; true if it has escapes. When strict, escapes, control
    /// characters and UTF-8 are checked.
    @inline(__always)
    @discardableResult
    mutating func skipString() throws(ScanFault) -> Bool {
        var index = position + 1
        while index + 8 <= count {
            let stops = EventScanner.stops(ByteHash.word(base + index))
            if stops == 0 {
                index += 8
                continue
            }
            index += stops.trailingZeroBitCount >> 3
            if base[index] == UInt8(ascii: "\"") {
                position = index + 1
                return false
            }
            break
        }
        return try skipStringSlowly(from: index)
    }

    /// The high bit of every byte of a word that is a quote, a backslash, a control character or not ASCII; above the
    /// first such byte there may be bits too many.
    @inline(__always)
    static func stops(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ 0x2222_2222_2222_2222
        let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
        let found =
            (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- 0x2020_2020_2020_2020) & ~word | word
        return found & 0x8080_8080_8080_8080
    }

    @inline(never)
    mutating func skipStringSlowly(from start: Int) throws(ScanFault) -> Bool {
        var index = start
        var hasEscapes = false
        while index < count {
            if index + 8 <= count {
                let stops = EventScanner.stops(ByteHash.word(base + index))
                if stops == 0 {
                    index += 8
                    continue
                }
                index += stops.trailingZeroBitCount >> 3
            }
            let byte = base[index]
            if byte == UInt8(ascii: "\"") {
                position = index + 1
                return hasEscapes
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                index = try skipEscape(index)
            } else if byte >= 0x80 {
                let length = strict ? UTF8Reading.sequenceLength(base + index, count - index) : 1
                if length == 0 { throw ScanFault(.badUTF8, index) }
                index += length
            } else if byte < 0x20, strict {
                throw ScanFault(.controlCharacter, index)
            } else {
                index += 1
            }
        }
        throw ScanFault(.unexpectedEnd, count)
    }

    func skipEscape(_ index: Int) throws(ScanFault) -> Int {
        guard index + 1 < count else { throw ScanFault(.unexpectedEnd, count) }
        switch base[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return index + 2
        case UInt8(ascii: "u"):
            guard index + 6 <= count else { throw ScanFault(.unexpectedEnd, count) }
            if JSONText.hexUnit(base + index + 2) == nil { throw ScanFault(.badEscape, index) }
            return index + 6
        default: throw ScanFault(.badEscape, index)
        }
    }
}
