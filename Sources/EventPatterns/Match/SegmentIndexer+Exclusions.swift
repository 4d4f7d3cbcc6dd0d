extension SegmentIndexer {
    /// Files a sub-rule under one `anything-but` of strings or numbers: nearly all values pass it, so an event looks up
    /// the others.
    mutating func fileComplement(_ number: UInt32) -> Bool {
        let reference = chosen[Int(number)]
        let condition = store.conditions[Int(reference)]
        guard condition.atomCount == 1 else { return false }
        let atom = store.atoms[Int(condition.firstAtom)]
        guard atom.kind == .anythingBut, atom.flags & 1 != 0 else { return false }
        let plan = plans.base + Int(condition.path)
        if plan.pointee.complement < 0 {
            plan.pointee.complement = Int32(complements.count)
            complements.append((Buffer(), []))
        }
        let place = Int(plan.pointee.complement)
        complements[place].subRules.append(number)
        for index in 0..<Int(atom.length) {
            let at = condition.firstAtom + atom.offset + UInt32(index)
            let excluded = store.atoms[Int(at)]
            let key =
                excluded.kind == .number
                ? access.key(condition.path, .excludedNumber, excluded.x)
                : hash(text(of: excluded, condition), condition.path, .excluded)
            complements[place].members.append(
                ComplementIndex.Member(key: key, subRule: number, condition: reference, atom: at))
        }
        return true
    }

    /// The indexes of what is filed so.
    mutating func buildComplements() -> [ComplementIndex] {
        complements.map { complement in
            var subRules = complement.subRules
            subRules.shrink()
            return ComplementIndex(subRules, complement.members, store) { left, right in
                let (one, other) = (store.atoms[Int(left.atom)], store.atoms[Int(right.atom)])
                guard one.kind == other.kind, one.length == other.length, one.x == other.x, one.y == other.y else {
                    return false
                }
                return one.length <= 16
                    || text(of: one, store.conditions[Int(left.condition)])
                        == text(of: other, store.conditions[Int(right.condition)])
            }
        }
    }

    // MARK: prefixes, suffixes and other texts that are left out

    /// Counts the sub-rules to be filed under texts that they leave out, path by path.
    mutating func countExclusions() {
        for index in 0..<chosen.count where canBeTurnedRound(chosen[index]) {
            exclusionCounts[store.conditions[Int(chosen[index])].path, default: 0] += 1
        }
    }

    /// Whether a condition is `anything-but` of texts all of which are found by lookups.
    private func canBeTurnedRound(_ number: UInt32) -> Bool {
        let condition = store.conditions[Int(number)]
        guard StringTest.excludesText(condition, store) else { return false }
        let outer = store.atoms[Int(condition.firstAtom)]
        return outer.flags & 1 == 0
            && (0..<Int(outer.length)).allSatisfy { place in
                let atom = store.atoms[Int(condition.firstAtom) + Int(outer.offset) + place]
                if atom.isWhole { return true }
                let entries = textEntries(atom, condition)
                // Stretches are looked for only where many rules have them.
                return !entries.isEmpty && entries.allSatisfy { $0.kind != .string && $0.kind != .gram }
            }
    }

    /// Whether a sub-rule with this condition is filed under the texts that it leaves out: a value is looked up in the
    /// indexes of such texts, and passes with all sub-rules that it is not led to. A few are sooner tested one by one.
    func isTurnedRound(_ number: UInt32) -> Bool {
        exclusionCounts[store.conditions[Int(number)].path, default: 0] > 8 && canBeTurnedRound(number)
    }

    mutating func forEachExcluded(
        _ number: UInt32, _ body: (inout SegmentIndexer, Atom, ConditionRecord) -> Void
    ) {
        let condition = store.conditions[Int(number)]
        let outer = store.atoms[Int(condition.firstAtom)]
        for place in 0..<Int(outer.length) {
            body(&self, store.atoms[Int(condition.firstAtom) + Int(outer.offset) + place], condition)
        }
    }

    /// Files a sub-rule under the texts that it leaves out.
    mutating func fileRest(_ number: UInt32) -> Bool {
        guard isTurnedRound(chosen[Int(number)]) else { return false }
        let plan = plans.base + Int(store.conditions[Int(chosen[Int(number)])].path)
        if plan.pointee.rest < 0 {
            plan.pointee.rest = Int32(truncatingIfNeeded: rests.count)
            rests.append(Buffer())
        }
        rests[Int(plan.pointee.rest)].append(number)
        forEachExcluded(chosen[Int(number)]) { $0.file($1, $2, number) }
        return true
    }
}
