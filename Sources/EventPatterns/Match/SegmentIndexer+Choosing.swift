extension SegmentIndexer {
    /// Chooses for each sub-rule the condition that it is filed under.
    mutating func choose() {
        let branches = branches()
        markCommon(branches)

        let statistics = gatherStatistics()
        defer { statistics.free() }
        // How likely a value passes.
        let odds = Buffer<Float>(repeating: 1, count: store.conditions.count)
        defer { odds.free() }
        for index in 0..<store.conditions.count {
            let condition = store.conditions[index]
            var likely: Float = 0
            for atom in 0..<Int(condition.atomCount) {
                likely += likelihood(
                    store.atoms[Int(condition.firstAtom) + atom], statistics[Int(condition.path)], share(of: index))
            }
            odds[index] = min(likely, 1)
        }
        let companies = companies(branches, statistics, odds)
        for index in 0..<store.subRules.count {
            let subRule = store.subRules[index]
            let references = store.references.base + Int(subRule.firstCondition)
            var best = references[0]
            var filed = 0
            // Filed under one field, the tests of the others are run for as many values as pass it.
            var tests: Float = 0
            // What all branches of a rule ask is asked once, and where it fails, all of them end.
            func further(_ position: Int) -> Float {
                subRule.isCommon(position) ? 0.25 : weight(references[position])
            }
            for position in 0..<Int(subRule.conditionCount) { tests += further(position) }
            func cost(_ position: Int) -> Float {
                let reference = references[position]
                let isOff = subRule.isBranched && isWide(reference)
                return odds[Int(reference)] * (1 + tests - further(position)) + (isOff ? 1e6 : 0)
            }
            var ranges: (UInt32, UInt32)?
            var firstRange: UInt32?
            for position in 0..<Int(subRule.conditionCount) {
                let reference = references[position]
                if cost(position) < cost(filed) { (best, filed) = (reference, position) }
                guard isBoundedRange(store.conditions[Int(reference)]) else { continue }
                if let firstRange, ranges == nil { ranges = (firstRange, reference) }
                if firstRange == nil { firstRange = reference }
            }
            if subRule.isBranched, branches[subRule.rule, default: []].count > Self.fewBranches {
                let most = companies[best, default: .infinity]
                let few = Float(Self.fewBranches)
                // Of places that lead to as many, the one that costs less. Where it is not known how many it is now, to
                // one that surely leads to few.
                var least = (company: most.isFinite ? most / 4 : few.nextUp, cost: -Float.infinity)
                for position in 0..<Int(subRule.conditionCount) where most > few {
                    let place = (company: companies[references[position], default: .infinity], cost: cost(position))
                    if place < least { (best, filed, least) = (references[position], position, place) }
                }
            }
            chosen.append(best)
            store.subRules.base[index].filed = UInt8(truncatingIfNeeded: filed)
            if let ranges, odds[Int(ranges.0)] * odds[Int(ranges.1)] * 2 < odds[Int(best)] {
                planeOf.append((ranges.0, ranges.1))
            } else {
                planeOf.append((.max, .max))
            }
        }
        sortByChosen()
    }

    /// Puts sub-rules that are found together next to each other, with their references: then a lookup that leads to
    /// ten sub-rules touches little memory.
    mutating func sortByChosen() {
        let order = (0..<store.subRules.count).sorted { left, right in
            chosen[left] == chosen[right] ? left < right : chosen[left] < chosen[right]
        }
        var subRules = Buffer<SubRule>(capacity: store.subRules.count)
        var references = Buffer<UInt32>(capacity: store.references.count)
        var sortedChosen = Buffer<UInt32>(capacity: chosen.count)
        var sortedPlanes: [(UInt32, UInt32)] = []
        sortedPlanes.reserveCapacity(planeOf.count)
        for index in order {
            var subRule = store.subRules[index]
            let first = references.count
            references.append(
                contentsOf: store.references.base + Int(subRule.firstCondition), count: Int(subRule.conditionCount))
            subRule.firstCondition = UInt32(first)
            subRules.append(subRule)
            sortedChosen.append(chosen[index])
            sortedPlanes.append(planeOf[index])
        }
        store.subRules.free()
        store.references.free()
        chosen.free()
        store.subRules = subRules
        store.references = references
        chosen = sortedChosen
        planeOf = sortedPlanes
    }

    /// Gathers the sub-rules to be filed under pairs of ranges; pairs of paths with few stay under one range.
    mutating func settlePlanes() {
        for (index, ranges) in planeOf.enumerated() where ranges.0 != .max {
            let plane = Plane(
                first: store.conditions[Int(ranges.0)].path, second: store.conditions[Int(ranges.1)].path)
            planeMembers[plane, default: []].append(
                PlaneIndex.Rectangle(x: range(ranges.0), y: range(ranges.1), subRule: UInt32(index)))
        }
        for plane in planeMembers.filter({ $0.value.count < 32 }).keys { planeMembers[plane] = nil }
        for members in planeMembers.values {
            for member in members { isInPlane.insert(member.subRule) }
        }
    }

    /// What each alternative of a condition counts: a rule with a list of hundreds says no more about events than one
    /// with a single value, and must not change where the others are filed.
    private func share(of condition: Int) -> Float {
        Float(uses[condition]) / Float(max(1, store.conditions[condition].atomCount))
    }

    func gatherStatistics() -> Buffer<PathStatistics> {
        let statistics = Buffer<PathStatistics>(repeating: PathStatistics(), count: pathCount)
        for index in 0..<store.conditions.count {
            let condition = store.conditions[index]
            let entry = statistics.base + Int(condition.path)
            let share = share(of: index)
            for position in 0..<Int(condition.atomCount) {
                let atom = store.atoms[Int(condition.firstAtom) + position]
                switch atom.kind {
                case .exact, .address, .number, .numberText, .equalsFolded, .equalsCased:
                    entry.pointee.literals += 1
                    entry.pointee.literalUses += share
                case .prefix, .suffix, .prefixFolded, .suffixFolded, .prefixCased, .suffixCased, .wildcard,
                    .containsAny, .cidr:
                    entry.pointee.affixes += 1 / Float(condition.atomCount)
                    entry.pointee.affixUses += share
                case .range:
                    entry.pointee.ranges += 1
                    for end in [Double(bitPattern: atom.x), Double(bitPattern: atom.y)] where end.isFinite {
                        entry.pointee.low = min(entry.pointee.low, end)
                        entry.pointee.high = max(entry.pointee.high, end)
                    }
                default: break
                }
            }
        }
        return statistics
    }

    /// How many tests have to be run in turn to find that a value passes none of a condition's; to search a list takes
    /// as long as some twenty.
    private func weight(_ reference: UInt32) -> Float {
        let condition = store.conditions[Int(reference)]
        let searched = condition.listedCount + condition.rangeCount + condition.dateCount + condition.addressCount
        return max(1, Float(condition.atomCount - searched) + (searched > 0 ? 20 : 0))
    }

    func isBoundedRange(_ condition: ConditionRecord) -> Bool {
        guard condition.atomCount == 1 else { return false }
        let atom = store.atoms[Int(condition.firstAtom)]
        return atom.kind == .range && Double(bitPattern: atom.x).isFinite && Double(bitPattern: atom.y).isFinite
    }

    func range(_ number: UInt32) -> (low: Double, high: Double) {
        let atom = store.atoms[Int(store.conditions[Int(number)].firstAtom)]
        return (Double(bitPattern: atom.x), Double(bitPattern: atom.y))
    }

    /// A guess at the share of values that pass a test, supposing that events are distributed as the rules are.
    func likelihood(_ atom: Atom, _ statistics: PathStatistics, _ uses: Float) -> Float {
        switch atom.kind {
        case .exact, .address, .number, .numberText, .equalsFolded, .equalsCased:
            return max(1 / (1 + statistics.literals), uses / (1 + statistics.literalUses))
        case .true, .false: return 0.5
        case .null: return 0.2
        case .prefix, .suffix, .prefixFolded, .suffixFolded, .prefixCased, .suffixCased, .wildcard, .cidr:
            if atom.length == 0, atom.kind != .cidr { return 0.9 }
            let share = max(1 / (1 + statistics.affixes), uses / (1 + statistics.affixUses))
            return max(atom.length == 1 && atom.kind != .cidr ? 0.03 : 0.0005, min(0.8, share * 3))
        case .range:
            let span = statistics.high - statistics.low
            guard span > 0 else { return 0.4 }
            let low = max(Double(bitPattern: atom.x), statistics.low)
            let high = min(Double(bitPattern: atom.y), statistics.high)
            return max(0.5 / (1 + statistics.ranges), min(0.9, Float((high - low) / span)))
        case .containsAny:
            let share = max(1 / (1 + statistics.affixes), uses / (1 + statistics.affixUses))
            return min(0.8, share * 3 * Float(atom.extra))
        case .regex: return 0.3
        case .wildcardCased: return 0.3
        case .date, .timeOfDay: return 0.4
        case .exists: return 0.9
        case .absent: return 1
        case .anythingBut: return 0.95
        }
    }
}
