extension RuleWork {
    struct Group: Hashable {
        var path: Int32
        var kind: UInt64
    }

    struct Span {
        var low: Double
        var high: Double
        var work: Int
    }

    /// What may meet in one event: of branches that any event leads to; by path and text, by path and beginning, by
    /// path and range.
    struct Meeting {
        var everywhere: [Int32: Int] = [:]
        var exact: [Group: [[UInt8]: Int]] = [:]
        var starts: [Group: [(text: [UInt8], work: Int)]] = [:]
        var spans: [Group: [Span]] = [:]
        /// The most of one branch, path by path.
        var single: [Int32: Int] = [:]

        mutating func add(_ work: Int, at path: Int32) {
            everywhere[path, default: 0] += work
            if path >= 0 { single[path] = max(single[path] ?? 0, work) }
        }

        mutating func add(_ atom: Atom, _ condition: ConditionRecord, _ work: Int, _ indexer: SegmentIndexer) {
            single[condition.path] = max(single[condition.path] ?? 0, work)
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
                    (
                        atom.flags == 1 ? Array(bits.prefix(Int(atom.extra))) : Array(bits[96..<96 + Int(atom.extra)]),
                        work
                    ))
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

        /// The most that one event can be led to, with one value at each path.
        var most: Int {
            everywhere.values.reduce(0, +) + exact.values.reduce(0) { $0 + ($1.values.max() ?? 0) }
                + starts.values.reduce(0) { $0 + RuleWork.deepest($1) }
                + spans.values.reduce(0) { $0 + RuleWork.highest($1) }
        }

        /// The same without one branch at each path: that is what every field costs that passes.
        var mostBesides: Int {
            var most = everywhere
            for (group, works) in exact { most[group.path, default: 0] += works.values.max() ?? 0 }
            for (group, works) in starts { most[group.path, default: 0] += RuleWork.deepest(works) }
            for (group, works) in spans { most[group.path, default: 0] += RuleWork.highest(works) }
            return most.reduce(0) { $0 + max(0, $1.value - (single[$1.key] ?? 0)) }
        }
    }
}
