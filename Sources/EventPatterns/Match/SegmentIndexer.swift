/// Chooses the field under which each sub-rule is filed, and builds the indexes.
struct SegmentIndexer {
    struct Parts {
        var store: SegmentStore
        var hashes: HashIndex
        var grams: HashIndex
        var intervals: [IntervalIndex]
        var planes: [PlaneIndex]
        var addresses: [AddressIndex]
        var complements: [ComplementIndex]
        var rests: [PassedRules]
        var crowds: [AffixList]
        var strings: Buffer<StringTest>
        var soughts: Buffer<SoughtText>
        var soughtGroups: Buffer<SoughtGroup>
        var plans: Buffer<Access.Plan>
        var lengths: Buffer<Int32>
        var gates: Buffer<UInt32>
        var always: Buffer<UInt32>
        var absences: [AbsenceGroup]
        var sharedCount: Int
    }

    /// What a path's values are compared with, to judge how selective a test is.
    struct PathStatistics: BitwiseCopyable {
        var literals: Float = 0
        var literalUses: Float = 0
        var affixes: Float = 0
        var affixUses: Float = 0
        var ranges: Float = 0
        /// The finite ends of ranges lie between these.
        var low = Double.infinity
        var high = -Double.infinity
    }

    /// Two ranges of a sub-rule, filed together.
    struct Plane: Hashable {
        var first: Int32
        var second: Int32
    }

    var store: SegmentStore
    let uses: Buffer<UInt32>
    let pathCount: Int
    /// The condition under which each sub-rule is filed.
    var chosen = Buffer<UInt32>()
    /// The alternatives that were gone through in `companies`.
    var companySteps = 0
    var plans: Buffer<Access.Plan>
    /// For paths that are filed under lengths of text: which.
    var lengthSets: [LengthKey: Set<Int32>] = [:]
    /// Those of which not all lengths are kept.
    var shortened: Set<LengthKey> = []
    /// The keys of shortened affixes that too many sub-rules would be filed under, and these sub-rules by their texts.
    var crowded: Set<UInt64> = []
    var crowds: [LengthKey: [[UInt8]: [UInt32]]] = [:]
    /// See `Segment.lengths` and `Segment.gates`.
    var lengths = Buffer<Int32>()
    var gates = Buffer<UInt32>()
    let access = Access.Keys()
    var keys = Buffer<UInt64>()
    var keyed = Buffer<UInt32>()
    /// The wildcards without literal ends, by path.
    var gramCounts: [Int32: Int] = [:]
    var gramKeys = Buffer<UInt64>()
    var gramKeyed = Buffer<UInt32>()
    var always = Buffer<UInt32>()
    /// The sub-rules that every string of a path leads to.
    var strings: [Int32: [UInt32]] = [:]
    var intervals: [[IntervalIndex.Entry]] = []
    /// For each sub-rule, two ranges that are selective together.
    var planeOf: [(UInt32, UInt32)] = []
    var planeMembers: [Plane: [PlaneIndex.Rectangle]] = [:]
    var isInPlane: Set<UInt32> = []
    var addresses: [[(atom: Atom, subRule: UInt32)]] = []
    var complements: [(subRules: Buffer<UInt32>, members: [ComplementIndex.Member])] = []
    /// Of each path how many sub-rules leave out texts that can be looked up, and those that are filed under them.
    var exclusionCounts: [Int32: Int] = [:]
    var rests: [Buffer<UInt32>] = []

    struct LengthKey: Hashable {
        var path: Int32
        var kind: Access.Kind
    }

    init(_ store: SegmentStore, uses: Buffer<UInt32>, pathCount: Int) {
        self.store = store
        self.uses = uses
        self.pathCount = pathCount
        plans = Buffer(repeating: Access.Plan(), count: pathCount)
    }

    /// What `body` finds out by an indexer of one rule, which builds nothing.
    static func of<Result>(_ pattern: EventPattern, _ body: (inout SegmentIndexer) -> Result) -> Result {
        var paths: [FieldPath: Int32] = [:]
        var builder = SegmentBuilder()
        builder.add(pattern) { path in
            let number = paths[path] ?? Int32(paths.count)
            paths[path] = number
            return number
        }
        var indexer = SegmentIndexer(builder.store, uses: builder.uses, pathCount: paths.count)
        defer {
            indexer.store.free()
            indexer.free()
            builder.freeUses()
        }
        return body(&indexer)
    }

    mutating func build() -> Parts {
        let sharedCount = numberShared()
        choose()
        settlePlanes()
        countExclusions()
        // Lengths first: a text is filed under one of its path's lengths.
        for index in 0..<chosen.count where !isInPlane.contains(UInt32(index)) {
            forEachAtom(chosen[index]) { $0.registerLength($1, $2) }
            if isTurnedRound(chosen[index]) { forEachExcluded(chosen[index]) { $0.registerLength($1, $2) } }
        }
        settleLengths()
        countShortened()
        var absent: [Int] = []
        for index in 0..<chosen.count where !isInPlane.contains(UInt32(index)) {
            let subRule = UInt32(index)
            if fileComplement(subRule) || fileRest(subRule) { continue }
            if isOnlyAbsent(index) {
                absent.append(index)
            } else if store.conditions[Int(chosen[index])].allowsAbsence {
                always.append(subRule)
            } else {
                forEachAtom(chosen[index]) { $0.file($1, $2, subRule) }
            }
        }
        let sought = markSoughts()
        store.shrink()
        always.shrink()
        let planes = buildPlanes()
        let crowds = buildCrowds()
        let hashes = HashIndex(keys: keys, subRules: keyed)
        for path in 0..<plans.count { plans.base[path].settle() }
        for path in 0..<plans.count where plans[path].any {
            plans.base[path].anySlot = Int32(
                truncatingIfNeeded: hashes.slot(access.key(Int32(truncatingIfNeeded: path), .any, 0)))
        }
        for path in 0..<plans.count where plans[path].present {
            plans.base[path].presentSlot = Int32(
                truncatingIfNeeded: hashes.slot(access.key(Int32(truncatingIfNeeded: path), .present, 0)))
        }
        let (groups, soughts) = buildSoughts(sought)
        let strings = buildStrings(groups)
        let parts = Parts(
            store: store, hashes: hashes,
            grams: HashIndex(keys: gramKeys, subRules: gramKeyed), intervals: intervals.map { IntervalIndex($0) },
            planes: planes, addresses: buildAddresses(), complements: buildComplements(),
            rests: rests.map { PassedRules($0, store) }, crowds: crowds, strings: strings,
            soughts: soughts, soughtGroups: groups, plans: plans, lengths: lengths, gates: gates, always: always,
            absences: buildAbsences(absent),
            sharedCount: sharedCount)
        keys.free()
        keyed.free()
        gramKeys.free()
        gramKeyed.free()
        chosen.free()
        return parts
    }

    /// Gives every condition that several sub-rules name a place to remember its answer.
    mutating func numberShared() -> Int {
        var shared = 0
        for index in 0..<store.conditions.count where uses[index] > 1 {
            store.conditions.base[index].memo = Int32(truncatingIfNeeded: shared)
            shared += 1
        }
        return shared
    }

    /// Marks the conditions that all branches of a rule ask: where one fails, none of the branches need be looked at.
    /// Not absences: in an array one may hold for a branch that looks for its fields in another element.
    mutating func markCommon(_ branches: [Int32: [Int]]) {
        for members in branches.values {
            var counts: [UInt32: Int] = [:]
            for member in members {
                // Once a branch, which may ask the same thing in two ways.
                for number in Set(references(member).prefix(SubRule.mostCommon))
                where !store.conditions[Int(number)].allowsAbsence {
                    counts[number, default: 0] += 1
                }
            }
            for member in members {
                for (place, number) in references(member).prefix(SubRule.mostCommon).enumerated()
                where counts[number] == members.count {
                    store.subRules.base[member].setCommon(place)
                }
            }
        }
    }

    func references(_ number: Int) -> UnsafeBufferPointer<UInt32> {
        let subRule = store.subRules[number]
        return UnsafeBufferPointer(
            start: store.references.base + Int(subRule.firstCondition), count: Int(subRule.conditionCount))
    }

    /// Frees what an indexer holds that has filed nothing, but for the store.
    func free() {
        chosen.free()
        plans.free()
        lengths.free()
        gates.free()
        keys.free()
        keyed.free()
        gramKeys.free()
        gramKeyed.free()
        always.free()
    }
}
