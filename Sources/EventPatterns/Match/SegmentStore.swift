/// The rules of a segment in flat form, growing while the segment is built.
struct SegmentStore {
    var atoms = Buffer<Atom>(capacity: 64)
    var text = Buffer<UInt8>(capacity: 256)
    var conditions = Buffer<ConditionRecord>(capacity: 64)
    /// Condition numbers, sub-rule by sub-rule.
    var references = Buffer<UInt32>(capacity: 64)
    var subRules = Buffer<SubRule>(capacity: 64)
    var ruleCount = 0

    func free() {
        atoms.free()
        text.free()
        conditions.free()
        references.free()
        subRules.free()
    }

    mutating func shrink() {
        atoms.shrink()
        text.shrink()
        conditions.shrink()
        references.shrink()
        subRules.shrink()
    }

    var byteCount: Int {
        atoms.byteCount + text.byteCount + conditions.byteCount + references.byteCount + subRules.byteCount
    }

    // MARK: adding a condition at the end

    /// Appends the flat form of a condition. The caller drops it again if it already had it.
    mutating func appendCondition(path: Int32, tests: [ValueTest]) -> ConditionRecord {
        let firstAtom = atoms.count
        let firstByte = text.count
        let (others, groups) = WildcardGroup.group(PatternRegex.united(ValueTest.reduced(tests)))
        // What an atom of exclusions excludes follows the others, at first behind as many as there may be.
        let count = others.count + groups.count
        for _ in 0..<count { atoms.append(Atom(.null)) }
        var all: [Atom] = []
        for test in others { all.append(flatten(test, firstAtom: firstAtom, firstByte: firstByte)) }
        for group in groups { all.append(containsAny(group, firstByte)) }
        let listed = lists(of: all, firstByte)
        let numbers = listed.others.filter { $0.kind == .range || $0.kind == .number }
        let ranges =
            numbers.count < KeyList.least
            ? []
            : numbers.sorted {
                Double(bitPattern: $0.x) < Double(bitPattern: $1.x)
            }
        let dates = SegmentStore.apart(listed.others.filter { $0.kind == .date })
        let addresses = SegmentStore.outermost(listed.others.filter { $0.kind == .cidr || $0.kind == .address })
        let times = listed.others.filter { $0.kind == .timeOfDay }
        let rest = listed.others.filter { atom in
            switch atom.kind {
            case .date, .cidr, .address, .timeOfDay: false
            case .range, .number: ranges.isEmpty
            default: true
            }
        }
        let ordered = listed.atoms + ranges + dates + addresses + times + rest
        for (index, atom) in ordered.enumerated() { atoms[firstAtom + index] = atom }
        let searched =
            SegmentStore.steps(listed.atoms.count) + SegmentStore.steps(ranges.count) + SegmentStore.steps(dates.count)
            + SegmentStore.steps(addresses.count)
        return ConditionRecord(
            path: path, firstAtom: UInt32(firstAtom), atomCount: UInt32(ordered.count),
            spanCount: UInt32(atoms.count - firstAtom), firstByte: UInt32(firstByte),
            byteCount: UInt32(text.count - firstByte), memo: -1, listedCount: UInt32(listed.atoms.count),
            tables: UInt32(listed.tables), rangeCount: UInt32(ranges.count), dateCount: UInt32(dates.count),
            addressCount: UInt32(addresses.count), timeCount: UInt32(times.count),
            work: UInt32(clamping: (times + rest).reduce(searched) { $0 + work($1, firstAtom, firstByte) }),
            allowsAbsence: ordered.contains { $0.kind == .absent })
    }

    /// The steps of a search in a list of so many.
    private static func steps(_ count: Int) -> Int { count == 0 ? 0 : Int.bitWidth - count.leadingZeroBitCount }

    /// What a test costs at most; see `ConditionRecord.work`.
    private func work(_ atom: Atom, _ firstAtom: Int, _ firstByte: Int) -> Int {
        switch atom.kind {
        case .regex: return 1 + Int(atom.y) / 16
        case .timeOfDay: return 1 + TimeOfDayTest.steps(text.base + firstByte + Int(atom.offset))
        // Each byte that is looked for stands there sixteen times, and two take a step. What EventBridge takes in one
        // field is taken here too: long texts between stars count as short ones, since a text that lacks their
        // beginning ends the search.
        case .wildcard, .wildcardCased: return 1 + min(Int(atom.work) / 32, 7)
        case .containsAny: return 1 + min(Int(atom.work) / 16, 23)
        case .anythingBut:
            let listed = atom.isListed || atom.flags & 2 != 0 ? Int(atom.x) : 0
            let others = listed..<Int(atom.length)
            if atom.flags & 1 != 0, listed == 0 { return 1 + SegmentStore.steps(others.count) }
            return SegmentStore.steps(listed)
                + others.reduce(1) { $0 + work(atoms[firstAtom + Int(atom.offset) + $1], firstAtom, firstByte) }
        default: return 1
        }
    }

    mutating func textAtom(_ kind: Atom.Kind, _ bytes: [UInt8], _ firstByte: Int) -> Atom {
        var atom = Atom(kind)
        atom.length = UInt32(bytes.count)
        atom.offset = UInt32(text.count - firstByte)
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            (atom.x, atom.y) = ByteHash.lead(base, buffer.count)
            // Sixteen bytes and less are in the atom itself.
            if buffer.count > 16 || kind == .wildcard || kind == .wildcardCased || kind == .numberText {
                text.append(contentsOf: base, count: buffer.count)
            }
        }
        return atom
    }

    mutating func caseAtom(
        _ value: CaseText, _ folded: Atom.Kind, _ cased: Atom.Kind, _ firstByte: Int
    ) -> Atom {
        if let lower = value.asciiFolded { return textAtom(folded, lower, firstByte) }
        var atom = Atom(cased)
        atom.offset = UInt32(text.count - firstByte)
        atom.extra = UInt16(truncatingIfNeeded: min(value.alternatives.count, Int(UInt16.max)))
        for alternative in value.alternatives {
            for byte in SegmentStore.entry(alternative) { text.append(byte) }
        }
        atom.length = UInt32(text.count - firstByte) - atom.offset
        return atom
    }

    /// A character's forms as `CaseMatching` reads them: each behind its length, then the length of all this.
    private static func entry(_ alternative: CaseText.Alternative) -> [UInt8] {
        var entry: [UInt8] = []
        for form in [alternative.lower, alternative.upper] {
            entry.append(UInt8(truncatingIfNeeded: form.count))
            entry += form
        }
        return entry + [UInt8(truncatingIfNeeded: entry.count + 1)]
    }

    mutating func flatten(_ test: ValueTest, firstAtom: Int, firstByte: Int) -> Atom {
        switch test {
        case .exact(let bytes): return textAtom(.exact, bytes, firstByte)
        case .numberText(let bytes): return textAtom(.numberText, bytes, firstByte)
        case .prefix(let bytes): return textAtom(.prefix, bytes, firstByte)
        case .suffix(let bytes): return textAtom(.suffix, bytes, firstByte)
        case .equalsIgnoringCase(let value): return caseAtom(value, .equalsFolded, .equalsCased, firstByte)
        case .prefixIgnoringCase(let value): return caseAtom(value, .prefixFolded, .prefixCased, firstByte)
        case .suffixIgnoringCase(let value): return caseAtom(value, .suffixFolded, .suffixCased, firstByte)
        case .wildcard(let wildcard): return flatten(wildcard, firstByte)
        case .number(let value):
            var atom = Atom(.number)
            atom.x = value.bitPattern
            return atom
        case .literal(let literal):
            return Atom(literal == .true ? .true : literal == .false ? .false : .null)
        case .regex(let regex):
            var bytes: [UInt8] = []
            for word in regex.program {
                withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
            }
            bytes += regex.literalPrefix
            var atom = textAtom(.regex, bytes, firstByte)
            atom.x = UInt64(regex.program.count)
            atom.y = UInt64(clamping: regex.cost)
            return atom
        case .wildcardIgnoringCase(let wildcard): return flattenIgnoringCase(wildcard, firstByte)
        case .date(let range):
            var atom = Atom(.date)
            atom.x = UInt64(bitPattern: range.first)
            atom.y = UInt64(bitPattern: range.last)
            return atom
        case .timeOfDay(let range):
            var bytes: [UInt8] = []
            for word in TimeOfDayTest.words(range) {
                withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
            }
            return textAtom(.timeOfDay, bytes, firstByte)
        case .exists: return Atom(.exists)
        case .absent: return Atom(.absent)
        case .range(let range):
            var atom = Atom(.range)
            atom.x = range.low.bitPattern
            atom.y = range.high.bitPattern
            atom.flags = (range.includesLow ? 1 : 0) | (range.includesHigh ? 2 : 0)
            return atom
        case .address(let address): return addressAtom(.address, address, bits: address.bitWidth)
        case .cidr(let block): return addressAtom(.cidr, block.base, bits: block.prefixLength)
        case .anythingBut(let exclusion): return flatten(exclusion, firstAtom: firstAtom, firstByte: firstByte)
        }
    }

    private func addressAtom(_ kind: Atom.Kind, _ address: IPAddress, bits: Int) -> Atom {
        var atom = Atom(kind)
        atom.flags = address.isV6 ? 1 : 0
        atom.extra = UInt16(bits)
        atom.x = address.high
        atom.y = address.low
        return atom
    }

    mutating func flatten(_ wildcard: Wildcard, _ firstByte: Int) -> Atom {
        let segments = wildcard.segments
        if segments.count == 1 { return textAtom(.exact, segments[0], firstByte) }
        if segments.count == 2, segments[1].isEmpty { return textAtom(.prefix, segments[0], firstByte) }
        if segments.count == 2, segments[0].isEmpty { return textAtom(.suffix, segments[1], firstByte) }
        let between = segments.dropFirst().dropLast().map { LiteralSearch.Literal(bytes: $0, others: $0) }
        var encoded: [UInt8] = []
        for segment in segments { appendSegment(segment, to: &encoded) }
        var atom = searchAtom(
            .wildcard, encoded, LiteralSearch.encode([between], .exact), LiteralSearch.laneBytes(between, .exact),
            firstByte)
        atom.extra = UInt16(truncatingIfNeeded: segments.count)
        // The least length of a value that can match.
        atom.x = UInt64(segments.reduce(0) { $0 + $1.count })
        // The length of the last segment.
        atom.y = UInt64(segments.last?.count ?? 0)
        return atom
    }

    private func appendSegment(_ segment: [UInt8], to encoded: inout [UInt8]) {
        for shift in [0, 8, 16, 24] { encoded.append(UInt8(truncatingIfNeeded: segment.count >> shift)) }
        encoded += segment
    }

    private mutating func flattenIgnoringCase(_ wildcard: Wildcard, _ firstByte: Int) -> Atom {
        var encoded: [UInt8] = []
        for segment in wildcard.segments {
            var forms: [UInt8] = []
            for alternative in CaseText.alternatives(of: segment) { forms += SegmentStore.entry(alternative) }
            appendSegment(forms, to: &encoded)
        }
        // Nil if some character's forms cannot be told byte by byte.
        let fixed = wildcard.segments.map(CaseText.byteForms)
        let isFixed = fixed.allSatisfy { $0 != nil } && fixed.count > 1
        let literals = fixed.compactMap(\.self)
        let forms = LiteralSearch.Forms.ignoringCase(literals.dropFirst().dropLast())
        let between = Array(literals.dropFirst().dropLast())
        let search = isFixed ? LiteralSearch.encode([between], forms) : []
        let work = isFixed ? LiteralSearch.laneBytes(between, forms) : 0
        var atom = searchAtom(.wildcardCased, encoded, search, work, firstByte)
        atom.extra = UInt16(truncatingIfNeeded: wildcard.segments.count)
        atom.flags = isFixed ? 1 + forms.rawValue << 1 : 0
        atom.x = UInt64(isFixed ? literals.first?.bytes.count ?? 0 : 0)
        atom.y = UInt64(isFixed ? literals.last?.bytes.count ?? 0 : 0)
        return atom
    }

    /// An atom of segments and of what finds those between the ends.
    private mutating func searchAtom(
        _ kind: Atom.Kind, _ encoded: [UInt8], _ search: [UInt8], _ work: Int, _ firstByte: Int
    ) -> Atom {
        var atom = textAtom(kind, encoded + search, firstByte)
        atom.length = UInt32(encoded.count)
        atom.work = UInt32(clamping: work)
        return atom
    }

    mutating func containsAny(_ group: WildcardGroup, _ firstByte: Int) -> Atom {
        let (program, form) = group.program()
        var bytes = program + group.first + group.last
        for literals in group.literals {
            appendSegment(literals.map(\.bytes).max { $0.count < $1.count } ?? [], to: &bytes)
        }
        var atom = textAtom(.containsAny, bytes, firstByte)
        atom.flags = form.rawValue
        atom.length = UInt32(program.count)
        atom.work = UInt32(clamping: group.laneBytes ?? program.count)
        atom.extra = UInt16(truncatingIfNeeded: group.literals.count)
        (atom.x, atom.y) = (UInt64(group.first.count), UInt64(group.last.count))
        return atom
    }
}
