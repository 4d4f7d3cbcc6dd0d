/// An expression of bytes.
indirect enum RegexTree: Sendable, Hashable {
    case empty
    /// One byte of a set of ranges.
    case bytes([ClosedRange<UInt8>])
    case sequence([RegexTree])
    case choice([RegexTree])
    case repeated(RegexTree, least: Int, most: Int?)
}

/// Builds the position automaton of an expression (Glushkov 1961), and from it the deterministic one.
struct RegexAutomaton {
    /// What the positions of a part of the expression look like from outside.
    struct Ends {
        var isNullable: Bool
        var first: [Int]
        var last: [Int]
    }

    private var positions: [[ClosedRange<UInt8>]] = []
    private var follow: [Set<Int>] = []

    /// Parts added so far, copies included: repetitions of nothing make no positions but take time.
    private var steps = 0

    /// The deterministic automaton of an expression.
    static func deterministic(_ tree: RegexTree) throws(OperandError) -> DeterministicAutomaton {
        var automaton = RegexAutomaton()
        let ends = try automaton.add(tree)
        return try automaton.deterministic(ends)
    }

    private mutating func add(_ tree: RegexTree) throws(OperandError) -> Ends {
        steps += 1
        if steps > 20_000 { throw OperandError("Rule is too complex - regex repeats too many parts") }
        switch tree {
        case .empty: return Ends(isNullable: true, first: [], last: [])
        case .bytes(let ranges):
            guard positions.count < PatternRegex.mostPositions else {
                throw OperandError(
                    "Rule is too complex - regex has more than \(PatternRegex.mostPositions) byte positions")
            }
            positions.append(ranges)
            follow.append([])
            return Ends(isNullable: false, first: [positions.count - 1], last: [positions.count - 1])
        case .sequence(let parts):
            var whole = Ends(isNullable: true, first: [], last: [])
            for part in parts { whole = join(whole, try add(part)) }
            return whole
        case .choice(let parts):
            var whole = Ends(isNullable: false, first: [], last: [])
            for part in parts {
                let ends = try add(part)
                whole.isNullable = whole.isNullable || ends.isNullable
                whole.first += ends.first
                whole.last += ends.last
            }
            return whole
        case .repeated(let part, let least, let most): return try repeated(part, least, most)
        }
    }

    private mutating func repeated(_ part: RegexTree, _ least: Int, _ most: Int?) throws(OperandError) -> Ends {
        var whole = Ends(isNullable: true, first: [], last: [])
        for _ in 0..<least { whole = join(whole, try add(part)) }
        guard let most else {
            // "a{2,}" is "aaa*": the last copy goes round.
            var loop = try add(part)
            for position in loop.last { follow[position].formUnion(loop.first) }
            loop.isNullable = true
            return join(whole, loop)
        }
        for _ in least..<max(least, most) {
            var optional = try add(part)
            optional.isNullable = true
            whole = join(whole, optional)
        }
        return whole
    }

    private mutating func join(_ left: Ends, _ right: Ends) -> Ends {
        for position in left.last { follow[position].formUnion(right.first) }
        return Ends(
            isNullable: left.isNullable && right.isNullable,
            first: left.isNullable ? left.first + right.first : left.first,
            last: right.isNullable ? left.last + right.last : right.last)
    }

    /// The deterministic automaton. Its states are the sets of positions that a text can
    /// lead to (Rabin and Scott 1959), state 0 the empty set, from which nothing leads away.
    private func deterministic(_ ends: Ends) throws(OperandError) -> DeterministicAutomaton {
        let words = max(1, (positions.count + 63) / 64)
        func set(_ members: some Sequence<Int>) -> [UInt64] {
            var bits = [UInt64](repeating: 0, count: words)
            for member in members { bits[member / 64] |= 1 << UInt64(member % 64) }
            return bits
        }
        let (map, masks) = byteClasses(set)
        let follow = follow.map { set($0) }
        let last = set(ends.last)
        // State 0 is the empty set.
        var states: [[UInt64]: Int] = [set([]): 0]
        var next = [[Int](repeating: 0, count: masks.count)]
        var accepting = [false]
        /// The number of a set, new or known.
        func number(_ members: [UInt64], _ waiting: inout [[UInt64]]) throws(OperandError) -> Int {
            if let known = states[members] { return known }
            let number = states.count
            guard number < PatternRegex.mostStates, (number + 1) * (masks.count + 1) <= Int(UInt16.max) else {
                throw OperandError(
                    "Rule is too complex - regex needs more than \(PatternRegex.mostStates) states; use fewer repetitions of parts that begin alike"
                )
            }
            states[members] = number
            waiting.append(members)
            return number
        }
        // The start is state 1: what may come first is reached from it as from a position before the text.
        var waiting: [[UInt64]] = []
        _ = try number([UInt64](repeating: .max, count: words + 1), &waiting)
        var index = 0
        while index < waiting.count {
            let members = waiting[index]
            index += 1
            var followers = index == 1 ? set(ends.first) : set([])
            var accepts = index == 1 && ends.isNullable
            if index > 1 {
                for word in 0..<words {
                    accepts = accepts || members[word] & last[word] != 0
                    var bits = members[word]
                    while bits != 0 {
                        let position = word * 64 + bits.trailingZeroBitCount
                        bits &= bits &- 1
                        for target in 0..<words { followers[target] |= follow[position][target] }
                    }
                }
            }
            accepting.append(accepts)
            var row: [Int] = []
            for mask in masks { row.append(try number(zip(followers, mask).map { $0 & $1 }, &waiting)) }
            next.append(row)
        }
        return DeterministicAutomaton(classMap: map, next: next, accepting: accepting)
    }

    /// The class of every byte, and of each class the positions it may be at: bytes that are at the same positions are
    /// one.
    private func byteClasses(_ set: ([Int]) -> [UInt64]) -> (map: [UInt8], masks: [[UInt64]]) {
        var classes: [[UInt64]: UInt8] = [:]
        var masks: [[UInt64]] = []
        var map = [UInt8](repeating: 0, count: 256)
        for byte in UInt8.min...UInt8.max {
            let mask = set(positions.indices.filter { positions[$0].contains { $0.contains(byte) } })
            if let known = classes[mask] {
                map[Int(byte)] = known
            } else {
                // 256 bytes make at most 256 classes.
                let number = UInt8(truncatingIfNeeded: masks.count)
                classes[mask] = number
                map[Int(byte)] = number
                masks.append(mask)
            }
        }
        return (map, masks)
    }
}
