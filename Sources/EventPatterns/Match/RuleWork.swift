/// What a rule may make an event cost beyond what its fields do: the work of its conditions (see
/// `ConditionRecord.work`) that one event can be led to. A plain comparison counts a quarter, for it ends with the
/// first word that differs.
///
/// Without `$or` that is all of them. Of the branches of `$or` one event meets some only: those filed under texts that
/// it cannot have at once do not add up, those filed under what any event may have do.
struct RuleWork {
    private struct Group: Hashable {
        var path: Int32
        var kind: UInt64
    }

    private struct Span {
        var low: Double
        var high: Double
        var work: Int
    }

    /// Of branches that any event leads to.
    private var everywhere = 0
    private var exact: [Group: [[UInt8]: Int]] = [:]
    private var starts: [Group: [(text: [UInt8], work: Int)]] = [:]
    private var spans: [Group: [Span]] = [:]

    /// The work of a rule.
    static func of(_ pattern: EventPattern) -> Int {
        var paths: [FieldPath: Int32] = [:]
        var builder = SegmentBuilder()
        builder.add(pattern) { path in
            let number = paths[path] ?? Int32(paths.count)
            paths[path] = number
            return number
        }
        var indexer = SegmentIndexer(builder.store, uses: builder.uses, pathCount: paths.count)
        defer {
            indexer.store.free()
            indexer.free()
            builder.freeUses()
        }
        if indexer.store.subRules.count == 1 {
            return (0..<indexer.store.conditions.count).reduce(0) { $0 + quarters($1, indexer.store) } / 4
        }
        indexer.choose()
        var work = RuleWork()
        // What several branches ask is asked once.
        var shared = 0
        for index in 0..<indexer.store.conditions.count where indexer.uses[index] > 1 {
            shared += quarters(index, indexer.store)
        }
        for index in 0..<indexer.store.subRules.count { work.add(index, indexer) }
        return (shared + work.most) / 4
    }

    /// A condition's work, in quarters, without the one comparison that every field takes.
    private static func quarters(_ number: Int, _ store: SegmentStore) -> Int {
        let condition = store.conditions[number]
        let searched = condition.listedCount + condition.rangeCount + condition.dateCount + condition.addressCount
        var plain = 0
        for index in Int(searched)..<Int(condition.atomCount) {
            let atom = store.atoms[Int(condition.firstAtom) + index]
            plain += atom.isPlain ? 1 : 0
            guard atom.kind == .anythingBut else { continue }
            plain += 1
            for place in 0..<Int(atom.length) where atom.flags & 3 == 0 {
                plain += store.atoms[Int(condition.firstAtom) + Int(atom.offset) + place].isPlain ? 1 : 0
            }
        }
        return max(0, 4 * Int(condition.work) - 3 * plain - 1)
    }

    private mutating func add(_ number: Int, _ indexer: SegmentIndexer) {
        let store = indexer.store
        let subRule = store.subRules[number]
        var work = 0
        for position in 0..<Int(subRule.conditionCount) {
            let reference = Int(store.references[Int(subRule.firstCondition) + position])
            if indexer.uses[reference] == 1 { work += RuleWork.quarters(reference, store) }
        }
        let condition = store.conditions[Int(indexer.chosen[number])]
        let atoms = (0..<Int(condition.atomCount)).map { store.atoms[Int(condition.firstAtom) + $0] }
        let isAnywhere = condition.allowsAbsence || atoms.contains { leadsAnywhere($0, condition, indexer) }
        guard !isAnywhere else {
            everywhere += work
            return
        }
        for atom in atoms { add(atom, condition, work, indexer) }
    }

    private func leadsAnywhere(_ atom: Atom, _ condition: ConditionRecord, _ indexer: SegmentIndexer) -> Bool {
        switch atom.kind {
        case .exists, .absent, .anythingBut, .timeOfDay: true
        default: indexer.textEntries(atom, condition).contains { $0.kind == .string || $0.kind == .gram }
        }
    }

    private mutating func add(_ atom: Atom, _ condition: ConditionRecord, _ work: Int, _ indexer: SegmentIndexer) {
        let group = Group(path: condition.path, kind: UInt64(atom.kind.rawValue) + 1000)
        switch atom.kind {
        case .exact, .equalsFolded, .numberText:
            exact[group, default: [:]][indexer.text(of: atom, condition), default: 0] += work
        case .number, .true, .false, .null:
            exact[group, default: [:]][RuleWork.bytes(atom.x, 64), default: 0] += work
        case .address, .cidr:
            let bits = RuleWork.bytes(atom.x, 64) + RuleWork.bytes(atom.y, 64)
            let family = Group(path: condition.path, kind: atom.flags == 1 ? 6 : 4)
            starts[family, default: []].append(
                (atom.flags == 1 ? Array(bits.prefix(Int(atom.extra))) : Array(bits[96..<96 + Int(atom.extra)]), work))
        case .range:
            spans[group, default: []].append(
                Span(low: Double(bitPattern: atom.x), high: Double(bitPattern: atom.y), work: work))
        case .date:
            spans[group, default: []].append(
                Span(low: Double(Int64(bitPattern: atom.x)), high: Double(Int64(bitPattern: atom.y)), work: work))
        default:
            for entry in indexer.textEntries(atom, condition) {
                let isEnd = [.suffix, .suffixFolded, .suffixKey].contains(entry.kind)
                starts[Group(path: condition.path, kind: entry.kind.rawValue), default: []]
                    .append((isEnd ? entry.text.reversed() : entry.text, work))
            }
        }
    }

    /// The bits of a number, the highest first.
    private static func bytes(_ word: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(word >> UInt64(count - 1 - $0) & 1) }
    }

    /// The most that one event can be led to, with one value at each path.
    private var most: Int {
        everywhere + exact.values.reduce(0) { $0 + ($1.values.max() ?? 0) }
            + starts.values.reduce(0) { $0 + RuleWork.deepest($1) }
            + spans.values.reduce(0) { $0 + RuleWork.highest($1) }
    }

    /// The most of texts that begin one another.
    private static func deepest(_ texts: [(text: [UInt8], work: Int)]) -> Int {
        var above: [(text: [UInt8], work: Int)] = []
        var deepest = 0
        for (text, work) in texts.sorted(by: { $0.text.lexicographicallyPrecedes($1.text) }) {
            while let last = above.last, !text.starts(with: last.text) { above.removeLast() }
            above.append((text, work + (above.last?.work ?? 0)))
            deepest = max(deepest, above.last?.work ?? 0)
        }
        return deepest
    }

    /// The most of spans that have a number in common.
    private static func highest(_ spans: [Span]) -> Int {
        var ends: [(at: Double, opens: Bool, work: Int)] = []
        for span in spans { ends += [(span.low, true, span.work), (span.high, false, -span.work)] }
        var open = 0
        var highest = 0
        for end in ends.sorted(by: { $0.at == $1.at ? $0.opens && !$1.opens : $0.at < $1.at }) {
            open += end.work
            highest = max(highest, open)
        }
        return highest
    }
}

extension Atom {
    /// Whether the test is one comparison.
    fileprivate var isPlain: Bool {
        switch kind {
        case .regex, .wildcard, .containsAny, .wildcardCased, .anythingBut, .timeOfDay: false
        default: true
        }
    }
}

extension EventPattern {
    /// Whether it is plain that a rule's work (`RuleWork`) is not above a limit, without finding it out.
    func isLight(_ limit: Int) -> Bool {
        var most = 0
        for branch in branches {
            for condition in branch {
                guard condition.tests.count <= 8 else { return false }
                for test in condition.tests { most += test.mostWork }
                if most > limit { return false }
            }
        }
        return most <= limit
    }
}

extension ValueTest {
    /// More than what a test costs beyond one comparison.
    fileprivate var mostWork: Int {
        switch self {
        case .regex(let regex): regex.cost > 1_000_000 ? 1_000_000 : 2 + regex.cost / 16
        case .wildcard(let wildcard), .wildcardIgnoringCase(let wildcard): 4 + 3 * wildcard.text.count
        case .anythingBut(let exclusion): 1 + exclusion.mostWork
        case .timeOfDay: 16
        default: 1
        }
    }
}

extension Exclusion {
    fileprivate var mostWork: Int {
        switch self {
        case .strings(let values), .prefixes(let values), .suffixes(let values): values.count
        case .numbers(let values): values.count
        case .equalsIgnoringCase(let values): values.count
        case .wildcards(let values): values.reduce(0) { $0 + 4 + 3 * $1.text.count }
        }
    }
}
