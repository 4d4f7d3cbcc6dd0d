/// A deterministic automaton over classes of bytes, as tables. State 0 is the one that nothing leads out of, state 1
/// the start.
struct DeterministicAutomaton {
    /// The class of each byte.
    var classMap: [UInt8]
    /// For each state the state that follows for each class.
    var next: [[Int]]
    var accepting: [Bool]

    /// With more states than these, the search for equal ones is not made.
    static let mostMerged = 512

    /// The program that `PatternRegex` runs: in the form of shifts if the states are few enough, once equal ones are
    /// merged.
    func program() -> [UInt64] {
        let merged = self.merged()
        if let bytes = merged.shifting() {
            return [PatternRegex.Layout.shifting]
                + stride(from: 0, to: bytes.count, by: 8).map { group in
                    (0..<8).reduce(0) { $0 | UInt64(bytes[group + $1]) << UInt64(8 * $1) }.littleEndian
                }
        }
        let rows = merged.next.count < next.count ? merged : self
        if let paired = rows.paired() { return paired }
        // A row: whether the state accepts, then where the row of the next state begins for each class.
        let width = (rows.next.first?.count ?? 0) + 1
        var numbers: [UInt16] = []
        for (state, followers) in rows.next.enumerated() {
            numbers.append(rows.accepting[state] ? 1 : 0)
            for follower in followers { numbers.append(UInt16(truncatingIfNeeded: follower * width)) }
        }
        var program: [UInt64] = [UInt64(width - 1)]
        for group in stride(from: 0, to: 256, by: 8) {
            program.append((0..<8).reduce(0) { $0 | UInt64(classMap[group + $1]) << UInt64(8 * $1) }.littleEndian)
        }
        return program + DeterministicAutomaton.words(numbers)
    }

    /// Numbers of 16 bits, four in a word.
    private static func words(_ numbers: [UInt16]) -> [UInt64] {
        stride(from: 0, to: numbers.count, by: 4).map { group in
            (0..<min(4, numbers.count - group)).reduce(0) { $0 | UInt64(numbers[group + $1]) << UInt64(16 * $1) }
                .littleEndian
        }
    }

    /// The form that reads two bytes at a time; nil if its rows would be too long. See `PatternRegex.Layout`.
    private func paired() -> [UInt64]? {
        let classes = next.first?.count ?? 0
        // Besides the classes, that there is no byte any more.
        let none = classes
        let width = (classes + 1) * (classes + 1) + 1
        guard next.count * width <= PatternRegex.mostPairs else { return nil }
        func follower(_ state: Int, _ found: Int) -> Int { found == none ? state : next[state][found] }
        var numbers: [UInt16] = []
        // Where the pair of a byte begins in a row, then which of the pair it is.
        for byte in 0..<256 { numbers.append(UInt16(truncatingIfNeeded: 1 + Int(classMap[byte]) * (classes + 1))) }
        for byte in 0..<256 { numbers.append(UInt16(classMap[byte])) }
        for state in next.indices {
            numbers.append(accepting[state] ? 1 : 0)
            for one in 0...none {
                let between = follower(state, one)
                for other in 0...none { numbers.append(UInt16(truncatingIfNeeded: follower(between, other) * width)) }
            }
        }
        return [PatternRegex.Layout.paired, UInt64(width).littleEndian, UInt64(classes).littleEndian]
            + DeterministicAutomaton.words(numbers)
    }

    /// The bytes of a `ShiftAutomaton`, as many as whole words have; nil if there are too many states.
    func shifting() -> [UInt8]? {
        guard next.count <= ShiftAutomaton.mostStates else { return nil }
        // The start comes first there.
        func moved(_ state: Int) -> Int { state < 2 && next.count > 1 ? 1 - state : state }
        let states = next.indices.map { moved($0) }
        var bytes = ShiftAutomaton.encode(
            classMap: classMap, next: states.map { next[$0].map(moved) }, accepting: states.map { accepting[$0] })
        while bytes.count % 8 != 0 { bytes.append(0) }
        return bytes
    }

    /// The most bytes after which it is known whether a text is accepted; nil if that may take any number.
    var longestWay: Int? {
        var ways = [Int?](repeating: nil, count: next.count)
        var isOpen = [Bool](repeating: false, count: next.count)
        /// Goes on from a state by those that follow it, without a stack of calls; false if it comes back to one.
        func walk(from start: Int) -> Bool {
            var stack = [start]
            while let state = stack.last {
                if ways[state] != nil {
                    stack.removeLast()
                    continue
                }
                let followers = Set(next[state])
                if followers == [state] {
                    ways[state] = 0
                } else if isOpen[state] {
                    var longest = 0
                    for follower in followers {
                        guard let way = ways[follower] else { return false }
                        longest = max(longest, way)
                    }
                    ways[state] = longest + 1
                } else {
                    isOpen[state] = true
                    for follower in followers where ways[follower] == nil {
                        if isOpen[follower] { return false }
                        stack.append(follower)
                    }
                    continue
                }
                stack.removeLast()
            }
            return true
        }
        return next.count > 1 && walk(from: 1) ? ways[1] : nil
    }

    /// The same automaton without states that accept the same texts (Moore 1956): states are split until those together
    /// go the same ways.
    func merged() -> DeterministicAutomaton {
        guard next.count > 2, next.count <= DeterministicAutomaton.mostMerged else { return self }
        // Nothing leads out of state 0, and nothing into the start; they keep their places.
        var group = next.indices.map { $0 == 0 ? 0 : $0 == 1 ? 1 : accepting[$0] ? 3 : 2 }
        var count = 0
        while true {
            var known: [[Int]: Int] = [:]
            let split = next.indices.map { state in
                let ways = [group[state]] + next[state].map { group[$0] }
                if let number = known[ways] { return number }
                known[ways] = known.count
                return known.count - 1
            }
            group = split
            if known.count == count { break }
            count = known.count
        }
        var result = DeterministicAutomaton(
            classMap: classMap, next: [[Int]](repeating: [], count: count),
            accepting: [Bool](repeating: false, count: count))
        for state in next.indices {
            result.next[group[state]] = next[state].map { group[$0] }
            result.accepting[group[state]] = accepting[state]
        }
        return result
    }
}
