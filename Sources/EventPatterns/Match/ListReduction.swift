extension ValueTest {
    /// A list of alternatives without what it says twice: what several `anything-but` leave out together as one, each
    /// test once, ranges that overlap as one and without the numbers in them. A short list of other tests stays as it
    /// is.
    static func reduced(_ tests: [ValueTest]) -> [ValueTest] {
        tests.count == 1 ? tests : NumericRange.merged(exclusionsJoined(tests))
    }

    /// A value passes some of several `anything-but` unless all of them leave it out: two lists that have nothing in
    /// common let everything pass.
    private static func exclusionsJoined(_ tests: [ValueTest]) -> [ValueTest] {
        var strings: [[[UInt8]]] = []
        var numbers: [[Double]] = []
        var others: [ValueTest] = []
        for test in tests {
            switch test {
            case .anythingBut(.strings(let values)): strings.append(values)
            case .anythingBut(.numbers(let values)): numbers.append(values)
            default: others.append(test)
            }
        }
        guard strings.count + numbers.count > 1 else { return tests }
        let everything = others.filter { $0 == .absent }.prefix(1) + [.exists]
        if strings.isEmpty {
            let common = common(numbers)
            return common.isEmpty ? Array(everything) : others + [.anythingBut(.numbers(common))]
        }
        guard numbers.isEmpty else { return Array(everything) }
        let common = common(strings)
        return common.isEmpty ? Array(everything) : others + [.anythingBut(.strings(common))]
    }

    /// What is in all of some lists, in the order of the first.
    private static func common<Value: Hashable>(_ lists: [[Value]]) -> [Value] {
        var common = lists[0]
        for list in lists.dropFirst() where !common.isEmpty {
            let values = Set(list)
            common = common.filter { values.contains($0) }
        }
        return common
    }
}

extension NumericRange {
    /// A list in which each test occurs once, ranges that overlap are one, and no number is in a range. A short one
    /// stays as it is.
    static func merged(_ tests: [ValueTest]) -> [ValueTest] {
        guard tests.count > 8 else { return tests }
        var known: Set<ValueTest> = []
        let distinct = tests.filter { known.insert($0).inserted }
        let ranges = distinct.compactMap { test in if case .range(let range) = test { range } else { nil } }
        guard !ranges.isEmpty else { return distinct }
        var merged: [NumericRange] = []
        for range in ranges.sorted(by: { $0.low < $1.low || ($0.low == $1.low && $0.includesLow && !$1.includesLow) }) {
            guard let last = merged.last,
                range.low < last.high || (range.low == last.high && last.includesHigh && range.includesLow)
            else {
                merged.append(range)
                continue
            }
            if range.high > last.high {
                (merged[merged.count - 1].high, merged[merged.count - 1].includesHigh) = (
                    range.high, range.includesHigh
                )
            } else if range.high == last.high, range.includesHigh {
                merged[merged.count - 1].includesHigh = true
            }
        }
        let others = distinct.filter { test in
            switch test {
            case .range: false
            case .number(let value): !contains(value, merged)
            default: true
            }
        }
        return others + merged.map { .range($0) }
    }

    /// Whether a number is in one of some ranges, which are ascending and apart.
    private static func contains(_ value: Double, _ ranges: [NumericRange]) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].low <= value { low = middle + 1 } else { high = middle }
        }
        // Two ranges may meet in one number that belongs to the one before.
        return low > 0 && ranges[low - 1].contains(value) || low > 1 && ranges[low - 2].contains(value)
    }
}
