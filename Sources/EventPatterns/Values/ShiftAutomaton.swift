/// A deterministic automaton over bytes with at most ten states, run without a branch or a load that waits for another.
///
/// A state is a multiple of six below 60, and each class of bytes has one word with, at bit `s`, the six bits of the state that
/// follows `s`. So a step is a shift: `state = row >> state`, of which the processor looks at the low six bits (Vognsen,
/// "Shift-based DFAs", 2021). The rows of the bytes to come are loaded meanwhile; a table of states would have to wait for
/// each state before it can load the next.
enum ShiftAutomaton {
    static let mostStates = 10

    /// Where the parts of an encoded automaton lie, in bytes: the class of each byte; the number of classes; the states that
    /// accept, and those that nothing leads out of, a bit each at the state; the rows. The start is state 0.
    private enum Layout {
        static let classMap = 0
        static let classes = 256
        static let accepting = 264
        static let final = 272
        static let rows = 280
    }

    /// The number of bytes of an automaton with so many classes.
    static func byteCount(classes: Int) -> Int { Layout.rows + 8 * classes }

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

    /// The number of bytes of an encoded automaton.
    static func byteCount(_ automaton: UnsafePointer<UInt8>) -> Int {
        byteCount(classes: Int(ByteHash.word(automaton + Layout.classes)))
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

    /// The place after which the automaton has first accepted, -1 if it does not; or, unless that is `exact`, any number but
    /// -1 if it does. For automata that, once they accept, stay there.
    @inline(__always)
    static func end(
        _ automaton: UnsafePointer<UInt8>, _ text: UnsafePointer<UInt8>, from: Int, _ length: Int, exact: Bool
    ) -> Int {
        let final = ByteHash.word(automaton + Layout.final)
        var state: UInt64 = 0
        var at = from
        while at &+ 8 <= length {
            let next = eight(automaton, ByteHash.word(text + at), state)
            if final &>> next & 1 != 0 { return exact ? place(automaton, text, from: at, length, state) : at }
            state = next
            at &+= 8
        }
        let last = rest(automaton, ByteHash.tail(text, at, length), length &- at, state)
        if final &>> last & 1 == 0 { return -1 }
        return exact ? place(automaton, text, from: at, length, state) : at
    }

    /// The place after which an automaton accepts that is known to do so.
    private static func place(
        _ automaton: UnsafePointer<UInt8>, _ text: UnsafePointer<UInt8>, from: Int, _ length: Int, _ start: UInt64
    ) -> Int {
        let final = ByteHash.word(automaton + Layout.final)
        var state = start
        var at = from
        while at < length, final &>> state & 1 == 0 {
            state = step(automaton, UInt64(text[at]), state)
            at &+= 1
        }
        return at
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

    /// The state after the first `count` of seven bytes. All seven steps are made, for a number of steps that differs from
    /// text to text cannot be foretold.
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
    /// The automata that find, one after the other, a wildcard's literals between its stars in a text, each leftmost after the
    /// one before; nil if a literal is too long for one automaton.
    ///
    /// - Parameter ignoringCase: literals are ASCII in lower case and stand for both cases.
    static func searches(_ literals: [[UInt8]], ignoringCase: Bool) -> [[UInt8]]? {
        guard literals.allSatisfy({ $0.count < mostStates && !$0.isEmpty }) else { return nil }
        var automata: [[UInt8]] = []
        var group: [[UInt8]] = []
        for literal in literals {
            if group.reduce(literal.count, { $0 + $1.count }) >= mostStates {
                automata.append(search(group, ignoringCase))
                group = []
            }
            group.append(literal)
        }
        return group.isEmpty ? automata : automata + [search(group, ignoringCase)]
    }

    /// The automaton of some literals: its states are the bytes found so far (Knuth, Morris and Pratt 1977 within each
    /// literal); after the last it stays.
    private static func search(_ literals: [[UInt8]], _ ignoringCase: Bool) -> [UInt8] {
        var classMap = [UInt8](repeating: 0, count: 256)
        var classes = 1
        for byte in literals.joined() where classMap[Int(byte)] == 0 {
            classMap[Int(byte)] = UInt8(truncatingIfNeeded: classes)
            if ignoringCase, byte &- 0x61 < 26 { classMap[Int(byte & 0xDF)] = UInt8(truncatingIfNeeded: classes) }
            classes += 1
        }
        var next: [[Int]] = []
        for literal in literals {
            let start = next.count
            for known in literal.indices {
                next.append(
                    (0..<classes).map { found in
                        // The longest start of the literal that the bytes known and the one found end in.
                        let read = literal[..<known].map { Int(classMap[Int($0)]) } + [found]
                        let fitting = (0...read.count).last { length in
                            length <= literal.count
                                && read.suffix(length).elementsEqual(
                                    literal.prefix(length).map { Int(classMap[Int($0)]) })
                        }
                        return start + (fitting ?? 0)
                    })
            }
        }
        next.append([Int](repeating: next.count, count: classes))
        let accepting = next.indices.map { $0 == next.count - 1 }
        return encode(classMap: classMap, next: next, accepting: accepting)
    }
}

extension ShiftAutomaton {
    /// Parts literals into groups, each small enough that one automaton can find any of a group in a text.
    static func groups(of literals: [[UInt8]]) -> [[[UInt8]]] {
        var groups: [[[UInt8]]] = []
        for literal in literals {
            if let last = groups.last, starts(of: last + [literal]).count < mostStates {
                groups[groups.count - 1].append(literal)
            } else {
                groups.append([literal])
            }
        }
        return groups
    }

    /// The automaton that finds any of some literals: its states are what a text can be in the middle of (Aho and Corasick
    /// 1975); after the first literal it stays.
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
