/// Starts and ends of texts, and blocks of addresses, of which one value may pass several, one within the other: how
/// many sub-rules a value is led to that passes one of them.
struct Nests {
    typealias Place = (group: RuleWork.Group, text: [UInt8])

    private var uses: [RuleWork.Group: [[UInt8]: Int]] = [:]
    private var most: [RuleWork.Group: [[UInt8]: Int]] = [:]

    /// What an alternative asks values to begin with, in the order of its kind, or what it is filed under; nil if that
    /// is the whole value, or nothing that sets it apart.
    func place(_ atom: Atom, _ condition: ConditionRecord, _ indexer: SegmentIndexer) -> Place? {
        func place(_ kind: UInt64, _ text: [UInt8]) -> Place {
            (RuleWork.Group(path: condition.path, kind: kind), text)
        }
        if atom.kind == .cidr {
            guard atom.extra > 0 else { return nil }
            let bits = RuleWork.bytes(atom.x, 64) + RuleWork.bytes(atom.y, 64)
            return atom.flags == 1
                ? place(1006, Array(bits.prefix(Int(atom.extra))))
                : place(1004, Array(bits[96..<96 + Int(atom.extra)]))
        }
        let entries = indexer.textEntries(atom, condition)
        guard entries.count == 1, Access.isGated(entries[0].kind) else { return nil }
        let text = entries[0].text
        return place(entries[0].kind.rawValue, entries[0].kind.isStart ? text : text.reversed())
    }

    mutating func add(_ count: Int, at place: Place) {
        uses[place.group, default: [:]][place.text, default: 0] += count
    }

    /// Finds for each what the longest within it leads to.
    mutating func settle() {
        for (group, texts) in uses {
            let sorted = texts.keys.sorted { $0.lexicographicallyPrecedes($1) }
            // What a value is led to that begins so and goes on as none within; the next one around.
            var most: [Int] = []
            var around: [Int?] = []
            var above: [Int] = []
            for (index, text) in sorted.enumerated() {
                while let last = above.last, !text.starts(with: sorted[last]) { above.removeLast() }
                most.append((texts[text] ?? 0) + (above.last.map { most[$0] } ?? 0))
                around.append(above.last)
                above.append(index)
            }
            for index in sorted.indices.reversed() {
                if let outer = around[index] { most[outer] = max(most[outer], most[index]) }
            }
            self.most[group] = Dictionary(uniqueKeysWithValues: zip(sorted, most))
        }
    }

    func most(at place: Place) -> Int { most[place.group]?[place.text] ?? 0 }
}
