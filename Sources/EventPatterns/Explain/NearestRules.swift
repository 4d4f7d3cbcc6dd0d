/// A rule that an event came near to.
public struct NearRule<ID: Hashable & Sendable>: Sendable, Hashable {
    public var id: ID
    /// The fields that pass, of the rule's branch that came nearest.
    public var passedFields: Int
    /// All fields of that branch.
    public var totalFields: Int
}

extension Segment {
    /// The fields passed and all fields of each rule's nearest branch, for the event in the scratch.
    func nearness(_ scratch: MatchScratch) -> [(passed: Int, total: Int)] {
        var result = [(passed: Int, total: Int)](repeating: (0, Int.max), count: ruleCount)
        // The answer of each condition: 0 unknown, 1 fails, 2 holds.
        var known = [UInt8](repeating: 0, count: store.conditions.count)
        for index in 0..<subRuleCount {
            let subRule = store.subRules[index]
            var passed = 0
            for position in 0..<Int(subRule.conditionCount) {
                let number = Int(store.references[Int(subRule.firstCondition) + position])
                if known[number] == 0 {
                    known[number] = evaluation.holds(store.conditions.base + number, scratch) ? 2 : 1
                }
                if known[number] == 2 { passed += 1 }
            }
            let total = Int(subRule.conditionCount)
            let rule = Int(subRule.rule)
            if total - passed < result[rule].total - result[rule].passed { result[rule] = (passed, total) }
        }
        return result
    }
}

extension Matcher {
    /// The rules that an event came nearest to, whether they match or not: those with the fewest failing fields, and of
    /// these those with the most passing ones. Rules of which no field passes are left out. Evaluates every rule.
    public func nearest(
        to event: [UInt8], count: Int = 5, scratch: MatchScratch = MatchScratch()
    ) throws(EventError) -> [NearRule<ID>] {
        try event.withUnsafeBufferPointer { bytes throws(EventError) in
            var matched: Set<ID> = []
            try forEachMatch(in: bytes, scratch: scratch) { matched.insert($0) }
            // The scratch still holds the event's values.
            var near: [NearRule<ID>] = []
            forEachRule(scratch) { id, alone, total in
                // Each field by itself says nothing of array elements: fields that pass in different ones do not match,
                // and one that must be absent may be missing only beside the others.
                let passed = matched.contains(id) ? total : min(alone, total - 1)
                if passed > 0 { near.append(NearRule(id: id, passedFields: passed, totalFields: total)) }
            }
            near.sort { left, right in
                let failing = (left.totalFields - left.passedFields, right.totalFields - right.passedFields)
                return failing.0 != failing.1 ? failing.0 < failing.1 : left.passedFields > right.passedFields
            }
            return Array(near.prefix(max(0, count)))
        }
    }
}
