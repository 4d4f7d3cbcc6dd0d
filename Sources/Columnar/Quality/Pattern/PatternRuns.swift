import CLinux

/// For patterns to which nearly all characters of ASCII are the same, as in `[^@ ]+@[^@ ]+` or `.*(cash|card).*`: the
/// few others are found by vector comparisons, 64 bytes at a time, and what lies between is passed over at once.
struct PatternRuns: Sendable {
    /// A byte that stands for all common ones.
    let common: UInt8
    private let others: (UInt8, UInt8, UInt8)

    /// Programs beyond this are not looked through.
    private static let mostInstructions = 500

    /// Nil where more than three characters of ASCII differ from the common ones.
    init?(_ program: PatternProgram) {
        guard program.instructions.count <= Self.mostInstructions else { return nil }
        let groups = Self.groups(program)
        var classes: [[[Int]]: [UInt8]] = [:]
        for byte in UInt8(0)..<128 {
            let targets = groups.map { group in
                Set(group.filter { $0.range.contains(byte) }.map(\.next)).sorted()
            }
            classes[targets, default: []].append(byte)
        }
        // Common ones that lead nowhere are seldom seen, and all that is seen would be among the others.
        guard let (targets, largest) = classes.max(by: { $0.value.count < $1.value.count }),
            let common = largest.first, largest.count >= 125, targets.contains(where: { !$0.isEmpty })
        else { return nil }
        let rest = (UInt8(0)..<128).filter { !largest.contains($0) }
        // With fewer than three, one is looked for several times; a common one may be.
        let first = rest.first ?? common
        others = (first, rest.count > 1 ? rest[1] : first, rest.count > 2 ? rest[2] : first)
        self.common = common
    }

    /// The instructions that take bytes, those together that are only ever tried together: two bytes are the same where
    /// they lead each group to the same places.
    private static func groups(_ program: PatternProgram) -> [[(range: ClosedRange<UInt8>, next: Int)]] {
        // By instruction, the choice it is part of; -1: it is reached in another way, or in several.
        var choices = [Int?](repeating: nil, count: program.instructions.count)
        func reach(_ target: Int, from choice: Int) {
            choices[target] = choices[target] == nil || choices[target] == choice ? choice : -1
        }
        reach(program.start, from: -1)
        for (index, instruction) in program.instructions.enumerated() {
            switch instruction {
            case .split(let targets): for target in targets { reach(target, from: index) }
            case .bytes(_, let next), .atStart(let next), .atEnd(let next): reach(next, from: -1)
            case .match: break
            }
        }
        var groups: [Int: [(range: ClosedRange<UInt8>, next: Int)]] = [:]
        for (index, instruction) in program.instructions.enumerated() {
            guard case .bytes(let range, let next) = instruction else { continue }
            let choice = choices[index] ?? -1
            groups[choice < 0 ? -1 - index : choice, default: []].append((range, next))
        }
        return groups.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Bits for the bytes, of up to 64 from `text`, that are not common. 64 must be readable.
    @inline(__always)
    func mask(_ text: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
        let masks = clinux_classify(text, others.0, others.1, others.2)
        let found = masks.quotes | masks.delimiters | masks.lines | masks.high
        return count >= 64 ? found : found & ~(~0 &<< UInt64(truncatingIfNeeded: count))
    }

    /// The same for each of some values that lie one after the other, of those of at most 64 bytes, where the processor
    /// does that quickly.
    /// - Returns: false where nothing was done.
    @inline(__always)
    func mark(
        _ texts: UnsafePointer<UInt8>, _ lengths: UnsafePointer<UInt32>, _ count: Int,
        into marks: UnsafeMutablePointer<UInt64>
    ) -> Bool {
        guard clinux_has_wide() else { return false }
        withUnsafeBytes(of: others) { wanted in
            clinux_mark_texts(
                texts, lengths, count, wanted.baseAddress?.assumingMemoryBound(to: UInt8.self), marks)
        }
        return true
    }
}
