/// Chooses the field under which each sub-rule is filed, and builds the indexes.
struct SegmentIndexer {
    struct Parts {
        var store: SegmentStore
        var hashes: HashIndex
        var grams: HashIndex
        var intervals: [IntervalIndex]
        var planes: [PlaneIndex]
        var complements: [SegmentComplement]
        var plans: Buffer<Access.Plan>
        var lengths: Buffer<Int32>
        var always: Buffer<UInt32>
        var sharedCount: Int
    }

    /// What a path's values are compared with, to judge how selective a test is.
    private struct PathStatistics: BitwiseCopyable {
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
    private struct Plane: Hashable {
        var first: Int32
        var second: Int32
    }

    private var store: SegmentStore
    private let uses: Buffer<UInt32>
    private let pathCount: Int
    /// The condition under which each sub-rule is filed.
    private var chosen = Buffer<UInt32>()
    private var plans: Buffer<Access.Plan>
    /// For paths that are filed under lengths of text: which.
    private var lengthSets: [LengthKey: Set<Int32>] = [:]
    private var keys = Buffer<UInt64>()
    private var keyed = Buffer<UInt32>()
    private var gramKeys = Buffer<UInt64>()
    private var gramKeyed = Buffer<UInt32>()
    private var always = Buffer<UInt32>()
    private var intervals: [[IntervalIndex.Entry]] = []
    /// For each sub-rule, two ranges that are selective together.
    private var planeOf: [(UInt32, UInt32)] = []
    private var planeMembers: [Plane: [PlaneIndex.Rectangle]] = [:]
    private var isInPlane: Set<UInt32> = []
    private var complements: [SegmentComplement] = []

    private struct LengthKey: Hashable {
        var path: Int32
        var kind: Access.Kind
    }

    init(_ store: SegmentStore, uses: Buffer<UInt32>, pathCount: Int) {
        self.store = store
        self.uses = uses
        self.pathCount = pathCount
        plans = Buffer(repeating: Access.Plan(), count: pathCount)
    }

    mutating func build() -> Parts {
        let sharedCount = numberShared()
        choose()
        settlePlanes()
        // Lengths first: a text is filed under one of its path's lengths.
        for index in 0..<chosen.count where !isInPlane.contains(UInt32(index)) {
            forEachAtom(chosen[index]) { $0.registerLength($1, $2) }
        }
        var lengths = Buffer<Int32>()
        settleLengths(&lengths)
        for index in 0..<chosen.count where !isInPlane.contains(UInt32(index)) {
            let subRule = UInt32(index)
            if fileComplement(subRule) { continue }
            if store.conditions[Int(chosen[index])].allowsAbsence {
                always.append(subRule)
            } else {
                forEachAtom(chosen[index]) { $0.file($1, $2, subRule) }
            }
        }
        store.shrink()
        always.shrink()
        let planes = buildPlanes()
        for index in complements.indices { complements[index].subRules.shrink() }
        let parts = Parts(
            store: store, hashes: HashIndex(keys: keys, subRules: keyed),
            grams: HashIndex(keys: gramKeys, subRules: gramKeyed), intervals: intervals.map { IntervalIndex($0) },
            planes: planes, complements: complements,
            plans: plans, lengths: lengths, always: always, sharedCount: sharedCount)
        keys.free()
        keyed.free()
        gramKeys.free()
        gramKeyed.free()
        chosen.free()
        return parts
    }

    /// Gives every condition that several sub-rules name a place to remember its answer.
    private mutating func numberShared() -> Int {
        var shared = 0
        for index in 0..<store.conditions.count where uses[index] > 1 {
            store.conditions.base[index].memo = Int32(truncatingIfNeeded: shared)
            shared += 1
        }
        return shared
    }

    // MARK: choosing

    private mutating func choose() {
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
                    store.atoms[Int(condition.firstAtom) + atom], statistics[Int(condition.path)], Float(uses[index]))
            }
            odds[index] = min(likely, 1)
        }
        for index in 0..<store.subRules.count {
            let subRule = store.subRules[index]
            let references = store.references.base + Int(subRule.firstCondition)
            var best = references[0]
            var ranges: (UInt32, UInt32)?
            var firstRange: UInt32?
            for position in 0..<Int(subRule.conditionCount) {
                let reference = references[position]
                if odds[Int(reference)] < odds[Int(best)] { best = reference }
                guard isBoundedRange(store.conditions[Int(reference)]) else { continue }
                if let firstRange, ranges == nil { ranges = (firstRange, reference) }
                if firstRange == nil { firstRange = reference }
            }
            chosen.append(best)
            if let ranges, odds[Int(ranges.0)] * odds[Int(ranges.1)] * 2 < odds[Int(best)] {
                planeOf.append((ranges.0, ranges.1))
            } else {
                planeOf.append((.max, .max))
            }
        }
        sortByChosen()
    }

    /// Puts sub-rules that are found together next to each other, with their references: then a lookup that leads to ten
    /// sub-rules touches little memory.
    private mutating func sortByChosen() {
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
    private mutating func settlePlanes() {
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

    private func gatherStatistics() -> Buffer<PathStatistics> {
        let statistics = Buffer<PathStatistics>(repeating: PathStatistics(), count: pathCount)
        for index in 0..<store.conditions.count {
            let condition = store.conditions[index]
            let entry = statistics.base + Int(condition.path)
            for position in 0..<Int(condition.atomCount) {
                let atom = store.atoms[Int(condition.firstAtom) + position]
                switch atom.kind {
                case .exact, .address, .number, .numberText, .equalsFolded, .equalsCased:
                    entry.pointee.literals += 1
                    entry.pointee.literalUses += Float(uses[index])
                case .prefix, .suffix, .prefixFolded, .suffixFolded, .prefixCased, .suffixCased, .wildcard, .cidr:
                    entry.pointee.affixes += 1
                    entry.pointee.affixUses += Float(uses[index])
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

    private func isBoundedRange(_ condition: ConditionRecord) -> Bool {
        guard condition.atomCount == 1 else { return false }
        let atom = store.atoms[Int(condition.firstAtom)]
        return atom.kind == .range && Double(bitPattern: atom.x).isFinite && Double(bitPattern: atom.y).isFinite
    }

    private func range(_ number: UInt32) -> (low: Double, high: Double) {
        let atom = store.atoms[Int(store.conditions[Int(number)].firstAtom)]
        return (Double(bitPattern: atom.x), Double(bitPattern: atom.y))
    }

    /// A guess at the share of values that pass a test, supposing that events are distributed as the rules are.
    private func likelihood(_ atom: Atom, _ statistics: PathStatistics, _ uses: Float) -> Float {
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
        case .regex: return 0.3
        case .wildcardCased: return 0.3
        case .date: return 0.4
        case .exists: return 0.9
        case .absent: return 1
        case .anythingBut: return 0.95
        }
    }

    // MARK: filing

    private mutating func forEachAtom(
        _ number: UInt32, _ body: (inout SegmentIndexer, Atom, ConditionRecord) -> Void
    ) {
        let condition = store.conditions[Int(number)]
        if condition.allowsAbsence { return }
        for index in 0..<Int(condition.atomCount) {
            body(&self, store.atoms[Int(condition.firstAtom) + index], condition)
        }
    }

    private mutating func registerLength(_ atom: Atom, _ condition: ConditionRecord) {
        guard let entry = textEntry(atom, condition), entry.kind != .gram || entry.length > 0 else {
            if atom.kind == .cidr {
                lengthSets[LengthKey(path: condition.path, kind: .cidr), default: []].insert(
                    Int32(atom.extra) + (atom.flags == 1 ? 1000 : 0))
            }
            return
        }
        switch entry.kind {
        case .prefix, .suffix, .prefixFolded, .suffixFolded, .prefixKey, .suffixKey, .gram:
            lengthSets[LengthKey(path: condition.path, kind: entry.kind), default: []].insert(Int32(entry.length))
        default: break
        }
    }

    private mutating func settleLengths(_ lengths: inout Buffer<Int32>) {
        for (key, set) in lengthSets {
            var kept = set
            // Each length is a lookup for every value: with many, texts are filed under a shorter start.
            if key.kind != .cidr, key.kind != .gram, set.count > 12 {
                kept = Set(set.map { Int32(Access.roundedLength(Int($0))) })
                lengthSets[key] = kept
            }
            let stretch = Access.Lengths(first: Int32(lengths.count), count: Int32(kept.count))
            for length in kept.sorted() { lengths.append(length) }
            let plan = plans.base + Int(key.path)
            switch key.kind {
            case .prefix: plan.pointee.prefix = stretch
            case .suffix: plan.pointee.suffix = stretch
            case .prefixFolded: plan.pointee.prefixFolded = stretch
            case .suffixFolded: plan.pointee.suffixFolded = stretch
            case .prefixKey: plan.pointee.prefixKey = stretch
            case .suffixKey: plan.pointee.suffixKey = stretch
            case .cidr: plan.pointee.cidr = stretch
            default: plan.pointee.grams = stretch
            }
        }
    }

    /// Under what kind of key a test of text is filed, and the text: all of it for equality, the start or the end for an
    /// affix, a stretch of at most four bytes for a wildcard with short ends. Nil for tests that are not of text.
    private func textEntry(
        _ atom: Atom, _ condition: ConditionRecord
    ) -> (kind: Access.Kind, text: [UInt8], length: Int)? {
        func entry(_ kind: Access.Kind, _ text: [UInt8]) -> (kind: Access.Kind, text: [UInt8], length: Int) {
            text.isEmpty && kind != .equalsKey ? (.string, [], 0) : (kind, text, text.count)
        }
        switch atom.kind {
        case .prefix: return entry(.prefix, text(of: atom, condition))
        case .suffix: return entry(.suffix, text(of: atom, condition))
        case .prefixFolded: return entry(.prefixFolded, text(of: atom, condition))
        case .suffixFolded: return entry(.suffixFolded, text(of: atom, condition))
        case .equalsCased, .prefixCased, .suffixCased:
            guard let key = foldedKey(atom, condition) else { return (.string, [], 0) }
            return entry(
                atom.kind == .equalsCased ? .equalsKey : atom.kind == .prefixCased ? .prefixKey : .suffixKey, key)
        case .wildcard: return wildcardEntry(atom, condition)
        case .regex:
            let start = store.text.base + Int(condition.firstByte) + Int(atom.offset)
            let program = Int(atom.x) * 8
            let prefix = UnsafeBufferPointer(start: start + program, count: Int(atom.length) - program)
            return entry(.prefix, Array(prefix))
        case .wildcardCased: return casedEntry(atom, condition)
        default: return nil
        }
    }

    private func wildcardEntry(
        _ atom: Atom, _ condition: ConditionRecord
    ) -> (kind: Access.Kind, text: [UInt8], length: Int) {
        var cursor = store.text.base + Int(condition.firstByte) + Int(atom.offset)
        var segments: [[UInt8]] = []
        for _ in 0..<Int(atom.extra) {
            let size = Int(ByteHash.half(cursor))
            segments.append(Array(UnsafeBufferPointer(start: cursor + 4, count: size)))
            cursor += 4 + size
        }
        let first = segments[0]
        let last = segments[segments.count - 1]
        let middle = segments.dropFirst().dropLast().max { $0.count < $1.count } ?? []
        if max(first.count, last.count) >= 3 || middle.count <= max(first.count, last.count) {
            if first.isEmpty, last.isEmpty { return (.string, [], 0) }
            return first.count >= last.count ? (.prefix, first, first.count) : (.suffix, last, last.count)
        }
        let gram = Array(middle.prefix(4))
        return (.gram, gram, gram.count)
    }

    /// A wildcard that ignores case is filed under its first or last segment.
    private func casedEntry(
        _ atom: Atom, _ condition: ConditionRecord
    ) -> (kind: Access.Kind, text: [UInt8], length: Int) {
        var cursor = store.text.base + Int(condition.firstByte) + Int(atom.offset)
        for index in 0..<Int(atom.extra) {
            let size = Int(ByteHash.half(cursor))
            if index == 0 || index == Int(atom.extra) - 1, size > 0, let key = foldedKey(cursor + 4, size) {
                return (index == 0 ? .prefixKey : .suffixKey, key, key.count)
            }
            cursor += 4 + size
        }
        return (.string, [], 0)
    }

    private func text(of atom: Atom, _ condition: ConditionRecord) -> [UInt8] {
        if atom.length > 16 || atom.kind == .numberText {
            let start = store.text.base + Int(condition.firstByte) + Int(atom.offset)
            return Array(UnsafeBufferPointer(start: start, count: Int(atom.length)))
        }
        return (0..<Int(atom.length)).map { index in
            UInt8(truncatingIfNeeded: (index < 8 ? atom.x : atom.y) >> UInt64(8 * (index & 7)))
        }
    }

    private func foldedKey(_ atom: Atom, _ condition: ConditionRecord) -> [UInt8]? {
        foldedKey(store.text.base + Int(condition.firstByte) + Int(atom.offset), Int(atom.length))
    }

    private func foldedKey(_ forms: UnsafeMutablePointer<UInt8>, _ length: Int) -> [UInt8]? {
        var cursor = forms
        let end = cursor + length
        var key: [UInt8] = []
        while cursor < end {
            let lower = Array(UnsafeBufferPointer(start: cursor + 1, count: Int(cursor[0])))
            cursor += 1 + lower.count
            let upper = Array(UnsafeBufferPointer(start: cursor + 1, count: Int(cursor[0])))
            cursor += 1 + upper.count
            let folded = CaseText.folded(lower)
            if folded != CaseText.folded(upper) { return nil }
            key += folded
        }
        return key
    }

    /// One grid for each pair of paths; those with the same first path form a chain.
    private mutating func buildPlanes() -> [PlaneIndex] {
        var planes: [PlaneIndex] = []
        for (plane, members) in planeMembers {
            let plan = plans.base + Int(plane.first)
            let index = PlaneIndex(members, second: plane.second, next: plan.pointee.plane)
            plan.pointee.plane = Int32(planes.count)
            planes.append(index)
        }
        return planes
    }

    /// Files a rule that is nothing but one `anything-but` of strings or numbers: such rules match nearly always, so an event
    /// looks up those that it does not match.
    private mutating func fileComplement(_ number: UInt32) -> Bool {
        let subRule = store.subRules[Int(number)]
        guard subRule.conditionCount == 1, !subRule.isBranched else { return false }
        let condition = store.conditions[Int(chosen[Int(number)])]
        guard condition.atomCount == 1 else { return false }
        let atom = store.atoms[Int(condition.firstAtom)]
        guard atom.kind == .anythingBut, atom.flags & 1 != 0 else { return false }
        let plan = plans.base + Int(condition.path)
        if plan.pointee.complement < 0 {
            plan.pointee.complement = Int32(complements.count)
            complements.append(SegmentComplement(subRules: Buffer()))
        }
        complements[Int(plan.pointee.complement)].subRules.append(number)
        for index in 0..<Int(atom.length) {
            let excluded = store.atoms[Int(condition.firstAtom) + Int(atom.offset) + index]
            if excluded.kind == .number {
                fileKey(Access.key(condition.path, .excludedNumber, excluded.x), number)
            } else {
                fileKey(hash(text(of: excluded, condition), condition.path, .excluded), number)
            }
        }
        return true
    }

    private mutating func fileKey(_ key: UInt64, _ subRule: UInt32) {
        keys.append(key)
        keyed.append(subRule)
    }

    private mutating func file(_ atom: Atom, _ condition: ConditionRecord, _ subRule: UInt32) {
        let path = condition.path
        let plan = plans.base + Int(path)
        switch atom.kind {
        case .exact:
            plan.pointee.exact = true
            fileKey(hash(text(of: atom, condition), path, .exact), subRule)
        case .equalsFolded:
            plan.pointee.equalsFolded = true
            fileKey(hash(text(of: atom, condition), path, .equalsFolded), subRule)
        case .numberText:
            plan.pointee.numberText = true
            fileKey(hash(text(of: atom, condition), path, .numberText), subRule)
        case .number:
            plan.pointee.number = true
            fileKey(Access.key(path, .number, atom.x), subRule)
        case .true, .false, .null:
            plan.pointee.literal = true
            let kind: FlatValue.Kind = atom.kind == .true ? .true : atom.kind == .false ? .false : .null
            fileKey(Access.key(path, .literal, UInt64(kind.rawValue)), subRule)
        case .address:
            plan.pointee.address = true
            fileKey(Access.key(path, .address, atom.x, atom.y, Int(atom.extra)), subRule)
        case .cidr:
            let tagged = Int(atom.extra) + (atom.flags == 1 ? 1000 : 0)
            fileKey(Access.key(path, .cidr, atom.x, atom.y, tagged), subRule)
        case .range:
            if plan.pointee.intervals < 0 {
                plan.pointee.intervals = Int32(intervals.count)
                intervals.append([])
            }
            intervals[Int(plan.pointee.intervals)].append(
                IntervalIndex.Entry(
                    low: Double(bitPattern: atom.x), high: Double(bitPattern: atom.y), highest: 0, subRule: subRule))
        case .date:
            if plan.pointee.dates < 0 {
                plan.pointee.dates = Int32(intervals.count)
                intervals.append([])
            }
            // Rounding to doubles keeps the order, so no timestamp of the range is lost.
            intervals[Int(plan.pointee.dates)].append(
                IntervalIndex.Entry(
                    low: Double(Int64(bitPattern: atom.x)), high: Double(Int64(bitPattern: atom.y)), highest: 0,
                    subRule: subRule))
        case .exists, .anythingBut:
            plan.pointee.any = true
            fileKey(Access.key(path, .any, 0), subRule)
        case .absent: break
        default: fileText(atom, condition, subRule)
        }
    }

    private mutating func fileText(_ atom: Atom, _ condition: ConditionRecord, _ subRule: UInt32) {
        guard let entry = textEntry(atom, condition) else { return }
        let path = condition.path
        let plan = plans.base + Int(path)
        switch entry.kind {
        case .string:
            plan.pointee.string = true
            fileKey(Access.key(path, .string, 0), subRule)
        case .equalsKey:
            plan.pointee.equalsKey = true
            fileKey(hash(entry.text, path, .equalsKey), subRule)
        case .gram:
            let word = entry.text.withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { ByteHash.partialWord($0, bytes.count) } ?? 0
            }
            gramKeys.append(Access.key(path, .gram, word, 0, entry.length))
            gramKeyed.append(subRule)
        default:
            let known = lengthSets[LengthKey(path: path, kind: entry.kind)] ?? []
            let size = known.contains(Int32(entry.length)) ? entry.length : Access.roundedLength(entry.length)
            let isStart = entry.kind == .prefix || entry.kind == .prefixFolded || entry.kind == .prefixKey
            let filed = isStart ? Array(entry.text.prefix(size)) : Array(entry.text.suffix(size))
            fileKey(hash(filed, path, entry.kind), subRule)
        }
    }

    private func hash(_ text: [UInt8], _ path: Int32, _ kind: Access.Kind) -> UInt64 {
        let seed = Access.seed(path, kind)
        return text.withUnsafeBufferPointer { bytes in
            if let base = bytes.baseAddress { return ByteHash.hash(base, bytes.count, seed: seed) }
            return withUnsafePointer(to: 0) { ByteHash.hash($0, 0, seed: seed) }
        }
    }
}
