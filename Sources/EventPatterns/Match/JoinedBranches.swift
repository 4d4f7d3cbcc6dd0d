/// The branches of a rule, of which those that differ in one field only are one that asks there for any of what they
/// ask: so that wildcards and regular expressions are looked for together, lists are searched, and the products of
/// lists in several fields are a branch again.
struct JoinedBranches {
    private(set) var conditions: [FieldCondition]
    private(set) var numbers: [[Int32]]
    /// Branches and fields looked at: what joining costs.
    private(set) var steps = 0

    /// A branch without one of its fields: the sum of what stands for the others, and the field.
    private struct Rest: Hashable {
        var others: UInt64
        var path: Int32
    }

    init(_ pattern: EventPattern) {
        conditions = pattern.conditions
        numbers = pattern.numbers
        guard numbers.count > 1 else { return }
        var known: [FieldPath: Int32] = [:]
        var paths = conditions.map { condition in
            let path = known[condition.path] ?? Int32(truncatingIfNeeded: known.count)
            known[condition.path] = path
            return path
        }
        // With each round a field more of a product is one.
        for _ in 0..<JoinedBranches.rounds {
            let before = numbers.count
            join(&paths)
            if numbers.count == before || numbers.count == 1 { return }
        }
    }

    private static let rounds = 4

    /// A number that stands for a condition in sums.
    private static func mark(_ number: Int32) -> UInt64 {
        // SplitMix64.
        var word = (UInt64(UInt32(bitPattern: number)) &+ 1) &* 0x9E37_79B9_7F4A_7C15
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    private mutating func join(_ paths: inout [Int32]) {
        let old = conditions.count
        var joined: [[Int32]] = []
        joined.reserveCapacity(numbers.count)
        var places: [Rest: Int] = [:]
        let mayJoin = conditions.map { !$0.allowsAbsence }
        for branch in numbers {
            steps += branch.count
            let sum = branch.reduce(0) { $0 &+ JoinedBranches.mark($1) }
            var found: (place: Int, index: Int)?
            for index in branch.indices where mayJoin[Int(branch[index])] {
                let number = branch[index]
                let rest = Rest(others: sum &- JoinedBranches.mark(number), path: paths[Int(number)])
                if let place = places[rest], isSame(joined[place], branch, but: index, paths) {
                    found = (place, index)
                    break
                }
            }
            guard let found else {
                for index in branch.indices where mayJoin[Int(branch[index])] {
                    let number = branch[index]
                    let rest = Rest(others: sum &- JoinedBranches.mark(number), path: paths[Int(number)])
                    places[rest] = joined.count
                }
                joined.append(branch)
                continue
            }
            let first = joined[found.place][found.index]
            if Int(first) < old {
                joined[found.place][found.index] = Int32(truncatingIfNeeded: conditions.count)
                conditions.append(conditions[Int(first)])
                paths.append(paths[Int(first)])
            }
            let tests = conditions[Int(branch[found.index])].tests
            conditions[Int(joined[found.place][found.index])].tests += tests
        }
        numbers = joined
        identify(from: old)
    }

    /// Whether two branches have the same fields, and ask the same of all but one.
    private func isSame(_ left: [Int32], _ right: [Int32], but index: Int, _ paths: [Int32]) -> Bool {
        left.count == right.count && paths[Int(left[index])] == paths[Int(right[index])]
            && left.indices.allSatisfy { $0 == index || left[$0] == right[$0] }
    }

    /// Gives equal ones of the conditions from a number on the same number.
    private mutating func identify(from first: Int) {
        var known: [FieldCondition: Int32] = [:]
        var same: [Int32: Int32] = [:]
        for number in first..<conditions.count {
            let place = Int32(truncatingIfNeeded: number)
            if let other = known.updateValue(place, forKey: conditions[number]) {
                known[conditions[number]] = other
                same[place] = other
            }
        }
        guard !same.isEmpty else { return }
        for index in numbers.indices {
            for place in numbers[index].indices {
                if let other = same[numbers[index][place]] { numbers[index][place] = other }
            }
        }
    }
}

extension EventPattern {
    /// The branches and conditions that are left when branches that differ in one field are one, and what it takes to
    /// find them.
    package var joining: (branches: Int, conditions: Int, steps: Int) {
        let joined = JoinedBranches(self)
        return (joined.numbers.count, joined.conditions.count, joined.steps)
    }
}
