/// Collects rules into the flat form, each distinct condition once.
struct SegmentBuilder: ~Copyable {
    private(set) var store = SegmentStore()
    /// Open addressing from condition hashes to condition numbers plus one.
    private var table: Buffer<UInt64>
    private var numbers: Buffer<UInt32>
    /// How many sub-rules name each condition.
    private(set) var uses = Buffer<UInt32>(capacity: 64)

    init() {
        table = Buffer(repeating: 0, count: 64)
        numbers = Buffer(repeating: 0, count: 64)
    }

    deinit {
        table.free()
        numbers.free()
    }

    var ruleCount: Int { store.ruleCount }

    /// Adds a rule; `path` numbers a path.
    mutating func add(_ pattern: EventPattern, path: (FieldPath) -> Int32) {
        let rule = Int32(truncatingIfNeeded: store.ruleCount)
        store.ruleCount += 1
        let branches = JoinedBranches(pattern)
        var interned = [UInt32?](repeating: nil, count: branches.conditions.count)
        for branch in branches.numbers {
            let first = store.references.count
            for index in branch {
                // What stands beside `$or` is in all branches.
                if let known = interned[Int(index)] {
                    uses[Int(known)] += 1
                    store.references.append(known)
                    continue
                }
                let condition = branches.conditions[Int(index)]
                let number = intern(store.appendCondition(path: path(condition.path), tests: condition.tests))
                store.references.append(number)
                interned[Int(index)] = number
            }
            store.subRules.append(
                SubRule(
                    rule: rule, firstCondition: UInt32(first), conditionCount: branch.count,
                    isBranched: branches.numbers.count > 1))
        }
    }

    /// Adds the rules of a segment for which `keeps` is true, in order; `path` numbers its paths anew.
    mutating func add(_ segment: Segment, path: (Int32) -> Int32 = { $0 }, keeps: (Int) -> Bool) {
        let source = segment.store
        // New positions of kept rules.
        let moved = Buffer<Int32>(repeating: -1, count: source.ruleCount)
        defer { moved.free() }
        for rule in 0..<source.ruleCount where keeps(rule) {
            moved[rule] = Int32(truncatingIfNeeded: store.ruleCount)
            store.ruleCount += 1
        }
        for index in 0..<source.subRules.count {
            let subRule = source.subRules[index]
            let rule = moved[Int(subRule.rule)]
            if rule < 0 { continue }
            let first = store.references.count
            for position in 0..<Int(subRule.conditionCount) {
                let number = source.references[Int(subRule.firstCondition) + position]
                var condition = copy(source.conditions[Int(number)], from: source)
                condition.path = path(condition.path)
                store.references.append(intern(condition))
            }
            store.subRules.append(
                SubRule(
                    rule: rule, firstCondition: UInt32(first), conditionCount: subRule.conditionCount,
                    isBranched: subRule.isBranched))
        }
    }

    private mutating func copy(_ condition: ConditionRecord, from source: SegmentStore) -> ConditionRecord {
        var copied = condition
        copied.firstAtom = UInt32(store.atoms.count)
        copied.firstByte = UInt32(store.text.count)
        copied.memo = -1
        store.atoms.append(
            contentsOf: source.atoms.base + Int(condition.firstAtom), count: Int(condition.spanCount))
        store.text.append(contentsOf: source.text.base + Int(condition.firstByte), count: Int(condition.byteCount))
        return copied
    }

    /// The number of a condition that was just appended; if it is there already, what was appended is dropped.
    private mutating func intern(_ record: ConditionRecord) -> UInt32 {
        if store.conditions.count * 2 >= table.count { growTable() }
        let hash = store.hash(record)
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: hash >> 32) & mask
        while table[slot] != 0 {
            if table[slot] == hash, store.areEqual(store.conditions[Int(numbers[slot])], record) {
                store.dropLast(record)
                uses[Int(numbers[slot])] += 1
                return numbers[slot]
            }
            slot = (slot + 1) & mask
        }
        let number = UInt32(store.conditions.count)
        store.conditions.append(record)
        uses.append(1)
        table[slot] = hash
        numbers[slot] = number
        return number
    }

    private mutating func growTable() {
        let old = (table, numbers)
        let size = table.count * 2
        table = Buffer(repeating: 0, count: size)
        numbers = Buffer(repeating: 0, count: size)
        for index in 0..<old.0.count where old.0[index] != 0 {
            var slot = Int(truncatingIfNeeded: old.0[index] >> 32) & (size - 1)
            while table[slot] != 0 { slot = (slot + 1) & (size - 1) }
            table[slot] = old.0[index]
            numbers[slot] = old.1[index]
        }
        old.0.free()
        old.1.free()
    }

    /// Frees what a builder leaves that built nothing, but for the store.
    func freeUses() { uses.free() }

    /// Files every sub-rule and returns the segment.
    consuming func build(pathCount: Int) -> Segment {
        var indexer = SegmentIndexer(store, uses: uses, pathCount: pathCount)
        let segment = Segment(indexer.build())
        uses.free()
        return segment
    }
}
