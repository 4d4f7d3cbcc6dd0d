/// Evaluates a pattern field by field, to say where an event leaves it. Made for people, not for speed.
struct Explainer {
    private let branches: [[FieldCondition]]
    /// The number of each condition of each branch.
    private let numbers: [[Int32]]
    /// The pattern, and each of its conditions by itself: branches have many in common, and events many values.
    private let matcher: Matcher<Int>
    private static let whole = -1

    init(_ pattern: EventPattern) {
        branches = Array(pattern.branches)
        numbers = pattern.numbers
        let conditions = pattern.conditions.enumerated().map { number, condition in
            (number, EventPattern(conditions: [condition], numbers: [[0]], extensions: []))
        }
        matcher = Matcher([(Self.whole, pattern)] + conditions)
    }

    func explain(_ event: UnsafeBufferPointer<UInt8>) throws(EventError) -> Explanation {
        let scratch = MatchScratch()
        var (isMatch, isUndecided) = (false, false)
        var holding: Set<Int> = []
        try matcher.forEachMatch(in: event, scratch: scratch, undecided: { _ in isUndecided = true }) { number in
            if number == Self.whole { isMatch = true } else { holding.insert(number) }
        }
        // The scratch still holds the event's values. Searches in arrays are dear: a pattern that fails has none for
        // each branch.
        scratch.search.begin()
        var nearest: (index: Int, failing: [Int])?
        for index in branches.indices {
            // The fields of which no value passes, each looked at by itself.
            let failing = numbers[index].indices.filter { !holding.contains(Int(numbers[index][$0])) }
            // Beside elements chosen for other fields one that must be absent may be so.
            if isMatch || isUndecided, failing.allSatisfy({ branches[index][$0].allowsAbsence }) {
                var branch = ExplainedBranch(branches[index], matcher)
                defer { branch.free() }
                let found = branch.hasChoice(branch.count, scratch)
                if isMatch, found == true { return matching(index) }
                if !isMatch, found == nil { return explain(index, [], true, event, scratch) }
            }
            // With fewer failing fields, or with as many and more that pass: then it is the one that was meant.
            func order(_ index: Int, _ failing: [Int]) -> (Int, Int) {
                let count = max(1, failing.count)
                return (count, count - branches[index].count)
            }
            if nearest.map({ order(index, failing) < order($0.index, $0.failing) }) ?? true {
                nearest = (index, failing)
            }
        }
        guard let nearest, !isMatch else { return matching(nearest?.index ?? 0) }
        return explain(nearest.index, nearest.failing, isUndecided, event, scratch)
    }

    private func matching(_ index: Int) -> Explanation {
        let count = branches[index].count
        return Explanation(matches: true, failure: nil, passedFields: count, totalFields: count, branch: index)
    }

    /// - Parameter alone: the fields that fail each by itself.
    private func explain(
        _ index: Int, _ alone: [Int], _ isUndecided: Bool, _ event: UnsafeBufferPointer<UInt8>, _ scratch: MatchScratch
    ) -> Explanation {
        var branch = ExplainedBranch(branches[index], matcher)
        defer { branch.free() }
        let conditions = branches[index]
        var failing = alone
        var reason: Explanation.Reason?
        var companions: [FieldPath] = []
        if failing.isEmpty || isUndecided {
            // Every field passes alone: the first that has no value beside the others', or none that is found in time.
            let last = conditions.count - 1
            failing = [(0..<last).first { branch.hasChoice($0 + 1, scratch) != true } ?? last]
            reason = isUndecided ? .undecided : .differentElements
            if !isUndecided {
                let before = 0..<failing[0]
                let apart = before.filter { branch.hasChoice(of: [$0, failing[0]], scratch) == false }
                companions = (apart.isEmpty ? Array(before) : apart).map { conditions[$0].path }
            }
        }
        var failures = failing.map { failure(conditions[$0], branch.path($0), reason, scratch) }
        let missing = failures.indices.filter { failures[$0].reason == .missing }
        let hints = PathProbe.hints(missing.map { conditions[failing[$0]].path }, event)
        for (index, hint) in zip(missing, hints) { failures[index].hint = hint }
        if reason == .differentElements {
            failures[0].hint = Self.elementHint(companions.map(\.description).filter { $0 != failures[0].path })
        }
        return Explanation(
            matches: false, failure: failures.first, otherFailures: Array(failures.dropFirst()),
            passedFields: conditions.count - failing.count, totalFields: conditions.count, branch: index)
    }

    /// - Parameter others: the fields that pass only elsewhere; none where they are one field, in an `all-of`.
    private static func elementHint(_ others: [String]) -> String {
        others.isEmpty
            ? "its values pass, but in no array element all of them"
            : "it passes, but in no array element together with \(others.joined(separator: ", "))"
    }

    private func failure(
        _ condition: FieldCondition, _ path: Int32, _ reason: Explanation.Reason?, _ scratch: MatchScratch
    ) -> Explanation.Failure {
        var values: [FlatValue] = []
        var next = scratch.firstValue(path)
        var count = 0
        while next >= 0 {
            if values.count < Explanation.Failure.mostFound { values.append(scratch.values[Int(next)]) }
            count += 1
            next = scratch.values[Int(next)].next
        }
        let onlyAbsence = condition.tests.allSatisfy { $0 == .absent }
        let why = reason ?? (values.isEmpty ? .missing : onlyAbsence ? .present : .value)
        return Explanation.Failure(
            path: condition.path.description, reason: why, expected: condition.tests.map(\.json),
            found: values.map { Rendering.value($0) }, foundCount: count,
            hint: why == .value ? ValueHint.hint(condition.tests, values) : nil)
    }
}

/// A branch by itself, compiled as a matcher compiles it.
private struct ExplainedBranch {
    let count: Int
    private var store = SegmentStore()
    private let evaluation: Evaluation

    init(_ branch: [FieldCondition], _ matcher: Matcher<Int>) {
        count = branch.count
        for condition in branch {
            let record = store.appendCondition(path: matcher.number(of: condition.path) ?? 0, tests: condition.tests)
            store.references.append(UInt32(store.conditions.count))
            store.conditions.append(record)
        }
        evaluation = Evaluation(
            atoms: store.atoms.base, text: store.text.base, conditions: store.conditions.base)
    }

    mutating func free() { store.free() }

    func path(_ index: Int) -> Int32 { store.conditions[index].path }

    /// Whether the first so many fields have values that go together; nil if that was not found out.
    func hasChoice(_ count: Int, _ scratch: MatchScratch) -> Bool? {
        scratch.search.hasChoice(Self.subRule(count), store.references.base, evaluation, scratch)
    }

    /// Whether these fields have.
    func hasChoice(of fields: [Int], _ scratch: MatchScratch) -> Bool? {
        var references = fields.map { UInt32($0) }
        return references.withUnsafeMutableBufferPointer {
            scratch.search.hasChoice(Self.subRule($0.count), $0.baseAddress!, evaluation, scratch)
        }
    }

    private static func subRule(_ count: Int) -> SubRule {
        SubRule(rule: 0, firstCondition: 0, conditionCount: count, isBranched: false)
    }
}
