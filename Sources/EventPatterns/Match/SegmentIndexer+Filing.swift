extension SegmentIndexer {
    mutating func forEachAtom(
        _ number: UInt32, _ body: (inout SegmentIndexer, Atom, ConditionRecord) -> Void
    ) {
        let condition = store.conditions[Int(number)]
        if condition.allowsAbsence { return }
        for index in 0..<Int(condition.atomCount) {
            body(&self, store.atoms[Int(condition.firstAtom) + index], condition)
        }
    }

    mutating func registerLength(_ atom: Atom, _ condition: ConditionRecord) {
        let entries = textEntries(atom, condition)
        // What one automaton finds counts once.
        if entries.first?.kind == .gram { gramCounts[condition.path, default: 0] += 1 }
        for entry in entries {
            switch entry.kind {
            case .prefix, .suffix, .prefixFolded, .suffixFolded, .prefixKey, .suffixKey, .gram:
                lengthSets[LengthKey(path: condition.path, kind: entry.kind), default: []].insert(Int32(entry.length))
            default: break
            }
        }
    }

    mutating func settleLengths() {
        for (key, set) in lengthSets {
            if key.kind == .gram, !usesGrams(key.path) { continue }
            var kept = set
            // Each length is a lookup for every value: with many, texts are filed under a shorter start.
            if key.kind != .gram, set.count > 12 {
                kept = Set(set.map { Int32(Access.roundedLength(Int($0))) })
                lengthSets[key] = kept
                shortened.insert(key)
            }
            var stretch = Access.Lengths(first: Int32(lengths.count), count: Int32(kept.count))
            let ordered = kept.sorted()
            for length in ordered { lengths.append(length) }
            if Access.isGated(key.kind), let shortest = ordered.first, ordered.count <= UInt32.bitWidth {
                stretch.reach = min(4, shortest)
                stretch.gate = Int32(truncatingIfNeeded: gates.count)
                gates.extend(to: gates.count + Access.gateSize, with: 0)
            }
            let plan = plans.base + Int(key.path)
            switch key.kind {
            case .prefix: plan.pointee.prefix = stretch
            case .suffix: plan.pointee.suffix = stretch
            case .prefixFolded: plan.pointee.prefixFolded = stretch
            case .suffixFolded: plan.pointee.suffixFolded = stretch
            case .prefixKey: plan.pointee.prefixKey = stretch
            case .suffixKey: plan.pointee.suffixKey = stretch
            default: plan.pointee.grams = stretch
            }
        }
    }

    /// Whether wildcards without literal ends are filed under a stretch of them. A few are sooner evaluated than looked
    /// for at every place of a text.
    func usesGrams(_ path: Int32) -> Bool { gramCounts[path, default: 0] > 8 }

    /// One grid for each pair of paths; those with the same first path form a chain.
    mutating func buildPlanes() -> [PlaneIndex] {
        var planes: [PlaneIndex] = []
        for (plane, members) in planeMembers {
            let plan = plans.base + Int(plane.first)
            let index = PlaneIndex(members, second: plane.second, next: plan.pointee.plane)
            plan.pointee.plane = Int32(planes.count)
            planes.append(index)
        }
        return planes
    }

    mutating func fileKey(_ key: UInt64, _ subRule: UInt32) {
        keys.append(key)
        keyed.append(subRule)
    }

    mutating func file(_ atom: Atom, _ condition: ConditionRecord, _ subRule: UInt32) {
        let path = condition.path
        let plan = plans.base + Int(path)
        switch atom.kind {
        case .exact:
            plan.pointee.exact = true
            plan.pointee.exactLengths |= 1 &<< UInt64(atom.length)
            fileKey(hash(text(of: atom, condition), path, .exact), subRule)
        case .equalsFolded:
            plan.pointee.equalsFolded = true
            plan.pointee.foldedLengths |= 1 &<< UInt64(atom.length)
            fileKey(hash(text(of: atom, condition), path, .equalsFolded), subRule)
        case .numberText:
            plan.pointee.numberText = true
            fileKey(hash(text(of: atom, condition), path, .numberText), subRule)
        case .number:
            plan.pointee.number = true
            fileKey(access.key(path, .number, atom.x), subRule)
        case .true, .false, .null:
            plan.pointee.literal = true
            let kind: FlatValue.Kind = atom.kind == .true ? .true : atom.kind == .false ? .false : .null
            fileKey(access.key(path, .literal, UInt64(kind.rawValue)), subRule)
        case .address, .cidr:
            if plan.pointee.addresses < 0 {
                plan.pointee.addresses = Int32(addresses.count)
                addresses.append([])
            }
            addresses[Int(plan.pointee.addresses)].append((atom, subRule))
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
        case .anythingBut where StringTest.excludesText(condition, store):
            plan.pointee.notString = true
            fileKey(access.key(path, .notString, 0), subRule)
            fileString(path, subRule)
        case .exists:
            plan.pointee.present = true
            fileKey(access.key(path, .present, 0), subRule)
        case .anythingBut:
            plan.pointee.any = true
            fileKey(access.key(path, .any, 0), subRule)
        case .timeOfDay: fileString(path, subRule)
        case .absent: break
        default: fileText(atom, condition, subRule)
        }
    }

    private mutating func fileString(_ path: Int32, _ subRule: UInt32) {
        plans.base[Int(path)].string = true
        // Several alternatives of one condition are one test.
        if strings[path]?.last != subRule { strings[path, default: []].append(subRule) }
    }

    /// What is run for every string of a path, path by path.
    mutating func buildStrings(_ groups: Buffer<SoughtGroup>) -> Buffer<StringTest> {
        var tests = Buffer<StringTest>()
        for (path, subRules) in strings {
            let plan = plans.base + Int(path)
            plan.pointee.firstString = Int32(truncatingIfNeeded: tests.count)
            plan.pointee.stringCount = Int32(truncatingIfNeeded: subRules.count)
            for subRule in subRules { tests.append(StringTest(subRule, store, groups)) }
        }
        tests.shrink()
        return tests
    }

    mutating func fileText(_ atom: Atom, _ condition: ConditionRecord, _ subRule: UInt32) {
        let entries = textEntries(atom, condition)
        if entries.first?.kind == .gram, !usesGrams(condition.path) {
            return fileString(condition.path, subRule)
        }
        for entry in entries { file(entry, condition.path, subRule) }
    }

    private mutating func file(
        _ entry: (kind: Access.Kind, text: [UInt8], length: Int), _ path: Int32, _ subRule: UInt32
    ) {
        let plan = plans.base + Int(path)
        switch entry.kind {
        case .string: fileString(path, subRule)
        case .equalsKey:
            plan.pointee.equalsKey = true
            fileKey(hash(entry.text, path, .equalsKey), subRule)
        case .gram:
            let word = entry.text.withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { ByteHash.partialWord($0, bytes.count) } ?? 0
            }
            let start = Int(truncatingIfNeeded: word & 0xFF)
            plan.pointee.gramStarts[start >> 6] |= 1 << UInt64(start & 63)
            gramKeys.append(access.key(path, .gram, word, entry.length))
            gramKeyed.append(subRule)
        default:
            let short = shortened(entry, path)
            let key = hash(short ?? entry.text, path, entry.kind)
            if short != nil, crowded.contains(key) {
                crowds[LengthKey(path: path, kind: entry.kind), default: [:]][entry.text, default: []].append(subRule)
                return
            }
            fileKey(key, subRule)
            openGate(plan.pointee.lengths(entry.kind), short ?? entry.text, isStart: entry.kind.isStart)
        }
    }

    /// Lets texts that begin, or end, as `filed` does through to the lookup of its length.
    private func openGate(_ stretch: Access.Lengths, _ filed: [UInt8], isStart: Bool) {
        guard stretch.gate >= 0,
            let number = (0..<Int(stretch.count)).first(where: {
                Int(lengths[Int(stretch.first) + $0]) == filed.count
            })
        else { return }
        let reach = Int(stretch.reach)
        let end = isStart ? Array(filed.prefix(reach)) : Array(filed.suffix(reach))
        let word = end.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.map { ByteHash.partialWord($0, bytes.count) } ?? 0
        }
        gates.base[Int(stretch.gate) + Access.gateSlot(word)] |= 1 << UInt32(number)
    }

    func hash(_ text: [UInt8], _ path: Int32, _ kind: Access.Kind) -> UInt64 {
        let seed = access.seed(path, kind)
        return text.withUnsafeBufferPointer { bytes in
            if let base = bytes.baseAddress { return ByteHash.hash(base, bytes.count, seed: seed) }
            return withUnsafePointer(to: 0) { ByteHash.hash($0, 0, seed: seed) }
        }
    }
}
