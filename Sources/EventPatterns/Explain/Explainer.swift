/// Evaluates a pattern field by field, to say where an event leaves it. Made for people, not for speed.
struct Explainer {
    private let pattern: EventPattern
    private let matcher: Matcher<Int>

    init(_ pattern: EventPattern) {
        self.pattern = pattern
        matcher = Matcher([(0, pattern)])
    }

    func explain(_ event: UnsafeBufferPointer<UInt8>) throws(EventError) -> Explanation {
        let scratch = MatchScratch()
        var isMatch = false
        try matcher.forEachMatch(in: event, scratch: scratch) { _ in isMatch = true }
        // The scratch still holds the event's values.
        var best: Explanation?
        var undecided: Explanation?
        for (index, branch) in pattern.branches.enumerated() {
            let candidate = explain(branch, index, event, scratch, isMatch: isMatch)
            if candidate.matches { return candidate }
            if best.map({ candidate.isNearer(than: $0) }) ?? true { best = candidate }
            if candidate.isUndecided { undecided = candidate }
        }
        return undecided ?? best
            ?? Explanation(matches: isMatch, failure: nil, passedFields: 0, totalFields: 0, branch: 0)
    }

    private func explain(
        _ branch: [FieldCondition], _ index: Int, _ event: UnsafeBufferPointer<UInt8>, _ scratch: MatchScratch,
        isMatch: Bool
    ) -> Explanation {
        var store = SegmentStore()
        defer { store.free() }
        for condition in branch {
            let path = matcher.number(of: condition.path) ?? 0
            let record = store.appendCondition(path: path, tests: condition.tests)
            store.references.append(UInt32(store.conditions.count))
            store.conditions.append(record)
        }
        let evaluation = Evaluation(
            atoms: store.atoms.base, text: store.text.base, conditions: store.conditions.base)
        var failing = branch.indices.filter { !evaluation.holds(store.conditions.base + $0, scratch) }
        var passed = branch.count - failing.count
        func subRule(_ count: Int) -> SubRule {
            SubRule(rule: 0, firstCondition: 0, conditionCount: count, isBranched: false)
        }
        let whole = scratch.search.hasChoice(subRule(branch.count), store.references.base, evaluation, scratch)
        if isMatch, whole == true {
            return Explanation(
                matches: true, failure: nil, passedFields: branch.count, totalFields: branch.count, branch: index)
        }
        var reason: Explanation.Reason?
        var companions: [FieldPath] = []
        if failing.isEmpty {
            // Every field passes alone: find the first that has no value beside the others', or none that is found in
            // time.
            reason = whole == nil ? .undecided : .differentElements
            failing = [branch.count - 1]
            for count in 1..<max(1, branch.count) {
                let found = scratch.search.hasChoice(subRule(count), store.references.base, evaluation, scratch)
                if found == true { continue }
                reason = found == nil ? .undecided : .differentElements
                failing = [count - 1]
                break
            }
            passed -= 1
            if reason == .differentElements {
                let before = 0..<failing[0]
                let apart = before.filter { other in
                    var pair = [UInt32(other), UInt32(failing[0])]
                    return pair.withUnsafeMutableBufferPointer {
                        scratch.search.hasChoice(subRule(2), $0.baseAddress!, evaluation, scratch) == false
                    }
                }
                companions = (apart.isEmpty ? Array(before) : apart).map { branch[$0].path }
            }
        }
        var failures = failing.map { failure(branch[$0], store.conditions[$0].path, reason, event, scratch) }
        if reason == .differentElements {
            failures[0].hint = Self.elementHint(companions.map(\.description).filter { $0 != failures[0].path })
        }
        return Explanation(
            matches: false, failure: failures.first, otherFailures: Array(failures.dropFirst()),
            passedFields: passed, totalFields: branch.count, branch: index)
    }

    /// - Parameter others: the fields that pass only elsewhere; none where they are one field, in an `all-of`.
    private static func elementHint(_ others: [String]) -> String {
        others.isEmpty
            ? "its values pass, but in no array element all of them"
            : "it passes, but in no array element together with \(others.joined(separator: ", "))"
    }

    private func failure(
        _ condition: FieldCondition, _ path: Int32, _ reason: Explanation.Reason?, _ event: UnsafeBufferPointer<UInt8>,
        _ scratch: MatchScratch
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
        var hint: String?
        if why == .missing { hint = PathProbe.hint(condition.path, event) }
        if why == .value { hint = ValueHint.hint(condition.tests, values) }
        return Explanation.Failure(
            path: condition.path.description, reason: why, expected: condition.tests.map(\.json),
            found: values.map { Rendering.value($0) }, foundCount: count, hint: hint)
    }
}

extension Explanation {
    /// With fewer failing fields, or with as many and more that pass: then it is the one that was meant.
    fileprivate func isNearer(than other: Explanation) -> Bool {
        let failing = (totalFields - passedFields, other.totalFields - other.passedFields)
        return failing.0 != failing.1 ? failing.0 < failing.1 : passedFields > other.passedFields
    }
}
