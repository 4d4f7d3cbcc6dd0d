/// Where the branches of a rule are filed if it has many.
///
/// A condition that other rules make rare is a good place for one sub-rule, and for all branches of a rule that ask it
/// only as long as events are what the rules let one think: each event that does pass it is led to all of them. So
/// many branches are filed under what sets them apart, as soon as a value leads to much fewer that way.
/// What every value passes is no such thing: of that the budget takes few (`RuleWork`).
extension SegmentIndexer {
    /// The branches of a rule that may be filed together whatever they ask.
    static let fewBranches: Float = 8

    /// The branches of each rule that has several.
    func branches() -> [Int32: [Int]] {
        var branches: [Int32: [Int]] = [:]
        for index in 0..<store.subRules.count where store.subRules[index].isBranched {
            branches[store.subRules[index].rule, default: []].append(index)
        }
        return branches
    }

    /// How often each alternative occurs among the branches of a rule, by what it compares with. Different texts that
    /// begin with the same sixteen bytes count as one.
    struct Alternatives {
        private struct Key: Hashable {
            var path: Int32
            var kind: UInt8
            var length: Int
            var x: UInt64
            var y: UInt64
        }

        private var counts: [Key: Int] = [:]

        private static func key(_ atom: Atom, _ condition: ConditionRecord) -> Key {
            Key(path: condition.path, kind: atom.kind.rawValue, length: Int(atom.length), x: atom.x, y: atom.y)
        }

        mutating func add(_ atom: Atom, _ condition: ConditionRecord) {
            counts[Self.key(atom, condition), default: 0] += 1
        }

        func count(_ atom: Atom, _ condition: ConditionRecord) -> Int { counts[Self.key(atom, condition), default: 0] }
    }

    /// The alternatives of a rule's branches.
    func alternatives(_ branches: [Int]) -> Alternatives {
        var alternatives = Alternatives()
        for branch in branches {
            for reference in references(branch) {
                let condition = store.conditions[Int(reference)]
                for place in 0..<Int(condition.atomCount) {
                    alternatives.add(store.atoms[Int(condition.firstAtom) + place], condition)
                }
            }
        }
        return alternatives
    }

    /// How many sub-rules a value that passes a condition is led to, were all that are like it filed so: whatever
    /// events are like.
    func company(
        _ reference: UInt32, _ alternatives: Alternatives, _ statistics: PathStatistics, odds: Float
    ) -> Float {
        let condition = store.conditions[Int(reference)]
        var company = Float(uses[Int(reference)])
        for place in 0..<Int(condition.atomCount) {
            let atom = store.atoms[Int(condition.firstAtom) + place]
            switch atom.kind {
            case .exact, .address, .number, .numberText, .equalsFolded, .equalsCased, .prefix, .suffix, .prefixFolded,
                .suffixFolded, .prefixCased, .suffixCased, .cidr:
                company = max(company, Float(alternatives.count(atom, condition)))
            case .range: company = max(company, odds * statistics.ranges)
            default: return .infinity
            }
        }
        return company
    }
}
