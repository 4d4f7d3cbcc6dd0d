/// A regular expression compiled to a nondeterministic automaton over the bytes of UTF-8 (Thompson's construction).
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        /// Takes one byte out of the range.
        case bytes(ClosedRange<UInt8>, next: Int)
        case split([Int])
        case atStart(next: Int)
        case atEnd(next: Int)
        case match
    }

    /// Most instructions of one pattern; the memory and time of a match grow with them.
    private static let maximumSize = 20_000

    private(set) var instructions: [Instruction] = [.match]
    private(set) var start = 0

    init(_ node: PatternNode, pattern: String) throws(ColumnarError) {
        // Built from the end: every part knows where it leads.
        guard let first = compile(node, to: 0) else {
            throw ColumnarError(
                .invalidRule,
                "The pattern \"\(pattern)\" is too large: repetitions of repetitions grow by their product.",
                text: pattern)
        }
        start = first
    }

    private mutating func add(_ instruction: Instruction) -> Int? {
        guard instructions.count < Self.maximumSize else { return nil }
        instructions.append(instruction)
        return instructions.count - 1
    }

    /// Nil where the program gets too large.
    private mutating func compile(_ node: PatternNode, to next: Int) -> Int? {
        switch node {
        case .empty: return next
        case .atStart: return add(.atStart(next: next))
        case .atEnd: return add(.atEnd(next: next))
        case .sequence(let nodes):
            var target = next
            for node in nodes.reversed() {
                guard let start = compile(node, to: target) else { return nil }
                target = start
            }
            return target
        case .alternatives(let nodes):
            var starts: [Int] = []
            for node in nodes {
                guard let start = compile(node, to: next) else { return nil }
                starts.append(start)
            }
            return add(.split(starts))
        case .oneOf(let ranges):
            var starts: [Int] = []
            for range in ranges {
                for sequence in UTF8Ranges.sequences(for: range) {
                    var target = next
                    for bytes in sequence.reversed() {
                        guard let start = add(.bytes(bytes, next: target)) else { return nil }
                        target = start
                    }
                    starts.append(target)
                }
            }
            return starts.count == 1 ? starts[0] : add(.split(starts))
        case .repetition(let node, let minimum, let maximum):
            var target = next
            if let maximum {
                for _ in minimum..<maximum {
                    guard let start = compile(node, to: target), let option = add(.split([start, next])) else {
                        return nil
                    }
                    target = option
                }
            } else {
                guard let loop = add(.split([next])), let start = compile(node, to: loop) else { return nil }
                instructions[loop] = .split([start, next])
                target = loop
            }
            for _ in 0..<minimum {
                guard let start = compile(node, to: target) else { return nil }
                target = start
            }
            return target
        }
    }
}

/// Ranges of code points as sequences of byte ranges, as RE2 and Rust's `utf8-ranges` make them.
enum UTF8Ranges {
    /// Each sequence matches the UTF-8 of some code points of `range`, together they match all of them.
    static func sequences(for range: ClosedRange<UInt32>) -> [[ClosedRange<UInt8>]] {
        var result: [[ClosedRange<UInt8>]] = []
        var pending = [range]
        while let range = pending.popLast() {
            let (low, high) = (range.lowerBound, min(range.upperBound, 0x10FFFF))
            guard low <= high else { continue }
            // Surrogates have no UTF-8.
            if low <= 0xDFFF, high >= 0xD800 {
                if low < 0xD800 { pending.append(low...0xD7FF) }
                if high > 0xDFFF { pending.append(0xE000...high) }
                continue
            }
            if let boundary = [UInt32(0x7F), 0x7FF, 0xFFFF].first(where: { low <= $0 && $0 < high }) {
                pending.append(boundary + 1...high)
                pending.append(low...boundary)
                continue
            }
            if let cut = cut(low, high) {
                pending.append(cut...high)
                pending.append(low...cut - 1)
                continue
            }
            result.append(zip(bytes(low), bytes(high)).map { $0...$1 })
        }
        return result
    }

    /// Where the range must be cut so that each byte of its ends varies independently; nil where it need not be.
    private static func cut(_ low: UInt32, _ high: UInt32) -> UInt32? {
        guard low > 0x7F else { return nil }
        for shift in [UInt32(6), 12, 18] {
            let mask = UInt32(1) << shift - 1
            if low & ~mask != high & ~mask {
                if low & mask != 0 { return (low | mask) + 1 }
                if high & mask != mask { return high & ~mask }
            }
        }
        return nil
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        guard let scalar = Unicode.Scalar(value) else { return [] }
        return Array(String(Character(scalar)).utf8)
    }
}
