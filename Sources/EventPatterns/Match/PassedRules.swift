/// Sub-rules that a value leads to by passing what they are filed under, many at a time, with what is to be done with
/// each next to it: to read a thousand sub-rules' records takes as long as to report as many matches.
struct PassedRules: BitwiseCopyable {
    /// Ascending.
    let subRules: UnsafeMutablePointer<UInt32>
    /// For each the rule, as a position in the segment, that is matched with it, or -1 if other conditions or branches
    /// count.
    private let rules: UnsafeMutablePointer<Int32>
    let count: Int
    /// Whether none is -1.
    private let areWhole: Bool

    /// Takes over a buffer of sub-rules.
    init(_ subRules: Buffer<UInt32>, _ store: SegmentStore) {
        self.subRules = subRules.base
        count = subRules.count
        rules = .allocate(capacity: max(1, count))
        var areWhole = true
        for index in 0..<count {
            let record = store.subRules[Int(subRules[index])]
            let isWhole = record.conditionCount == 1 && !record.isBranched
            rules[index] = isWhole ? record.rule : -1
            areWhole = areWhole && isWhole
        }
        self.areWhole = areWhole
    }

    private init(_ all: PassedRules, _ first: Int, _ count: Int) {
        (subRules, rules, areWhole) = (all.subRules + first, all.rules + first, all.areWhole)
        self.count = count
    }

    @inline(__always)
    func part(_ first: Int, _ count: Int) -> PassedRules { PassedRules(self, first, count) }

    func free() {
        subRules.deallocate()
        rules.deallocate()
    }

    var byteCount: Int { max(1, count) * (MemoryLayout<UInt32>.stride + MemoryLayout<Int32>.stride) }

    /// Appends the rules to those matched; false, and nothing done, if that is not all that is to be done with each. No
    /// sub-rule is marked: there must be no other way to it in this event.
    @inline(__always)
    func match(_ matched: inout Buffer<Int32>, _ base: SegmentBase) -> Bool {
        guard areWhole else { return false }
        let end = matched.count + count
        if end > matched.capacity { matched.reserve(max(end, 2 * matched.capacity)) }
        let place = matched.base + matched.count
        let first = Int32(truncatingIfNeeded: base.rule)
        for index in 0..<count { place[index] = first &+ rules[index] }
        matched.setCount(end)
        return true
    }

    /// The same without those that are marked.
    @inline(__always)
    func match(_ matched: inout Buffer<Int32>, _ base: SegmentBase, but stamps: Buffer<UInt32>, _ mark: UInt32) -> Bool
    {
        guard areWhole else { return false }
        let most = matched.count + count
        if most > matched.capacity { matched.reserve(max(most, 2 * matched.capacity)) }
        var place = matched.base + matched.count
        let first = Int32(truncatingIfNeeded: base.rule)
        let stamp = stamps.base + base.subRule
        for index in 0..<count {
            place.pointee = first &+ rules[index]
            place += stamp[Int(subRules[index])] & MatchScratch.generations == mark ? 0 : 1
        }
        matched.setCount(place - matched.base)
        return true
    }
}
