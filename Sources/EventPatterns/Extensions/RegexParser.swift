/// Reads a regular expression into an expression of bytes.
struct RegexParser {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    /// The characters of the atom read last, if it is a set of characters.
    private var atomRanges: [ClosedRange<UInt32>]?
    init(_ text: [UInt8]) { scalars = Array(String(decoding: text, as: UTF8.self).unicodeScalars) }

    mutating func parse() throws(OperandError) -> RegexTree {
        let tree = try choice()
        if index < scalars.count { throw refusal("unmatched ')'") }
        return tree
    }

    private func refusal(_ what: String) -> OperandError {
        OperandError("Invalid regex: \(what) at pos \(index)")
    }

    private var peek: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func choice() throws(OperandError) -> RegexTree {
        depth += 1
        defer { depth -= 1 }
        if depth > 100 { throw refusal("groups nested deeper than 100") }
        var parts = [try sequence()]
        while peek == "|" {
            index += 1
            parts.append(try sequence())
        }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence() throws(OperandError) -> RegexTree {
        var parts: [RegexTree] = []
        while let scalar = peek, scalar != "|", scalar != ")" { parts.append(try quantified()) }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func quantified() throws(OperandError) -> RegexTree {
        let part = try atom()
        let ranges = atomRanges
        guard let scalar = peek else { return part }
        let result: RegexTree
        switch scalar {
        case "*":
            index += 1
            result = .repeated(ranges.flatMap { UTF8Ranges.looseTree($0) } ?? part, least: 0, most: nil)
        case "+":
            index += 1
            result =
                ranges.flatMap { UTF8Ranges.looseTree($0) }
                .map { .sequence([part, .repeated($0, least: 0, most: nil)]) }
                ?? .repeated(part, least: 1, most: nil)
        case "?":
            index += 1
            result = .repeated(part, least: 0, most: 1)
        case "{": result = try counted(part)
        default: return part
        }
        if let next = peek, next == "*" || next == "+" || next == "?" || next == "{" {
            throw refusal("a quantifier after a quantifier")
        }
        return result
    }

    private mutating func counted(_ part: RegexTree) throws(OperandError) -> RegexTree {
        index += 1
        guard let least = try count() else { throw refusal("no number after '{'") }
        var most: Int? = least
        if peek == "," {
            index += 1
            most = try count()
        }
        guard peek == "}" else { throw refusal("'{' without '}'") }
        index += 1
        if let most, most < least { throw refusal("a range of repetitions from high to low") }
        return .repeated(part, least: least, most: most)
    }

    private mutating func count() throws(OperandError) -> Int? {
        var value: Int?
        while let scalar = peek, scalar >= "0", scalar <= "9" {
            value = (value ?? 0) * 10 + Int(scalar.value - 48)
            if value ?? 0 > 1000 { throw refusal("more than 1000 repetitions") }
            index += 1
        }
        return value
    }

    private mutating func atom() throws(OperandError) -> RegexTree {
        guard let scalar = peek else { throw refusal("unexpected end") }
        index += 1
        atomRanges = nil
        switch scalar {
        case "(":
            let inner = try choice()
            guard peek == ")" else { throw refusal("'(' without ')'") }
            index += 1
            atomRanges = nil
            return inner
        case "[": return set(try characterClass())
        case ".": return set([0...0x9, 0xB...0xC, 0xE...0x10FFFF])
        case "\\": return set(try escape())
        case "*", "+", "?", "{", "}", "]":
            index -= 1
            throw refusal("'\(scalar)' has nothing to apply to; write '\\\(scalar)' for the character")
        case "^", "$":
            index -= 1
            throw refusal(
                "'\(scalar)' is not needed, the whole string must match; write '\\\(scalar)' for the character")
        default: return UTF8Ranges.tree([scalar.value...scalar.value])
        }
    }

    private mutating func set(_ ranges: [ClosedRange<UInt32>]) -> RegexTree {
        atomRanges = ranges
        return UTF8Ranges.tree(ranges)
    }

    /// The characters of an escape. The backslash has been read.
    private mutating func escape() throws(OperandError) -> [ClosedRange<UInt32>] {
        guard let scalar = peek else { throw refusal("'\\' at the end") }
        index += 1
        switch scalar {
        case "d": return [0x30...0x39]
        case "D": return UTF8Ranges.complement([0x30...0x39])
        case "w": return [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
        case "W": return UTF8Ranges.complement([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
        case "s": return [0x9...0xD, 0x20...0x20]
        case "S": return UTF8Ranges.complement([0x9...0xD, 0x20...0x20])
        case "n": return [0xA...0xA]
        case "r": return [0xD...0xD]
        case "t": return [0x9...0x9]
        case "p", "P":
            index -= 1
            throw refusal(
                "'\\\(scalar)', a Unicode category, is not supported; list the characters, as in '[A-Za-zÀ-ÿ]' or '[^0-9 ]'"
            )
        case "a"..."z", "A"..."Z", "0"..."9":
            index -= 1
            throw refusal("unknown escape '\\\(scalar)'")
        default: return [scalar.value...scalar.value]
        }
    }

    /// Reads to the end of a class. The opening bracket has been read.
    private mutating func characterClass() throws(OperandError) -> [ClosedRange<UInt32>] {
        var isNegated = false
        if peek == "^" {
            isNegated = true
            index += 1
        }
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while true {
            guard let scalar = peek else { throw refusal("'[' without ']'") }
            index += 1
            if scalar == "]", !isFirst { break }
            isFirst = false
            var low = [scalar.value...scalar.value]
            if scalar == "\\" { low = try escape() }
            guard peek == "-", index + 1 < scalars.count, scalars[index + 1] != "]", low.count == 1,
                low[0].count == 1
            else {
                ranges += low
                continue
            }
            index += 1
            guard let end = peek else { throw refusal("'[' without ']'") }
            index += 1
            var high = [end.value...end.value]
            if end == "\\" { high = try escape() }
            guard high.count == 1, high[0].count == 1, high[0].lowerBound >= low[0].lowerBound else {
                throw refusal("a range of characters from high to low")
            }
            ranges.append(low[0].lowerBound...high[0].lowerBound)
        }
        // As many ranges as there are gaps, however many were written.
        let others = UTF8Ranges.complement(ranges)
        return isNegated ? others : UTF8Ranges.complement(others)
    }

    /// The bytes an expression begins with, and whether it is nothing else.
    static func prefix(of tree: RegexTree) -> (text: [UInt8], isWhole: Bool) {
        switch tree {
        case .empty: return ([], true)
        case .bytes(let ranges):
            guard ranges.count == 1, ranges[0].count == 1 else { return ([], false) }
            return ([ranges[0].lowerBound], true)
        case .sequence(let parts):
            var text: [UInt8] = []
            for part in parts {
                let (more, isWhole) = prefix(of: part)
                text += more
                if !isWhole { return (text, false) }
            }
            return (text, true)
        default: return ([], false)
        }
    }
}

/// Ranges of scalars as sequences of bytes.
enum UTF8Ranges {
    /// The scalars outside some ranges.
    static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10FFFF { result.append(next...0x10FFFF) }
        return result
    }

    /// The expression of one scalar of some ranges.
    static func tree(_ ranges: [ClosedRange<UInt32>]) -> RegexTree {
        var single: [ClosedRange<UInt8>] = []
        var choices: [RegexTree] = []
        if complement(ranges).allSatisfy({ $0.upperBound < 0x80 }) {
            // Everything beside ASCII: text is well-formed, so the first byte tells how many follow, and which they are
            // need not be checked.
            single = ranges.filter { $0.lowerBound < 0x80 }.map {
                UInt8($0.lowerBound)...UInt8(min($0.upperBound, 0x7F))
            }
            for (first, others) in [(0xC2...0xDF, 1), (0xE0...0xEF, 2), (0xF0...0xF4, 3)] as [(ClosedRange<UInt8>, Int)]
            {
                choices.append(
                    .sequence([.bytes([first])] + [RegexTree](repeating: .bytes([0x80...0xBF]), count: others)))
            }
            if !single.isEmpty { choices.insert(.bytes(single), at: 0) }
            return .choice(choices)
        }
        for range in ranges {
            // Cut where the number of bytes changes.
            for (low, high) in [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF)] as [(UInt32, UInt32)]
            where range.lowerBound <= high && range.upperBound >= low {
                let from = max(range.lowerBound, low)
                let to = min(range.upperBound, high)
                if high == 0x7F {
                    single.append(UInt8(from)...UInt8(to))
                } else {
                    split(from, to, &choices)
                }
            }
        }
        if !single.isEmpty { choices.insert(.bytes(single), at: 0) }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    /// What may stand for one of these scalars wherever any number of them may follow one another: one byte of theirs.
    /// Nil if they are not all that there are beside ASCII.
    ///
    /// Text is well-formed, and all that an expression can go on with begins with a character's first byte, so nothing
    /// can take over in the middle of a character. `.*` has one state so, not one for each beginning of a character.
    static func looseTree(_ ranges: [ClosedRange<UInt32>]) -> RegexTree? {
        guard complement(ranges).allSatisfy({ $0.upperBound < 0x80 }) else { return nil }
        var bytes: [ClosedRange<UInt8>] = [0x80...0xBF, 0xC2...0xF4]
        for range in ranges where range.lowerBound < 0x80 {
            bytes.append(UInt8(range.lowerBound)...UInt8(min(range.upperBound, 0x7F)))
        }
        return .bytes(bytes)
    }

    /// Cuts a range of scalars of equal length into products of byte ranges.
    private static func split(_ from: UInt32, _ to: UInt32, _ choices: inout [RegexTree]) {
        let low = encoded(from)
        let high = encoded(to)
        let length = low.count
        for level in 1..<length {
            // All but the first range must span whole blocks of the bytes below.
            let block: UInt32 = 1 << UInt32(6 * level) - 1
            if from & ~block != to & ~block {
                if from & block != 0 {
                    split(from, from | block, &choices)
                    split((from | block) + 1, to, &choices)
                    return
                }
                if to & block != block {
                    split(from, (to & ~block) - 1, &choices)
                    split(to & ~block, to, &choices)
                    return
                }
            }
        }
        choices.append(.sequence(zip(low, high).map { .bytes([$0...$1]) }))
    }

    private static func encoded(_ value: UInt32) -> [UInt8] {
        // Surrogates inside a range are encoded like their neighbours; no valid text has them.
        var bytes: [UInt8] = []
        JSONText.append(value, to: &bytes)
        return bytes
    }
}
