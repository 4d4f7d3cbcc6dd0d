/// What a rule may make an event cost beyond what its fields do: the work of its conditions (see
/// `ConditionRecord.work`) that one event can be led to. A plain comparison counts a quarter, for it ends with the
/// first word that differs.
///
/// Without `$or` that is all of them. Of the branches of `$or` one event meets some only: those filed under texts that
/// it cannot have at once do not add up, those filed under what any event may have do.
struct RuleWork {
    /// The conditions' work where any event leads to it, and that of the branches that are led to by a value.
    private var everywhere = 0
    private var branches: [Branch] = []
    /// What it costs to be led to the branches and on through their conditions.
    private var ways = Meeting()
    /// What of the conditions' work the first fields with a test do not take, of what every event meets.
    private var first = First()

    /// A branch that is led to by values of a condition.
    private struct Branch {
        var chosen: Int
        var work: Int
        var further: [Int]
    }

    /// What it costs in quarters of a step to be led to a branch, and that of one that is run for every text; to ask
    /// whether a field is absent, alone and for all branches of absences together; and to look up what another branch
    /// has asked.
    private static let branch = 32
    private static let textBranch = 8
    private static let absence = 8
    private static let groupedAbsence = 4
    private static let known = 12
    /// To compare a field behind the one that has led to a branch, where each branch asks it again.
    private static let besides = 24

    /// What a rule may make an event cost: steps of tests, and branches that it is led to beside one for each field.
    struct Cost {
        var steps: Int
        var branches: Int
    }

    static func of(_ pattern: EventPattern) -> Cost { SegmentIndexer.of(pattern) { of(&$0) } }

    private static func of(_ indexer: inout SegmentIndexer) -> Cost {
        if indexer.store.subRules.count == 1 {
            let isOnlyAbsent = indexer.isOnlyAbsent(0)
            let quarters = (0..<indexer.store.conditions.count).reduce(0) { sum, number in
                let isAbsence = indexer.store.conditions[number].allowsAbsence
                return sum + RuleWork.quarters(number, indexer.store)
                    + (isAbsence ? isOnlyAbsent ? groupedAbsence : absence : 0)
            }
            let further = (0..<indexer.store.conditions.count).map { RuleWork.further($0, indexer.store) }
            var first = First()
            for each in further { first.note(each) }
            return Cost(steps: (quarters + further.reduce(0, +) - first.less) / 4, branches: 0)
        }
        indexer.choose()
        var work = RuleWork()
        // What several branches ask is asked once.
        var shared = 0
        for index in 0..<indexer.store.conditions.count where indexer.uses[index] > 1 {
            let further = further(index, indexer.store)
            shared += quarters(index, indexer.store) + further
            work.first.note(further)
        }
        var absent: Set<Int32> = []
        for index in 0..<indexer.store.subRules.count {
            if indexer.isOnlyAbsent(index) {
                absent.formUnion(references(index, indexer.store).map { indexer.store.conditions[$0].path })
            } else {
                work.add(index, indexer)
            }
        }
        let tests = shared + absent.count * groupedAbsence + work.everywhere + work.most(indexer)
        return Cost(steps: tests / 4, branches: work.ways.mostBesides / branch)
    }

    private static func references(_ number: Int, _ store: SegmentStore) -> [Int] {
        let subRule = store.subRules[number]
        return (0..<Int(subRule.conditionCount)).map { Int(store.references[Int(subRule.firstCondition) + $0]) }
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

    /// What it costs to run a test behind the field that has led to a branch, or, in branches that ask the same fields,
    /// each time: nothing where it takes a few comparisons.
    private static func further(_ number: Int, _ store: SegmentStore) -> Int {
        let condition = store.conditions[number]
        var most = condition.isSearched || condition.atomCount > 8 ? searched : 0
        if condition.addressCount + condition.dateCount + condition.timeCount > 0 { most = read }
        for place in 0..<Int(condition.atomCount) {
            let atom = store.atoms[Int(condition.firstAtom) + place]
            guard atom.kind == .anythingBut else {
                most = max(most, further(atom))
                continue
            }
            if atom.length > 8 { most = max(most, searched) }
            for excluded in 0..<Int(atom.length) {
                most = max(most, further(store.atoms[Int(condition.firstAtom) + Int(atom.offset) + excluded]))
            }
        }
        return most
    }

    private static func further(_ atom: Atom) -> Int {
        switch atom.kind {
        case .regex, .timeOfDay: read
        default: atom.isPlain ? 0 : lookedFor
        }
    }

    /// Of a list that is searched; of an address or a time, which is read first, or a regular expression, which counts
    /// most of what it takes itself; of what is between stars, whose outcome nobody can foretell.
    private static let searched = 8
    private static let read = 18
    private static let lookedFor = 36

    /// The first field with a test is not a further one, and the second that wildcards look through costs what others
    /// do: with two it is known sooner which of them fails.
    private struct First {
        private var most = 0
        private var lookedFor = 0

        mutating func note(_ further: Int) {
            most = max(most, further)
            if further == RuleWork.lookedFor { lookedFor += 1 }
        }

        var less: Int { most + (lookedFor > 1 ? RuleWork.lookedFor - RuleWork.read : 0) }
    }

    /// The most work of branches that meet, without what the first fields with a test do not take.
    ///
    /// The dearest branch that an event meets tells how much that is: one that excludes it makes it cost no less.
    private func most(_ indexer: SegmentIndexer) -> Int {
        let branches = branches.map { branch in
            var first = first
            for further in branch.further { first.note(further) }
            return (branch, less: first.less)
        }
        var most = -first.less
        for less in Set(branches.map(\.less)) {
            var tests = Meeting()
            for (branch, own) in branches where own <= less {
                let condition = indexer.store.conditions[branch.chosen]
                for place in 0..<Int(condition.atomCount) {
                    tests.add(indexer.store.atoms[Int(condition.firstAtom) + place], condition, branch.work, indexer)
                }
            }
            most = max(most, tests.most - less)
        }
        return most
    }

    private mutating func add(_ number: Int, _ indexer: SegmentIndexer) {
        let store = indexer.store
        let chosen = Int(indexer.chosen[number])
        var work = 0
        var further: [Int] = []
        var way = RuleWork.branch
        for reference in RuleWork.references(number, store) {
            let isShared = indexer.uses[reference] > 1
            let more = RuleWork.further(reference, store)
            if !isShared { work += RuleWork.quarters(reference, store) }
            if !isShared, reference != chosen { further.append(more) }
            if store.conditions[reference].allowsAbsence {
                way += RuleWork.absence
            } else if reference != chosen {
                way += isShared ? RuleWork.known : more > 0 ? 0 : RuleWork.besides
            }
        }
        let condition = store.conditions[chosen]
        let atoms = (0..<Int(condition.atomCount)).map { store.atoms[Int(condition.firstAtom) + $0] }
        let isAnywhere = condition.allowsAbsence || atoms.contains { leadsAnywhere($0, condition, indexer) }
        guard !isAnywhere else {
            // What is run for every text has its work, and leads further where it passes.
            let isRun = indexer.uses[chosen] == 1 && RuleWork.quarters(chosen, store) > 0
            if isRun { further.append(RuleWork.further(chosen, store)) }
            for each in further { first.note(each) }
            everywhere += further.reduce(work, +)
            // No field need be there.
            ways.add(
                isRun ? way - RuleWork.branch + RuleWork.textBranch : way,
                at: condition.allowsAbsence ? -1 : condition.path)
            return
        }
        branches.append(Branch(chosen: chosen, work: further.reduce(work, +), further: further))
        for atom in atoms { ways.add(atom, condition, way, indexer) }
    }

    private func leadsAnywhere(_ atom: Atom, _ condition: ConditionRecord, _ indexer: SegmentIndexer) -> Bool {
        switch atom.kind {
        case .exists, .absent, .anythingBut, .timeOfDay: true
        default: indexer.textEntries(atom, condition).contains { $0.kind == .string || $0.kind == .gram }
        }
    }

    /// The bits of a number, the highest first.
    static func bytes(_ word: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(word >> UInt64(count - 1 - $0) & 1) }
    }

    /// The most of texts that begin one another.
    static func deepest(_ texts: [(text: [UInt8], work: Int)]) -> Int {
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
    static func highest(_ spans: [Span]) -> Int {
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
