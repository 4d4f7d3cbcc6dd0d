/// Starts and ends of texts, and blocks of addresses, of which one value may pass several, one within the other: how many
/// sub-rules a value is led to that passes one of them.
struct Nests {
    typealias Place = (group: RuleWork.Group, text: [UInt8])

    private var uses: [RuleWork.Group: [[UInt8]: Int]] = [:]
    private var most: [RuleWork.Group: [[UInt8]: Int]] = [:]

    /// What an alternative asks values to begin with, in the order of its kind; nil if nothing lies within it.
    func place(_ atom: Atom, _ condition: ConditionRecord, _ indexer: SegmentIndexer) -> Place? {
        func place(_ text: [UInt8], family: UInt64 = 0) -> Place {
            (RuleWork.Group(path: condition.path, kind: UInt64(atom.kind.rawValue) + family), text)
        }
        switch atom.kind {
        case .prefix, .prefixFolded: return place(indexer.text(of: atom, condition))
        case .suffix, .suffixFolded: return place(indexer.text(of: atom, condition).reversed())
        case .prefixCased: return indexer.foldedKey(atom, condition).map { place($0) }
        case .suffixCased: return indexer.foldedKey(atom, condition).map { place($0.reversed()) }
        case .cidr:
            let bits = RuleWork.bytes(atom.x, 64) + RuleWork.bytes(atom.y, 64)
            return atom.flags == 1
                ? place(Array(bits.prefix(Int(atom.extra))), family: 1000)
                : place(Array(bits[96..<96 + Int(atom.extra)]))
        default: return nil
        }
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
