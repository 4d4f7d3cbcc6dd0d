/// A deterministic automaton over bytes with at most ten states, run without a branch or a load that waits for another.
///
/// A state is a multiple of six below 60, and each class of bytes has one word with, at bit `s`, the six bits of the
/// state that follows `s`. So a step is a shift: `state = row >> state`, of which the processor looks at the low six
/// bits (Vognsen, "Shift-based DFAs", 2021). The rows of the bytes to come are loaded meanwhile; a table of states
/// would have to wait for each state before it can load the next.
enum ShiftAutomaton {
    static let mostStates = 10

    /// Where the parts of an encoded automaton lie, in bytes: the class of each byte; the number of classes; the states
    /// that accept, and those that nothing leads out of, a bit each at the state; the rows. The start is state 0.
    private enum Layout {
        static let classMap = 0
        static let classes = 256
        static let accepting = 264
        static let final = 272
        static let rows = 280
    }

    /// Encodes an automaton. `next[state][class]` is a state's number; the start is 0.
    static func encode(classMap: [UInt8], next: [[Int]], accepting: [Bool]) -> [UInt8] {
        let classes = next.first?.count ?? 0
        var acceptingMask: UInt64 = 0
        var finalMask: UInt64 = 0
        var rows = [UInt64](repeating: 0, count: classes)
        for (state, followers) in next.enumerated() {
            let bit = UInt64(6 * state)
            if accepting[state] { acceptingMask |= 1 << bit }
            if followers.allSatisfy({ $0 == state }) { finalMask |= 1 << bit }
            for (index, follower) in followers.enumerated() { rows[index] |= UInt64(6 * follower) << bit }
        }
        var bytes = classMap
        for word in [UInt64(classes), acceptingMask, finalMask] + rows {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }

    /// Whether the automaton accepts the whole text.
    static func accepts(_ automaton: UnsafePointer<UInt8>, _ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let final = ByteHash.word(automaton + Layout.final)
        var state: UInt64 = 0
        var at = 0
        while at &+ 8 <= length {
            state = eight(automaton, ByteHash.word(text + at), state)
            if final &>> state & 1 != 0 { return ByteHash.word(automaton + Layout.accepting) &>> state & 1 != 0 }
            at &+= 8
        }
        state = rest(automaton, ByteHash.tail(text, at, length), length &- at, state)
        return ByteHash.word(automaton + Layout.accepting) &>> state & 1 != 0
    }

    @inline(__always)
    private static func row(_ automaton: UnsafePointer<UInt8>, _ byte: UInt64) -> UInt64 {
        ByteHash.word(automaton + (Layout.rows &+ Int(automaton[Int(truncatingIfNeeded: byte)]) &* 8))
    }

    @inline(__always)
    private static func step(_ automaton: UnsafePointer<UInt8>, _ byte: UInt64, _ state: UInt64) -> UInt64 {
        row(automaton, byte) &>> state
    }

    /// The state after eight bytes.
    @inline(__always)
    private static func eight(_ automaton: UnsafePointer<UInt8>, _ bytes: UInt64, _ start: UInt64) -> UInt64 {
        var state = step(automaton, bytes & 0xFF, start)
        state = step(automaton, bytes >> 8 & 0xFF, state)
        state = step(automaton, bytes >> 16 & 0xFF, state)
        state = step(automaton, bytes >> 24 & 0xFF, state)
        state = step(automaton, bytes >> 32 & 0xFF, state)
        state = step(automaton, bytes >> 40 & 0xFF, state)
        state = step(automaton, bytes >> 48 & 0xFF, state)
        return step(automaton, bytes >> 56, state)
    }

    /// The state after the first `count` of seven bytes. All seven steps are made, for a number of steps that differs
    /// from text to text cannot be foretold.
    @inline(__always)
    private static func rest(
        _ automaton: UnsafePointer<UInt8>, _ bytes: UInt64, _ count: Int, _ start: UInt64
    ) -> UInt64 {
        // A row that changes no state: at each state, the state.
        let standing: UInt64 = 0x0DB0_AA47_9848_C180
        var state = start
        for lane in 0..<7 {
            let next = row(automaton, bytes >> UInt64(8 &* lane) & 0xFF)
            state = (lane < count ? next : standing) &>> state
        }
        return state
    }
}

extension ShiftAutomaton {
    /// Whether one automaton can find any of some literals.
    static func canFind(_ literals: [[UInt8]]) -> Bool {
        literals.allSatisfy { $0.count < mostStates } && starts(of: literals).count < mostStates
    }

    /// The automaton that finds any of some literals: its states are what a text can be in the middle of (Aho and
    /// Corasick 1975); after the first literal it stays.
    static func finding(_ literals: [[UInt8]]) -> [UInt8] {
        var classMap = [UInt8](repeating: 0, count: 256)
        // Class 0 stands for a byte of no literal.
        var classes: [UInt8?] = [nil]
        for byte in literals.joined() where classMap[Int(byte)] == 0 {
            classMap[Int(byte)] = UInt8(truncatingIfNeeded: classes.count)
            classes.append(byte)
        }
        let starts = starts(of: literals)
        var next = starts.map { start in
            classes.map { byte in
                guard let byte else { return 0 }
                let read = start + [byte]
                if literals.contains(where: { $0.count <= read.count && read.suffix($0.count).elementsEqual($0) }) {
                    return starts.count
                }
                return starts.indices.filter { starts[$0].count <= read.count }
                    .filter { read.suffix(starts[$0].count).elementsEqual(starts[$0]) }
                    .max { starts[$0].count < starts[$1].count } ?? 0
            }
        }
        next.append([Int](repeating: starts.count, count: classes.count))
        return encode(classMap: classMap, next: next, accepting: next.indices.map { $0 == starts.count })
    }

    /// What literals begin with, without being whole: each once, the empty start first.
    private static func starts(of literals: [[UInt8]]) -> [[UInt8]] {
        var starts: [[UInt8]] = []
        for literal in literals {
            for length in literal.indices where !starts.contains(Array(literal[..<length])) {
                starts.append(Array(literal[..<length]))
            }
        }
        return starts
    }
}
