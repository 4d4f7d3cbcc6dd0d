extension EventPattern {
    /// Whether it is plain that what a rule costs (`RuleWork`) is not above limits, without finding it out.
    func isLight(_ limit: Int, branches most: Int) -> Bool {
        // Neither a branch nor a condition counts more than one.
        guard numbers.count == 1 || numbers.reduce(0, { $0 + 1 + $1.count }) <= most else { return false }
        var works: [Int] = []
        for condition in conditions {
            var work = condition.allowsAbsence ? 2 : 0
            if condition.tests.count > 8 {
                // A list of exact texts is searched.
                guard condition.tests.allSatisfy(\.isExact) else { return false }
                work += 5 + Int.bitWidth - condition.tests.count.leadingZeroBitCount
            } else {
                for test in condition.tests { work += test.mostWork }
            }
            if work > limit { return false }
            works.append(work)
        }
        return numbers.reduce(0) { $0 + $1.reduce(0) { $0 + works[Int($1)] } } <= limit
    }
}

extension ValueTest {
    fileprivate var isExact: Bool { if case .exact = self { true } else { false } }

    /// More than what a test costs beyond one comparison.
    fileprivate var mostWork: Int {
        switch self {
        case .regex(let regex): regex.cost > 1_000_000 ? 1_000_000 : 12 + regex.cost / 16
        case .wildcard(let wildcard), .wildcardIgnoringCase(let wildcard): 4 + 3 * wildcard.text.count
        case .anythingBut(let exclusion): 1 + exclusion.mostWork
        case .timeOfDay: 20
        case .date, .cidr, .address: 5
        default: 1
        }
    }
}

extension Exclusion {
    fileprivate var mostWork: Int {
        switch self {
        case .strings(let values), .prefixes(let values), .suffixes(let values): values.count
        case .numbers(let values): values.count
        case .equalsIgnoringCase(let values): values.count
        case .wildcards(let values): values.reduce(0) { $0 + 4 + 3 * $1.text.count }
        }
    }
}
