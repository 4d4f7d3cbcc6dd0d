import CLinux

/// A condition that is met wherever a string has what is between the stars of one or more wildcards, which all begin
/// and end with one.
///
/// Several of them in one rule are looked for in all fields together, without asking after each whether to go on: each
/// takes a few nanoseconds, and a processor that cannot foretell which of them fails would lose more at every one.
struct SoughtText: BitwiseCopyable {
    let path: Int32
    /// The sequences of literals, of which one is enough; see `LiteralSearch.encode`.
    private let count: Int32
    private let sequences: UnsafePointer<UInt8>
    private let forms: LiteralSearch.Forms
    /// Whether a string passes that has none: `anything-but` of wildcards.
    private let isNegated: Bool

    /// So many are looked for together at most: where the first fails, the others are looked for in vain.
    static let most = 8

    /// Nil for other conditions, and for those that several sub-rules ask, which is remembered.
    init?(_ condition: ConditionRecord, _ store: SegmentStore) {
        guard condition.atomCount == 1, condition.memo < 0 else { return nil }
        let excluded = StringTest.excluded(condition, store)
        let atom = excluded ?? store.atoms[Int(condition.firstAtom)]
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
        isNegated = excluded != nil
    }

    /// What all conditions of a sub-rule look for, if all of them do.
    static func all(of subRule: SubRule, _ store: SegmentStore) -> [SoughtText]? {
        guard (2...most).contains(subRule.conditionCount) else { return nil }
        var all: [SoughtText] = []
        for position in 0..<subRule.conditionCount {
            let number = store.references[Int(subRule.firstCondition) + position]
            guard let sought = SoughtText(store.conditions[Int(number)], store) else { return nil }
            all.append(sought)
        }
        return all
    }

    /// Whether each of some conditions holds; nil if that is to be found out one by one, since a field has several
    /// values, or one in an array, or one that is no string, or longer than what is looked through at once.
    @inline(never)
    static func allHold(
        _ first: UnsafeMutablePointer<SoughtText>, _ count: Int, _ scratch: MatchScratch
    ) -> Bool? {
        var all = true
        for index in 0..<count {
            let sought = first + index
            let entry = scratch.pathValues.base + Int(sought.pointee.path)
            guard entry.pointee.generation == scratch.generation else { return false }
            let value = scratch.values.base + Int(entry.pointee.first)
            let length = Int(value.pointee.length)
            guard value.pointee.next < 0, value.pointee.membership < 0, value.pointee.kind == .string,
                length <= LiteralSearch.window
            else { return nil }
            let holds =
                clinux_any_follows(
                    value.pointee.base, length, sought.pointee.sequences, Int(sought.pointee.count),
                    sought.pointee.forms.code) != sought.pointee.isNegated
            all = all && holds
        }
        return all
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
