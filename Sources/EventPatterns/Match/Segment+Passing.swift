extension Segment {
    /// Evaluates the sub-rules filed under an `anything-but` that some value of the path passes: for all values at the
    /// first.
    func lookComplement(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        let path = value.pointee.path
        if scratch.values.base + Int(scratch.firstValue(path)) != value { return }
        let complement = complements.base + Int(plan.pointee.complement)
        // With one value, no sub-rule is come to a second time.
        let isOnly = value.pointee.next < 0
        var index = scratch.firstValue(path)
        while index >= 0 {
            let current = scratch.values.base + Int(index)
            index = current.pointee.next
            var answer = ComplementIndex.Answer.all
            if current.pointee.kind == .string {
                let key = ByteHash.hash(
                    current.pointee.base, Int(current.pointee.length), seed: access.seed(path, .excluded))
                answer = complement.pointee.answer(key, current, evaluation)
            } else if current.pointee.isComparable {
                answer = complement.pointee.answer(
                    access.key(path, .excludedNumber, current.pointee.number.bitPattern), current, evaluation)
            }
            switch answer {
            case .only(let first, let count):
                pass(complement.pointee.only(first, count), isOnly: isOnly, scratch, base)
            case .allBut(let first, let count):
                // They are evaluated, and so marked; the others pass.
                for place in first..<first + count { consider(complement.pointee.lists[place], scratch, base) }
                return passUnmarked(complement.pointee.subRules, isOnly: isOnly, scratch, base)
            case .all:
                return pass(complement.pointee.subRules, isOnly: isOnly, scratch, base)
            }
        }
    }

    /// Goes on with sub-rules whose conditions they are filed under hold.
    @inline(__always)
    private func pass(_ passed: PassedRules, isOnly: Bool, _ scratch: MatchScratch, _ base: SegmentBase) {
        if isOnly, passed.match(&scratch.matched, base) { return }
        for place in 0..<passed.count { pass(passed.subRules[place], scratch, base) }
    }

    /// The same with those that are not marked; no value comes to them after this one, or they are marked.
    @inline(__always)
    private func passUnmarked(_ passed: PassedRules, isOnly: Bool, _ scratch: MatchScratch, _ base: SegmentBase) {
        if isOnly, passed.match(&scratch.matched, base, but: scratch.subRuleStamps, scratch.generation) { return }
        for place in 0..<passed.count { pass(passed.subRules[place], scratch, base) }
    }

    /// Goes on with the sub-rules that leave certain texts out, of which a value has none: the lookups of its text have
    /// led to all others, which were evaluated, with every value of the path, and so marked.
    func lookRest(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        // After the first value, all of them are marked.
        if scratch.values.base + Int(scratch.firstValue(value.pointee.path)) != value { return }
        passUnmarked(
            rests.base[Int(plan.pointee.rest)], isOnly: value.pointee.next < 0, scratch, base)
    }

    /// Goes on with a sub-rule of which the condition it is filed under is known to hold.
    @inline(__always)
    func pass(_ number: UInt32, _ scratch: MatchScratch, _ base: SegmentBase) {
        let subRule = store.subRules.base + Int(number)
        guard subRule.pointee.conditionCount == 1, !subRule.pointee.isBranched else {
            return consider(number, known: Int(subRule.pointee.filed), scratch, base)
        }
        let stamp = scratch.subRuleStamps.base + (base.subRule + Int(number))
        if stamp.pointee & MatchScratch.generations == scratch.generation { return }
        stamp.pointee = scratch.generation
        scratch.matched.append(Int32(truncatingIfNeeded: base.rule) &+ subRule.pointee.rule)
    }
}
