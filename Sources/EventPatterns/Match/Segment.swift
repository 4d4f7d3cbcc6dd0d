/// A compiled, immutable set of rules: flat conditions and the indexes that lead to them.
///
/// `@unchecked Sendable`: the buffers are written only in `init` and freed in `deinit`; matching writes to the caller's
/// scratch.
final class Segment: @unchecked Sendable {
    let store: SegmentStore
    let evaluation: Evaluation
    let access = Access.Keys()
    let hashes: HashIndex
    let grams: HashIndex
    let intervals: Buffer<IntervalIndex>
    let planes: Buffer<PlaneIndex>
    let addresses: Buffer<AddressIndex>
    let complements: Buffer<ComplementIndex>
    let rests: Buffer<PassedRules>
    let crowds: Buffer<AffixList>
    let strings: Buffer<StringTest>
    let soughts: Buffer<SoughtText>
    let soughtGroups: Buffer<SoughtGroup>
    /// One plan for every path number the segment knows.
    let plans: Buffer<Access.Plan>
    let lengths: Buffer<Int32>
    /// Which lengths of text need not be looked up, by what the text begins or ends with; see `Access.Lengths`.
    let gates: Buffer<UInt32>
    /// Sub-rules that must be looked at for every event.
    let always: Buffer<UInt32>
    let absences: Buffer<AbsenceGroup>
    let sharedCount: Int

    var ruleCount: Int { store.ruleCount }
    var subRuleCount: Int { store.subRules.count }

    init(_ parts: SegmentIndexer.Parts) {
        store = parts.store
        evaluation = Evaluation(
            atoms: parts.store.atoms.base, text: parts.store.text.base, conditions: parts.store.conditions.base)
        hashes = parts.hashes
        grams = parts.grams
        intervals = Buffer(parts.intervals)
        planes = Buffer(parts.planes)
        addresses = Buffer(parts.addresses)
        complements = Buffer(parts.complements)
        rests = Buffer(parts.rests)
        crowds = Buffer(parts.crowds)
        strings = parts.strings
        soughts = parts.soughts
        soughtGroups = parts.soughtGroups
        plans = parts.plans
        lengths = parts.lengths
        gates = parts.gates
        always = parts.always
        absences = Buffer(parts.absences)
        sharedCount = parts.sharedCount
    }

    deinit {
        store.free()
        hashes.free()
        grams.free()
        for index in 0..<intervals.count { intervals[index].free() }
        for index in 0..<planes.count { planes[index].free() }
        for index in 0..<addresses.count { addresses[index].free() }
        for index in 0..<complements.count { complements[index].free() }
        for index in 0..<rests.count { rests[index].free() }
        for index in 0..<crowds.count { crowds[index].free() }
        crowds.free()
        addresses.free()
        rests.free()
        complements.free()
        intervals.free()
        planes.free()
        strings.free()
        soughts.free()
        soughtGroups.free()
        plans.free()
        lengths.free()
        gates.free()
        always.free()
        for index in 0..<absences.count { absences[index].free() }
        absences.free()
    }

    /// The number of bytes held.
    var byteCount: Int {
        var total = store.byteCount + hashes.byteCount + grams.byteCount + plans.byteCount + lengths.byteCount
        total += always.byteCount + gates.byteCount + strings.byteCount + soughts.byteCount
        total += soughtGroups.byteCount
        for index in 0..<intervals.count { total += intervals[index].byteCount }
        for index in 0..<planes.count { total += planes[index].byteCount }
        for index in 0..<addresses.count { total += addresses[index].byteCount }
        for index in 0..<complements.count { total += complements[index].byteCount }
        for index in 0..<rests.count { total += rests[index].byteCount }
        for index in 0..<crowds.count { total += crowds[index].byteCount }
        for index in 0..<absences.count { total += absences[index].byteCount }
        return total
    }
}

/// Where a segment's stamps lie in the scratch.
struct SegmentBase {
    var subRule: Int
    var rule: Int
    var shared: Int
    var gram: Int
}

extension Segment {
    /// Looks every value of the scanned event up and appends the rules that match, as `base.rule` plus their position.
    func match(_ scratch: MatchScratch, _ base: SegmentBase) {
        if absences.count > 0 { matchAbsences(scratch, base) }
        for index in 0..<always.count { consider(always[index], scratch, base) }
        var value = scratch.values.base
        let end = value + scratch.values.count
        while value < end {
            let path = Int(value.pointee.path)
            if path < plans.count {
                let plan = plans.base + path
                let looks = plan.pointee.looks
                if !looks.isEmpty { look(value, plan, looks, scratch, base) }
            }
            value += 1
        }
    }

    @inline(__always)
    func look(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ looks: Access.Looks,
        _ scratch: MatchScratch, _ base: SegmentBase
    ) {
        if looks.contains(.any) { lookAny(value, plan, scratch, base) }
        if value.pointee.kind == .string {
            if looks.contains(.strings) { lookStrings(value, plan, scratch, base) }
            if looks.contains(.text) { lookText(value, plan, scratch, base) }
            if looks.contains(.rest) { lookRest(value, plan, scratch, base) }
            return
        }
        if looks.contains(.rest) { lookRest(value, plan, scratch, base) }
        if looks.contains(.notString) { follow(access.key(value.pointee.path, .notString, 0), scratch, base) }
        if value.pointee.kind == .number {
            if looks.contains(.number) { lookNumber(value, plan, scratch, base) }
        } else if looks.contains(.literal) {
            follow(access.key(value.pointee.path, .literal, UInt64(value.pointee.kind.rawValue)), scratch, base)
        }
    }

    @inline(never)
    func lookAny(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        if plan.pointee.presentSlot >= 0 {
            let slot = hashes.slots.base + Int(plan.pointee.presentSlot)
            if slot.pointee.count == 1 {
                pass(slot.pointee.first, scratch, base)
            } else {
                let list = hashes.lists.base + Int(slot.pointee.first)
                for index in 0..<Int(slot.pointee.count) { pass(list[index], scratch, base) }
            }
        }
        if plan.pointee.anySlot >= 0 {
            follow(hashes.slots.base[Int(plan.pointee.anySlot)], hashes.lists, scratch, base)
        }
        if plan.pointee.complement >= 0 { lookComplement(value, plan, scratch, base) }
    }

    func lookNumber(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        let path = value.pointee.path
        if value.pointee.isComparable {
            if plan.pointee.number {
                follow(access.key(path, .number, value.pointee.number.bitPattern), scratch, base)
            }
            if plan.pointee.intervals >= 0 {
                scratch.found.truncate(0)
                intervals[Int(plan.pointee.intervals)].collect(
                    containing: value.pointee.number, &scratch.found, &scratch.stack)
                for index in 0..<scratch.found.count { consider(scratch.found[index], scratch, base) }
            }
            if plan.pointee.plane >= 0 { lookPlanes(value, plan.pointee.plane, scratch, base) }
        } else if plan.pointee.numberText {
            let hash = ByteHash.hash(
                value.pointee.base, Int(value.pointee.length), seed: access.seed(path, .numberText))
            follow(hash, scratch, base)
        }
    }

    @inline(__always)
    func follow(_ key: UInt64, _ scratch: MatchScratch, _ base: SegmentBase) {
        let slot = hashes.slot(key)
        if slot >= 0 { follow(hashes.slots.base[slot], hashes.lists, scratch, base) }
    }

    @inline(__always)
    func follow(
        _ slot: HashIndex.Slot, _ lists: Buffer<UInt32>, _ scratch: MatchScratch, _ base: SegmentBase
    ) {
        if slot.count == 1 {
            consider(slot.first, scratch, base)
        } else {
            for index in 0..<Int(slot.count) { consider(lists[Int(slot.first) + index], scratch, base) }
        }
    }

    /// Evaluates a sub-rule, once an event. `known` is the position of a condition that some value is known to pass, -1
    /// for none.
    func consider(_ number: UInt32, known: Int = -1, _ scratch: MatchScratch, _ base: SegmentBase) {
        let stamp = scratch.subRuleStamps.base + (base.subRule + Int(number))
        let before = stamp.pointee
        if before & MatchScratch.generations == scratch.generation { return }
        stamp.pointee = scratch.generation | before & ~MatchScratch.generations
        let subRule = store.subRules.base + Int(number)
        let rule = Int(subRule.pointee.rule)
        let isBranched = subRule.pointee.isBranched
        // Matched already, or out because of what all its branches ask.
        if isBranched, scratch.ruleStamps.base[base.rule + rule] & ~1 == scratch.generation { return }
        scratch.work &+= 1
        let references = store.references.base + Int(subRule.pointee.firstCondition)
        // What failed the last time fails again more often than not, whatever stands before it.
        let last = Int(before & ~MatchScratch.generations)
        let isAgain =
            last > 0 && last < Int(subRule.pointee.conditionCount) && last != known && !scratch.anyMembership
        var isTried = false
        let group =
            subRule.pointee.hasSoughts
            ? soughtGroups.base + Int(references[Int(subRule.pointee.conditionCount)]) : nil
        if isAgain, group?.pointee.contains(last) != true {
            let condition = store.conditions.base + Int(references[last])
            scratch.work &+= Int(condition.pointee.work)
            guard holds(condition, scratch, base) else { return fail(last, subRule, stamp, scratch, base) }
            isTried = true
        }
        var isFound = false
        if let group {
            switch lookTogether(group, scratch) {
            case true?: isFound = true
            case false?:
                return stamp.pointee =
                    scratch.generation
                    | UInt32(truncatingIfNeeded: group.pointee.position) & ~MatchScratch.generations
            case nil:
                // One by one, what failed the last time first.
                if isAgain, !isTried {
                    let condition = store.conditions.base + Int(references[last])
                    scratch.work &+= Int(condition.pointee.work)
                    guard holds(condition, scratch, base) else { return fail(last, subRule, stamp, scratch, base) }
                    isTried = true
                }
            }
        }
        var inArrays = 0
        for index in 0..<Int(subRule.pointee.conditionCount) {
            if isTried, index == last { continue }
            if isFound, group?.pointee.contains(index) == true { continue }
            let condition = store.conditions.base + Int(references[index])
            if scratch.anyMembership, scratch.hasMembership(condition.pointee.path) {
                inArrays += 1
                // Absence may hold beside the elements chosen for other fields; the search decides.
                if condition.pointee.allowsAbsence, subRule.pointee.conditionCount > 1 { continue }
            }
            if index != known {
                scratch.work &+= Int(condition.pointee.work)
                guard holds(condition, scratch, base) else { return fail(index, subRule, stamp, scratch, base) }
            }
        }
        if inArrays > 1 || (inArrays == 1 && subRule.pointee.conditionCount > 1 && hasAbsence(subRule)) {
            let found = scratch.search.hasChoice(subRule.pointee, store.references.base, evaluation, scratch)
            guard let found else { return scratch.undecided.append(Int32(truncatingIfNeeded: base.rule + rule)) }
            if !found { return }
        }
        if isBranched { scratch.ruleStamps.base[base.rule + rule] = scratch.generation }
        scratch.matched.append(Int32(truncatingIfNeeded: base.rule + rule))
    }

    /// Whether a group of conditions holds, nil if that is to be found out one by one.
    @inline(__always)
    func lookTogether(_ group: UnsafeMutablePointer<SoughtGroup>, _ scratch: MatchScratch) -> Bool? {
        let first = soughts.base + Int(group.pointee.first)
        guard let holds = SoughtText.allHold(first, Int(group.pointee.count), scratch) else { return nil }
        scratch.work &+= Int(group.pointee.work)
        return holds
    }

    /// Whether a sub-rule fails for what it failed for the last time, before it is known whether the event leads to it;
    /// only what is one of its `quick` conditions is asked, see `AddressIndex`.
    func failsAgain(_ number: Int32, _ quick: UInt64, _ scratch: MatchScratch, _ base: SegmentBase) -> Bool {
        let stamp = scratch.subRuleStamps.base + (base.subRule + Int(number))
        let last = Int(stamp.pointee & ~MatchScratch.generations)
        let subRule = store.subRules.base + Int(number)
        // Of what the last event that led here did not fail for, nothing is said.
        guard last > 0, last < UInt64.bitWidth, quick &>> UInt64(truncatingIfNeeded: last) & 1 == 1,
            stamp.pointee & MatchScratch.generations != scratch.generation, !scratch.anyMembership
        else { return false }
        let rule = base.rule + Int(subRule.pointee.rule)
        if subRule.pointee.isBranched, scratch.ruleStamps.base[rule] & ~1 == scratch.generation { return true }
        let condition = store.conditions.base + Int(store.references[Int(subRule.pointee.firstCondition) + last])
        scratch.work &+= Int(condition.pointee.work)
        if holds(condition, scratch, base) {
            stamp.pointee &= MatchScratch.generations
            return false
        }
        fail(last, subRule, stamp, scratch, base)
        return true
    }

    /// Notes which condition an event fails, for the next event, and for the rule's other branches if they ask it too.
    @inline(__always)
    private func fail(
        _ index: Int, _ subRule: UnsafeMutablePointer<SubRule>, _ stamp: UnsafeMutablePointer<UInt32>,
        _ scratch: MatchScratch, _ base: SegmentBase
    ) {
        stamp.pointee = scratch.generation | UInt32(truncatingIfNeeded: index) & ~MatchScratch.generations
        if subRule.pointee.isCommon(index) {
            scratch.ruleStamps.base[base.rule + Int(subRule.pointee.rule)] = scratch.generation | 1
        }
    }

    func hasAbsence(_ subRule: UnsafeMutablePointer<SubRule>) -> Bool {
        for index in 0..<Int(subRule.pointee.conditionCount) {
            let reference = store.references[Int(subRule.pointee.firstCondition) + index]
            if store.conditions[Int(reference)].allowsAbsence { return true }
        }
        return false
    }

    @inline(__always)
    func holds(
        _ condition: UnsafeMutablePointer<ConditionRecord>, _ scratch: MatchScratch, _ base: SegmentBase
    ) -> Bool {
        guard condition.pointee.memo >= 0 else { return evaluation.holds(condition, scratch) }
        let memo = scratch.memo.base + (base.shared + Int(condition.pointee.memo))
        if memo.pointee & ~1 == scratch.generation { return memo.pointee & 1 == 1 }
        let answer = evaluation.holds(condition, scratch)
        memo.pointee = scratch.generation | (answer ? 1 : 0)
        return answer
    }
}
