/// A compiled, immutable set of rules: flat conditions and the indexes that lead to them.
///
/// `@unchecked Sendable`: the buffers are written only in `init` and freed in `deinit`; matching writes to the caller's scratch.
final class Segment: @unchecked Sendable {
    let store: SegmentStore
    let evaluation: Evaluation
    let hashes: HashIndex
    let grams: HashIndex
    let intervals: Buffer<IntervalIndex>
    let planes: Buffer<PlaneIndex>
    let complements: Buffer<SegmentComplement>
    /// One plan for every path number the segment knows.
    let plans: Buffer<Access.Plan>
    let lengths: Buffer<Int32>
    /// Sub-rules that must be looked at for every event.
    let always: Buffer<UInt32>
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
        complements = Buffer(parts.complements)
        plans = parts.plans
        lengths = parts.lengths
        always = parts.always
        sharedCount = parts.sharedCount
    }

    deinit {
        store.free()
        hashes.free()
        grams.free()
        for index in 0..<intervals.count { intervals[index].free() }
        for index in 0..<planes.count { planes[index].free() }
        for index in 0..<complements.count { complements[index].subRules.free() }
        intervals.free()
        planes.free()
        complements.free()
        plans.free()
        lengths.free()
        always.free()
    }

    /// The number of bytes held.
    var byteCount: Int {
        var total = store.byteCount + hashes.byteCount + grams.byteCount + plans.byteCount + lengths.byteCount
        total += always.byteCount
        for index in 0..<intervals.count { total += intervals[index].byteCount }
        for index in 0..<planes.count { total += planes[index].byteCount }
        for index in 0..<complements.count { total += complements[index].subRules.byteCount }
        return total
    }
}

/// Rules that are nothing but one `anything-but` on the same path.
struct SegmentComplement: BitwiseCopyable {
    var subRules: Buffer<UInt32>
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
    func match(_ scratch: MatchScratch, _ base: SegmentBase) throws(ScanFault) {
        for index in 0..<always.count { try consider(always[index], scratch, base) }
        var index = 0
        while index < scratch.values.count {
            let value = scratch.values.base + index
            index += 1
            let path = Int(value.pointee.path)
            if path < plans.count { try look(value, plans.base + path, scratch, base) }
        }
    }

    private func look(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) throws(ScanFault) {
        let path = value.pointee.path
        if plan.pointee.any { try follow(Access.key(path, .any, 0), scratch, base) }
        if plan.pointee.complement >= 0 { try lookComplement(value, plan, scratch, base) }
        switch value.pointee.kind {
        case .string: try lookText(value, plan, scratch, base)
        case .number:
            if value.pointee.isComparable {
                if plan.pointee.number {
                    try follow(Access.key(path, .number, value.pointee.number.bitPattern), scratch, base)
                }
                if plan.pointee.intervals >= 0 {
                    scratch.found.truncate(0)
                    intervals[Int(plan.pointee.intervals)].collect(
                        containing: value.pointee.number, &scratch.found, &scratch.stack)
                    for index in 0..<scratch.found.count { try consider(scratch.found[index], scratch, base) }
                }
                if plan.pointee.plane >= 0 { try lookPlanes(value, plan.pointee.plane, scratch, base) }
            } else if plan.pointee.numberText {
                let hash = ByteHash.hash(
                    value.pointee.base, Int(value.pointee.length), seed: Access.seed(path, .numberText))
                try follow(hash, scratch, base)
            }
        case .true, .false, .null:
            if plan.pointee.literal {
                try follow(Access.key(path, .literal, UInt64(value.pointee.kind.rawValue)), scratch, base)
            }
        }
    }

    private func lookText(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) throws(ScanFault) {
        let path = value.pointee.path
        let text = value.pointee.base
        let length = Int(value.pointee.length)
        if plan.pointee.string { try follow(Access.key(path, .string, 0), scratch, base) }
        if plan.pointee.exact {
            try follow(ByteHash.hash(text, length, seed: Access.seed(path, .exact)), scratch, base)
        }
        if plan.pointee.equalsFolded {
            try follow(ByteHash.foldedHash(text, length, seed: Access.seed(path, .equalsFolded)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.prefix.count) {
            let size = Int(lengths[Int(plan.pointee.prefix.first) + index])
            if size > length { break }
            try follow(ByteHash.hash(text, size, seed: Access.seed(path, .prefix)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.suffix.count) {
            let size = Int(lengths[Int(plan.pointee.suffix.first) + index])
            if size > length { break }
            try follow(ByteHash.hash(text + (length - size), size, seed: Access.seed(path, .suffix)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.prefixFolded.count) {
            let size = Int(lengths[Int(plan.pointee.prefixFolded.first) + index])
            if size > length { break }
            try follow(ByteHash.foldedHash(text, size, seed: Access.seed(path, .prefixFolded)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.suffixFolded.count) {
            let size = Int(lengths[Int(plan.pointee.suffixFolded.first) + index])
            if size > length { break }
            let start = text + (length - size)
            try follow(ByteHash.foldedHash(start, size, seed: Access.seed(path, .suffixFolded)), scratch, base)
        }
        if plan.pointee.address || plan.pointee.cidr.count > 0 { try lookAddress(value, plan, scratch, base) }
        if plan.pointee.dates >= 0, let moment = Timestamp.microseconds(value.pointee.text) {
            scratch.found.truncate(0)
            intervals[Int(plan.pointee.dates)].collect(
                containing: Double(moment), &scratch.found, &scratch.stack)
            for index in 0..<scratch.found.count { try consider(scratch.found[index], scratch, base) }
        }
        if plan.pointee.usesKey { try lookKey(value, plan, scratch, base) }
        if plan.pointee.grams.count > 0 { try lookGrams(value, plan, scratch, base) }
    }

    private func lookAddress(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) throws(ScanFault) {
        guard value.pointee.length >= 2, let address = try? IPAddress(parsing: value.pointee.text) else { return }
        let path = value.pointee.path
        if plan.pointee.address {
            try follow(Access.key(path, .address, address.high, address.low, address.bitWidth), scratch, base)
        }
        for index in 0..<Int(plan.pointee.cidr.count) {
            let tagged = Int(lengths[Int(plan.pointee.cidr.first) + index])
            guard (tagged >= 1000) == address.isV6 else { continue }
            let masked = address.masked(tagged % 1000)
            try follow(Access.key(path, .cidr, masked.high, masked.low, tagged), scratch, base)
        }
    }

    /// Looks the folded key of a text up; only for ignore-case patterns that are not ASCII.
    private func lookKey(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) throws(ScanFault) {
        scratch.folded.truncate(0)
        CaseText.fold(value.pointee.text) { scratch.folded.append($0) }
        let path = value.pointee.path
        let text = UnsafePointer(scratch.folded.base)
        let length = scratch.folded.count
        if plan.pointee.equalsKey {
            try follow(ByteHash.hash(text, length, seed: Access.seed(path, .equalsKey)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.prefixKey.count) {
            let size = Int(lengths[Int(plan.pointee.prefixKey.first) + index])
            if size > length { break }
            try follow(ByteHash.hash(text, size, seed: Access.seed(path, .prefixKey)), scratch, base)
        }
        for index in 0..<Int(plan.pointee.suffixKey.count) {
            let size = Int(lengths[Int(plan.pointee.suffixKey.first) + index])
            if size > length { break }
            try follow(ByteHash.hash(text + (length - size), size, seed: Access.seed(path, .suffixKey)), scratch, base)
        }
    }

    /// Looks every stretch of a text up that a wildcard without literal ends may be filed under.
    private func lookGrams(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) throws(ScanFault) {
        let path = value.pointee.path
        let length = Int(value.pointee.length)
        for index in 0..<Int(plan.pointee.grams.count) {
            let size = Int(lengths[Int(plan.pointee.grams.first) + index])
            if size > length { break }
            var at = 0
            while at + size <= length {
                let word = ByteHash.partialWord(value.pointee.base + at, size)
                let slot = grams.slot(Access.key(path, .gram, word, 0, size))
                // The same stretch again leads to the same sub-rules.
                if slot >= 0, scratch.gramStamps.base[base.gram + slot] != scratch.generation {
                    scratch.gramStamps.base[base.gram + slot] = scratch.generation
                    try follow(grams.slots.base[slot], grams.lists, scratch, base)
                }
                at += 1
            }
        }
    }

    /// Looks pairs of numbers up that may belong together: the value with each of a second path.
    private func lookPlanes(
        _ value: UnsafeMutablePointer<FlatValue>, _ first: Int32, _ scratch: MatchScratch, _ base: SegmentBase
    ) throws(ScanFault) {
        var number = first
        while number >= 0 {
            let plane = planes.base + Int(number)
            number = plane.pointee.next
            var index = scratch.firstValue(plane.pointee.second)
            if index < 0 { continue }
            for position in 0..<plane.pointee.wide.count {
                try consider(plane.pointee.wide[position], scratch, base)
            }
            let column = plane.pointee.column(value.pointee.number)
            var tried = 0
            while index >= 0 {
                // In large arrays, all that may go with the first number is less than every pair.
                if tried == 256 {
                    for item in plane.pointee.column(at: column) {
                        try consider(plane.pointee.rectangles[Int(item)].subRule, scratch, base)
                    }
                    break
                }
                tried += 1
                let second = scratch.values.base + Int(index)
                index = second.pointee.next
                guard second.pointee.isComparable else { continue }
                if second.pointee.membership != value.pointee.membership,
                    !scratch.areConsistent(second.pointee.membership, value.pointee.membership)
                {
                    continue
                }
                for item in plane.pointee.cell(column: column, second.pointee.number) {
                    let rectangle = plane.pointee.rectangles.base + Int(item)
                    if rectangle.pointee.contains(value.pointee.number, second.pointee.number) {
                        try consider(rectangle.pointee.subRule, scratch, base)
                    }
                }
            }
        }
    }

    /// Reports the rules of nothing but `anything-but`, save those that the value rules out.
    private func lookComplement(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) throws(ScanFault) {
        let path = value.pointee.path
        let list = complements[Int(plan.pointee.complement)].subRules
        let stamps = scratch.subRuleStamps.base + base.subRule
        // Several values: a rule fails only if all of them are excluded.
        if scratch.values.base + Int(scratch.firstValue(path)) != value { return }
        if value.pointee.next >= 0 {
            for index in 0..<list.count { try consider(list[index], scratch, base) }
            return
        }
        var slot = -1
        if value.pointee.kind == .string {
            slot = hashes.slot(
                ByteHash.hash(value.pointee.base, Int(value.pointee.length), seed: Access.seed(path, .excluded)))
        } else if value.pointee.isComparable {
            slot = hashes.slot(Access.key(path, .excludedNumber, value.pointee.number.bitPattern))
        }
        // Those looked up are evaluated, and so marked; the others hold.
        if slot >= 0 { try follow(hashes.slots.base[slot], hashes.lists, scratch, base) }
        for index in 0..<list.count {
            let number = Int(list.base[index])
            if stamps[number] == scratch.generation { continue }
            stamps[number] = scratch.generation
            scratch.matched.append(Int32(truncatingIfNeeded: base.rule) + store.subRules.base[number].rule)
        }
    }

    @inline(__always)
    private func follow(_ key: UInt64, _ scratch: MatchScratch, _ base: SegmentBase) throws(ScanFault) {
        let slot = hashes.slot(key)
        if slot >= 0 { try follow(hashes.slots.base[slot], hashes.lists, scratch, base) }
    }

    @inline(__always)
    private func follow(
        _ slot: HashIndex.Slot, _ lists: Buffer<UInt32>, _ scratch: MatchScratch, _ base: SegmentBase
    ) throws(ScanFault) {
        if slot.count == 1 {
            try consider(slot.first, scratch, base)
        } else {
            for index in 0..<Int(slot.count) { try consider(lists[Int(slot.first) + index], scratch, base) }
        }
    }

    /// Evaluates a sub-rule, once an event.
    private func consider(_ number: UInt32, _ scratch: MatchScratch, _ base: SegmentBase) throws(ScanFault) {
        let stamp = scratch.subRuleStamps.base + (base.subRule + Int(number))
        if stamp.pointee == scratch.generation { return }
        stamp.pointee = scratch.generation
        let subRule = store.subRules.base + Int(number)
        let rule = Int(subRule.pointee.rule)
        let isBranched = subRule.pointee.isBranched
        if isBranched, scratch.ruleStamps.base[base.rule + rule] == scratch.generation { return }
        let references = store.references.base + Int(subRule.pointee.firstCondition)
        var inArrays = 0
        for index in 0..<Int(subRule.pointee.conditionCount) {
            let condition = store.conditions.base + Int(references[index])
            if scratch.anyMembership, scratch.hasMembership(condition.pointee.path) {
                inArrays += 1
                // Absence may hold beside the elements chosen for other fields; the search decides.
                if condition.pointee.allowsAbsence, subRule.pointee.conditionCount > 1 { continue }
            }
            if !holds(condition, scratch, base) { return }
        }
        if inArrays > 1 || (inArrays == 1 && subRule.pointee.conditionCount > 1 && hasAbsence(subRule)) {
            let found = scratch.search.hasChoice(subRule.pointee, store.references.base, evaluation, scratch)
            guard let found else { throw ScanFault(.tooManyCombinations, 0) }
            if !found { return }
        }
        if isBranched { scratch.ruleStamps.base[base.rule + rule] = scratch.generation }
        scratch.matched.append(Int32(truncatingIfNeeded: base.rule + rule))
    }

    private func hasAbsence(_ subRule: UnsafeMutablePointer<SubRule>) -> Bool {
        for index in 0..<Int(subRule.pointee.conditionCount) {
            let reference = store.references[Int(subRule.pointee.firstCondition) + index]
            if store.conditions[Int(reference)].allowsAbsence { return true }
        }
        return false
    }

    @inline(__always)
    private func holds(
        _ condition: UnsafeMutablePointer<ConditionRecord>, _ scratch: MatchScratch, _ base: SegmentBase
    ) -> Bool {
        guard condition.pointee.memo >= 0 else { return evaluation.holds(condition.pointee, scratch) }
        let memo = scratch.memo.base + (base.shared + Int(condition.pointee.memo))
        if memo.pointee & ~1 == scratch.generation { return memo.pointee & 1 == 1 }
        let answer = evaluation.holds(condition.pointee, scratch)
        memo.pointee = scratch.generation | (answer ? 1 : 0)
        return answer
    }
}
