/// One pass over an event's bytes that keeps the leaves at used paths and skips, but checks, everything else.
///
/// The scanner walks the tree of used paths beside the event. It keeps its own stack, so nesting costs memory and never
/// the thread's stack.
struct EventScanner {
    let base: UnsafePointer<UInt8>
    let count: Int
    let strict: Bool
    let scratch: MatchScratch
    let paths: PathTable
    /// What of the event is known.
    let known: OutlinedPart?
    var position = 0

    init(
        _ event: UnsafeBufferPointer<UInt8>, base: UnsafePointer<UInt8>, paths: PathTable, strict: Bool,
        known: OutlinedPart?, scratch: MatchScratch
    ) {
        self.base = base
        count = event.count
        self.strict = strict
        self.paths = paths
        self.known = known
        self.scratch = scratch
    }

    // MARK: the walk

    /// Reads the event into the scratch.
    mutating func scan() throws(ScanFault) {
        if count >= Int(Int32.max) { throw ScanFault(.tooLarge, 0) }
        skipWhitespace()
        guard position < count, base[position] == UInt8(ascii: "{") else { throw ScanFault(.notAnObject, position) }
        var name = 0
        if let known, known.start == position { return try walk(known, node: 0, membership: -1, name: &name) }
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
                let parent = Int(frame.pointee.node)
                let owner = paths.serial << 32 | UInt64(truncatingIfNeeded: parent)
                let expected = scratch.expectedFields + (name & (ExpectedName.places - 1))
                name &+= 1
                if position + expected.pointee.reach <= count, expected.pointee.owner == owner,
                    expected.pointee.stands(at: base + position)
                {
                    position &+= expected.pointee.length
                    node = expected.pointee.node
                } else {
                    guard byte == UInt8(ascii: "\"") else { throw ScanFault(.expectedKey, position) }
                    node = try fieldName(in: parent, owner: owner, expecting: expected)
                }
                byte = try significantByte()
                if node < 0 {
                    try skipValue(byte)
                    continue
                }
                frame.pointee.missing -= 1
            }
            if byte == UInt8(ascii: "{"), let known, known.start == position, paths.nodes.base[node].childCount > 0 {
                try walk(known, node: node, membership: membership, name: &name)
            } else if try value(byte, node: node, membership: membership) {
                isFirst = true
                continue
            }
            if !strict, try leaveSeenObjects() { return }
        }
    }

    /// Leaves the objects in which every used field has been seen; true if that ends the event.
    @inline(__always)
    mutating func leaveSeenObjects() throws(ScanFault) -> Bool {
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

    func objectFrame(node: Int, membership: Int32) -> MatchScratch.Frame {
        MatchScratch.Frame(
            node: Int32(truncatingIfNeeded: node), array: -1, element: 0, membership: membership,
            missing: paths.nodes.base[node].childCount)
    }

    /// Reads one value at a used node; true if it opened a container whose content comes next.
    @inline(__always)
    mutating func value(_ byte: UInt8, node: Int, membership: Int32) throws(ScanFault) -> Bool {
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
    mutating func literal(
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

    /// Reads a field name and its colon, finds the name's node, -1 if no rule uses it, and remembers it.
    @inline(never)
    private mutating func fieldName(
        in node: Int, owner: UInt64, expecting expected: UnsafeMutablePointer<ExpectedName>
    ) throws(ScanFault) -> Int {
        let start = position
        if try skipString() {
            let mark = scratch.text.count
            let (decoded, length) = decode(start + 1, position - 1)
            let found = paths.descend(from: node, decoded, length)
            scratch.text.truncate(mark)
            try skipColon()
            return found
        }
        let found = paths.descend(from: node, base + (start + 1), position - 2 - start)
        try skipColon()
        if base[position - 2] == UInt8(ascii: "\"") {
            expected.pointee.remember(
                base + start, length: position - start, available: count - start, owner: owner, node: found)
        }
        return found
    }

    @inline(__always)
    mutating func string(path: Int32, membership: Int32) throws(ScanFault) {
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
    mutating func number(path: Int32, membership: Int32) throws(ScanFault) {
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
    static func eightDigits(_ word: UInt64) -> UInt64? {
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
    mutating func skipWhitespace() {
        while position < count {
            let byte = base[position]
            if byte > 0x20 { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    @inline(__always)
    mutating func significantByte() throws(ScanFault) -> UInt8 {
        skipWhitespace()
        if position >= count { throw ScanFault(.unexpectedEnd, position) }
        return base[position]
    }
}
