import CLinux

/// A condition that a string meets wherever it has what is between the stars of one or more wildcards, which all begin
/// and end with one.
///
/// Several of them in one rule are looked for in all fields together, without asking after each whether to go on: each
/// takes a few nanoseconds, and a processor that cannot foretell which of them fails would lose more at every one.
struct SoughtText: BitwiseCopyable {
    let path: Int32
    /// The sequences of literals, of which one is enough; see `LiteralSearch.encode`. None where a field need only be
    /// there.
    private let count: Int32
    private let sequences: UnsafePointer<UInt8>
    private let forms: LiteralSearch.Forms
    /// Whether a string passes that has none: `anything-but` of wildcards.
    private let isNegated: Bool

    /// So many are looked for together at most: where the first fails, the others are looked for in vain.
    static let most = 8
    /// And in so many sub-rules that are filed under one path at most: of more, one after the other fails for what it
    /// failed for the last time, which a processor foretells, and which takes one search each.
    static let mostSubRules = 8

    /// Whether something is looked for.
    var isText: Bool { count > 0 }

    /// Nil for other conditions, and for those that several sub-rules ask, which is remembered.
    init?(_ condition: ConditionRecord, _ store: SegmentStore) {
        if condition.atomCount == 1, condition.memo < 0, store.atoms[Int(condition.firstAtom)].kind == .exists {
            (path, count, forms, isNegated) = (condition.path, 0, .exact, false)
            sequences = UnsafePointer(store.text.base)
            return
        }
        guard let (atom, isExcluded) = SoughtText.text(of: condition, store) else { return nil }
        let program = UnsafePointer(store.program(of: atom, condition))
        switch atom.kind {
        case .wildcard where atom.extra > 2 && atom.y == 0 && ByteHash.half(program) == 0:
            (sequences, count, forms) = (program + Int(atom.length), 1, .exact)
        case .wildcardCased where atom.extra > 2 && atom.x == 0 && atom.y == 0:
            guard let fixed = atom.fixedForms else { return nil }
            (sequences, count, forms) = (program + Int(atom.length), 1, fixed)
        case .containsAny where atom.x == 0 && atom.y == 0:
            guard let form = ContainsAnyForm(rawValue: atom.flags), let sought = form.forms else { return nil }
            (sequences, count, forms) = (program, Int32(atom.extra), sought)
        default: return nil
        }
        path = condition.path
        isNegated = isExcluded
    }

    /// The one test of a condition that a string may pass, and whether it is excluded.
    private static func text(of condition: ConditionRecord, _ store: SegmentStore) -> (Atom, isExcluded: Bool)? {
        guard condition.memo < 0, !condition.allowsAbsence, condition.atomCount <= 8 else { return nil }
        if let excluded = StringTest.excluded(condition, store) { return (excluded, true) }
        var text: Atom?
        for place in 0..<Int(condition.atomCount) {
            let atom = store.atoms[Int(condition.firstAtom) + place]
            switch atom.kind {
            case .number, .numberText, .range, .true, .false, .null: continue
            default:
                guard text == nil else { return nil }
                text = atom
            }
        }
        return text.map { ($0, false) }
    }

    /// Whether each of some conditions holds; nil if that is to be found out one by one, since a field has several
    /// values, or one in an array, or one that is no string, or longer than what is looked through at once.
    @inline(never)
    static func allHold(
        _ first: UnsafeMutablePointer<SoughtText>, _ count: Int, _ scratch: MatchScratch
    ) -> Bool? {
        // Before anything is looked for: what one of the fields leaves to the others' way would be looked for twice.
        for index in 0..<count {
            let sought = first + index
            let entry = scratch.pathValues.base + Int(sought.pointee.path)
            guard entry.pointee.generation == scratch.generation else { return false }
            let value = scratch.values.base + Int(entry.pointee.first)
            guard value.pointee.isOnly, !sought.pointee.isText || value.pointee.isShortText else { return nil }
        }
        var all = true
        for index in 0..<count {
            let sought = first + index
            if !sought.pointee.isText { continue }
            let entry = scratch.pathValues.base + Int(sought.pointee.path)
            let value = scratch.values.base + Int(entry.pointee.first)
            let holds =
                clinux_any_follows(
                    value.pointee.base, Int(value.pointee.length), sought.pointee.sequences,
                    Int(sought.pointee.count), sought.pointee.forms.code) != sought.pointee.isNegated
            all = all && holds
        }
        return all
    }
}

extension FlatValue {
    /// Whether it lies outside arrays, with no value of the same path behind it.
    @inline(__always)
    var isOnly: Bool { next & membership < 0 }

    /// Whether it is a string that is looked through at once.
    @inline(__always)
    var isShortText: Bool { kind == .string && Int(length) <= LiteralSearch.window }
}

/// Those conditions of a sub-rule that are looked for together.
struct SoughtGroup: BitwiseCopyable {
    /// Where they begin among the segment's, and how many they are.
    let first: Int32
    let count: Int32
    /// A bit for each of the sub-rule's conditions that is one of them.
    let positions: UInt32
    /// Whether they are all conditions.
    let isWhole: Bool
    /// See `ConditionRecord.work`.
    let work: UInt32

    /// The first of them, as a position in the sub-rule.
    var position: Int { positions.trailingZeroBitCount }

    @inline(__always)
    func contains(_ position: Int) -> Bool {
        position < UInt32.bitWidth && positions &>> UInt32(truncatingIfNeeded: position) & 1 == 1
    }
}

extension SegmentIndexer {
    /// Finds the sub-rules with conditions that are looked for together, and puts the number of their group behind
    /// their references.
    mutating func markSoughts() -> [UInt32] {
        let soughts = (0..<store.conditions.count).map { SoughtText(store.conditions[$0], store) }
        var found: [(subRule: Int, path: Int32)] = []
        var counts: [Int32: Int] = [:]
        guard soughts.contains(where: { $0?.isText == true }) else { return [] }
        for index in 0..<store.subRules.count {
            let numbers = references(index)
            guard (2...UInt32.bitWidth).contains(numbers.count) else { continue }
            let texts = numbers.count { soughts[Int($0)]?.isText == true }
            guard (1...SoughtText.most).contains(texts), numbers.count(where: { soughts[Int($0)] != nil }) > 1 else {
                continue
            }
            let path = store.conditions[Int(chosen[index])].path
            found.append((index, path))
            counts[path, default: 0] += 1
        }
        found.removeAll { counts[$0.path, default: 0] > SoughtText.mostSubRules }
        for (number, (index, _)) in found.enumerated() {
            let moved = Array(references(index)) + [UInt32(number)]
            store.subRules.base[index].firstCondition = UInt32(store.references.count)
            store.subRules.base[index].setSoughts()
            for number in moved { store.references.append(number) }
        }
        return found.map { UInt32($0.subRule) }
    }

    /// The groups of the sub-rules that were marked, in a store that does not change any more.
    func buildSoughts(_ marked: [UInt32]) -> (groups: Buffer<SoughtGroup>, soughts: Buffer<SoughtText>) {
        var groups = Buffer<SoughtGroup>(capacity: marked.count)
        var soughts = Buffer<SoughtText>()
        for subRule in marked {
            let first = soughts.count
            let numbers = references(Int(subRule))
            var positions: UInt32 = 0
            var work = 0
            for (position, number) in numbers.enumerated() {
                let condition = store.conditions[Int(number)]
                guard let sought = SoughtText(condition, store) else { continue }
                soughts.append(sought)
                positions |= 1 << UInt32(position)
                work += Int(condition.work)
            }
            groups.append(
                SoughtGroup(
                    first: Int32(truncatingIfNeeded: first), count: Int32(truncatingIfNeeded: soughts.count - first),
                    positions: positions, isWhole: soughts.count - first == numbers.count,
                    work: UInt32(clamping: work)))
        }
        soughts.shrink()
        return (groups, soughts)
    }
}

extension ContainsAnyForm {
    /// How sequences of literals are compared; nil for an automaton.
    fileprivate var forms: LiteralSearch.Forms? {
        switch self {
        case .automaton: nil
        case .sequences: .exact
        case .foldedSequences: .folded
        case .casedSequences: .either
        }
    }
}
