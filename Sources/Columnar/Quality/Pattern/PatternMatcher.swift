import Glibc

/// Matches values against a pattern by a deterministic automaton that is built as it is needed. Used by one thread at a
/// time.
package final class PatternMatcher {
    /// When there are more, the automaton is thrown away and built anew, which bounds its memory.
    private static let maximumStates = 1024
    private static let unknown: Int32 = -1
    /// No further byte makes a match.
    private static let dead: Int32 = -2

    private let program: PatternProgram
    /// By state, the instructions that take a byte, or look for the end.
    private var states: [[Int]] = []
    /// 256 a state: where each byte leads, as the place of the next state's transitions.
    private var transitions: UnsafeMutablePointer<Int32>
    /// By state, 1 where a value may end.
    private let accepting: UnsafeMutablePointer<UInt8>
    private var capacity = 16
    private var known: [[Int]: Int32] = [:]
    /// How often states have got other numbers.
    private var resets = 0
    private let runs: PatternRuns?

    /// With nothing seen yet.
    package init(_ pattern: QualityPattern) {
        program = pattern.program
        runs = pattern.runs
        transitions = .allocate(capacity: 256 * capacity)
        accepting = .allocate(capacity: Self.maximumStates)
        reset()
    }

    deinit {
        transitions.deallocate()
        accepting.deallocate()
    }

    private func reset() {
        resets += 1
        states.removeAll(keepingCapacity: true)
        known.removeAll(keepingCapacity: true)
        _ = state(closure(of: [program.start], isStart: true, isEnd: false))
    }

    func matches(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = value.baseAddress else { return accepting[0] == 1 }
        return finish(start, value.count, at: 0, 0) == 1
    }

    /// The rest of a value, from the transitions of a state on; 1 where it matches.
    private func finish(_ value: UnsafePointer<UInt8>, _ length: Int, at start: Int, _ state: Int) -> UInt8 {
        var current = state
        var transitions = transitions
        var position = start
        while position < length {
            var next = transitions[current &+ Int(value[position])]
            if next < 0 {
                if next == Self.unknown {
                    next = follow(current, value[position])
                    transitions = self.transitions
                }
                if next == Self.dead { return 0 }
            }
            current = Int(next)
            position &+= 1
        }
        return accepting[current / 256]
    }

    /// Sets a byte a value, 1 where it matches, of values that lie one after the other. Four go side by side, since
    /// each step of one waits for the step before.
    package func match(
        _ texts: UnsafePointer<UInt8>, _ lengths: UnsafePointer<UInt32>, _ count: Int,
        into verdicts: UnsafeMutablePointer<UInt8>
    ) {
        var index = 0
        var a = texts
        if let runs {
            index = match(runs, texts, lengths, count, into: verdicts)
            for value in 0..<index { a += Int(lengths[value]) }
        }
        while index &+ 4 <= count {
            let (la, lb) = (Int(lengths[index]), Int(lengths[index &+ 1]))
            let (lc, ld) = (Int(lengths[index &+ 2]), Int(lengths[index &+ 3]))
            let b = a + la
            let c = b + lb
            let d = c + lc
            let common = min(min(la, lb), min(lc, ld))
            let table = transitions
            var (sa, sb, sc, sd) = (0, 0, 0, 0)
            var at = 0
            while at < common {
                sa = Int(table[sa &+ Int(a[at])])
                sb = Int(table[sb &+ Int(b[at])])
                sc = Int(table[sc &+ Int(c[at])])
                sd = Int(table[sd &+ Int(d[at])])
                // One of them is not known yet, or ends here: each goes alone, from its beginning.
                if (sa | sb | sc | sd) < 0 {
                    (sa, sb, sc, sd) = (0, 0, 0, 0)
                    at = 0
                    break
                }
                at &+= 1
            }
            let numbering = resets
            verdicts[index] = finish(a, la, at: at, sa)
            verdicts[index &+ 1] = numbering == resets ? finish(b, lb, at: at, sb) : finish(b, lb, at: 0, 0)
            verdicts[index &+ 2] = numbering == resets ? finish(c, lc, at: at, sc) : finish(c, lc, at: 0, 0)
            verdicts[index &+ 3] = numbering == resets ? finish(d, ld, at: at, sd) : finish(d, ld, at: 0, 0)
            a = d + ld
            index &+= 4
        }
        while index < count {
            verdicts[index] = finish(a, Int(lengths[index]), at: 0, 0)
            a += Int(lengths[index])
            index &+= 1
        }
    }

    /// The same as far as 64 bytes are readable from the beginning of each 64 of a value.
    /// - Returns: how many values were matched.
    private func match(
        _ runs: PatternRuns, _ texts: UnsafePointer<UInt8>, _ lengths: UnsafePointer<UInt32>, _ count: Int,
        into verdicts: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var size = 0
        for index in 0..<count { size &+= Int(lengths[index]) }
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.markedValues) { memory in
            guard let marks = memory.baseAddress else { return 0 }
            var (start, first) = (0, 0)
            while first < count {
                let next = min(count, first &+ Self.markedValues)
                let areMarked = runs.mark(texts + start, lengths + first, next &- first, into: marks)
                for index in first..<next {
                    let length = Int(lengths[index])
                    if areMarked, length <= 64 {
                        var (state, position) = (Int32(0), 0)
                        step(runs, marks[index &- first], at: texts + start, 0, &state, &position)
                        verdicts[index] = end(runs, length, state, position)
                    } else {
                        guard start &+ (length &+ 63) / 64 * 64 <= size else { return index }
                        verdicts[index] = matches(runs, texts + start, length)
                    }
                    start &+= length
                }
                first = next
            }
            return count
        }
    }

    private static let markedValues = 256

    @inline(__always)
    private func matches(_ runs: PatternRuns, _ text: UnsafePointer<UInt8>, _ length: Int) -> UInt8 {
        var (state, next) = (Int32(0), 0)
        for block in stride(from: 0, to: length, by: 64) {
            step(runs, runs.mask(text + block, length &- block), at: text, block, &state, &next)
            if state < 0 { return 0 }
        }
        return end(runs, length, state, next)
    }

    /// Takes the bytes of a block up to the last that is marked as not common, which come after those before `next`.
    @inline(__always)
    private func step(
        _ runs: PatternRuns, _ marks: UInt64, at text: UnsafePointer<UInt8>, _ block: Int, _ state: inout Int32,
        _ next: inout Int
    ) {
        var mask = marks
        while mask != 0, state >= 0 {
            let position = block &+ mask.trailingZeroBitCount
            state = skip(position &- next, of: runs.common, from: state)
            if state >= 0 { state = step(state, text[position]) }
            next = position &+ 1
            mask &= mask &- 1
        }
    }

    /// Whether a value of which the bytes before `next` have led to a state matches: the rest are common.
    @inline(__always)
    private func end(_ runs: PatternRuns, _ length: Int, _ state: Int32, _ next: Int) -> UInt8 {
        guard state >= 0 else { return 0 }
        let last = skip(length &- next, of: runs.common, from: state)
        return last < 0 ? 0 : accepting[Int(last) / 256]
    }

    /// Takes the same byte several times; once it leads nowhere else, the others do neither.
    @inline(__always)
    private func skip(_ times: Int, of byte: UInt8, from state: Int32) -> Int32 {
        var (state, left) = (state, times)
        while left > 0 {
            let numbering = resets
            let next = step(state, byte)
            if next < 0 || (next == state && numbering == resets) { return next }
            state = next
            left &-= 1
        }
        return state
    }

    @inline(__always)
    private func step(_ state: Int32, _ byte: UInt8) -> Int32 {
        let next = transitions[Int(state) &+ Int(byte)]
        return next == Self.unknown ? follow(Int(state), byte) : next
    }

    /// Finds out where a byte leads from the transitions of a state.
    @inline(never)
    private func follow(_ current: Int, _ byte: UInt8) -> Int32 {
        let targets = step(states[current / 256], byte)
        if states.count >= Self.maximumStates {
            reset()
            return state(targets)
        }
        let next = state(targets)
        transitions[current + Int(byte)] = next
        return next
    }

    private func step(_ instructions: [Int], _ byte: UInt8) -> [Int] {
        var targets: [Int] = []
        for index in instructions {
            if case .bytes(let range, let next) = program.instructions[index], range.contains(byte) {
                targets.append(next)
            }
        }
        return closure(of: targets, isStart: false, isEnd: false)
    }

    private func state(_ instructions: [Int]) -> Int32 {
        if let known = known[instructions] { return known }
        let atEnd = closure(of: instructions, isStart: false, isEnd: true)
        let isAccepting = atEnd.contains { index in
            if case .match = program.instructions[index] { true } else { false }
        }
        if instructions.isEmpty && !isAccepting && !states.isEmpty {
            known[instructions] = Self.dead
            return Self.dead
        }
        let number = states.count
        states.append(instructions)
        accepting[number] = isAccepting ? 1 : 0
        if states.count > capacity { grow() }
        (transitions + 256 * number).update(repeating: Self.unknown, count: 256)
        known[instructions] = Int32(256 * number)
        return Int32(256 * number)
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Int32>.allocate(capacity: 512 * capacity)
        memcpy(larger, transitions, 4 * 256 * capacity)
        transitions.deallocate()
        transitions = larger
        capacity *= 2
    }

    /// All instructions that can be reached without taking a byte, sorted.
    private func closure(of starts: [Int], isStart: Bool, isEnd: Bool) -> [Int] {
        var seen: Set<Int> = []
        var pending = starts
        var result: [Int] = []
        while let index = pending.popLast() {
            guard seen.insert(index).inserted else { continue }
            switch program.instructions[index] {
            case .split(let targets): pending += targets
            case .atStart(let next): if isStart { pending.append(next) }
            case .atEnd(let next):
                if isEnd { pending.append(next) } else { result.append(index) }
            case .bytes, .match: result.append(index)
            }
        }
        return result.sorted()
    }
}
