/// One pass over an event's bytes that keeps the leaves at used paths and skips, but checks, everything else.
///
/// The scanner walks the tree of used paths beside the event. It keeps its own stack, so nesting costs memory and never the
/// thread's stack.
struct EventScanner {
    let base: UnsafePointer<UInt8>
    let count: Int
    let strict: Bool
    let scratch: MatchScratch
    let paths: PathTable
    private var position = 0

    init(
        _ event: UnsafeBufferPointer<UInt8>, base: UnsafePointer<UInt8>, paths: PathTable, strict: Bool,
        scratch: MatchScratch
    ) {
        self.base = base
        count = event.count
        self.strict = strict
        self.paths = paths
        self.scratch = scratch
    }

    // MARK: the walk

    /// Reads the event into the scratch.
    mutating func scan() throws(ScanFault) {
        if count >= Int(Int32.max) { throw ScanFault(.tooLarge, 0) }
        skipWhitespace()
        guard position < count, base[position] == UInt8(ascii: "{") else { throw ScanFault(.notAnObject, position) }
        position += 1
        scratch.frames.truncate(0)
        scratch.frames.append(objectFrame(node: 0, membership: -1))
        var isFirst = true
        while true {
            let frame = scratch.frames.base + (scratch.frames.count - 1)
            var byte = try significantByte()
            let isArray = frame.pointee.array >= 0
            if byte == (isArray ? UInt8(ascii: "]") : UInt8(ascii: "}")) {
                position += 1
                _ = scratch.frames.removeLast()
                if scratch.frames.count == 0 { return }
                isFirst = false
                if !strict, try leaveSeenObjects() { return }
                continue
            }
            if !isFirst {
                guard byte == UInt8(ascii: ",") else { throw ScanFault(.expectedComma, position) }
                position += 1
                byte = try significantByte()
            }
            isFirst = false
            let node: Int
            var membership = frame.pointee.membership
            if isArray {
                node = Int(frame.pointee.node)
                if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                    if paths.nodes.base[node].childCount == 0, byte == UInt8(ascii: "{") {
                        frame.pointee.element += 1
                        try skipValue(byte)
                        continue
                    }
                    let parent = membership
                    membership = Int32(truncatingIfNeeded: scratch.memberships.count)
                    scratch.memberships.append(
                        Membership(array: frame.pointee.array, element: frame.pointee.element, parent: parent))
                }
                frame.pointee.element += 1
            } else {
                guard byte == UInt8(ascii: "\"") else { throw ScanFault(.expectedKey, position) }
                node = try fieldName(in: Int(frame.pointee.node))
                if try significantByte() != UInt8(ascii: ":") { throw ScanFault(.expectedColon, position) }
                position += 1
                byte = try significantByte()
                if node < 0 {
                    try skipValue(byte)
                    continue
                }
                frame.pointee.missing -= 1
            }
            if try value(byte, node: node, membership: membership) {
                isFirst = true
                continue
            }
            if !strict, try leaveSeenObjects() { return }
        }
    }

    /// Leaves the objects in which every used field has been seen; true if that ends the event.
    @inline(__always)
    private mutating func leaveSeenObjects() throws(ScanFault) -> Bool {
        while scratch.frames.base[scratch.frames.count - 1].missing == 0 {
            // If nothing is missing further out either, what is left of the event need not be looked at.
            var outer = scratch.frames.count - 1
            while outer > 0, scratch.frames.base[outer - 1].missing == 0 { outer -= 1 }
            if outer == 0 { return true }
            try skipToEndOfObject()
            _ = scratch.frames.removeLast()
        }
        return false
    }

    private func objectFrame(node: Int, membership: Int32) -> MatchScratch.Frame {
        MatchScratch.Frame(
            node: Int32(truncatingIfNeeded: node), array: -1, element: 0, membership: membership,
            missing: paths.nodes.base[node].childCount)
    }

    /// Reads one value at a used node; true if it opened a container whose content comes next.
    @inline(__always)
    private mutating func value(_ byte: UInt8, node: Int, membership: Int32) throws(ScanFault) -> Bool {
        let entry = paths.nodes.base[node]
        switch byte {
        case UInt8(ascii: "\""):
            if entry.path < 0 {
                try skipString()
                return false
            }
            try string(path: entry.path, membership: membership)
        case UInt8(ascii: "{"):
            if entry.childCount == 0 {
                try skipValue(byte)
                return false
            }
            position += 1
            scratch.frames.append(objectFrame(node: node, membership: membership))
            return true
        case UInt8(ascii: "["):
            position += 1
            scratch.frames.append(
                MatchScratch.Frame(
                    node: Int32(truncatingIfNeeded: node), array: scratch.arrayCount, element: 0,
                    membership: membership,
                    missing: -1))
            scratch.arrayCount += 1
            return true
        case UInt8(ascii: "t"): try literal(0x6575_7274, 4, .true, entry.path, membership)
        case UInt8(ascii: "f"): try literal(0x6573_6C61, 5, .false, entry.path, membership)
        case UInt8(ascii: "n"): try literal(0x6C6C_756E, 4, .null, entry.path, membership)
        default:
            if entry.path < 0 { try skipNumber() } else { try number(path: entry.path, membership: membership) }
        }
        return false
    }

    @inline(__always)
    private mutating func literal(
        _ lastFour: UInt64, _ length: Int, _ kind: FlatValue.Kind, _ path: Int32, _ membership: Int32
    ) throws(ScanFault) {
        let start = position
        try skipLiteral(lastFour, length)
        if path >= 0 {
            scratch.record(
                path: path, kind: kind, base: base + start, length: length, membership: membership, number: 0,
                isComparable: false)
        }
    }

    /// Reads a field name and finds its node, -1 if no rule uses it.
    @inline(__always)
    private mutating func fieldName(in node: Int) throws(ScanFault) -> Int {
        let start = position + 1
        if try skipString() {
            let mark = scratch.text.count
            let (decoded, length) = decode(start, position - 1)
            let found = paths.descend(from: node, decoded, length)
            scratch.text.truncate(mark)
            return found
        }
        return paths.descend(from: node, base + start, position - 1 - start)
    }

    @inline(__always)
    private mutating func string(path: Int32, membership: Int32) throws(ScanFault) {
        let start = position + 1
        if try skipString() {
            let (decoded, length) = decode(start, position - 1)
            scratch.record(
                path: path, kind: .string, base: decoded, length: length, membership: membership, number: 0,
                isComparable: false)
        } else {
            scratch.record(
                path: path, kind: .string, base: base + start, length: position - 1 - start, membership: membership,
                number: 0, isComparable: false)
        }
    }

    /// Reads a number: up to 19 digits without an exponent in one go, others in two.
    @inline(__always)
    private mutating func number(path: Int32, membership: Int32) throws(ScanFault) {
        let start = position
        var index = start
        let isNegative = base[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let first = index
        var significand: UInt64 = 0
        while index < count, base[index] &- 0x30 < 10 {
            significand = significand &* 10 &+ UInt64(base[index] &- 0x30)
            index += 1
        }
        var digits = index - first
        var decimals = 0
        if digits > 0, index < count, base[index] == UInt8(ascii: ".") {
            index += 1
            let fraction = index
            while index + 8 <= count, let eight = EventScanner.eightDigits(ByteHash.word(base + index)) {
                significand = significand &* 100_000_000 &+ eight
                index += 8
            }
            while index < count, base[index] &- 0x30 < 10 {
                significand = significand &* 10 &+ UInt64(base[index] &- 0x30)
                index += 1
            }
            decimals = index - fraction
            digits = decimals == 0 ? 0 : digits + decimals
        }
        let value: Double?
        let hasExponent = index < count && base[index] | 0x20 == UInt8(ascii: "e")
        if digits > 0, digits <= 19, !hasExponent, base[first] != 0x30 || index == first + 1 || base[first + 1] == 0x2E
        {
            position = index
            value = DecimalNumber.comparable(significand, -decimals, isNegative: isNegative)
        } else {
            try skipNumber()
            value = DecimalNumber.comparable(UnsafeBufferPointer(start: base + start, count: position - start))
        }
        scratch.record(
            path: path, kind: .number, base: base + start, length: position - start, membership: membership,
            number: value ?? 0, isComparable: value != nil)
    }

    /// The value of eight ASCII digits, nil if not all are digits (Lemire's "parse eight digits").
    @inline(__always)
    private static func eightDigits(_ word: UInt64) -> UInt64? {
        let isDigits =
            (word & 0xF0F0_F0F0_F0F0_F0F0)
            | (((word &+ 0x0606_0606_0606_0606) & 0xF0F0_F0F0_F0F0_F0F0) >> 4) == 0x3333_3333_3333_3333
        guard isDigits else { return nil }
        var value = word &- 0x3030_3030_3030_3030
        value = (value &* 10) &+ (value >> 8)
        let low = (value & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        let high = ((value >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
        return (low &+ high) >> 32
    }

    // MARK: white space

    @inline(__always)
    private mutating func skipWhitespace() {
        while position < count {
            let byte = base[position]
            if byte > 0x20 { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    @inline(__always)
    private mutating func significantByte() throws(ScanFault) -> UInt8 {
        skipWhitespace()
        if position >= count { throw ScanFault(.unexpectedEnd, position) }
        return base[position]
    }

    // MARK: skipping

    /// Skips one value that begins with `byte`, checking its syntax when strict.
    private mutating func skipValue(_ byte: UInt8) throws(ScanFault) {
        if byte == UInt8(ascii: "\"") {
            try skipString()
        } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
            if strict { try skipContainer(byte) } else { try skipBrackets() }
        } else {
            try skipScalar(byte)
        }
    }

    @inline(__always)
    private mutating func skipScalar(_ byte: UInt8) throws(ScanFault) {
        switch byte {
        case UInt8(ascii: "t"): try skipLiteral(0x6575_7274, 4)
        case UInt8(ascii: "f"): try skipLiteral(0x6573_6C61, 5)
        case UInt8(ascii: "n"): try skipLiteral(0x6C6C_756E, 4)
        default: try skipNumber()
        }
    }

    /// Skips `true`, `false` or `null`, told by the last four letters.
    @inline(__always)
    private mutating func skipLiteral(_ lastFour: UInt64, _ length: Int) throws(ScanFault) {
        guard position + length <= count, ByteHash.half(base + (position + length - 4)) == lastFour else {
            throw ScanFault(.expectedValue, position)
        }
        position += length
    }

    /// Skips a container with all it holds.
    private mutating func skipContainer(_ opening: UInt8) throws(ScanFault) {
        scratch.skipped.truncate(0)
        var inObject = opening == UInt8(ascii: "{")
        position += 1
        var isFirst = true
        while true {
            var byte = try significantByte()
            if byte == (inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                position += 1
                if scratch.skipped.count == 0 { return }
                inObject = scratch.skipped.removeLast() == 1
                isFirst = false
                continue
            }
            if !isFirst {
                guard byte == UInt8(ascii: ",") else { throw ScanFault(.expectedComma, position) }
                position += 1
                byte = try significantByte()
            }
            isFirst = false
            if inObject {
                guard byte == UInt8(ascii: "\"") else { throw ScanFault(.expectedKey, position) }
                try skipString()
                if try significantByte() != UInt8(ascii: ":") { throw ScanFault(.expectedColon, position) }
                position += 1
                byte = try significantByte()
            }
            if byte == UInt8(ascii: "\"") {
                try skipString()
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                scratch.skipped.append(inObject ? 1 : 0)
                inObject = byte == UInt8(ascii: "{")
                position += 1
                isFirst = true
            } else {
                try skipScalar(byte)
            }
        }
    }

    /// Skips a container of an event that is known to be valid: only brackets and strings count.
    private mutating func skipBrackets() throws(ScanFault) {
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
    private mutating func skipToEndOfObject() throws(ScanFault) {
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
    private mutating func skipNumber() throws(ScanFault) {
        let start = position
        var index = position
        if base[index] == UInt8(ascii: "-") { index += 1 }
        guard index < count, base[index] &- 0x30 < 10 else {
            throw ScanFault(index > start ? .badNumber : .expectedValue, start)
        }
        if base[index] == 0x30 {
            index += 1
        } else {
            while index < count, base[index] &- 0x30 < 10 { index += 1 }
        }
        if index < count, base[index] == UInt8(ascii: ".") {
            index += 1
            let digits = index
            while index < count, base[index] &- 0x30 < 10 { index += 1 }
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

    /// Skips a string from its opening to past its closing quote; true if it has escapes. When strict, escapes, control
    /// characters and UTF-8 are checked.
    @inline(__always)
    @discardableResult
    private mutating func skipString() throws(ScanFault) -> Bool {
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

    /// The high bit of every byte of a word that is a quote, a backslash, a control character or not ASCII; above the first
    /// such byte there may be bits too many.
    @inline(__always)
    private static func stops(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ 0x2222_2222_2222_2222
        let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
        let found =
            (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- 0x2020_2020_2020_2020) & ~word | word
        return found & 0x8080_8080_8080_8080
    }

    @inline(never)
    private mutating func skipStringSlowly(from start: Int) throws(ScanFault) -> Bool {
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

    private func skipEscape(_ index: Int) throws(ScanFault) -> Int {
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

    // MARK: decoding

    /// Decodes the string between two positions into the scratch's text. Its escapes have been checked.
    @inline(never)
    private func decode(_ start: Int, _ end: Int) -> (UnsafePointer<UInt8>, Int) {
        // Decoded text is never longer than written text, and every written byte is decoded at most once at a time.
        if scratch.text.count == 0 { scratch.text.reserve(count) }
        let from = scratch.text.count
        var index = start
        while index < end {
            let byte = base[index]
            if byte != UInt8(ascii: "\\") {
                scratch.text.append(byte)
                index += 1
                continue
            }
            let kind = base[index + 1]
            index += 2
            switch kind {
            case UInt8(ascii: "b"): scratch.text.append(0x08)
            case UInt8(ascii: "f"): scratch.text.append(0x0C)
            case UInt8(ascii: "n"): scratch.text.append(0x0A)
            case UInt8(ascii: "r"): scratch.text.append(0x0D)
            case UInt8(ascii: "t"): scratch.text.append(0x09)
            case UInt8(ascii: "u"): index = decodeUnit(index, end)
            default: scratch.text.append(kind)
            }
        }
        return (UnsafePointer(scratch.text.base + from), scratch.text.count - from)
    }

    private func decodeUnit(_ start: Int, _ end: Int) -> Int {
        let unit = JSONText.hexUnit(base + start) ?? 0
        var value = unit
        var index = start + 4
        if unit & 0xFC00 == 0xD800, index + 6 <= end, base[index] == UInt8(ascii: "\\"),
            base[index + 1] == UInt8(ascii: "u"), let low = JSONText.hexUnit(base + index + 2), low & 0xFC00 == 0xDC00
        {
            value = 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF)
            index += 6
        } else if unit & 0xF800 == 0xD800 {
            scratch.text.append(JSONText.strayInEvent)
            return index
        }
        switch value {
        case 0..<0x80: scratch.text.append(UInt8(value))
        case 0x80..<0x800:
            scratch.text.append(UInt8(0xC0 | value >> 6))
            scratch.text.append(UInt8(0x80 | value & 0x3F))
        case 0x800..<0x10000:
            scratch.text.append(UInt8(0xE0 | value >> 12))
            scratch.text.append(UInt8(0x80 | value >> 6 & 0x3F))
            scratch.text.append(UInt8(0x80 | value & 0x3F))
        default:
            scratch.text.append(UInt8(0xF0 | value >> 18 & 0x07))
            scratch.text.append(UInt8(0x80 | value >> 12 & 0x3F))
            scratch.text.append(UInt8(0x80 | value >> 6 & 0x3F))
            scratch.text.append(UInt8(0x80 | value & 0x3F))
        }
        return index
    }
}
