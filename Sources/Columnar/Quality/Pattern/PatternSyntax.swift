/// A parsed regular expression.
indirect enum PatternNode {
    case empty
    /// One code point out of sorted, disjoint ranges.
    case oneOf([ClosedRange<UInt32>])
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repetition(PatternNode, minimum: Int, maximum: Int?)
    case atStart
    case atEnd
}

/// Parses the regular expressions of quality rules: the common ground of JavaScript, Java and RE2 that can be matched
/// in linear time. Literals, `.`, classes, `\d \w \s` and their opposites, groups, `|`, `* + ? {m,n}`, `^ $`, `(?i)` at
/// the start. Back references and look-around are refused.
struct PatternParser {
    private let scalars: [UInt32]
    private var position = 0
    private var depth = 0
    private var ignoresCase = false

    private static let maximumDepth = 100
    private static let maximumRepetition = 1000

    static func parse(_ pattern: String) throws(ColumnarError) -> PatternNode {
        var parser = PatternParser(scalars: pattern.unicodeScalars.map(\.value))
        if parser.scalars.starts(with: "(?i)".unicodeScalars.map(\.value)) {
            parser.ignoresCase = true
            parser.position = 4
        }
        let node = try parser.alternatives()
        if parser.position < parser.scalars.count { throw parser.fault("an unopened )") }
        return node
    }

    private init(scalars: [UInt32]) {
        self.scalars = scalars
    }

    private func fault(_ problem: String) -> ColumnarError {
        let text = String(String.UnicodeScalarView(scalars.compactMap(Unicode.Scalar.init)))
        return ColumnarError(
            .invalidRule, "The pattern \"\(text)\" has \(problem) at character \(position + 1).", text: text)
    }

    private var next: Character? {
        position < scalars.count ? Unicode.Scalar(scalars[position]).map(Character.init) : nil
    }

    private mutating func take(_ character: Character) -> Bool {
        guard next == character else { return false }
        position += 1
        return true
    }

    private mutating func alternatives() throws(ColumnarError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.maximumDepth else { throw fault("too many groups within each other") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(ColumnarError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let character = next, character != "|", character != ")" {
            nodes.append(try quantified(try atom()))
        }
        return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func quantified(_ node: PatternNode) throws(ColumnarError) -> PatternNode {
        let bounds: (Int, Int?)
        switch next {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            let start = position
            position += 1
            guard let minimum = number() else { throw fault("no number after {") }
            var maximum: Int? = minimum
            if take(",") { maximum = next == "}" ? nil : number() ?? -1 }
            guard next == "}", minimum <= maximum ?? .max, max(minimum, maximum ?? 0) <= Self.maximumRepetition else {
                position = start
                throw fault("a repetition that is not {n}, {n,} or {n,m} with n ≤ m ≤ \(Self.maximumRepetition)")
            }
            bounds = (minimum, maximum)
        default: return node
        }
        position += 1
        // A match of the whole value is the same whether a repetition is greedy or not.
        if next == "?" { position += 1 }
        if next == "+" || next == "*" || next == "{" { throw fault("a repetition of a repetition") }
        return .repetition(node, minimum: bounds.0, maximum: bounds.1)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let digit = next?.wholeNumberValue, next?.isASCII == true {
            value = min((value ?? 0) * 10 + digit, 1_000_000)
            position += 1
        }
        return value
    }

    private mutating func atom() throws(ColumnarError) -> PatternNode {
        guard let character = next else { throw fault("an unexpected end") }
        switch character {
        case "(":
            position += 1
            if take("?"), !take(":") { throw fault("a group of a kind that is not supported; only (…) and (?:…) are,") }
            let node = try alternatives()
            guard take(")") else { throw fault("an unclosed (") }
            return node
        case "[":
            position += 1
            return .oneOf(try characterClass())
        case ".":
            position += 1
            return .oneOf(ScalarRanges.complement([10...10]))
        case "^":
            position += 1
            return .atStart
        case "$":
            position += 1
            return .atEnd
        case "\\":
            position += 1
            return .oneOf(cased(try escape()))
        case "*", "+", "?", "{": throw fault("nothing to repeat")
        default:
            position += 1
            let value = scalars[position - 1]
            return .oneOf(cased([value...value]))
        }
    }

    private mutating func characterClass() throws(ColumnarError) -> [ClosedRange<UInt32>] {
        let isNegated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while isFirst || next != "]" {
            isFirst = false
            guard let low = try classMember() else { throw fault("an unclosed [") }
            guard low.count == 1, low[0].count == 1, next == "-", position + 1 < scalars.count,
                scalars[position + 1] != 0x5D
            else {
                ranges += low
                continue
            }
            position += 1
            guard let high = try classMember(), high.count == 1, high[0].count == 1,
                low[0].lowerBound <= high[0].lowerBound
            else { throw fault("a range in the wrong order") }
            ranges.append(low[0].lowerBound...high[0].lowerBound)
        }
        position += 1
        let all = cased(ScalarRanges.normalized(ranges))
        return isNegated ? ScalarRanges.complement(all) : all
    }

    private mutating func classMember() throws(ColumnarError) -> [ClosedRange<UInt32>]? {
        guard position < scalars.count else { return nil }
        if take("\\") { return try escape() }
        if next == "[", position + 1 < scalars.count, scalars[position + 1] == 0x3A {
            throw fault("a POSIX class, which is not supported,")
        }
        position += 1
        return [scalars[position - 1]...scalars[position - 1]]
    }

    /// What follows a backslash.
    private mutating func escape() throws(ColumnarError) -> [ClosedRange<UInt32>] {
        guard let character = next else { throw fault("a \\ at the end") }
        position += 1
        switch character {
        case "d": return ScalarRanges.digits
        case "D": return ScalarRanges.complement(ScalarRanges.digits)
        case "w": return ScalarRanges.word
        case "W": return ScalarRanges.complement(ScalarRanges.word)
        case "s": return ScalarRanges.space
        case "S": return ScalarRanges.complement(ScalarRanges.space)
        case "t": return [9...9]
        case "n": return [10...10]
        case "v": return [11...11]
        case "f": return [12...12]
        case "r": return [13...13]
        case "x": return try hexadecimal(2)
        case "u":
            guard take("{") else { return try hexadecimal(4) }
            let digits = scalars[position...].prefix { $0 != 0x7D }.count
            let value = try hexadecimal(digits)
            guard take("}") else { throw fault("an unclosed {") }
            return value
        default:
            if character.isASCII, character.isLetter || character.isNumber {
                position -= 1
                throw fault("\\\(character), which is not supported,")
            }
            return [scalars[position - 1]...scalars[position - 1]]
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(ColumnarError) -> [ClosedRange<UInt32>] {
        guard (1...6).contains(count), position + count <= scalars.count else { throw fault("a broken escape") }
        let digits = scalars[position..<position + count].compactMap(Unicode.Scalar.init).map(Character.init)
        guard digits.count == count, let value = UInt32(String(digits), radix: 16), Unicode.Scalar(value) != nil else {
            throw fault("a broken escape")
        }
        position += count
        return [value...value]
    }

    /// Adds the other case of ASCII letters where case is ignored.
    private func cased(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        guard ignoresCase else { return ranges }
        var all = ranges
        for range in ranges {
            for (letters, shift) in [(UInt32(65)...90, Int64(32)), (UInt32(97)...122, -32)]
            where range.overlaps(letters) {
                let common = range.clamped(to: letters)
                all.append(UInt32(Int64(common.lowerBound) + shift)...UInt32(Int64(common.upperBound) + shift))
            }
        }
        return ScalarRanges.normalized(all)
    }
}

/// Sets of code points as sorted, disjoint ranges.
enum ScalarRanges {
    static let digits: [ClosedRange<UInt32>] = [48...57]
    static let word: [ClosedRange<UInt32>] = [48...57, 65...90, 95...95, 97...122]
    static let space: [ClosedRange<UInt32>] = [9...13, 32...32]

    static func normalized(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound &+ 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }

    /// All code points that are in none of the ranges.
    static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { result.append(next...0x10FFFF) }
        return result
    }
}
