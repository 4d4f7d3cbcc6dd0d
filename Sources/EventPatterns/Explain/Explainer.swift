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
        }
        let failures = failing.map { failure(branch[$0], store.conditions[$0].path, reason, event, scratch) }
        return Explanation(
            matches: false, failure: failures.first, otherFailures: Array(failures.dropFirst()),
            passedFields: passed, totalFields: branch.count, branch: index)
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

/// Remarks on values that nearly pass.
enum ValueHint {
    static func hint(_ tests: [ValueTest], _ values: [FlatValue]) -> String? {
        for test in tests {
            for value in values {
                if let hint = hint(test, value) { return hint }
            }
        }
        return nil
    }

    private static func hint(_ test: ValueTest, _ value: FlatValue) -> String? {
        let text = Array(value.text)
        switch test {
        case .exact(let wanted):
            if value.kind != .string {
                return wanted == text ? "the event has no string there; a value matches only its own JSON type" : nil
            }
            if text != wanted, CaseText.folded(text) == CaseText.folded(wanted) { return "only the case differs" }
            if trimmed(text) == trimmed(wanted) { return "only white space at an end differs" }
            let (one, other) = (String(decoding: text, as: UTF8.self), String(decoding: wanted, as: UTF8.self))
            // Swift's strings are equal where Unicode says that they are the same to readers.
            if text != wanted, one == other {
                return "they look alike, but are written with other code points: one is composed (NFC), one is not"
            }
            return later(text, wanted)
        case .prefix(let wanted):
            if value.kind == .string, CaseText.folded(text).starts(with: CaseText.folded(wanted)) {
                return "only the case differs"
            }
        case .suffix(let wanted):
            if value.kind == .string, CaseText.folded(text).reversed().starts(with: CaseText.folded(wanted).reversed())
            {
                return "only the case differs"
            }
        case .number, .numberText, .range:
            if value.kind == .string {
                return "the event has a string there; a value matches only its own JSON type"
            }
            if value.kind == .number, !value.isComparable {
                return "the number has more digits than a double can tell apart, so it is not comparable"
            }
        case .literal:
            if value.kind == .string, [Array("true".utf8), Array("false".utf8), Array("null".utf8)].contains(text) {
                return "the event has a string there; a value matches only its own JSON type"
            }
        default: break
        }
        return nil
    }

    /// Where texts part that are shown the same, because both are cut before.
    private static func later(_ text: [UInt8], _ wanted: [UInt8]) -> String? {
        var place = zip(text, wanted).prefix { $0 == $1 }.count
        guard place >= Rendering.longest - 3, text != wanted else { return nil }
        // Not within a character.
        while place > 0, place < text.count, text[place] & 0xC0 == 0x80 { place -= 1 }
        return "they are the same for \(place) bytes; then expected is "
            + "\(Rendering.quoted(Array(wanted[place...]))), found \(Rendering.quoted(Array(text[place...])))"
    }

    private static func trimmed(_ text: [UInt8]) -> ArraySlice<UInt8> {
        var slice = text[...]
        while let last = slice.last, last <= 0x20 { slice.removeLast() }
        while let first = slice.first, first <= 0x20 { slice.removeFirst() }
        return slice
    }
}
