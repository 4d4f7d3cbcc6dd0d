import Glibc

/// A regular expression that whole values must match, in time linear in their length whatever the pattern.
public struct QualityPattern: Sendable {
    /// As it was written.
    public let text: String
    let program: PatternProgram

    /// Fails with `InvalidRule`, naming the place in the pattern.
    public init(_ text: String) throws(ColumnarError) {
        self.text = text
        program = try PatternProgram(try PatternParser.parse(text), pattern: text)
    }

    /// Whether the whole value matches. For many values keep a `PatternMatcher`, which remembers what it has seen.
    public func matches(_ value: String) -> Bool {
        let matcher = PatternMatcher(self)
        var copy = value
        return copy.withUTF8 { matcher.matches($0) }
    }
}

/// Matches values against a pattern by a deterministic automaton that is built as it is needed. Used by one thread at a
/// time.
final class PatternMatcher {
    private struct State {
        /// Instructions that take a byte, or look for the end.
        let instructions: [Int]
        let isAccepting: Bool
    }

    /// When there are more, the automaton is thrown away and built anew, which bounds its memory.
    private static let maximumStates = 1024
    private static let unknown: Int32 = -1
    /// No further byte makes a match.
    private static let dead: Int32 = -2

    private let program: PatternProgram
    private var states: [State] = []
    /// 256 a state: where each byte leads.
    private var transitions: UnsafeMutablePointer<Int32>
    private var capacity = 16
    private var known: [[Int]: Int32] = [:]

    init(_ pattern: QualityPattern) {
        program = pattern.program
        transitions = .allocate(capacity: 256 * capacity)
        reset()
    }

    deinit { transitions.deallocate() }

    private func reset() {
        states.removeAll(keepingCapacity: true)
        known.removeAll(keepingCapacity: true)
        _ = state(closure(of: [program.start], isStart: true, isEnd: false))
    }

    func matches(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        var current: Int32 = 0
        var transitions = transitions
        for byte in value {
            var next = transitions[Int(current) &* 256 &+ Int(byte)]
            if next < 0 {
                if next == Self.unknown {
                    next = follow(current, byte)
                    transitions = self.transitions
                }
                if next == Self.dead { return false }
            }
            current = next
        }
        return states[Int(current)].isAccepting
    }

    /// Finds out where a byte leads from a state.
    @inline(never)
    private func follow(_ current: Int32, _ byte: UInt8) -> Int32 {
        let targets = step(states[Int(current)].instructions, byte)
        if states.count >= Self.maximumStates {
            reset()
            return state(targets)
        }
        let next = state(targets)
        transitions[Int(current) * 256 + Int(byte)] = next
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
        let number = Int32(states.count)
        states.append(State(instructions: instructions, isAccepting: isAccepting))
        if states.count > capacity { grow() }
        (transitions + 256 * Int(number)).update(repeating: Self.unknown, count: 256)
        known[instructions] = number
        return number
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
