/// The branches of a rule that ask for nothing but absences. No lookup can lead to them, so every event does; but of a
/// thousand of them it is enough to look once at each field that they name: a value that is there rules out all
/// branches that want none.
///
/// In arrays too: such a branch chooses no value, so that nothing can rule values of its fields out.
struct AbsenceGroup: BitwiseCopyable {
    /// The rule, as a position in the segment.
    let rule: Int32
    let isBranched: Bool
    let pathCount: Int
    private let wordCount: Int
    /// The fields, those of most branches first.
    private let paths: UnsafeMutablePointer<Int32>
    /// For each field a bit for every branch that does without it; then one for every branch.
    private let branches: UnsafeMutablePointer<UInt64>

    /// Branches of one rule, each as the fields that must not be there.
    init(rule: Int32, isBranched: Bool, _ absences: [[Int32]]) {
        self.rule = rule
        self.isBranched = isBranched
        wordCount = (absences.count + 63) / 64
        var uses: [Int32: Int] = [:]
        for path in absences.joined() { uses[path, default: 0] += 1 }
        let ordered = uses.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        pathCount = ordered.count
        paths = .allocate(capacity: max(1, pathCount))
        paths.initialize(from: ordered, count: pathCount)
        branches = .allocate(capacity: (pathCount + 1) * wordCount)
        branches.initialize(repeating: 0, count: (pathCount + 1) * wordCount)
        let places = Dictionary(uniqueKeysWithValues: zip(ordered, 0...))
        for (branch, names) in absences.enumerated() {
            let (word, bit) = (branch / 64, UInt64(1) << UInt64(branch % 64))
            for path in names { branches[(places[path] ?? 0) * wordCount + word] |= bit }
            branches[pathCount * wordCount + word] |= bit
        }
    }

    func free() {
        paths.deallocate()
        branches.deallocate()
    }

    var byteCount: Int { max(1, pathCount) * 4 + (pathCount + 1) * wordCount * 8 }

    /// Whether the event has none of the fields of some branch.
    @inline(__always)
    func holds(_ scratch: MatchScratch) -> Bool {
        for index in 0..<pathCount where scratch.firstValue(paths[index]) >= 0 { return holds(scratch, from: index) }
        return true
    }

    /// The same once a field is known to be there, the first one.
    private func holds(_ scratch: MatchScratch, from first: Int) -> Bool {
        scratch.branches.reserve(wordCount)
        let left = scratch.branches.base
        for word in 0..<wordCount { left[word] = branches[pathCount * wordCount + word] }
        for index in first..<pathCount where scratch.firstValue(paths[index]) >= 0 {
            let without = branches + index * wordCount
            var any: UInt64 = 0
            for word in 0..<wordCount {
                left[word] &= ~without[word]
                any |= left[word]
            }
            if any == 0 { return false }
        }
        return true
    }
}

extension SegmentIndexer {
    /// Whether a sub-rule asks for nothing but absences, of several fields or as one of several branches.
    func isOnlyAbsent(_ number: Int) -> Bool {
        let subRule = store.subRules[number]
        guard subRule.conditionCount > 1 || subRule.isBranched else { return false }
        return (0..<Int(subRule.conditionCount)).allSatisfy { position in
            let condition = store.conditions[Int(store.references[Int(subRule.firstCondition) + position])]
            return condition.allowsAbsence && condition.atomCount == 1
        }
    }

    /// Gathers such sub-rules, rule by rule.
    func buildAbsences(_ subRules: [Int]) -> [AbsenceGroup] {
        Dictionary(grouping: subRules) { store.subRules[$0].rule }.sorted { $0.key < $1.key }.map { rule, members in
            AbsenceGroup(
                rule: rule, isBranched: store.subRules[members[0]].isBranched,
                members.map { member in
                    let subRule = store.subRules[member]
                    return (0..<Int(subRule.conditionCount)).map {
                        store.conditions[Int(store.references[Int(subRule.firstCondition) + $0])].path
                    }
                })
        }
    }
}

extension Segment {
    /// Looks at the rules with branches that ask for nothing but absences.
    func matchAbsences(_ scratch: MatchScratch, _ base: SegmentBase) {
        for index in 0..<absences.count {
            let group = absences.base + index
            scratch.work &+= group.pointee.pathCount
            guard group.pointee.holds(scratch) else { continue }
            let rule = base.rule + Int(group.pointee.rule)
            if group.pointee.isBranched { scratch.ruleStamps.base[rule] = scratch.generation }
            scratch.matched.append(Int32(truncatingIfNeeded: rule))
        }
    }
}
