/// Sub-rules filed under one `anything-but` of strings or of numbers on the same path: nearly all values pass, so a
/// value looks up the few that it does not.
///
/// Where a value is left out by more than half of them, it has a list of those that it passes instead. So a value costs
/// as much as the sub-rules it leads to, whatever share of them that is.
struct ComplementIndex: BitwiseCopyable {
    /// A value that some sub-rules leave out.
    private struct Slot: BitwiseCopyable {
        /// 0 in an empty slot.
        var key: UInt64
        var first: UInt32
        var count: UInt32
        /// With a list of those that the value passes: the condition and the atom that say which value this is. Else
        /// `none`.
        var condition: UInt32
        var atom: UInt32
    }

    /// What a value leads to.
    enum Answer {
        /// No sub-rule leaves it out.
        case all
        /// All but, it may be, some of these.
        case allBut(first: Int, count: Int)
        /// These and no other.
        case only(first: Int, count: Int)
    }

    /// A sub-rule, and its place for a value that it leaves out.
    struct Member {
        var key: UInt64
        var subRule: UInt32
        var condition: UInt32
        var atom: UInt32
    }

    private static let none = UInt32.max

    /// All sub-rules.
    let subRules: PassedRules
    private let slots: Buffer<Slot>
    private(set) var lists: Buffer<UInt32>
    /// The same as `PassedRules`, for the lists of those that a value passes.
    private let passed: PassedRules

    /// Builds the index from sub-rules, ascending, and what each of them leaves out; `isSame` tells whether two atoms
    /// are one value.
    init(
        _ all: Buffer<UInt32>, _ members: [Member], _ store: SegmentStore, isSame: (Member, Member) -> Bool
    ) {
        subRules = PassedRules(all, store)
        let sorted = members.sorted { $0.key == $1.key ? $0.subRule < $1.subRule : $0.key < $1.key }
        var groups: [Range<Int>] = []
        var start = 0
        for index in sorted.indices where index + 1 == sorted.count || sorted[index + 1].key != sorted[index].key {
            groups.append(start..<index + 1)
            start = index + 1
        }
        var size = 8
        while size < groups.count + groups.count / 2 { size *= 2 }
        slots = Buffer(repeating: Slot(key: 0, first: 0, count: 0, condition: Self.none, atom: 0), count: size)
        lists = Buffer(capacity: sorted.count)
        for group in groups {
            let first = sorted[group.lowerBound]
            var slot = Slot(
                key: first.key, first: UInt32(lists.count), count: 0, condition: Self.none, atom: first.atom)
            if group.count * 2 > all.count, group.allSatisfy({ isSame(first, sorted[$0]) }) {
                slot.condition = first.condition
                var left = group.lowerBound
                for index in 0..<all.count {
                    while left < group.upperBound, sorted[left].subRule < all[index] { left += 1 }
                    if left == group.upperBound || sorted[left].subRule != all[index] { lists.append(all[index]) }
                }
            } else {
                for index in group where index == group.lowerBound || sorted[index].subRule != sorted[index - 1].subRule
                {
                    lists.append(sorted[index].subRule)
                }
            }
            slot.count = UInt32(lists.count) - slot.first
            var place = Int(truncatingIfNeeded: first.key >> 32) & (size - 1)
            while slots[place].key != 0 { place = (place + 1) & (size - 1) }
            slots[place] = slot
        }
        lists.shrink()
        passed = PassedRules(lists, store)
    }

    /// A stretch of the lists, of sub-rules that a value passes.
    @inline(__always)
    func only(_ first: Int, _ count: Int) -> PassedRules { passed.part(first, count) }

    /// What a value with this key leads to.
    @inline(__always)
    func answer(
        _ key: UInt64, _ value: UnsafeMutablePointer<FlatValue>, _ evaluation: Evaluation
    ) -> Answer {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: key >> 32) & mask
        while slots.base[place].key != key {
            if slots.base[place].key == 0 { return .all }
            place = (place + 1) & mask
        }
        let slot = slots.base + place
        let (first, count) = (Int(slot.pointee.first), Int(slot.pointee.count))
        if slot.pointee.condition == Self.none { return .allBut(first: first, count: count) }
        // Another value may have the same key.
        let isValue = evaluation.passes(
            evaluation.atoms + Int(slot.pointee.atom), value,
            evaluation.conditions + Int(slot.pointee.condition))
        return isValue ? .only(first: first, count: count) : .all
    }

    func free() {
        subRules.free()
        slots.free()
        // With the lists.
        passed.free()
    }

    var byteCount: Int { subRules.byteCount + slots.byteCount + passed.byteCount }
}
